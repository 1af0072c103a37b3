"""The same calls with all functions in one host, and with one host each, on two fronts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ffhost.host.streamed_answer import CUT
from ffhost.testing import Client, client
from tests.execution.test_deadlines import eventually
from tests.serving import server

MAIN = """
import dataclasses, time
import ffhost
from cloudevents.core.v1.event import CloudEvent

@dataclasses.dataclass
class Order:
    item: str
    amount: int = 1

@ffhost.typed
def price(order: Order):
    return {"cents": order.amount * 100, "id": ffhost.current().execution_id,
            "trace": ffhost.current().trace_id}

def stock(request):
    return {"left": 7, "path": request.path, "arg": request.args.get("a"),
            "key": request.headers.get("X-Key"), "method": request.method,
            "left_ms": (ffhost.current().remaining or 0) * 1000}

def slow(request):
    time.sleep(0.3)
    return "late"

def crash(request):
    raise RuntimeError

LEFT = []

def words(request):
    try:
        yield "a"
        if request.args.get("broken"):
            raise RuntimeError("secret")
        if request.args.get("long"):
            while True:
                yield "x" * 9000
        yield "b"
    finally:
        LEFT.append(ffhost.current().execution_id)

def left(request):
    return LEFT

@ffhost.cloud_event
async def mail(event):
    return CloudEvent({"id": "2", "type": "mailed", "source": "m"}, {"to": event.data["to"]})

def _event():
    return CloudEvent({"id": "1", "type": "t", "source": "s"}, {"to": "Ada"})

def plain_order(request):
    price = ffhost.call_sync("price", Order("tea", 2)).raise_for_status().json()
    stock = ffhost.call_sync("stock", path="/below?a=1").json()
    mail = ffhost.call_sync("mail", event=_event())
    crash = ffhost.call_sync("crash").status
    return {"price": price, "stock": stock, "mail": [mail.status, mail.headers["ce-type"],
            mail.json()], "crash": crash, "id": ffhost.current().execution_id}

async def quick_order(request):
    price = (await ffhost.call("price", Order("tea", 2))).raise_for_status().json()
    stock = (await ffhost.call("stock", path="/below?a=1")).json()
    mail = await ffhost.call("mail", event=_event())
    crash = (await ffhost.call("crash")).status
    return {"price": price, "stock": stock, "mail": [mail.status, mail.headers["ce-type"],
            mail.json()], "crash": crash, "id": ffhost.current().execution_id}

def plain_stream(request):
    chunks = []
    try:
        for chunk in ffhost.call_sync("words", path=request.args["path"], stream=True):
            chunks.append(chunk.decode())
            if len(chunks) > 2:
                break
    except ffhost.CallError as error:
        return {"chunks": chunks, "error": str(error)}
    return {"chunks": chunks[:2]}

async def quick_stream(request):
    chunks = []
    try:
        async for chunk in await ffhost.call("words", path=request.args["path"], stream=True):
            chunks.append(chunk.decode())
            if len(chunks) > 2:
                break
    except ffhost.CallError as error:
        return {"chunks": chunks, "error": str(error)}
    return {"chunks": chunks[:2]}

def plain_left(request):
    return ffhost.call_sync("left").json()

def plain_wrong(request):
    return {"status": ffhost.call_sync("price", {"amount": "x"}).status}

async def quick_wrong(request):
    return {"status": (await ffhost.call("price", {"amount": "x"})).status}

def plain_hurry(request):
    return {"status": ffhost.call_sync("slow").status}

async def quick_hurry(request):
    return {"status": (await ffhost.call("slow")).status}
"""
CALLED = ("price", "stock", "mail", "slow", "crash", "words", "left")
CALLERS = ("order", "wrong", "hurry", "stream")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve each function by itself, two to a process; return their addresses as variables."""
    found: dict[str, str] = {}
    with ExitStack() as stack:
        running = {}
        for names in ("price stock", "mail slow crash words left"):
            folder = tmp_path_factory.mktemp(names.split()[0])
            running[names] = stack.enter_context(server(folder, source=MAIN, functions=names))
        for names, each in running.items():
            host, port = each.address
            for name in names.split():
                found[f"FFHOST_FUNCTIONS__{name.upper()}__URL"] = f"http://{host}:{port}/{name}"
        yield found


@pytest.fixture(scope="module", params=["one host-asgi", "one host-wsgi", "each-asgi", "each-wsgi"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    where, front = request.param.split("-")
    folder = tmp_path_factory.mktemp("order")
    (folder / "main.py").write_text(MAIN)
    entries = {name: {"target": f"main.py:{name}"} for name in CALLED}
    for name in CALLERS:
        for kind in ("plain", "quick"):
            timeout = "100ms" if name == "hurry" else "10s"
            target = f"main.py:{kind}_{name}"
            entries[f"{kind}_{name}"] = {"target": target, "timeout": timeout}
    entries["plain_left"] = {"target": "main.py:plain_left"}
    entries["stock"]["call_headers"] = {"X-Key": {"from_env": "STOCK_KEY"}}  # type: ignore[assignment]
    (folder / "functions.yaml").write_text(json.dumps({"functions": entries}))
    if where == "one host":
        with client(folder, front=front, environ={"STOCK_KEY": "k"}) as made:
            yield lambda name: made
        return
    environ = {"STOCK_KEY": "k", **request.getfixturevalue("elsewhere")}
    with ExitStack() as stack:
        clients: dict[str, Client] = {}

        def alone(name: str) -> Client:
            if name not in clients:
                single = {**environ, "FUNCTION_TARGET": name}
                clients[name] = stack.enter_context(client(folder, front=front, environ=single))
            return clients[name]

        yield alone


@pytest.fixture(params=["plain", "quick"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_function_calls_others_wherever_they_are(host: Any, kind: str) -> None:
    headers = {
        "Function-Execution-Id": "first",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    answer = host(f"{kind}_order").get(f"/{kind}_order", headers=headers)
    assert answer.status == 200, answer.text
    found = answer.json()
    assert found["price"] == {"cents": 200, "id": "first", "trace": TRACE}
    assert found["mail"] == [200, "mailed", {"to": "Ada"}]
    assert found["crash"] == 500
    stock = found["stock"]
    assert (stock["left"], stock["path"], stock["arg"]) == (7, "/stock/below", "1")
    assert stock["method"] == "GET"
    assert 0 < stock["left_ms"] <= 10_000  # what the caller has left, not a minute


def test_a_refusal_is_the_same_answer(host: Any, kind: str) -> None:
    assert host(f"{kind}_wrong").get(f"/{kind}_wrong").json() == {"status": 422}


def test_a_stream_comes_in_chunks_and_a_broken_one_is_an_error(host: Any, kind: str) -> None:
    called = host(f"{kind}_stream")
    assert "".join(called.get(f"/{kind}_stream?path=?").json()["chunks"]) == "ab"
    broken = called.get(f"/{kind}_stream?path=?broken=1").json()
    assert broken == {"chunks": ["a"], "error": CUT}


def test_a_stream_is_closed_wherever_it_is_when_its_caller_ends(host: Any, kind: str) -> None:
    headers = {"Function-Execution-Id": f"left-{kind}-{id(host)}"}
    answer = host(f"{kind}_stream").get(f"/{kind}_stream?path=?long=1", headers=headers)
    assert answer.status == 200, answer.text
    left = host("plain_left")
    assert eventually(lambda: headers["Function-Execution-Id"] in left.get("/plain_left").json())


def test_the_deadline_of_the_caller_holds_for_the_function_that_it_calls(
    host: Any, kind: str
) -> None:
    answer = host(f"{kind}_hurry").get(f"/{kind}_hurry")  # both deadlines pass at the same time
    assert answer.status == 504 or answer.json() == {"status": 504}


def test_keys_are_sent_to_functions_elsewhere_only(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    entries = {name: {"target": f"main.py:{name}"} for name in CALLED}
    entries["order"] = {"target": "main.py:plain_order"}
    entries["stock"] |= {"call_headers": {"X-Key": {"from_env": "STOCK_KEY"}}}  # type: ignore[dict-item]
    (tmp_path / "functions.yaml").write_text(json.dumps({"functions": entries}))
    environ = {"STOCK_KEY": "k", **elsewhere}
    with client(tmp_path, environ={**environ, "FUNCTION_TARGET": "order"}) as alone:
        assert alone.get("/order").json()["stock"]["key"] == "k"
    with client(tmp_path, environ=environ) as together:
        assert together.get("/order").json()["stock"]["key"] is None


def test_nobody_at_the_address_is_an_error_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import ffhost\n"
        "def order(request):\n"
        "    try:\n"
        "        ffhost.call_sync(request.args['name'])\n"
        "    except ffhost.CallError as error:\n"
        "        return str(error)\n"
        "def price(request): ...\n"
    )
    entries = {name: {"target": f"main.py:{name}"} for name in ("order", "price")}
    (tmp_path / "functions.yaml").write_text(json.dumps({"functions": entries}))
    single = {"FUNCTION_TARGET": "order"}
    with client(tmp_path, environ=single) as host:
        assert "set functions.price.url" in host.get("/order?name=price").text
        assert "did you mean 'price'?" in host.get("/order?name=prize").text
    url = {"FFHOST_FUNCTIONS__PRICE__URL": "http://127.0.0.1:1"}
    with client(tmp_path, environ={**single, **url}) as host:
        assert (
            "'price' cannot be reached at http://127.0.0.1:1" in host.get("/order?name=price").text
        )
