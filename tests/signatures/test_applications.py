"""Whole WSGI and ASGI applications as targets, mounted below their path, on both fronts."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from ffhost.errors import ConfigError, StartupError
from ffhost.testing import Client, client
from tests.conftest import Serve
from tests.execution.test_deadlines import eventually
from tests.serving import gunicorn, server

SEEN = """
events = []
def seen(request):
    return ",".join(events)
"""
FLASK = """
import time
import flask
import ffhost

app = flask.Flask(__name__)

@app.get("/")
def root():
    return "root"

@app.route("/where", methods=["GET", "POST"])
def where():
    r = flask.request
    return [r.script_root, r.path, flask.url_for("root"), r.method, r.args.get("q"),
            r.get_data(as_text=True), r.headers.get("X-Word"), ffhost.current().function_name]

@app.get("/cookies")
def cookies():
    answer = flask.Response("", 204)
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer

@app.get("/unchanged")
def unchanged():
    return flask.Response("", 304, {"etag": '"x"'})

@app.get("/large")
def large():
    return flask.Response(b"x" * 100_000 for _ in range(50))

@app.get("/slow")
def slow():
    def body():
        try:
            for number in range(1000):
                yield f"{number};"
                time.sleep(0.02)
        finally:
            events.append("closed")
    return flask.Response(body())

@app.get("/stuck")
def stuck():
    try:
        while True:
            time.sleep(0.01)
    finally:
        events.append("stopped")

@app.get("/crash")
def crash():
    raise ValueError("secret")

@app.get("/broken")
def broken():
    def body():
        yield "a"
        raise ValueError
    return flask.Response(body())

@app.get("/exit")
def leave():
    raise SystemExit(3)
"""
STARLETTE = """
import asyncio
import ffhost
from starlette.applications import Starlette
from starlette.responses import (
    FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse)
from starlette.routing import Route

async def root(request):
    return PlainTextResponse("root")

async def where(request):
    root = request.scope["root_path"]
    return JSONResponse([root, request.scope["path"][len(root):],
        request.url_for("root").path, request.method, request.query_params.get("q"),
        (await request.body()).decode(), request.headers.get("X-Word"),
        ffhost.current().function_name])

async def cookies(request):
    answer = Response(status_code=204)
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer

async def unchanged(request):
    return Response(status_code=304, headers={"etag": '"x"'})

async def large(request):
    async def body():
        for _ in range(50):
            yield b"x" * 100_000
    return StreamingResponse(body())

async def slow(request):
    async def body():
        try:
            for number in range(1000):
                yield f"{number};"
                await asyncio.sleep(0.02)
        finally:
            events.append("closed")
    return StreamingResponse(body())

async def stuck(request):
    try:
        await asyncio.sleep(60)
    finally:
        events.append("stopped")

async def crash(request):
    raise ValueError("secret")

async def broken(request):
    async def body():
        yield "a"
        await asyncio.sleep(0.01)
        raise ValueError
    return StreamingResponse(body())

async def leave(request):
    raise SystemExit(3)

async def task():
    await asyncio.sleep(0.01)
    events.append("in the background")

async def later(request):
    from starlette.background import BackgroundTask
    return PlainTextResponse("done", background=BackgroundTask(task))

app = Starlette(routes=[
    Route("/", root, name="root"),
    Route("/where", where, methods=["GET", "POST"]),
    *[Route(f"/{each.__name__}", each) for each in
      (cookies, unchanged, large, slow, stuck, crash, broken, later)],
    Route("/exit", leave),
])
"""
CODE = {"wsgi": SEEN + FLASK, "asgi": SEEN + STARLETTE}
CONFIG = """
functions:
  shop: {{target: "main.py:app", signature: {kind}, path: "/{{tenant}}/shop"}}
  seen: {{target: "main.py:seen"}}
"""
PLAIN = SEEN + "from ffhost import current\n"
ALONE = """
functions:
  app: {{target: "main.py:app", signature: {kind}}}
  seen: {{target: "main.py:seen"}}
"""


@pytest.fixture(params=["wsgi", "asgi"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(serve: Serve, kind: str) -> Client:
    """Serve the same shop, made with Flask and with Starlette."""
    return serve(CODE[kind], CONFIG.format(kind=kind))


@pytest.fixture
def hasty_shop(serve: Serve, kind: str) -> Client:
    """Serve it with a short deadline."""
    config = CONFIG.replace('/shop"', '/shop", timeout: 300ms')
    return serve(CODE[kind], config.format(kind=kind))


def alone(serve: Serve, kind: str, code: str) -> Client:
    return serve(PLAIN + code, ALONE.format(kind=kind))


def test_an_application_is_mounted_below_its_path(shop: Client) -> None:
    answer = shop.post("/acme/shop/where?q=1", body="tea", headers={"x-word": "hi"})
    assert answer.json() == [
        *("/acme/shop", "/where", "/acme/shop/", "POST"),
        *("1", "tea", "hi", "shop"),
    ]
    assert answer.headers["function-execution-id"]
    assert shop.get("/acme/shop/").text == "root"
    assert shop.get("/acme/shop/nowhere").status == 404
    assert shop.request("PUT", "/acme/shop/where").status == 405
    assert shop.get("/acme/other").headers["content-type"] == "application/problem+json"


def test_the_mount_itself_leads_to_the_root_of_the_application(shop: Client) -> None:
    answer = shop.get("/acme/shop")
    if answer.status in (307, 308):
        answer = shop.get(answer.headers["location"].removeprefix("http://localhost:8080"))
    assert (answer.status, answer.text) == (200, "root")


def test_an_encoded_path_reaches_the_application_decoded(shop: Client) -> None:
    root, path, link, *_ = shop.get("/caf%C3%A9%20x/shop/where").json()
    assert (root, path, unquote(link)) == ("/café x/shop", "/where", "/café x/shop/")


def test_a_body_without_a_length_is_read_whole(shop: Client) -> None:
    answer = shop.post("/acme/shop/where", body=iter([b"a", b"b", b"c"]))
    assert answer.json()[5] == "abc"


def test_head_has_the_fields_of_get_and_no_body(shop: Client) -> None:
    got, answer = shop.get("/acme/shop/"), shop.request("HEAD", "/acme/shop/")
    assert (answer.status, answer.body) == (200, b"")
    for name in ("content-type", "content-length"):
        assert answer.headers[name] == got.headers[name]


def test_head_of_a_stream_makes_none_of_it(shop: Client) -> None:
    answer = shop.request("HEAD", "/acme/shop/slow")
    assert (answer.status, answer.body) == (200, b"")
    assert eventually(lambda: shop.service.in_flight == 0)


def test_fields_that_come_twice_are_sent_twice(shop: Client) -> None:
    answer = shop.get("/acme/shop/cookies")
    cookies = [value for name, value in answer.fields if name.lower() == "set-cookie"]
    assert (answer.status, answer.body) == (204, b"")
    assert [each.partition(";")[0] for each in cookies] == ["a=1", "b=2"]


def test_an_unchanged_answer_has_no_body(shop: Client) -> None:
    answer = shop.get("/acme/shop/unchanged")
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"x"')


def test_a_large_body_is_streamed(shop: Client) -> None:
    answer = shop.get("/acme/shop/large")
    assert [len(chunk) for chunk in answer.chunks] == [100_000] * 50
    assert "content-length" not in answer.headers
    assert not answer.cut


def test_a_client_that_leaves_ends_the_application_and_frees_the_slot(shop: Client) -> None:
    assert len(shop.get("/acme/shop/slow", disconnect_after=2).chunks) == 2
    assert eventually(lambda: shop.get("/seen").text == "closed")
    assert eventually(lambda: shop.service.in_flight == 0)


def test_a_deadline_before_the_answer_is_504(hasty_shop: Client) -> None:
    assert hasty_shop.get("/acme/shop/stuck").status == 504
    assert eventually(lambda: hasty_shop.get("/seen").text == "stopped")
    assert eventually(lambda: hasty_shop.service.in_flight == 0)


def test_a_deadline_in_a_stream_cuts_it(hasty_shop: Client) -> None:
    answer = hasty_shop.get("/acme/shop/slow")
    assert (answer.status, answer.cut) == (200, True)
    assert 2 <= len(answer.chunks) < 20
    assert eventually(lambda: hasty_shop.get("/seen").text == "closed")
    assert eventually(lambda: hasty_shop.service.in_flight == 0)


def test_a_framework_that_answers_for_its_error_keeps_its_answer(shop: Client) -> None:
    answer = shop.get("/acme/shop/crash")
    assert answer.status == 500
    assert "Internal Server Error" in answer.text
    assert "secret" not in answer.text


def test_an_error_in_a_stream_cuts_it(shop: Client) -> None:
    answer = shop.get("/acme/shop/broken")
    assert (answer.status, answer.chunks, answer.cut) == (200, [b"a"], True)
    assert shop.get("/acme/shop/").text == "root"


def test_sys_exit_in_an_application_is_a_crash_of_the_call(shop: Client) -> None:
    answer = shop.get("/acme/shop/exit")
    assert (answer.status, answer.headers["x-google-status"]) == (500, "crash")
    assert shop.get("/acme/shop/").text == "root"


def test_slots_bound_an_application(serve: Serve, kind: str) -> None:
    config = CONFIG.replace('/shop"', '/shop", concurrency: 1, queue_timeout: 50ms')
    shop = serve(CODE[kind], config.format(kind=kind))
    assert shop.service.host.functions["shop"].slots.try_acquire()
    answer = shop.get("/acme/shop/")
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


def test_a_single_target_is_mounted_at_the_root(
    serve: Serve, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its module keeps the plain name; set and taken away again by the fixture.
    monkeypatch.setitem(sys.modules, "main", ModuleType("main"))
    monkeypatch.delitem(sys.modules, "main")
    monkeypatch.setattr(sys, "path", list(sys.path))
    flags = {
        "target": ("--target", "app"),
        "signature_type": ("--signature-type", kind),
    }
    host = serve(CODE[kind], flags=flags)
    assert host.get("/where").json()[:3] == ["", "/where", "/"]


def test_a_single_target_of_a_file_is_mounted_at_its_path_and_at_the_root(
    serve: Serve, kind: str
) -> None:
    flags = {"target": ("--target", "app")}
    host = serve(CODE[kind], ALONE.format(kind=kind), flags=flags)
    assert host.get("/app/where").json()[:3] == ["/app", "/where", "/app/"]
    assert host.get("/where").json()[:3] == ["", "/where", "/"]


# WSGI, to the letter of PEP 3333.


def test_start_response_may_come_with_the_first_chunk(serve: Serve) -> None:
    host = alone(
        serve,
        "wsgi",
        "def app(environ, start_response):\n"
        "    yield b''\n"
        "    start_response('201 Created', [('x-a', '1')])\n"
        "    yield b'a'\n    yield b''\n    yield b'b'",
    )
    answer = host.get("/app")
    assert (answer.status, answer.chunks, answer.headers["x-a"]) == (201, [b"a", b"b"], "1")
    assert host.request("HEAD", "/app").status == 201


def test_what_is_written_comes_before_what_is_returned(serve: Serve) -> None:
    host = alone(
        serve,
        "wsgi",
        "def app(environ, start_response):\n"
        "    write = start_response('200 OK', [])\n"
        "    write(b'a')\n    write(b'b')\n    return [b'c']",
    )
    assert host.get("/app").body == b"abc"


def test_an_error_before_the_first_chunk_replaces_the_head(serve: Serve) -> None:
    host = alone(
        serve,
        "wsgi",
        "import sys\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        start_response('503 Oh', [], sys.exc_info())\n    return [b'oh']",
    )
    answer = host.get("/app")
    assert (answer.status, answer.body) == (503, b"oh")


def test_an_error_after_the_first_chunk_is_raised_again(serve: Serve) -> None:
    host = alone(
        serve,
        "wsgi",
        "import sys\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [])\n    yield b'a'\n"
        "    try:\n        1 / 0\n    except ZeroDivisionError:\n"
        "        try:\n            start_response('500 Oh', [], sys.exc_info())\n"
        "        except ZeroDivisionError:\n            events.append('again')\n"
        "            raise",
    )
    answer = host.get("/app")
    assert (answer.status, answer.chunks, answer.cut) == (200, [b"a"], True)
    assert host.get("/seen").text == "again"


CLOSING = """
class Body:
    def __init__(self, chunks): self.chunks = iter(chunks)
    def __iter__(self): return self
    def __next__(self):
        chunk = next(self.chunks)
        if chunk is None: raise ValueError
        return chunk
    def close(self): events.append("closed")
def app(environ, start_response):
    if environ["PATH_INFO"] != "/silent":
        start_response("200 OK", [("content-length", "2")] * environ["PATH_INFO"].count("2"))
    return Body({
        "/whole2": [b"ab"], "/empty": [], "/stream": [b"a", b"b"], "/silent": [b"a"],
        "/error": [None], "/broken": [b"a", None], "/text": ["a"], "/long2": [b"a", b"bc"],
        "/short2": [b"a"]}[environ["PATH_INFO"]])
"""


@pytest.mark.parametrize(
    ("path", "status", "body", "cut"),
    [
        ("whole2", 200, b"ab", False),
        ("empty", 200, b"", False),
        ("stream", 200, b"ab", False),
        ("silent", 500, None, False),
        ("error", 500, None, False),
        ("text", 500, None, False),
        ("broken", 200, b"a", True),
        ("long2", 200, b"a", True),
        ("short2", 200, b"a", True),
    ],
)
def test_what_an_application_returns_is_closed_once(
    serve: Serve, path: str, status: int, body: bytes | None, cut: bool
) -> None:
    host = alone(serve, "wsgi", CLOSING)
    answer = host.get(f"/app/{path}")
    assert (answer.status, answer.cut) == (status, cut)
    assert body is None or answer.body == body
    assert eventually(lambda: host.get("/seen").text == "closed")
    host.request("HEAD", f"/app/{path}")
    assert eventually(lambda: host.get("/seen").text == "closed,closed")


def test_fields_of_the_connection_are_left_out(serve: Serve) -> None:
    host = alone(
        serve,
        "wsgi",
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Connection', 'close'), ('X-A', '1')])\n"
        "    return [b'a']",
    )
    answer = host.get("/app").headers
    assert (answer.get("connection"), answer["x-a"]) == (None, "1")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("'abc', []", "app answered with the status 'abc'; a status is a number from 200 to 999"),
        ("'200 OK', [('a b', '1')]", "app answered with 'a b' is not a valid header name"),
        (
            "'200 OK', [('a', 'b\\r\\nc: d')]",
            "app answered with the value of the header 'a' contains",
        ),
        ("'200 OK', [('content-length', 'x')]", "app answered with the content-length 'x'"),
    ],
)
def test_a_head_that_cannot_be_sent_is_a_crash(
    serve: Serve, head: str, reason: str, front: str
) -> None:
    host = serve(
        f"def app(environ, start_response):\n    start_response({head})\n    return [b'a']",
        "server: {debug: true}\n" + ALONE.format(kind="wsgi").replace("  seen", "  x-seen"),
    )
    answer = host.get("/app")
    assert answer.status == 500
    assert reason in answer.json()["detail"]


def test_an_application_logs_to_stderr(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    host = alone(
        serve,
        "wsgi",
        "def app(environ, start_response):\n"
        "    print('oh', file=environ['wsgi.errors'])\n"
        "    start_response('200 OK', [])\n    return []",
    )
    assert host.get("/app").status == 200
    assert "oh" in capsys.readouterr().err


# ASGI.


def test_work_after_the_answer_is_part_of_the_call(serve: Serve) -> None:
    host = serve(CODE["asgi"], CONFIG.format(kind="asgi"))
    assert host.get("/acme/shop/later").text == "done"
    assert host.get("/seen").text == "in the background"


@pytest.mark.parametrize(
    ("code", "status", "body", "cut"),
    [
        ("pass", 500, None, False),
        ("raise ValueError", 500, None, False),
        ("await start()", 500, None, False),
        ("await body(b'a')", 500, None, False),
        ("await start(); await start()", 500, None, False),
        ("await start(); await body()", 200, b"", False),
        ("await start(); await body(b'a')", 200, b"a", False),
        ("await start(); await body(b'a'); await body(b'b')", 500, None, False),
        ("await start(); await body(b'a'); raise ValueError", 500, None, False),
        ("await start(status=503); await body(b'a'); raise ValueError", 503, b"a", False),
        ("await start(); await body(b'a', 1)", 500, None, False),
        ("await start(); await body(b'a', 1); await body(b'b', 1); await gone()", 200, b"ab", True),
        (
            "await start(); await body(b'a', 1); await body(b'b', 1); await body()",
            200,
            b"ab",
            False,
        ),
        (
            "await start(5); await body(b'ab', 1); await body(b'c', 1); await body()",
            200,
            b"abc",
            True,
        ),
        ("await start(2); await body(b'ab', 1); await body()", 200, b"ab", False),
        ("await start(2); await body(b'ab', 1); await body(b'c')", 500, None, False),
        ("await start(5); await body(b'ab')", 500, None, False),
    ],
)
def test_what_an_application_sends_is_the_answer_or_a_crash(
    serve: Serve, code: str, status: int, body: bytes | None, cut: bool
) -> None:
    host = alone(
        serve,
        "asgi",
        f"""
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan": raise ValueError
    async def start(length=None, status=200):
        fields = [(b"content-length", str(length).encode())] if length else []
        await send({{"type": "http.response.start", "status": status, "headers": fields}})
    async def body(chunk=b"", more=False):
        await send({{"type": "http.response.body", "body": chunk, "more_body": bool(more)}})
    async def gone():
        await asyncio.sleep(0.01)
    {code}
""",
    )
    answer = host.get("/app")
    assert (answer.status, answer.cut) == (status, cut)
    assert body is None or answer.body == body
    assert eventually(lambda: host.service.in_flight == 0)


DISCONNECT = """
import asyncio
async def app(scope, receive, send):
    assert scope["type"] == "http"
    events.append((await receive())["body"].decode())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    waiting = asyncio.create_task(receive())
    try:
        if scope["path"] == "/app/stream":
            for _ in range(1000):
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
                await asyncio.sleep(0.001)
        else:
            await send({"type": "http.response.body", "body": b"a"})
    finally:
        events.append((await waiting)["type"])
"""


def test_receive_tells_that_the_answer_is_over(serve: Serve) -> None:
    host = alone(serve, "asgi", DISCONNECT)
    assert host.post("/app", body="hi").text == "a"
    assert host.get("/seen").text == "hi,http.disconnect"


def test_receive_tells_that_the_client_has_gone(serve: Serve) -> None:
    host = alone(serve, "asgi", DISCONNECT)
    host.post("/app/stream", body="hi", disconnect_after=2)
    assert eventually(lambda: host.get("/seen").text == "hi,http.disconnect")
    assert eventually(lambda: host.service.in_flight == 0)


def test_an_application_is_no_further_ahead_than_a_few_chunks(serve: Serve) -> None:
    host = alone(
        serve,
        "asgi",
        """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    for _ in range(5000):
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        events.append("x")
""",
    )
    host.get("/app", disconnect_after=3)
    assert eventually(lambda: host.service.in_flight == 0)
    assert host.get("/seen").text.count("x") < 100


def test_one_that_swallows_its_cancellation_holds_its_slot(serve: Serve) -> None:
    host = serve(
        PLAIN
        + """
import asyncio
async def app(scope, receive, send):
    assert scope["type"] == "http"
    for _ in range(30):
        try:
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            events.append("swallowed")
""",
        ALONE.format(kind="asgi").replace("asgi}", "asgi, timeout: 100ms}"),
    )
    assert host.get("/app").status == 504
    assert host.service.in_flight == 1
    assert eventually(lambda: host.get("/seen").text == "swallowed")
    assert eventually(lambda: host.service.in_flight == 0)


# Lifespan.

LIFESPAN = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
import asyncio, pathlib

def note(word):
    with open(pathlib.Path(__file__).parent / "notes.txt", "a") as file:
        file.write(word + ";")

def make(name):
    @asynccontextmanager
    async def lifespan(app):
        note(f"{name} starts")
        loop = asyncio.get_running_loop()
        yield {"name": name, "loop": loop}
        note(f"{name} stops" if loop is asyncio.get_running_loop() else "on another loop")

    async def root(request):
        assert request.state.loop is asyncio.get_running_loop()
        await asyncio.sleep(float(request.query_params.get("wait", "0")))
        return PlainTextResponse(request.state.name)

    return Starlette(routes=[Route("/", root)], lifespan=lifespan)

one, two = make("one"), make("two")

@asynccontextmanager
async def failing(app):
    raise RuntimeError("no database")
    yield
broken = Starlette(lifespan=failing)

async def leaving(scope, receive, send):
    await receive()
    raise SystemExit(3)
"""
ONE = """
functions:
  one: {target: "main.py:one", signature: asgi}
"""
TWO = '  two: {target: "main.py:two", signature: asgi}\n'


def notes(folder: Path) -> str:
    path = folder / "notes.txt"
    return path.read_text() if path.exists() else ""


def reload(host: Client, folder: Path, config: str) -> bool:
    (folder / "functions.yaml").write_text(config)
    return host.service.reload()


def test_an_application_starts_before_it_is_called_and_stops_with_the_host(
    tmp_path: Path, front: Any
) -> None:
    (tmp_path / "main.py").write_text(LIFESPAN)
    (tmp_path / "functions.yaml").write_text(
        ONE + '  again: {target: "main.py:one", signature: asgi}\n'
    )
    with client("functions.yaml", front=front, cwd=tmp_path) as host:
        assert notes(tmp_path) == "one starts;"
        assert host.get("/one/").text == "one"
        assert host.get("/again/").text == "one"
    assert notes(tmp_path) == "one starts;one stops;"


def test_a_reload_starts_what_is_added_and_stops_what_is_removed(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(LIFESPAN, ONE)
    assert reload(host, tmp_path, ONE + TWO)
    assert notes(tmp_path) == "one starts;two starts;"
    assert host.get("/two/").text == "two"
    assert reload(host, tmp_path, "functions:\n" + TWO)
    assert eventually(lambda: notes(tmp_path) == "one starts;two starts;one stops;")
    assert host.get("/two/").text == "two"
    assert reload(host, tmp_path, ONE)
    assert eventually(lambda: notes(tmp_path).endswith("one starts;two stops;"))
    assert host.get("/one/").text == "one"


def test_an_application_that_was_removed_stops_after_its_last_call(
    serve: Serve, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    host = serve(LIFESPAN, ONE)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(host.get, "/one/?wait=0.3")
        assert eventually(lambda: host.service.in_flight == 1)
        assert reload(host, tmp_path, ONE.replace("main.py:one", "main.py:two"))
        assert notes(tmp_path) == "one starts;two starts;"
        assert answer.result().text == "one"
    assert eventually(lambda: notes(tmp_path) == "one starts;two starts;one stops;")
    assert host.get("/one/").text == "two"


def test_a_failed_start_up_is_a_start_up_error(tmp_path: Path, front: Any) -> None:
    (tmp_path / "main.py").write_text(LIFESPAN)
    for target, reason in (
        ("broken", "RuntimeError: no database"),
        ("leaving", "SystemExit: 3"),
    ):
        (tmp_path / "functions.yaml").write_text(
            f'functions:\n  f: {{target: "main.py:{target}", signature: asgi}}\n'
        )
        with (
            pytest.raises(StartupError) as raised,
            client("functions.yaml", front=front, cwd=tmp_path),
        ):
            pass
        assert str(raised.value) == f"the application f failed to start: {reason}"


def test_a_failed_start_up_refuses_a_reload_and_stops_what_it_had_started(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(LIFESPAN, ONE)
    broken = TWO + '  broken: {target: "main.py:broken", signature: asgi}\n'
    assert not reload(host, tmp_path, ONE + broken)
    assert notes(tmp_path) == "one starts;two starts;two stops;"
    assert host.get("/one/").text == "one"
    assert reload(host, tmp_path, ONE + TWO)
    assert host.get("/two/").text == "two"


def test_a_lazy_application_starts_at_its_first_call(serve: Serve, tmp_path: Path) -> None:
    host = serve(LIFESPAN, ONE.replace("asgi}", "asgi, lazy: true}"))
    assert notes(tmp_path) == ""
    assert host.get("/one/").text == "one"
    assert notes(tmp_path) == "one starts;"


# Behind real servers.

SERVED = """
import contextlib, pathlib, time
import flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

shop = flask.Flask(__name__)
shop.add_url_rule("/", "root", lambda: "root")
shop.add_url_rule("/none", "none", lambda: flask.Response("", 304, {"etag": '"x"'}))
shop.add_url_rule("/large", "large", lambda: flask.Response(b"x" * 70_000 for _ in range(40)))

def forever():
    with contextlib.closing(pathlib.Path("left-shop").open("w")) as file:
        while True:
            yield b"x" * 10_000
            file.write(".")
shop.add_url_rule("/forever", "forever", lambda: flask.Response(forever()))

async def body():
    for _ in range(40):
        yield b"x" * 70_000

async def endless():
    try:
        while True:
            yield b"x" * 10_000
    finally:
        pathlib.Path("left-site").touch()

@contextlib.asynccontextmanager
async def lifespan(app):
    pathlib.Path("started").touch()
    yield
    pathlib.Path("stopped").touch()

async def root(request): return PlainTextResponse("root")
async def none(request): return Response(status_code=304, headers={"etag": '"x"'})
async def large(request): return StreamingResponse(body())
async def forever_async(request): return StreamingResponse(endless())
site = Starlette(lifespan=lifespan, routes=[
    Route("/", root), Route("/none", none), Route("/large", large),
    Route("/forever", forever_async)])
"""


@pytest.mark.parametrize("serve", [server, gunicorn])
def test_applications_behind_a_real_server(tmp_path: Path, serve: Any) -> None:
    sets = ["functions.shop.signature=wsgi", "functions.site.signature=asgi"]
    sets += ["functions.shop.concurrency=1", "functions.site.concurrency=1"]
    with serve(tmp_path, *sets, source=SERVED, functions="shop site") as running:
        for name in ("shop", "site"):
            kept = running.connection()
            for method, path, status, length in (
                *(("GET", "/", 200, 4), ("HEAD", "/", 200, 0), ("GET", "/none", 304, 0)),
                *(("GET", "/large", 200, 2_800_000), ("GET", "/", 200, 4)),
            ):
                kept.request(method, f"/{name}{path}")
                answer = kept.getresponse()
                assert (answer.status, len(answer.read())) == (status, length)
            kept.request("GET", f"/{name}/forever")
            assert len(kept.getresponse().read(50_000)) == 50_000
            kept.close()
            assert eventually(lambda: running.get(f"/{name}/") == "root")  # noqa: B023
        assert eventually((tmp_path / "left-site").exists)
        assert (tmp_path / "started").exists()
        assert not (tmp_path / "stopped").exists()
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert (tmp_path / "stopped").exists()


# What is refused.


def refused(folder: Path, code: str, config: str) -> str:
    (folder / "main.py").write_text(code)
    (folder / "functions.yaml").write_text(config)
    with pytest.raises(ConfigError) as raised, client("functions.yaml", cwd=folder):
        pass
    return str(raised.value.problems[0].message) + " / " + str(raised.value.problems[0].hint)


@pytest.mark.parametrize(("made", "article"), [("wsgi", "a WSGI"), ("asgi", "an ASGI")])
def test_an_application_needs_its_signature(tmp_path: Path, made: str, article: str) -> None:
    other = "asgi" if made == "wsgi" else "wsgi"
    config = 'functions:\n  shop: {target: "main.py:app"}\n'
    assert refused(tmp_path, CODE[made], config) == (
        f"app is {article} application, not a function / write signature: {made}"
    )
    config = config.replace("}", f", signature: {other}}}")
    assert refused(tmp_path, CODE[made], config) == (
        f"shop is {article} application; write signature: {made} / None"
    )


def test_a_function_is_no_application(tmp_path: Path, kind: str) -> None:
    config = f'functions:\n  f: {{target: "main.py:f", signature: {kind}}}\n'
    given = {"wsgi": "environ and start_response", "asgi": "scope, receive and send"}[kind]
    assert refused(tmp_path, "def f(request): ...", config) == (
        f"f takes (request); the signature {kind} gives {given} / None"
    )


def test_an_application_cannot_run_in_a_process(tmp_path: Path, kind: str) -> None:
    config = f'functions:\n  f: {{target: "main.py:app", signature: {kind}, isolation: process}}\n'
    message = refused(tmp_path, CODE[kind], config)
    assert message.startswith(f"signature '{kind}' cannot run in a process")
