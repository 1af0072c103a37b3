"""Functions that call functions of their host, on both fronts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import ffhost
from ffhost.config import ConfigSources, load_config
from ffhost.errors import CallError, ConfigError
from ffhost.fronts.calls_by_name import FrontCallsByName
from ffhost.fronts.falcon_wsgi import wsgi_background_runner
from ffhost.host.call_request import NamedCallRequest
from ffhost.host.snapshot import Host
from ffhost.testing import Client, client
from tests.commands import ffhost as run_ffhost
from tests.execution.test_deadlines import eventually
from tests.log_reading import reading

MAIN = """
import asyncio, dataclasses, threading, time
import ffhost
from cloudevents.core.v1.event import CloudEvent

ENDED = []

@dataclasses.dataclass
class Order:
    item: str
    amount: int = 1

def plain(request):
    found = ffhost.current()
    return {"said": request.get_json(silent=True), "id": found.execution_id, "path": request.path,
            "method": request.method, "arg": request.args.get("a")}

async def coroutine(request):
    return {"said": await read(request), "id": ffhost.current().execution_id}

async def read(request):
    await asyncio.sleep(0)
    return request.get_json(silent=True)

@ffhost.cloud_event
def on_event(event):
    ENDED.append(event.data)

def stream(request):
    yield "a"
    yield "b"

def crash(request):
    raise RuntimeError("secret")

def slow(request):
    time.sleep(5)
    return "late"

async def waiting(request):
    try:
        await asyncio.sleep(30)
    finally:
        ENDED.append("waiting ended")

def user(request):
    return {"user": ffhost.current().config.get("x"), "id": request.path_params["id"]}

def call_plainly(request):
    asked = request.get_json()
    answer = ffhost.call_sync(asked.pop("name"), **asked)
    return {"status": answer.status, "text": answer.text, "id": ffhost.current().execution_id}

async def call_async(request):
    asked = request.get_json()
    answer = await ffhost.call(asked.pop("name"), **asked)
    return {"status": answer.status, "text": answer.text, "id": ffhost.current().execution_id}

def order_plainly(request):
    return ffhost.call_sync("priced", Order("tea", 3)).raise_for_status().json()

async def order_async(request):
    return (await ffhost.call("priced", Order("tea", 3))).raise_for_status().json()

def event_plainly(request):
    event = CloudEvent({"id": "1", "type": "t", "source": "s", "datacontenttype":
                        "application/json"}, {"n": 1})
    return str(ffhost.call_sync("on_event", event=event).status)

async def event_async(request):
    event = CloudEvent({"id": "1", "type": "t", "source": "s", "datacontenttype":
                        "application/json"}, {"n": 2})
    return str((await ffhost.call("on_event", event=event)).status)

async def call_wrongly(request):
    return ffhost.call_sync("plain").text

def circle(request):
    return ffhost.call_sync("circle").text

def one(request):
    return {"status": ffhost.call_sync("circle_of_one").status}

def circle_of_one(request):
    return {"status": ffhost.call_sync("circle_of_one").status}

def limited(request):
    return ffhost.call_sync("plain").text

async def racing(request):
    task = asyncio.ensure_future(ffhost.call("waiting"))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.01)
    return {"ended": ENDED[-1:]}

async def short(request):
    return {"status": (await ffhost.call("waiting")).status}

def short_plainly(request):
    started = time.monotonic()
    status = ffhost.call_sync("slow").status
    return {"status": status, "quick": time.monotonic() - started < 2}

def nobody(request):
    return ffhost.call_sync("plian").text

def elsewhere(request):
    return ffhost.call_sync("remote").text

async def left_behind(request):
    if request.args.get("look"):
        return {"ended": ENDED}
    task = asyncio.ensure_future(ffhost.call("waiting_named"))
    await asyncio.sleep(0.05)
    return "left"

async def many(request):
    answers = await asyncio.gather(*(ffhost.call("coroutine", json=n) for n in range(20)))
    return [answer.json()["said"] for answer in answers]

def threads(request):
    found = {}
    def one(n):
        found[n] = ffhost.call_sync("plain", json=n).json()["said"]
    started = [threading.Thread(target=one, args=(n,)) for n in range(5)]
    for each in started: each.start()
    for each in started: each.join()
    return found

def isolated_circle(request):
    return {"status": ffhost.call_sync("isolated_circle").status}

async def waiting_named(request):
    try:
        await asyncio.sleep(30)
    finally:
        ENDED.append(ffhost.current().execution_id)

def ended(request):
    return ENDED
"""

TYPED = """
import pydantic

class Price(pydantic.BaseModel):
    cents: int

@ffhost.typed
def priced(order: Order):
    return Price(cents=order.amount * 100)
"""
"""In the host only: each isolated function would import pydantic for itself."""

CONFIG = """
defaults: {timeout: 10s}
functions:
  plain: {target: main.py:plain}
  coroutine: {target: main.py:coroutine}
  priced: {target: main.py:priced}
  on_event: {target: main.py:on_event}
  stream: {target: main.py:stream}
  crash: {target: main.py:crash}
  slow: {target: main.py:slow, timeout: 50ms}
  waiting: {target: main.py:waiting}
  user: {target: main.py:user, path: "/users/{id}"}
  posted: {target: main.py:plain, methods: [POST], max_body_size: 10B}
  off: {target: main.py:plain, enabled: false}
  lazy: {target: main.py:plain, lazy: true}
  call_plainly: {target: main.py:call_plainly}
  call_async: {target: main.py:call_async}
  order_plainly: {target: main.py:order_plainly}
  order_async: {target: main.py:order_async}
  event_plainly: {target: main.py:event_plainly}
  event_async: {target: main.py:event_async}
  call_wrongly: {target: main.py:call_wrongly}
  circle: {target: main.py:circle}
  one: {target: main.py:one}
  circle_of_one: {target: main.py:circle_of_one, concurrency: 1}
  limited: {target: main.py:limited, calls: [coroutine]}
  racing: {target: main.py:racing}
  short: {target: main.py:short, timeout: 100ms}
  short_plainly: {target: main.py:short_plainly}
  nobody: {target: main.py:nobody}
  elsewhere: {target: main.py:elsewhere}
"""
ISOLATED = """
  isolated_plainly: {target: isolated.py:call_plainly, isolation: process}
  isolated_async: {target: isolated.py:call_async, isolation: process}
  isolated_order: {target: isolated.py:order_plainly, isolation: process}
  isolated_event: {target: isolated.py:event_async, isolation: process}
  isolated_limited: {target: isolated.py:limited, isolation: process, calls: [coroutine]}
  isolated_racing: {target: isolated.py:racing, isolation: process}
  isolated_left: {target: isolated.py:left_behind, isolation: process}
  isolated_many: {target: isolated.py:many, isolation: process}
  isolated_threads: {target: isolated.py:threads, isolation: process}
  isolated_circle: {target: isolated.py:isolated_circle, isolation: process}
  waiting_named: {target: main.py:waiting_named}
  ended: {target: main.py:ended}
"""


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("calls")
    (folder / "main.py").write_text(MAIN + TYPED)
    (folder / "isolated.py").write_text(MAIN)
    (folder / "functions.yaml").write_text(CONFIG + ISOLATED)
    with client(folder, front=request.param) as made:
        yield made


@pytest.fixture(params=["call_plainly", "call_async", "isolated_plainly", "isolated_async"])
def ask(request: pytest.FixtureRequest, host: Client) -> Any:
    def asked(name: str, **arguments: Any) -> dict[str, Any]:
        answer = host.post(f"/{request.param}", json={"name": name, **arguments})
        assert answer.status == 200, answer.text
        return dict(answer.json())

    return asked


@pytest.mark.parametrize("name", ["plain", "coroutine", "lazy"])
def test_a_function_gets_what_its_caller_says_and_has_its_execution_id(ask: Any, name: str) -> None:
    answer = ask(name, json={"n": 1})
    assert answer["status"] == 200
    assert '"said":{"n":1}' in answer["text"].replace(" ", "")
    assert answer["id"] in answer["text"]


def test_a_call_without_a_body_is_a_get_and_may_have_a_path(ask: Any) -> None:
    text = ask("plain", path="/below?a=7")["text"].replace(" ", "")
    assert '"method":"GET"' in text
    assert '"path":"/plain/below"' in text
    assert '"arg":"7"' in text
    assert '"id":"7"' in ask("user", path="/users/7")["text"].replace(" ", "")


@pytest.mark.parametrize("front", ["order_plainly", "order_async", "isolated_order"])
def test_a_typed_function_gets_a_value(host: Client, front: str) -> None:
    assert host.get(f"/{front}").json() == {"cents": 300}


@pytest.mark.parametrize("front", ["event_plainly", "event_async", "isolated_event"])
def test_a_function_for_events_gets_an_event(host: Client, front: str) -> None:
    assert host.get(f"/{front}").text == "204"


def test_the_answer_is_that_of_http(ask: Any) -> None:
    assert ask("stream")["text"] == "ab"
    crashed = ask("crash")
    assert crashed["status"] == 500
    assert "secret" not in crashed["text"]
    assert ask("posted")["status"] == 405
    assert ask("posted", body="more than ten")["status"] == 413
    assert ask("off")["status"] == 503
    assert ask("priced", value={"item": 1, "amount": "x"})["status"] == 422
    assert ask("slow")["status"] == 504


def test_a_coroutine_function_is_told_to_await(host: Client) -> None:
    assert host.get("/call_wrongly").status == 500


def test_calls_that_wait_for_each_other_end(host: Client) -> None:
    assert '"status":508' in host.get("/circle").text.replace(" ", "")
    assert host.get("/one").json() == {"status": 200}


def test_a_function_never_waits_for_its_own_slot(host: Client) -> None:
    assert host.get("/circle_of_one").json() == {"status": 429}


def test_calls_say_what_a_function_may_call(host: Client) -> None:
    assert host.get("/limited").status == 500
    assert host.get("/isolated_limited").status == 500


def test_who_stops_waiting_stops_the_function(host: Client) -> None:
    assert host.get("/racing").json() == {"ended": ["waiting ended"]}


def test_a_callee_ends_when_the_process_of_its_caller_stops_waiting(host: Client) -> None:
    for left in ("/isolated_racing", "/isolated_left"):
        assert host.get(left, headers={"Function-Execution-Id": left[1:]}).status == 200
    assert eventually(lambda: "isolated_left" in host.get("/ended").json())


def test_an_isolated_function_may_make_many_calls_at_once(host: Client) -> None:
    for _ in range(3):
        assert host.get("/isolated_many").json() == list(range(20))
        assert host.get("/isolated_threads").json() == {str(n): n for n in range(5)}


def test_an_isolated_function_never_waits_for_its_own_process(host: Client) -> None:
    assert host.get("/isolated_circle").json() == {"status": 429}


def test_the_deadline_of_the_caller_ends_the_callee(host: Client) -> None:
    answer = host.get("/short")  # both deadlines pass at the same time
    assert answer.status == 504 or answer.json() == {"status": 504}
    assert host.get("/short_plainly").json() == {"status": 504, "quick": True}


def test_what_another_host_says_can_only_refuse_and_shorten(host: Client) -> None:
    many = ", ".join(f"f{number}" for number in range(17))
    assert host.get("/plain", headers={"FFHost-Chain": many}).status == 508
    assert host.get("/plain", headers={"FFHost-Chain": "a, b"}).status == 200
    assert host.get("/waiting", headers={"FFHost-Deadline": "50"}).status == 504
    assert host.get("/plain", headers={"FFHost-Deadline": "soon"}).status == 200
    assert host.get("/slow", headers={"FFHost-Deadline": "999999"}).status == 504


def test_an_error_of_a_call_says_what_is_wrong() -> None:
    with pytest.raises(CallError, match="none is being called here"):
        ffhost.call_sync("plain")
    with pytest.raises(CallError, match="one of a value, json, body and event"):
        NamedCallRequest("f", json=1, body=b"2").request()
    with pytest.raises(CallError, match="cannot be written as JSON"):
        NamedCallRequest("f", json=object()).request()
    answer = ffhost.CallAnswer(
        422, {"content-type": "application/problem+json"}, b'{"detail": "the amount"}'
    )
    with pytest.raises(CallError, match="the function answered 422: the amount") as caught:
        answer.raise_for_status()
    assert caught.value.answer is answer


def test_what_makes_the_calls_is_made_at_the_first_and_anew_for_another_loop(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").write_text(MAIN + TYPED)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    host = Host(load_config(ConfigSources(cwd=tmp_path)), {})
    assert host.connect_calls() is None
    for _ in range(2):
        before = host.connect_calls()
        host.serve_calls(lambda: FrontCallsByName(wsgi_background_runner))
        assert host.calls is None
        assert host.connect_calls() is host.connect_calls() is host.calls is not before


def test_fakes_take_the_place_of_functions_and_calls_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN + TYPED)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    with client(tmp_path) as host:
        made = host.calls
        host.replace("priced", {"cents": 1})
        assert host.get("/order_plainly").json() == {"cents": 1}

        async def busy(call: Any) -> Any:
            return (f"{call.caller} wants {call.value.amount}", 429)

        host.replace("priced", busy)
        assert host.get("/order_async").status == 500
        host.replace("priced", lambda call: 1 / 0)
        assert host.get("/order_plainly").status == 500
        host.replace("priced", ffhost.CallAnswer(200, {}, b'{"cents": 2}'))
        assert host.get("/order_async").json() == {"cents": 2}
        host.replace("remote", b"from elsewhere")
        assert host.get("/elsewhere").text == "from elsewhere"
        host.replace("on_event", None)
        assert host.get("/event_plainly").text == "204"
    assert [(each.caller, each.name) for each in made] == [
        ("order_plainly", "priced"),
        ("order_async", "priced"),
        ("order_plainly", "priced"),
        ("order_async", "priced"),
        ("elsewhere", "remote"),
        ("event_plainly", "on_event"),
    ]
    assert made[0].value.item == "tea"
    assert made[1].answer is not None
    assert made[1].answer.text == "order_async wants 3"
    assert made[-1].event is not None


def test_the_summary_entry_of_a_call_names_the_caller_and_says_if_it_left(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN + TYPED)
    (tmp_path / "functions.yaml").write_text(CONFIG)
    with reading(tmp_path) as log:
        log.configure()
        with client(tmp_path) as host:
            headers = {"Function-Execution-Id": "one"}
            host.post("/call_async", json={"name": "plain", "json": {}}, headers=headers)
            host.get("/racing", headers=headers)
        entries = log.entries()
    assert not [each for each in entries if each["message"] == "function_crashed"]
    found = {each["function"]: each for each in entries if each["message"] == "invocation"}
    assert (found["waiting"]["caller"], found["waiting"]["outcome"]) == ("racing", "cancelled")
    assert (found["plain"]["caller"], found["plain"]["execution_id"]) == ("call_async", "one")
    assert "caller" not in found["call_async"]


def test_a_name_that_does_not_exist_is_reported_when_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def one(request): ...\n")
    (tmp_path / "functions.yaml").write_text(
        "functions: {one: {target: 'main.py:one', calls: [one, two]}}\n"
    )
    with pytest.raises(ConfigError, match=r"calls\[1\]: there is no function 'two'"):
        client(tmp_path).__enter__()


def test_exports_of_one_workload_each_have_the_addresses_of_what_is_called(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.py").write_text("def one(request): ...\n")
    (tmp_path / "functions.yaml").write_text(
        "functions:\n"
        "  one: {target: 'main.py:one', calls: [two-x, three, four]}\n"
        "  two-x: {target: 'main.py:one', path: /two}\n"
        "  three: {target: 'main.py:one', path: '/three/{id}'}\n"
        "  four: {target: 'main.py:one', url: 'http://four.example.com'}\n"
    )
    ran = run_ffhost("export", "kubernetes", "--split", "--image", "i", "--name", "s", cwd=tmp_path)
    found = {
        variable["name"]: variable["value"]
        for each in yaml.safe_load_all(ran.out)
        if each["kind"] == "Deployment"
        for variable in each["spec"]["template"]["spec"]["containers"][0]["env"]
        if variable["name"].endswith("__URL")
    }
    assert found == {
        "FFHOST_FUNCTIONS__TWO_X__URL": "http://s-two-x/two",
        "FFHOST_FUNCTIONS__THREE__URL": "http://s-three",
    }
