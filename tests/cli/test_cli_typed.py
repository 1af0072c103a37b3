"""What fingers type: files and functions after ``serve``, other tools' words, values of options."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ffhost.cli.commands.serve import prepare_serve_options
from ffhost.cli.development_files import echo_dotenv_option
from ffhost.cli.exit_messages import WrongCommandUse
from ffhost.cli.options import command_sources
from ffhost.cli.typed_targets import TypedFileFunctions
from ffhost.config import LoadedConfig, load_config
from ffhost.errors import ConfigError
from tests.commands import ffhost, project

MANY = "import ffhost\n@ffhost.http\ndef a(request): ...\n@ffhost.http\ndef b(request): ...\n"
NONE = {
    **dict.fromkeys(("config", "target", "source", "signature_type", "asgi"), None),
    **dict.fromkeys(("debug", "sets"), None),
}


def prepared(folder: Path, what: str | None, **options: Any) -> dict[str, Any]:
    before = Path.cwd()
    os.chdir(folder)
    given = {**NONE, **options}
    try:
        prepare_serve_options(what, given)
    finally:
        os.chdir(before)
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FFHOST_CONFIG", "FUNCTION_TARGET"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "main.py").write_text("def hello(request): ...\ndef _helper(request): ...\n")
    (tmp_path / "many.py").write_text(MANY)
    (tmp_path / "plain.py").write_text(MANY.replace("@ffhost.http", ""))
    (tmp_path / "none.py").write_text("X = 1\n")
    (tmp_path / "bad.py").write_text("def f(:\n")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("main.py", {"listing": TypedFileFunctions("main.py")}),
        ("main.py:hello", {"target": "main.py:hello"}),
        ("shop.orders:create", {"target": "shop.orders:create"}),
        ("hello", {"target": "hello"}),
        ("other.yaml", {"config": "other.yaml"}),
        (".", {"config": "."}),
    ],
)
def test_what_is_typed_after_serve_is_what_is_served(
    folder: Path, typed: str, options: dict[str, str]
) -> None:
    assert prepared(folder, typed) == options


def test_a_function_is_one_of_the_configuration_where_there_is_one(folder: Path) -> None:
    project(folder, "functions: {hello: {target: 'main.py:hello'}}")
    assert prepared(folder, "hello") == {"target": "hello", "config": "functions.yaml"}
    given = {"target": "hello", "source": "main.py"}
    assert prepared(folder, "hello", source="main.py") == given


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "plain.py",
            "plain.py defines a, b, and none is decorated\n  hint: ffhost serve plain.py:a "
            "serves one; with @ffhost.http above each, ffhost serve plain.py serves them all",
        ),
        (
            "none.py",
            "none.py defines no function that looks like one to serve\n"
            "  hint: name it: ffhost serve none.py:NAME",
        ),
        ("bad.py", "bad.py:1: syntax error: invalid syntax"),
        (
            "mian.py",
            "no file 'mian.py'\n  hint: here are: bad.py, main.py, many.py, none.py, plain.py",
        ),
    ],
)
def test_a_file_that_does_not_say_which_function_is_meant_is_told(
    folder: Path, typed: str, message: str
) -> None:
    with pytest.raises(WrongCommandUse) as raised:
        prepared(folder, typed)
    assert str(raised.value) == message


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> LoadedConfig:
    monkeypatch.chdir(folder)
    given = {**NONE}
    prepare_serve_options(typed, given)
    return load_config(command_sources(given))


def test_the_only_function_of_a_file_is_served_at_every_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = loaded(folder, monkeypatch, "main.py")
    assert (config.framework_target, config.settings.functions["hello"].path) == ("hello", "/")


def test_all_decorated_functions_of_a_file_are_served_each_under_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "many.py").write_text(f"{MANY}def c(request): ...\n")
    config = loaded(folder, monkeypatch, "many.py")
    functions = config.settings.functions
    assert {name: each.target for name, each in functions.items()} == {
        "a": "many.py:a",
        "b": "many.py:b",
    }
    assert (config.single, [config.settings.function(each).path for each in functions]) == (
        None,
        ["/a", "/b"],
    )


def test_a_function_that_is_decorated_later_is_served_after_a_reload(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    given = {**NONE}
    prepare_serve_options("many.py", given)
    (folder / "many.py").write_text(MANY + "@ffhost.http\ndef new(request): ...\n")
    config = load_config(command_sources(given))
    assert list(config.settings.functions) == ["a", "b", "new"]
    (folder / "many.py").write_text("X = 1\n")
    with pytest.raises(ConfigError, match=r"^many.py defines no function that looks like"):
        load_config(command_sources(given))


def test_a_file_is_checked_and_listed_as_it_would_be_served(folder: Path) -> None:
    assert ffhost("check", "many.py", cwd=folder).out.startswith("no problems: 2 functions loaded")
    listed = ffhost("functions", "many.py", "--format", "json", cwd=folder).out
    assert [each["path"] for each in json.loads(listed)] == ["/a", "/b"]
    assert ffhost("check", "plain.py", cwd=folder).status == 2


def test_a_file_of_a_src_layout_is_checked_and_called_as_part_of_its_package(
    tmp_path: Path,
) -> None:
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "prices.py").write_text("price = 3\n")
    (package / "api.py").write_text(
        "from shop.prices import price\ndef hello(request): return str(price)\n"
    )
    checked = ffhost("check", "src/shop/api.py", cwd=tmp_path)
    assert (checked.status, checked.err) == (0, "")
    called = ffhost("invoke", "src/shop/api.py:hello", cwd=tmp_path)
    assert (called.status, called.out.strip()) == (0, "3")


def test_what_contradicts_an_option_is_told(folder: Path) -> None:
    with pytest.raises(WrongCommandUse, match="'hello' and --target 'bye' contradict each other"):
        prepared(folder, "hello", target="bye")
    with pytest.raises(
        WrongCommandUse, match=r"'many\.py' and --signature-type 'event' contradict"
    ):
        prepared(folder, "many.py", signature_type="event")
    with pytest.raises(WrongCommandUse, match=r"'x\.yaml' and --config 'y\.yaml' contradict"):
        prepared(folder, "x.yaml", config="y.yaml")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("run", "ffhost serve"),
        ("list", "ffhost functions"),
        ("k8s", "ffhost export kubernetes"),
        ("lsit", "ffhost functions"),
        ("migrate", "ffhost init --from-functions-framework"),
    ],
)
def test_the_words_of_other_tools_are_told(folder: Path, typed: str, meant: str) -> None:
    assert ffhost(typed, cwd=folder).err == (
        f"ffhost: no such command {typed!r}; did you mean {meant!r}?\n"
        "  hint: 'ffhost --help' lists the commands\n"
    )


def test_what_is_typed_after_invoke_is_called(folder: Path) -> None:
    (folder / "main.py").write_text("def hello(request): return 'hi'\n")
    for typed in ("main.py:hello", "main.py", "hello"):
        assert ffhost("invoke", typed, cwd=folder).out == "hi\n"
    assert "which function?\n  hint: there are a, b" in ffhost("invoke", "many.py", cwd=folder).err
    (folder / "data.json").write_text('{"of": "a file"}')
    (folder / "told.py").write_text("def told(request): return request.get_json()['of']\n")
    assert ffhost("invoke", "told.py", "--data", "@data.json", cwd=folder).out == "a file\n"


def test_a_platform_is_known_by_its_other_names(folder: Path) -> None:
    project(folder, "functions: {hello: {target: 'main.py:hello'}}")
    assert "kind: Deployment" in ffhost("export", "k8s", cwd=folder).out
    assert ffhost("export", cwd=folder).err.splitlines()[0] == (
        "ffhost export: missing argument 'PLATFORM'. It is one of kubernetes, knative, cloudrun, "
        "compose"
    )


def test_the_image_that_is_built_is_the_one_that_manifests_name(folder: Path) -> None:
    project(folder, "functions: {hello: {target: 'main.py:hello'}}")
    (command,) = (
        line.split() for line in ffhost("build", cwd=folder).out.splitlines() if "docker" in line
    )
    image = command[command.index("-t") + 1]
    assert f"image: {image}\n" in ffhost("export", "kubernetes", cwd=folder).out


def test_a_file_that_is_not_there_is_told_with_the_one_that_is(folder: Path) -> None:
    project(folder, "functions: {hello: {target: 'main.py:hello'}}")
    assert ffhost("check", "functions.yml", cwd=folder).err == (
        "-c functions.yml: no such file: 'functions.yml'\n  hint: did you mean 'functions.yaml'?\n"
    )


# While developing.


def developing(repository: Path, inner: Path, **options: Any) -> tuple[dict[str, Any], Any]:
    (repository / ".git").mkdir(exist_ok=True)
    inner.mkdir(parents=True, exist_ok=True)
    given = prepared(inner, None, debug=True, **options)
    before = Path.cwd()
    os.chdir(inner)
    try:
        return given, load_config(command_sources(given))
    finally:
        os.chdir(before)


CONFIG = "functions: {hello: {target: 'main.py:hello', config: {key: '${KEY}'}}}"


def test_the_configuration_is_searched_upward_to_the_root_of_the_repository(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(folder, CONFIG)
    (folder / ".env").write_text("KEY=of the file\n")
    given, config = developing(folder, folder / "a/b")
    assert given["config"] == "../../functions.yaml"
    assert capsys.readouterr().err == "ffhost: using ../../functions.yaml\n"
    assert config.settings.functions["hello"].config == {"key": "of the file"}
    assert echo_dotenv_option(config, command_sources(given)) == ["--set", "env_file=.env"]
    assert capsys.readouterr().err == "ffhost: reading .env beside ../../functions.yaml\n"


def test_nothing_above_the_repository_is_taken(folder: Path) -> None:
    project(folder, CONFIG)
    (folder / "a/.git").mkdir(parents=True)
    assert "config" not in prepared(folder / "a", None, debug=True)
    (folder / "b").mkdir()
    assert "config" not in prepared(folder / "b", None, debug=True)  # no repository at all
    (folder / ".git").mkdir()
    assert "config" not in prepared(folder / "b", None)  # not while developing


def test_an_env_file_that_is_named_is_read_instead(folder: Path) -> None:
    project(folder, f"env_file: app.env\n{CONFIG}")
    (folder / ".env").write_text("KEY=beside\n")
    (folder / "app.env").write_text("KEY=named\n")
    given, config = developing(folder, folder)
    assert config.settings.functions["hello"].config == {"key": "named"}
    assert echo_dotenv_option(config, command_sources(given)) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ffhost serve --log-level w", ["plain,warning"]),
        ("ffhost dev --log-format ", ["plain,json", "plain,console"]),
        ("ffhost check --signature-type t", ["plain,typed"]),
        ("ffhost serve -c ", ["file,"]),
        ("ffhost serve gr", ["plain,greet", "file,gr"]),
        ("ffhost export k", ["plain,kubernetes", "plain,knative"]),
        ("ffhost init --template m", ["plain,mixed"]),
    ],
)
def test_values_of_options_are_completed(folder: Path, words: str, found: list[str]) -> None:
    project(folder, "functions: {greet: {target: 'm.py:g'}}")
    environ = {
        "_FFHOST_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    assert ffhost(cwd=folder, environ=environ).out.splitlines() == found


def test_the_script_for_zsh_loads_what_a_bare_zshrc_does_not(folder: Path) -> None:
    script = ffhost("completion", "zsh", cwd=folder).out
    assert script.startswith("#compdef ffhost\n")
    assert script.index("autoload -Uz compinit && compinit -i") < script.index("compdef _ffhost")


SHELLS = {
    # A bare ~/.zshrc: nothing has called compinit.
    "zsh": ("-f", "-c", 'eval "$(ffhost completion zsh)" && print $_comps[ffhost]'),
    "fish": ("-N", "-c", "ffhost completion fish | source; complete -C 'ffhost serve gr'"),
}


@pytest.mark.parametrize(("shell", "written"), [("zsh", "_ffhost_completion"), ("fish", "greet")])
def test_a_bare_shell_takes_its_script_without_an_error(
    folder: Path, shell: str, written: str
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    project(folder, "functions: {greet: {target: 'm.py:g'}}")
    bin = Path(sys.executable).parent
    ran = subprocess.run(
        [program, *SHELLS[shell]],
        cwd=folder,
        env={"HOME": str(folder), "PATH": f"{bin}:/usr/bin:/bin", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout.partition("\t")[0].strip(), ran.stderr) == (written, "")
