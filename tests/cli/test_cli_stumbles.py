"""What stops a newcomer, each with what is said of it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from ffhost.cli.banner import banner_network_url
from ffhost.cli.code_watcher import folders_of_imported_code
from ffhost.cli.commands.dev import _other_port
from ffhost.cli.commands.serve import wants_serve_reload
from ffhost.cli.full_check import load_for_check_command
from ffhost.cli.options import command_sources
from ffhost.config import ConfigSources, load_config
from ffhost.config.terminal import wants_color
from ffhost.errors import ConfigError, LoadError
from ffhost.loading.targets import resolve_target
from ffhost.server import ListeningAddress
from ffhost.server.worker_channel import worker_failure_text
from tests.commands import ffhost, project

CONFIG = "functions: {hello: {target: 'main.py:hello'}}\n"


def test_code_that_is_not_watched_is_told_with_the_extra_in_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)  # not installed
    assert not wants_serve_reload({"debug": True, "reload": False})
    assert capsys.readouterr().err == (
        "ffhost: code is not watched; to serve changes at once: pip install 'ffhost[reload]'\n"
    )
    project(tmp_path, CONFIG, main="def hello(request): ...")
    ran = ffhost("serve", "--reload", cwd=tmp_path)
    assert (ran.status, ran.err) == (
        1,
        "ffhost: --reload needs watchfiles: pip install 'ffhost[reload]'\n",
    )


def test_a_port_that_is_taken_is_passed_over_while_developing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        project(tmp_path, f"server: {{port: {port}}}\n{CONFIG}", main="def hello(request): ...")
        free = _other_port(load_config(ConfigSources("functions.yaml", cwd=tmp_path)))
        assert free is not None
        assert capsys.readouterr().err == f"ffhost: port {port} is taken; using {free}\n"
    assert _other_port(load_config(ConfigSources("functions.yaml", cwd=tmp_path))) is None


def test_addresses_can_be_clicked() -> None:
    everywhere = ListeningAddress("public", ("0.0.0.0", 8080))
    assert everywhere.local_url == "http://localhost:8080"
    network = banner_network_url([everywhere])
    assert network is None or network.endswith(":8080")  # None: this machine has no network
    assert banner_network_url([ListeningAddress("public", ("127.0.0.1", 8080))]) is None


def test_code_that_has_changed_since_it_was_loaded_is_told_as_that(tmp_path: Path) -> None:
    file = tmp_path / "main.py"
    file.write_text("def hello(request): ...\n")
    resolve_target("main.py:hello", None, tmp_path)
    file.write_text("def hello(request): ...\ndef new(request): ...\n")
    with pytest.raises(LoadError, match=r"main\.py has changed since it was loaded") as raised:
        resolve_target("main.py:new", None, tmp_path)
    assert "does not define" not in raised.value.message


@pytest.mark.parametrize("reading", [(), ("--no-import",)])
def test_a_file_that_does_not_load_is_one_error_however_many_functions_it_hits(
    tmp_path: Path, reading: tuple[str, ...]
) -> None:
    config = """
    functions:
      one: {target: 'main.py:one'}
      two: {target: two, source: main.py}
      three: {target: 'main.py:three'}
      other: {target: 'other.py:other'}
    """
    broken = "def one(request:\n    return 'one'\n"
    project(tmp_path, config, main=broken, other="def other(request): ...")
    assert ffhost("check", *reading, cwd=tmp_path).err == (
        "functions.yaml:2:17: functions.one.target: main.py:1: syntax error: "
        "'(' was never closed\n"
        "      one: {target: 'main.py:one'}\n"
        "                    ^\n"
        "  note: def one(request:\n"
        "  note: it also keeps from loading: two, three\n"
    )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            "x = 1\ndef hello(request:\n",
            "main.py:2: syntax error: '(' was never closed\n  note: def hello(request:\n",
        ),
        (
            "x = 1 / 0\n",
            "main.py:1: main.py raises ZeroDivisionError when it is imported: division by zero\n"
            "  note: x = 1 / 0\n",
        ),
        (
            "import fn_missing\n",
            "main.py:1: main.py was found, but it imports 'fn_missing', which is not installed\n"
            "  note: import fn_missing\n",
        ),
    ],
    ids=["syntax error", "crash", "missing import"],
)
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_where_code_is_watched_an_error_begins_with_the_line_of_the_user(
    tmp_path: Path, source: str, shown: str, isolation: str
) -> None:
    config = f"functions: {{hello: {{target: 'main.py:hello', isolation: {isolation}}}}}\n"
    project(tmp_path, config, main=source)
    read = load_config(ConfigSources("functions.yaml", cwd=tmp_path))
    with pytest.raises(ConfigError) as raised, load_for_check_command(read):
        pass
    text = worker_failure_text(raised.value, developing=True)
    place = "  note: functions.yaml:1:29: functions.hello.target\n"
    assert text.partition("  hint: ")[0] == shown + place


@pytest.mark.parametrize(
    ("target", "beside", "library"),
    [
        ("fn/main.py:hello", "import beside", "fn_library_of_a_file"),
        ("fn.main:hello", "from fn import beside", "fn_library_of_a_module"),
    ],
)
def test_all_folders_that_a_function_imports_from_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, beside: str, library: str
) -> None:
    main = f"{beside}\nimport {library}\ndef hello(request): ...\n"
    project(tmp_path / "fn", "", main=main, beside="")
    project(tmp_path / "lib" / library, "", __init__=f"from {library}.deep import inner")
    project(tmp_path / "lib" / library / "deep", "", inner="")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    resolve_target(target, None, tmp_path)
    imported = {"fn", f"lib/{library}", f"lib/{library}/deep"}
    assert {str(tmp_path / each) for each in imported} <= set(folders_of_imported_code())


def test_force_color_is_heeded_and_no_color_counts_more() -> None:
    assert wants_color(False, {"FORCE_COLOR": "1"})
    assert not wants_color(False, {})
    assert not wants_color(True, {"FORCE_COLOR": "1", "NO_COLOR": "1"})


@pytest.mark.parametrize(("option", "level"), [("verbose", "debug"), ("quiet", "warning")])
def test_a_word_says_how_much_is_logged(option: str, level: str) -> None:
    flags = command_sources({option: True}).flags
    assert flags["logging.level"] == (f"--{option}", level)


def test_a_no_break_space_and_a_unit_of_another_kind_are_told(tmp_path: Path) -> None:
    project(tmp_path, f"server: {{max_body_size: 1G}}\ndefaults: {{timeout: 5\xa0s}}\n{CONFIG}")
    told = ffhost("check", "--no-import", cwd=tmp_path).err
    assert "remove the no-break space, which looks like a space" in told
    assert "server.max_body_size" in told
