"""Functions in processes of their own, through the host on both fronts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ffhost.errors import ConfigError, StartupError
from ffhost.execution.isolation.process_pool import ProcessPool
from ffhost.invocation.call import Call
from ffhost.testing import Answer, Client, client
from ffhost.web.messages import Message
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually

CODE = """
import ctypes, logging, os, signal, stat, struct, subprocess, sys, time
import ffhost

def sockets():
    each = [int(name) for name in os.listdir("/proc/self/fd")]
    def is_socket(number):
        try: return stat.S_ISSOCK(os.fstat(number).st_mode)
        except OSError: return False
    return [number for number in each if is_socket(number)]

def answer_of_nobody():
    head = b'{"status": 200, "headers": []}'
    return struct.pack("!BBQIQ", 6, 1, 4, len(head), 5) + head + b"wrong"

calls = 0

class Awkward(Exception):
    def __init__(self, one, two):
        super().__init__(one)

def f(request):
    global calls
    calls += 1
    match request.args.get("do"):
        case "loop":
            while True: pass
        case "loop in C":
            sum(iter(int, 1))
        case "sleep":
            time.sleep(30)
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit(4)
        case "memory":
            hoard = []
            while True: hoard.append(bytearray(5_000_000))
        case "raise":
            raise Awkward(1, 2)
        case "number":
            return 7
        case "log":
            print("printed")
            logging.getLogger("mine").warning("logged %s", "x" * 20_000)
        case "junk" | "answer twice" as what:
            calls = max(sockets())
            frame = {"junk": b"junk" * 9, "answer twice": answer_of_nobody()}[what]
            os.write(calls, frame)
            time.sleep(30)
        case "fork":
            # Past Python, so that nothing closes the socket in the child: both answer.
            ctypes.PyDLL(None).fork()
        case "detach":
            command = ["sh", "-c", "setsid sleep 60 >/dev/null & echo $!"]
            return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
        case "memory of a child":
            hoard = "x = bytearray(b'1' * 200_000_000); import time; time.sleep(30)"
            subprocess.run([sys.executable, "-c", hoard])
        case "shared memory":
            hoard = bytearray(b"1" * 50_000_000)
            children = []
            for _ in range(3):
                child = os.fork()
                if not child:
                    time.sleep(0.3)
                    os.kill(os.getpid(), 9)  # under coverage, an exit would write for seconds
                children.append(child)
            for child in children: os.waitpid(child, 0)
        case "wait":
            while not os.path.exists(request.args["for"]): time.sleep(0.005)
    return {"pid": os.getpid(), "calls": calls, "n": request.args.get("n")}
"""
CONFIG = """
logging: {format: json, invocations: false}
functions:
  f: {target: "main.py:f", isolation: process, processes: 2, timeout: 5s, memory: 120MiB}
"""
QUICK = CONFIG.replace("timeout: 5s", "timeout: 600ms")


def do(host: Client, what: str, more: str = "", **options: Any) -> Answer:
    return host.get(f"/f?do={what.replace(' ', '%20')}{more}", **options)


def processes_of(host: Client) -> ProcessPool:
    pool = host.service.host.functions["f"].processes
    assert isinstance(pool, ProcessPool)
    return pool


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def fields_of(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    (record,) = [record for record in caplog.records if record.getMessage() == event]
    fields: dict[str, Any] = record._ffhost_event  # type: ignore[attr-defined]
    return fields


@pytest.mark.parametrize("what", ["loop", "loop in C", "sleep"])
def test_a_call_is_killed_at_its_deadline_wherever_it_is(
    serve: Serve, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    host = serve(CODE, QUICK)
    answer = do(host, what, headers={"Function-Execution-Id": "late"})
    assert answer.status == 504
    assert answer.json() == {
        "type": "about:blank",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": "f did not answer in time",
        "execution_id": "late",
    }
    assert eventually(lambda: host.service.in_flight == 0)
    fields = fields_of(caplog, "deadline_exceeded")
    assert not is_there(fields.pop("killed"))
    assert "main.py" in fields.pop("live_stack")
    # From the request to the deadline: longer if the machine was busy in between.
    assert 0.6 <= fields.pop("timeout_seconds") < 5
    assert fields == {"function": "f", "execution_id": "late"}
    assert host.get("/f").status == 200


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("segfault", {"reason": "killed by SIGSEGV", "signal": "SIGSEGV"}),
        ("exit", {"reason": "exit code 3", "exit_code": 3}),
        ("memory", {"reason": "killed for using too much memory", "signal": "SIGKILL"}),
    ],
)
def test_a_process_that_dies_costs_one_call(
    serve: Serve, caplog: pytest.LogCaptureFixture, what: str, how: dict[str, Any]
) -> None:
    host = serve(CODE, CONFIG)
    answer = do(host, what, headers={"Function-Execution-Id": "fatal"})
    assert answer.status == 502
    assert answer.json() == {
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "detail": "the process of f ended during the call",
        "execution_id": "fatal",
    }
    fields = fields_of(caplog, "isolated_process_died")
    assert ("main.py" in fields.pop("stack", "")) == (what == "segfault")
    assert (fields.pop("memory_bytes", 0) > 120 << 20) == (what == "memory")
    assert fields == {
        "function": "f",
        "execution_id": "fatal",
        "when": "during a call",
        **how,
    }
    assert [host.get("/f").status for _ in range(4)] == [200] * 4


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("junk", "a frame is too large"),
        ("answer twice", "it sent what does not answer its call"),
    ],
)
def test_a_process_that_breaks_the_protocol_is_killed_and_costs_one_call(
    serve: Serve, caplog: pytest.LogCaptureFixture, what: str, why: str
) -> None:
    host = serve(CODE, CONFIG)
    assert do(host, what).status == 502
    assert fields_of(caplog, "isolated_process_died")["reason"] == f"killed because {why}"
    assert [host.get("/f").status for _ in range(4)] == [200] * 4


def test_what_a_forked_process_answers_reaches_no_other_call(serve: Serve) -> None:
    host = serve(CODE, CONFIG.replace("processes: 2", "processes: 1"))
    assert do(host, "fork").status in (200, 502)
    answers = [host.get(f"/f?n={number}") for number in range(10)]
    # The second answer fits no call: it costs its process, and at most the call that runs then.
    right = [
        number
        for number, answer in enumerate(answers)
        if answer.status == 200 and answer.json()["n"] == str(number)
    ]
    assert len(right) >= 9


@pytest.mark.parametrize("end", ["segfault", "exit"])
def test_all_that_a_process_has_started_ends_with_it(serve: Serve, end: str) -> None:
    host = serve(CODE, CONFIG.replace("processes: 2", "processes: 1"))
    detached = int(do(host, "detach").text)
    assert is_there(detached)
    assert do(host, end).status == 502
    assert not is_there(detached)


def test_the_memory_of_children_counts(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    host = serve(CODE, CONFIG)
    assert do(host, "memory of a child").status == 502
    assert fields_of(caplog, "isolated_process_died")["memory_bytes"] > 120 << 20


def test_pages_that_forked_children_share_count_once(serve: Serve) -> None:
    assert do(serve(CODE, CONFIG), "shared memory").status == 200


def test_an_answer_may_not_be_larger_than_a_frame(serve: Serve) -> None:
    code = "def f(request): return bytes(257 << 20)"
    answer = serve(code, CONFIG.replace("memory: 120MiB", "memory: 1GiB")).get("/f")
    assert (answer.status, answer.json()["detail"]) == (500, "the function crashed")


def test_a_call_in_another_process_is_untouched(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    go = tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(do, host, "wait", f"&for={go}")
        assert [do(host, "segfault").status for _ in range(3)] == [502] * 3
        go.touch()
        assert waiting.result().status == 200


def test_what_a_function_raises_is_a_crash_and_the_process_lives(serve: Serve) -> None:
    host = serve(CODE, CONFIG.replace("processes: 2", "processes: 1"))
    pid = host.get("/f").json()["pid"]
    for what in ("raise", "sys.exit", "number"):
        answer = do(host, what)
        assert answer.status == 500
        assert answer.headers["x-google-status"] == "crash"
        assert answer.json()["detail"] == "the function crashed"
    assert host.get("/f").json() == {"pid": pid, "calls": 5, "n": None}


def test_a_default_timeout_for_sockets_does_not_hold_for_those_of_the_host(
    serve: Serve, request: pytest.FixtureRequest
) -> None:
    code = """
        import os, socket

        socket.setdefaulttimeout(0.001)

        def f(request):
            child = os.fork()
            if not child:
                os.kill(os.getpid(), 9)
            os.waitpid(child, 0)
            return str(os.getpid())
    """
    request.addfinalizer(lambda: socket.setdefaulttimeout(None))
    socket.setdefaulttimeout(0.001)  # user code in the host may do that
    host = serve(code, CONFIG.replace("processes: 2", "processes: 1"))
    first, second = host.get("/f"), host.get("/f")
    assert (first.status, second.status) == (200, 200)
    assert first.text == second.text


def test_print_and_logs_arrive_whole_with_the_execution_id(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    host = serve(CODE, CONFIG)
    do(host, "log", headers={"Function-Execution-Id": "said"})
    do(host, "number", headers={"Function-Execution-Id": "counted"})
    lines = capfd.readouterr().out.splitlines()
    assert "printed" in lines
    entries = {entry["message"]: entry for entry in map(json.loads, lines[1:])}
    logged = entries[f"logged {'x' * 20_000}"]
    assert (logged["function"], logged["execution_id"], logged["logger"]) == ("f", "said", "mine")
    assert logged["config_revision"] == host.service.config.revision
    crash = entries["function_crashed"]
    assert crash["execution_id"] == "counted"
    assert crash["exception_message"].startswith("f returned a value of type int; return a str")


def test_a_process_starts_with_what_a_plain_function_needs_and_without_pydantic(
    serve: Serve,
) -> None:
    code = """
        import sys

        before = {*sys.modules, __name__}

        def f(request):
            return [sorted(set(sys.modules) - before), "pydantic" in sys.modules]
    """
    assert serve(code, CONFIG).get("/f").json() == [[], False]


EVERYTHING = """
from dataclasses import dataclass
import ffhost

@dataclass
class Order:
    id: int

def http(request):
    context = ffhost.current()
    body = {
        "method": request.method, "path": request.path, "query": dict(request.args),
        "headers": dict(request.headers), "body": len(request.data), "remote": request.remote_addr,
        "params": request.path_params, "id": context.execution_id, "config": context.config,
        "deadline": 0 < context.remaining <= 5, "url": request.url,
    }
    return body, 201, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Name", "Zo\\xeb")]

async def http_async(request):
    return request.data * 2

@ffhost.cloud_event
def cloudevent(event):
    return event

@ffhost.cloud_event
async def cloudevent_async(event):
    print(event["id"])

@ffhost.event
def event(data, context):
    print(data, context.event_id)

@ffhost.typed
def typed(order: Order):
    return Order(order.id + 1)

@ffhost.typed
async def typed_async(order: Order):
    return None
"""


def everything(isolation: str) -> str:
    rest = f"isolation: {isolation}, timeout: 5s, config: {{a: [1, x]}}"
    names = ["http", "http_async", "cloudevent", "cloudevent_async", "event", "typed"]
    names.append("typed_async")
    paths = {"http": "/http/{who}"}
    lines = [
        f'  {name}: {{target: "main.py:{name}", path: "{paths.get(name, "/" + name)}", {rest}}}'
        for name in names
    ]
    return "\n".join(["functions:", *lines])


def test_all_signatures_answer_as_they_do_in_a_thread(serve: Serve) -> None:
    event = {
        "ce-id": "7",
        "ce-type": "t",
        "ce-source": "/s",
        "ce-specversion": "1.0",
        "content-type": "application/json",
    }
    background = {"context": {"eventId": "1", "eventType": "t", "resource": "r"}, "data": {"a": 1}}
    odd = {"X-Odd": "\xe9", "Cookie": "a=b"}
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "/http/zo%C3%AB?a=1&b=%20", {"headers": odd, "body": b"\0" * 3_000_000}),
        ("POST", "/http_async", {"body": b"\xff" * 2_000_000}),
        ("POST", "/cloudevent", {"headers": event, "body": '{"a": 1}'}),
        ("POST", "/cloudevent_async", {"headers": event, "body": '{"a": 1}'}),
        ("POST", "/cloudevent", {"body": "{"}),
        ("POST", "/event", {"json": background}),
        ("POST", "/typed", {"json": {"id": 1}}),
        ("POST", "/typed_async", {"json": {"id": 1}}),
        ("POST", "/typed", {"json": {"id": "x"}}),
        ("GET", "/typed", {}),
    ]
    answers = []
    for isolation in ("thread", "process"):
        host = serve(EVERYTHING, everything(isolation))
        answers.append([identified(host, *case) for case in cases])
    in_thread, in_process = answers
    for one, other in zip(in_thread, in_process, strict=True):
        assert (other.status, other.fields, other.body) == (one.status, one.fields, one.body)
    statuses = [answer.status for answer in in_process]
    assert statuses == [201, 200, 200, 204, 400, 204, 200, 204, 422, 405]


def identified(host: Client, method: str, path: str, options: dict[str, Any]) -> Answer:
    headers = {**options.get("headers", {}), "Function-Execution-Id": "i"}
    return host.request(method, path, **{**options, "headers": headers})


def problems_of(serve: Serve, code: str, more: str = "") -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConfigError) as raised:
        serve(code, f'functions:\n  f: {{target: "main.py:f", isolation: process{more}}}')
    return [(each.path, each.message, each.hint) for each in raised.value.problems]


def test_load_errors_are_those_of_a_function_in_a_thread(serve: Serve) -> None:
    assert problems_of(serve, "def ff(request): return ''") == [
        ("functions.f.target", "main.py does not define 'f'", "did you mean 'ff'?")
    ]


def test_a_process_that_dies_while_it_loads_is_a_load_error(serve: Serve) -> None:
    assert problems_of(serve, "import os; os._exit(7)") == [
        ("functions.f.target", "its process ended while it loaded: exit code 7", None)
    ]


def test_loading_is_cut_off_at_the_import_budget(serve: Serve) -> None:
    assert problems_of(serve, "while True: pass", ", import_budget: 200ms") == [
        (
            "functions.f.import_budget",
            "loading took more than its import_budget of 200ms",
            "import what is heavy inside the function, or set lazy: true",
        )
    ]


HOOKS = """
import os, ffhost
from pathlib import Path
log = Path(__file__).parent / "log"
def say(what):
    with log.open("a") as file: file.write(f"{what} {os.getpid()}\\n")
@ffhost.on_startup
async def up(): say("up")
@ffhost.on_shutdown
def down(): say("down")
def f(request):
    if request.args.get("exit"): os._exit(1)
    return str(os.getpid())
def g(request): return str(os.getpid())
"""


def test_hooks_run_in_every_process_and_in_those_that_take_the_place_of_others(
    tmp_path: Path, front: str
) -> None:
    (tmp_path / "main.py").write_text(HOOKS)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    said = tmp_path / "log"
    with client("functions.yaml", cwd=tmp_path, front=front) as host:  # type: ignore[arg-type]
        first = {line.split()[1] for line in said.read_text().splitlines()}
        assert len(first) == 2
        assert str(os.getpid()) not in first
        assert host.get("/f?exit=1").status == 502
        assert eventually(lambda: len(said.read_text().splitlines()) == 3)
        pids = {host.get("/f").text for _ in range(4)}
        assert pids <= {line.split()[1] for line in said.read_text().splitlines()}
    ended = [line for line in said.read_text().splitlines() if line.startswith("down")]
    assert len(ended) == 2


def test_a_start_up_hook_that_fails_in_a_process_ends_the_start(serve: Serve) -> None:
    code = (
        "import ffhost\ndef f(request): return ''\n@ffhost.on_startup\ndef up(): raise OSError(5)"
    )
    with pytest.raises(StartupError, match=r"^the start-up hook main\.up failed: OSError: 5$"):
        serve(code, CONFIG)


def test_a_reload_keeps_replaces_and_ends_processes(serve: Serve, tmp_path: Path) -> None:
    def functions(f: str, g: str) -> str:
        isolated = "isolation: process, timeout: 5s"
        lines = ["functions:", f'  f: {{target: "main.py:f", {isolated}{f}}}']
        return "\n".join([*lines, f'  g: {{target: "main.py:g", {isolated}{g}}}' if g else ""])

    def reload(f: str, g: str) -> None:
        (tmp_path / "functions.yaml").write_text(functions(f, g))
        assert host.service.reload()

    host = serve(HOOKS, functions(", queue: 1", ", queue: 1"))
    f, g = int(host.get("/f").text), int(host.get("/g").text)
    reload(", queue: 2", ", queue: 1, config: {a: 1}")
    assert int(host.get("/f").text) == f
    new = int(host.get("/g").text)
    assert new != g
    assert eventually(lambda: not is_there(g))
    reload(", queue: 3", "")
    assert int(host.get("/f").text) == f
    assert eventually(lambda: not is_there(new))
    (tmp_path / "main.py").write_text(HOOKS + "# changed\n")
    reload(", queue: 4", "")
    assert int(host.get("/f").text) != f
    assert eventually(lambda: not is_there(f))
    said = (tmp_path / "log").read_text().splitlines()
    assert {f"down {pid}" for pid in (f, g, new)} <= set(said)


def test_a_call_that_runs_during_a_reload_ends_in_its_process(serve: Serve, tmp_path: Path) -> None:
    host = serve(CODE, CONFIG)
    go = tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(do, host, "wait", f"&for={go}")
        assert eventually(lambda: host.service.in_flight == 1)
        (tmp_path / "functions.yaml").write_text(CONFIG.replace("120MiB", "130MiB"))
        assert host.service.reload()
        other = {host.get("/f").json()["pid"] for _ in range(3)}
        go.touch()
        answer = waiting.result()
    assert answer.status == 200
    assert answer.json()["pid"] not in other


def test_processes_take_no_call_any_more_once_it_is_said_that_they_are_idle(serve: Serve) -> None:
    pool = processes_of(serve(CODE, CONFIG))
    taken = pool.take()
    assert taken is not None
    assert not pool.close_if_idle()
    pool.release(taken)
    assert pool.close_if_idle()
    assert pool.take() is None


def test_a_call_that_waits_for_processes_which_give_way_gets_one_of_those_that_follow(
    serve: Serve, tmp_path: Path
) -> None:
    one = CONFIG.replace("processes: 2", "processes: 1")
    host = serve(CODE, one)
    function, pool = host.service.host.functions["f"], processes_of(host)
    taken = pool.take()
    assert taken is not None
    (tmp_path / "functions.yaml").write_text(one.replace("120MiB", "130MiB"))
    assert host.service.reload()

    async def call() -> Any:
        waiting = asyncio.ensure_future(function.run(Call(function, Message("GET", "/f"), "x")))
        await asyncio.sleep(0)
        assert pool.leasing
        pool.release(taken)
        assert pool.close_if_idle()
        return await waiting

    reply = asyncio.run(call())
    assert reply.status == 200
    assert json.loads(reply.body)["pid"] == processes_of(host).processes[0].pid


def test_a_process_that_dies_idle_costs_no_call(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    for _ in range(3):
        pid = host.get("/f").json()["pid"]
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda pid=pid: not is_there(pid))  # type: ignore[misc]
        assert host.get("/f").status == 200


def test_many_calls_at_once_each_get_their_own_answer(serve: Serve) -> None:
    host = serve("def f(request): return request.data", CONFIG)
    bodies = [os.urandom(1000 * number) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: host.post("/f", body=body), bodies))
    assert [answer.body for answer in answers] == bodies


ORPHANS = """
import sys, threading, time
from pathlib import Path
from ffhost.testing import client
with client("functions.yaml") as host:
    pid = host.get("/f").json()["pid"]
    print(pid, flush=True)
    threading.Thread(target=host.get, args=("/f?do=loop%20in%20C",), daemon=True).start()
    time.sleep(60)
"""


def test_the_processes_end_when_the_host_is_killed(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    config = CONFIG.replace("processes: 2", "processes: 1").replace("5s", "unlimited")
    (tmp_path / "functions.yaml").write_text(config)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        threading.Event().wait(0.2)
        assert is_there(pid)
        host.kill()
    assert eventually(lambda: not is_there(pid))


def test_a_process_ends_by_itself_should_its_host_hang_at_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    config = CONFIG.replace("processes: 2", "processes: 1").replace("5s", "500ms")
    (tmp_path / "functions.yaml").write_text(config)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        threading.Event().wait(0.2)
        host.send_signal(signal.SIGSTOP)
        assert is_there(pid)
        assert eventually(lambda: not is_there(pid))
        host.kill()


def test_variables_of_the_host_reach_the_processes(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "values.env").write_text("FROM_FILE=a\n")
    code = "import os\ndef f(request): return [os.environ.get(n) for n in ('FROM_FILE', 'MINE')]"
    monkeypatch.setenv("MINE", "b")
    host = serve(code, "env_file: values.env\n" + CONFIG)
    assert host.get("/f").json() == ["a", "b"]
