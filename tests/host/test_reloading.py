"""A new configuration is swapped in, or changes nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from textwrap import dedent

from ffhost.config.watcher import ConfigWatcher, fingerprint_config_files
from ffhost.testing import Client
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CODE = """
import ffhost, threading
loads = globals().get("loads", 0) + 1
events = []
gate = threading.Event()

@ffhost.on_startup
def begin():
    events.append("start")

def f(request):
    return f"f {ffhost.current().config.get('n')} {loads} {events}"

def g(request):
    return "g"

def wait(request):
    gate.wait(5)
    return f"waited {ffhost.current().config['n']}"

def open_gate(request):
    gate.set()
    return "open"
"""
CONFIG = """
functions:
  f: {target: "main.py:f", config: {n: 1}}
  wait: {target: "main.py:wait", config: {n: 1}}
  open: {target: "main.py:open_gate"}
"""


def rewrite(tmp_path: Path, host: Client, config: str) -> bool:
    (tmp_path / "functions.yaml").write_text(dedent(config))
    return host.service.reload()


def test_values_paths_and_functions_change_and_no_module_is_imported_twice(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/f").text == "f 1 1 ['start']"
    revision = host.service.config.revision
    assert rewrite(
        tmp_path,
        host,
        """
        functions:
          f: {target: "main.py:f", path: /moved, config: {n: 2}}
          g: {target: "main.py:g"}
        """,
    )
    assert host.get("/moved").text == "f 2 1 ['start']"
    assert host.get("/g").text == "g"
    assert host.get("/f").status == 404
    assert host.get("/wait").status == 404
    assert host.service.config.revision != revision


TAKING = """
import dataclasses, ffhost, flask

@dataclasses.dataclass
class Order:
    number: str
    size: str = "none"

def take(order: Order):
    return f"{order.number} {order.size} {ffhost.current().remaining > 9}"

def tell(request):
    return type(request).__module__.partition(".")[0] + " " + request.path

def other(request):
    return "other"

def change(request):
    globals()["tell"] = other
    return "changed"
"""


def test_what_a_codec_is_made_of_changes_with_a_reload(serve: Serve, tmp_path: Path) -> None:
    def served(take: str, tell: str) -> str:
        return f"""
functions:
  take: {{target: "main.py:take", {take}}}
  tell: {{target: "main.py:tell", {tell}}}
  change: {{target: "main.py:change"}}
"""

    host = serve(TAKING, served("path: '/orders/{number}'", "request: ffhost"))
    assert host.post("/orders/7", json={}).text == "7 none True"
    assert host.get("/tell").text == "ffhost /tell"
    orders = "path: '/orders/{number}', timeout: 5s"
    assert rewrite(tmp_path, host, served(orders, "path: '/t/{x}'"))
    assert host.post("/orders/7", json={}).text == "7 none False"
    assert host.get("/t/1").text == "flask /t/1"
    assert rewrite(tmp_path, host, served("path: '/{size}'", "path: '/t/{x}', strip_path: true"))
    assert host.post("/L", json={"number": "8"}).text == "8 L True"
    assert host.get("/t/1").text == "flask /"
    assert host.get("/change").text == "changed"
    assert host.get("/t/1").text == "flask /"
    same = "path: '/t/{x}', strip_path: true, timeout: 7s"
    assert rewrite(tmp_path, host, served("path: '/{size}'", same))
    assert host.get("/t/1").text == "other"
    assert not rewrite(tmp_path, host, served("signature: event", "request: ffhost"))
    assert host.post("/L", json={"number": "8"}).text == "8 L True"


def test_an_invalid_configuration_changes_nothing(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    revision = host.service.config.revision
    assert not rewrite(tmp_path, host, "functions:\n  f: {target: 'main.py:f', timeuot: 1s}\n")
    assert not rewrite(tmp_path, host, "functions:\n  f: {target: 'main.py:nothing'}\n")
    assert not rewrite(tmp_path, host, "{")
    assert host.get("/f").text == "f 1 1 ['start']"
    assert host.service.config.revision == revision
    assert (host.service.reloads_good, host.service.reloads_bad) == (0, 3)
    assert "functions.yaml" in str(host.service.reload_error)
    assert rewrite(tmp_path, host, CONFIG.replace("n: 1", "n: 3"))
    assert host.get("/f").text.startswith("f 3")
    assert host.service.reload_error is None


def test_calls_in_flight_end_on_the_host_that_they_began_on(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(host.get("/wait").text))
    caller.start()
    assert eventually(lambda: host.service.in_flight == 1)
    assert rewrite(tmp_path, host, CONFIG.replace("n: 1", "n: 2"))
    assert host.service.in_flight == 1
    host.get("/open")
    caller.join(5)
    assert answers == ["waited 1"]
    assert host.get("/wait").text == "waited 2"


def test_a_kill_switch_works_without_a_restart(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    off = CONFIG.replace('{target: "main.py:f",', '{target: "main.py:f", enabled: false,')
    assert rewrite(tmp_path, host, off)
    assert host.get("/f").status == 503
    assert rewrite(tmp_path, host, CONFIG)
    assert host.get("/f").status == 200


def test_slots_are_kept_over_a_reload(serve: Serve, tmp_path: Path) -> None:
    limited = CONFIG.replace('{target: "main.py:wait",', '{target: "main.py:wait", concurrency: 1,')
    host = serve(CODE, limited)
    slots = host.service.host.functions["wait"].slots
    assert rewrite(tmp_path, host, limited.replace("n: 1", "n: 2"))
    assert host.service.host.functions["wait"].slots is slots
    assert not rewrite(tmp_path, host, limited.replace("concurrency: 1", "concurrency: 7") + "x: 1")
    assert slots.concurrency == 1
    assert rewrite(tmp_path, host, limited.replace("concurrency: 1", "concurrency: 7"))
    assert slots.concurrency == 7


def test_hooks_of_a_removed_function_run_after_its_last_call(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "main.py").write_text(
        "import ffhost, pathlib\n"
        "@ffhost.on_shutdown\n"
        "async def end():\n"
        "    pathlib.Path(__file__).with_name('ended').touch()\n"
        "def f(request): return 'other'\n"
    )
    host = serve(CODE, CONFIG + '  other: {target: "other/main.py:f"}\n')
    assert host.get("/other").text == "other"
    assert rewrite(tmp_path, host, CONFIG)
    assert eventually((tmp_path / "other" / "ended").exists)


ORDER = """
import ffhost, pathlib

def note(name):
    with pathlib.Path(__file__).with_name("order").open("a") as file:
        file.write(name + " ")

@ffhost.on_startup
def one(): note("start-one")

@ffhost.on_startup
def two(): note("start-two")

@ffhost.on_shutdown
def three(): note("stop-three")

@ffhost.on_shutdown
async def four(): note("stop-four")

def f(request): return "other"
"""


def test_hooks_of_a_removed_function_run_in_the_order_in_which_a_stop_runs_them(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "main.py").write_text(ORDER)
    order = tmp_path / "other" / "order"
    with_other = CONFIG + '  other: {target: "other/main.py:f"}\n'
    host = serve(CODE, with_other)
    assert rewrite(tmp_path, host, CONFIG)
    wanted = "start-one start-two stop-four stop-three "
    assert eventually(lambda: len(order.read_text()) >= len(wanted))
    assert order.read_text() == wanted
    assert rewrite(tmp_path, host, with_other)  # its hooks run again when it comes back
    host.service.stop()
    assert order.read_text() == wanted * 2


def test_a_reload_of_what_has_not_changed_is_none(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(ORDER)
    config = 'server: {on_startup: ["hooks.py:one"], on_shutdown: ["hooks.py:three"]}' + CONFIG
    host = serve(CODE, config)
    served, order = host.service.host, tmp_path / "order"
    assert order.read_text() == "start-one "
    assert rewrite(tmp_path, host, config + "# a comment says nothing\n")
    assert host.service.host is served
    assert (host.service.reloads_good, host.service.last_reload) == (0, None)
    assert host.get("/f").text == "f 1 1 ['start']"
    assert order.read_text() == "start-one "


def test_a_failed_start_up_hook_of_a_new_function_refuses_the_reload(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(
        "import ffhost\n@ffhost.on_startup\ndef boom(): 1 / 0\ndef f(request): return ''\n"
    )
    host = serve(CODE, CONFIG)
    assert not rewrite(tmp_path, host, CONFIG + '  bad: {target: "bad.py:f"}\n')
    assert "boom" in str(host.service.reload_error)
    assert host.get("/f").status == 200


def mount(folder: Path, version: str, text: str) -> None:
    """Update a folder as Kubernetes updates a ConfigMap: turn the link ``..data``."""
    (folder / version).mkdir(parents=True)
    (folder / version / "functions.yaml").write_text(text)
    (folder / "..new").symlink_to(version)
    (folder / "..new").replace(folder / "..data")
    link = folder / "functions.yaml"
    if not link.is_symlink():
        link.symlink_to("..data/functions.yaml")


def test_a_turned_link_a_replaced_file_and_a_missing_file_are_changes(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    mount(folder, "..1", "a")
    seen = [
        fingerprint_config_files([folder]),
        fingerprint_config_files([folder / "functions.yaml"]),
    ]
    mount(folder, "..2", "b")
    assert fingerprint_config_files([folder]) != seen[0]
    assert fingerprint_config_files([folder / "functions.yaml"]) != seen[1]
    mount(folder, "..3", "a")
    assert [
        fingerprint_config_files([folder]),
        fingerprint_config_files([folder / "functions.yaml"]),
    ] == seen
    (folder / "functions.yaml").unlink()
    assert fingerprint_config_files([folder / "functions.yaml"]) != seen[1]


def test_the_watcher_calls_once_for_each_change(tmp_path: Path) -> None:
    file = tmp_path / "functions.yaml"
    file.write_text("a")
    changes: list[int] = []
    watcher = ConfigWatcher(lambda: [file], lambda: changes.append(1), lambda: 0.01)
    watcher.start()
    for text in ("b", "c"):
        before = len(changes)
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(file)
        assert eventually(lambda before=before: len(changes) == before + 1)
    file.touch()
    watcher.look()
    watcher.stop()
    assert len(changes) == 2


def test_a_change_that_comes_while_a_change_is_read_is_seen_next_time(tmp_path: Path) -> None:
    file = tmp_path / "functions.yaml"
    file.write_text("a")
    texts: list[str] = []

    def read() -> None:
        texts.append(file.read_text())
        if texts[-1] == "b":
            file.write_text("c")

    watcher = ConfigWatcher(lambda: [file], read, lambda: 1.0)
    file.write_text("b")
    for _ in range(3):
        watcher.look()
    assert texts == ["b", "c"]


def test_a_change_is_seen_however_long_nothing_had_changed(tmp_path: Path) -> None:
    file = tmp_path / "functions.yaml"
    file.write_text("0")
    changes: list[int] = []
    watcher = ConfigWatcher(lambda: [file, tmp_path], lambda: changes.append(1), lambda: 1.0)
    for number in range(1, 6):
        for _ in range(number * 7):
            watcher.look()
        times = file.stat()
        file.write_text(str(number))  # as long as before, and as old
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        watcher.look()
        assert len(changes) == number


def test_a_change_between_reading_and_watching_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "functions.yaml"
    file.write_text("a")
    read = fingerprint_config_files([file])
    file.write_text("b")
    changes: list[int] = []
    watcher = ConfigWatcher(lambda: [file], lambda: changes.append(1), lambda: 1.0, read)
    watcher.look()
    assert changes == [1]
