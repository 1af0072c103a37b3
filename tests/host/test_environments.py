"""Each function has its own environment variables: at import, in hooks, calls and threads."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ffhost.testing import Client, client
from tests.conftest import Serve
from tests.serving import server

CODE = """
import asyncio, ctypes, os, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from os import environ
import ffhost

AT_IMPORT = environ["WHO"]
AT_START = []
pool = None

@ffhost.on_startup
def started():
    AT_START.append(os.environ["WHO"])
    thread = threading.Thread(target=lambda: AT_START.append(os.getenv("WHO")))
    thread.start()
    thread.join()

def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]

def who():
    return os.environ["WHO"]

def in_pool():
    global pool
    if pool is None:
        pool = ThreadPoolExecutor(2)
    return pool.submit(who).result()

def printed(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip()

def look(how):
    match how:
        case "call": return who()
        case "import": return AT_IMPORT
        case "hooks": return AT_START
        case "names": return sorted(k for k in os.environ if k in ("WHO", "ONLY_HOST"))
        case "copy":
            return [dict(environ)["WHO"], (environ | {})["WHO"], repr(environ).count("WHO")]
        case "expand": return os.path.expandvars("$WHO")
        case "self": return [environ["FUNCTION_TARGET"], environ["FUNCTION_SIGNATURE_TYPE"]]
        case "thread": return in_thread(who)
        case "pool": return in_pool()
        case "popen": return printed("echo $WHO")
        case "given":
            return subprocess.run(["env"], env={"A": "b"}, capture_output=True).stdout.decode()
        case "system":
            mine = os.system('test "$WHO" = ' + who())
            return [mine, os.system("exit 3") >> 8, os.system("kill -9 $$")]
        case "write":
            os.environ["WHO"] = "written"; os.environ["ONLY_HOST"] = "changed"
            return [os.environ["WHO"], os.environ["ONLY_HOST"]]
        case "delete":
            del os.environ["WHO"]
            return [os.environ.get("WHO"), "WHO" in os.environ, printed("echo $WHO")]
        case "environb": return os.environb.get(b"WHO", b"").decode()
        case "getenv":
            libc = ctypes.CDLL(None); libc.getenv.restype = ctypes.c_char_p
            return (libc.getenv(b"WHO") or b"").decode()
        case "spawnv":
            return os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", 'test "$WHO" = ' + who()])
        case "library": return library(os.environ.get, "WHO")
    raise KeyError(how)

def library(work, *args):
    import a_thread_library
    return a_thread_library.in_thread(work, *args)

def sync(request):
    return {"found": look(request.args["how"])}

async def coroutine(request):
    how = request.args["how"]
    if how == "task": return {"found": await asyncio.create_task(asyncio.sleep(0, who()))}
    if how == "to_thread": return {"found": await asyncio.to_thread(who)}
    if how == "executor":
        return {"found": await asyncio.get_running_loop().run_in_executor(None, who)}
    if how == "subprocess":
        child = await asyncio.create_subprocess_exec("sh", "-c", "echo $WHO", stdout=-1)
        loop = type(asyncio.get_running_loop()).__module__
        return {"found": (await child.communicate())[0].decode().strip(), "loop": loop}
    if how == "shell":
        child = await asyncio.create_subprocess_shell("echo $WHO", stdout=-1)
        return {"found": (await child.communicate())[0].decode().strip()}
    return {"found": look(how)}
"""
CONFIG = """
logging: {format: json, invocations: false}
functions:
  one: {target: "main.py:sync", env: {WHO: one}}
  two: {target: "main.py:sync", env: {WHO: two}}
  one-async: {target: "main.py:coroutine", env: {WHO: one}}
  two-async: {target: "main.py:coroutine", env: {WHO: two}}
"""
LIBRARY = """
import threading
def in_thread(work, *args):
    found = []
    thread = threading.Thread(target=lambda: found.append(work(*args)))
    thread.start(); thread.join()
    return found[0]
"""


@pytest.fixture
def host(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Client:
    """Serve two functions of one file, each as plain and as coroutine function."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "a_thread_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("ONLY_HOST", "host")
    monkeypatch.setenv("WHO", "process")
    return serve(CODE, CONFIG)


def found(host: Client, function: str, how: str) -> object:
    """Return what the function finds when it looks in one way."""
    answer = host.get(f"/{function}?how={how}")
    assert answer.status == 200, answer.text
    return answer.json()["found"]


FUNCTIONS = ("one", "two", "one-async", "two-async")


@pytest.mark.parametrize("how", ["call", "import", "thread", "pool", "popen", "expand"])
def test_each_function_finds_its_own_variables(host: Client, how: str) -> None:
    """At import, in a call, a thread, a lazy pool of the module, and in a program."""
    assert [found(host, name, how) for name in FUNCTIONS] == ["one", "two", "one", "two"]


@pytest.mark.parametrize("how", ["task", "to_thread", "executor", "subprocess", "shell"])
def test_what_a_coroutine_function_starts_finds_its_variables(host: Client, how: str) -> None:
    """Tasks, threads and programs of asyncio."""
    assert [found(host, name, how) for name in FUNCTIONS[2:]] == ["one", "two"]


def test_hooks_find_the_variables_of_their_function(host: Client) -> None:
    """A start-up hook, and a thread that it starts."""
    assert [found(host, name, "hooks") for name in FUNCTIONS] == [
        ["one", "one"],
        ["two", "two"],
        ["one", "one"],
        ["two", "two"],
    ]


def test_the_mapping_answers_alike_in_all_its_forms(host: Client) -> None:
    """Names, copies and the representation; a program's own environment stays as given."""
    assert found(host, "two", "names") == ["ONLY_HOST", "WHO"]
    assert found(host, "two", "copy") == ["two", "two", 1]
    assert "WHO" not in str(found(host, "two", "given"))
    assert found(host, "two", "system") == [0, 3, 9]


def test_functions_know_their_own_target_and_signature(host: Client) -> None:
    """As functions-framework sets them for its one function."""
    assert found(host, "one", "self") == ["sync", "http"]
    assert found(host, "one-async", "self") == ["coroutine", "http"]


def test_writing_a_declared_variable_stays_with_the_function(host: Client) -> None:
    """Any other variable is the process's, as ever."""
    assert found(host, "one", "write") == ["written", "changed"]
    assert found(host, "one-async", "call") == "written", "it shares the copy of the folder"
    assert found(host, "two", "call") == "two"
    assert os.environ["WHO"] == "process"
    assert os.environ["ONLY_HOST"] == "changed"
    assert found(host, "two", "delete") == [None, False, ""]
    assert found(host, "one", "call") == "written"


@pytest.mark.parametrize(
    ("how", "leaked"),
    [("environb", "process"), ("getenv", "process"), ("spawnv", 1), ("library", "process")],
)
def test_what_is_not_reached_finds_the_variables_of_the_process(
    host: Client, how: str, leaked: object
) -> None:
    """The documented leaks: bytes, C, os.spawn*, and threads of libraries."""
    assert found(host, "one", how) == leaked


def test_a_package_that_keeps_a_variable_at_import_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps the first function's: a leak that is documented and told."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "keeps_a_variable.py").write_text("import os\nKEPT = os.environ['WHO']\n")
    monkeypatch.syspath_prepend(str(packages))
    (tmp_path / "main.py").write_text(
        "import keeps_a_variable\ndef f(request): return keeps_a_variable.KEPT\n"
    )
    (tmp_path / "functions.yaml").write_text(
        "functions:\n"
        "  a: {target: 'main.py:f', env: {WHO: a}}\n"
        "  b: {target: 'main.py:f', env: {WHO: b}}\n"
    )
    with client("functions.yaml", cwd=tmp_path) as host:
        assert [host.get(path).text for path in ("/a", "/b")] == ["a", "a"]
    (told,) = [str(vars(each)) for each in caplog.records if "variable_kept" in each.getMessage()]
    assert "keeps_a_variable" in told, told


def test_values_may_be_secrets_and_empty(tmp_path: Path) -> None:
    """They are read as in config, and never written into a module's name."""
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "main.py").write_text(
        "import os\ndef f(request): return os.environ['TOKEN'] + os.environ['EMPTY']\n"
    )
    (tmp_path / "functions.yaml").write_text(
        "functions: {f: {target: 'main.py:f', env: {TOKEN: {from_file: token}, EMPTY: ''}}}\n"
    )
    with client("functions.yaml", cwd=tmp_path) as host:
        assert host.get("/f").text == "s3cret"


def test_an_isolated_function_has_a_real_environment(tmp_path: Path) -> None:
    """Its variables reach C, too, and its own environment is not an overlay."""
    (tmp_path / "main.py").write_text(
        "import os, subprocess\n"
        "def f(request): return {'bytes': os.environb[b'WHO'].decode(), 'names':\n"
        "    [os.environ['FUNCTION_TARGET'], os.environ['FUNCTION_SIGNATURE_TYPE']],\n"
        "    'class': type(os.environ).__name__}\n"
    )
    (tmp_path / "functions.yaml").write_text(
        "functions: {f: {target: 'main.py:f', isolation: process, env: {WHO: isolated}}}\n"
    )
    with client("functions.yaml", cwd=tmp_path) as host:
        assert host.get("/f").json() == {
            "bytes": "isolated",
            "names": ["f", "http"],
            "class": "_Environ",
        }


def test_a_reload_loads_another_copy_for_changed_variables(tmp_path: Path) -> None:
    """An unchanged function keeps its copy."""
    (tmp_path / "main.py").write_text(
        "import os\nLOADED = os.environ['WHO']\nid_of = id(object)\n"
        "def f(request): return LOADED + os.environ['WHO'] + __name__\n"
    )
    file = tmp_path / "functions.yaml"
    text = (
        "functions:\n"
        "  a: {target: 'main.py:f', env: {WHO: a}}\n"
        "  b: {target: 'main.py:f', env: {WHO: b}}\n"
    )
    file.write_text(text)
    with client("functions.yaml", cwd=tmp_path) as host:
        before = [host.get(path).text for path in ("/a", "/b")]
        file.write_text(text.replace("WHO: b", "WHO: c"))
        assert host.service.reload()
        after = [host.get(path).text for path in ("/a", "/b")]
    assert after[0] == before[0]
    assert before[1].startswith("bb")
    assert after[1].startswith("cc")


CALLS = int(os.environ.get("ENVIRONMENT_CALLS", "240"))
"""Calls of the following test; a tenth of them starts a program."""
IN_FLIGHT = 32 if CALLS < 1000 else 256
"""How many of them run at once."""


def test_of_many_calls_at_once_none_sees_the_variables_of_another(tmp_path: Path) -> None:
    """Under the real server, which runs uvloop: plain calls, threads, a pool, and programs."""
    sync = [*(["call", "thread", "pool"] * 3), "popen"]
    ways = [*sync, *(["call", "to_thread", "pool"] * 3), "subprocess"]
    with server(
        tmp_path,
        "logging.invocations=false",
        *(
            f"functions.{name}.{key}"
            for name in FUNCTIONS
            for key in (
                f"target=main.py:{'coroutine' if 'async' in name else 'sync'}",
                f"env={{WHO: {name.partition('-')[0]}}}",
                "queue=unlimited",
                f"concurrency={2 * IN_FLIGHT}",
            )
        ),
        source=CODE,
        functions="",
    ) as running:
        running.urls()

        def call(number: int) -> tuple[str, str]:
            way = number % len(ways)
            who = ("one", "two")[number % 7 % 2]
            function = who + ("-async" if way >= len(sync) else "")
            answer = json.loads(running.get(f"/{function}?how={ways[way]}"))
            return who, answer["found"]

        with ThreadPoolExecutor(IN_FLIGHT) as callers:
            results = list(callers.map(call, range(CALLS)))
        assert [found for _, found in results] == [who for who, _ in results]
        loop = json.loads(running.get("/one-async?how=subprocess"))["loop"]
        assert loop.startswith("uvloop")
