"""Children that user code forks: they keep neither sockets nor signal handlers of the server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.serving import FUNCTIONS, Running, eventually, gunicorn, server

SOURCE = (
    FUNCTIONS
    + """
import asyncio, json, multiprocessing, signal, subprocess, sys

fork = multiprocessing.get_context("fork")

def terminated(request):
    codes = []
    for _ in range(int(request.args["times"])):
        child = fork.Process(target=time.sleep, args=(30,))
        child.start()
        child.terminate()
        child.join(5)
        codes.append(child.exitcode)
        child.kill()
    return json.dumps(codes)

async def terminated_async(request):
    return terminated(request)

def pool(request):
    with fork.Pool(2) as workers:
        return json.dumps(workers.map(abs, [-1, -2, -3]))

def sleeper(request):
    pid = os.fork()
    if not pid:
        time.sleep(30)
        os._exit(0)
    return str(pid)

def signals_of(pipe):
    both = (signal.SIGTERM, signal.SIGHUP)
    handlers = {each.name: signal.getsignal(each) is signal.SIG_DFL for each in both}
    blocked = list(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    os.write(pipe, json.dumps([handlers, blocked]).encode())

def signals(request):
    reading, writing = os.pipe()
    child = fork.Process(target=signals_of, args=(writing,))
    child.start()
    child.join()
    return os.read(reading, 4096)

def returns(request):
    parent = os.getpid()
    os.fork()
    return f"{parent} {os.getpid()}"

async def returns_async(request):
    return returns(request)

async def splits(request):
    parent = os.getpid()
    os.fork()
    await asyncio.sleep(0)
    return f"{request.args['n']} {os.getpid() == parent}"

def numbered(request):
    time.sleep(0.001)
    return f"{request.args['n']} True"

async def unwatched(request):
    reader, writer = multiprocessing.Pipe(False)
    told = lambda: writer.send(sys.getprofile() is None)
    fork.Process(target=told).start()
    return str(reader.recv())

def program(request):
    command = ["grep", "SigBlk", "/proc/self/status"]
    return subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=os.getpid).stdout

def children(request):
    return pathlib.Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
"""
)
NAMES = (
    "hello pid terminated terminated_async pool sleeper signals returns returns_async program "
    "splits numbered unwatched "
    "children"
)


@pytest.fixture(scope="module", params=[server, gunicorn], ids=["server", "gthread"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server whose functions fork."""
    with request.param(
        tmp_path_factory.mktemp("forks"),
        source=SOURCE,
        functions=NAMES,
    ) as running:
        yield running


TIMES = int(os.environ.get("FORKED_CHILDREN", "10"))


@pytest.mark.parametrize("name", ["terminated", "terminated_async"])
def test_terminate_right_after_the_start_ends_a_child(running: Running, name: str) -> None:
    assert running.get(f"/{name}?times={TIMES}") == str([-15] * TIMES)


def test_a_pool_of_processes_ends(running: Running) -> None:
    assert running.get("/pool") == "[1, 2, 3]"


def test_a_child_has_the_default_handlers_and_blocks_nothing(running: Running) -> None:
    assert running.get("/signals") == '[{"SIGTERM": true, "SIGHUP": true}, []]'


def test_a_program_blocks_no_signal(running: Running) -> None:
    assert running.get("/program").split() == ["SigBlk:", "0" * 16]


def test_an_answer_ends_while_a_child_lives(running: Running) -> None:
    with socket.create_connection(running.address, timeout=5) as client:
        client.sendall(b"GET /sleeper HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    child = int(answer.rpartition(b"\r\n\r\n")[2])
    os.kill(child, signal.SIGKILL)  # it was alive


@pytest.mark.parametrize("name", ["returns", "returns_async"])
def test_a_child_that_returns_from_the_function_ends_and_answers_nobody(
    running: Running, name: str
) -> None:
    for _ in range(3):
        parent, answered = running.get(f"/{name}").split()
        assert answered == parent
    assert running.get("/hello") == "hello"
    # They have ended, and nobody has waited for them.
    eventually(lambda: not any(map(is_running, running.get("/children").split())), "they end")


def test_a_child_of_a_coroutine_takes_no_event_of_the_parents_loop(running: Running) -> None:
    """Its loop is a copy that waits for the same events: answers of other calls would be lost."""
    names = ("splits", *["numbered"] * 7)
    paths = [f"/{name}?n={number}-{name}" for number in range(40) for name in names]
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(running.get, paths))
    assert answers == [f"{path.partition('=')[2]} True" for path in paths]


def test_a_child_of_multiprocessing_is_not_slowed_down_by_a_watch(running: Running) -> None:
    assert running.get("/unwatched") == "True"


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_port_is_free_after_the_end_although_a_child_lives(tmp_path: Path) -> None:
    with server(tmp_path, source=SOURCE, functions=NAMES) as running:
        address = running.address
        child = int(running.get("/sleeper"))
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        try:
            os.kill(child, 0)
            socket.create_server(address, reuse_port=False).close()
        finally:
            os.kill(child, signal.SIGKILL)


def run(script: str) -> str:
    """Run *script* in a new process that has a listener and a connection to it."""
    code = (
        "import os, socket, sys\n"
        "from ffhost.execution.forked_children import separate_forked_children as separate\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(listener.getsockname())\n"
        "accepted, _ = listener.accept()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + script], capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("asked", ["getsockname", "getpeername"])
def test_a_connection_may_close_while_it_is_looked_at(asked: str) -> None:
    """Other threads of a WSGI server go on while the first call prepares for forks."""
    output = run(
        "closed = accepted.fileno()\n"
        "def close_first(frame, event, function):\n"
        f"    if event == 'c_call' and function.__name__ == {asked!r}:\n"
        "        if function.__self__.fileno() == closed:\n"
        "            accepted.close()\n"
        "sys.setprofile(close_first)\n"
        "separate(binds_late=True)\n"
        "sys.setprofile(None)\n"
        "assert accepted.fileno() == -1\n"
        "if not os.fork():\n"
        "    os._exit(os.path.sameopenfile(listener.fileno(), os.open(os.devnull, 0)))\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    assert output == "1\n"


def test_sockets_stay_blocking_although_user_code_sets_a_default_timeout() -> None:
    output = run(
        "socket.setdefaulttimeout(30)\n"
        "separate()\n"
        "if not os.fork():\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print([os.get_blocking(each.fileno()) for each in (listener, client, accepted)])\n"
    )
    assert output == "[True, True, True]\n"
