"""A call on both fronts: what goes in, what comes out, and what becomes of errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Serve

CONFIG = """
functions:
  f: {target: "main.py:f"}
"""


def test_a_function_gets_the_request_and_its_result_is_sent(serve: Serve) -> None:
    host = serve(
        """
        def f(request):
            return f"{request.method} {request.args['x']} {request.data!r}"
        """,
        CONFIG,
    )
    answer = host.post("/f?x=1", body=b"hi")
    assert (answer.status, answer.text) == (200, "POST 1 b'hi'")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_coroutine_function_is_awaited(serve: Serve) -> None:
    host = serve(
        """
        import asyncio
        async def f(request):
            await asyncio.sleep(0)
            return {"path": request.path}
        """,
        CONFIG,
    )
    assert host.get("/f/below").json() == {"path": "/f/below"}


def test_the_callers_execution_id_is_taken_if_it_is_sane(serve: Serve) -> None:
    host = serve("import ffhost\ndef f(request): return ffhost.current().execution_id", CONFIG)
    answer = host.get("/f", headers={"Function-Execution-Id": "abc-1"})
    assert (answer.text, answer.headers["function-execution-id"]) == ("abc-1", "abc-1")
    made = host.get("/f", headers={"Function-Execution-Id": "no good!"})
    assert made.text == made.headers["function-execution-id"] != "no good!"


def test_a_crash_is_a_500_that_tells_nothing_but_the_execution_id(serve: Serve) -> None:
    host = serve("def f(request): raise ValueError('the secret')", CONFIG)
    answer = host.get("/f", headers={"Function-Execution-Id": "abc"})
    assert answer.status == 500
    assert answer.headers["x-google-status"] == "crash"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the function crashed",
        "execution_id": "abc",
    }


@pytest.mark.parametrize("asynchronous", ["", "async "])
@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_what_would_end_a_process_ends_only_the_call(
    serve: Serve, asynchronous: str, error: str
) -> None:
    host = serve(
        f"""
        {asynchronous}def f(request):
            if request.args.get("die"):
                raise {error}
            return "alive"
        """,
        CONFIG,
    )
    assert host.get("/f?die=1").status == 500
    assert host.get("/f").text == "alive"


def test_a_task_that_a_function_creates_cannot_end_the_loop(serve: Serve) -> None:
    host = serve(
        """
        import asyncio, sys
        async def f(request):
            task = asyncio.create_task(exits())
            try:
                await task
            except Exception as error:
                return type(error).__name__
        async def exits():
            sys.exit(3)
        """,
        CONFIG,
    )
    assert host.get("/f").text == "TaskExited"
    assert host.get("/f").text == "TaskExited"


def test_an_error_handler_answers_for_its_exceptions_and_their_subclasses(serve: Serve) -> None:
    host = serve(
        """
        import ffhost

        @ffhost.error_handler(ArithmeticError)
        def teapot(error):
            return f"teapot: {error}", 418

        def f(request):
            if request.args.get("other"):
                raise KeyError("x")
            1 / 0
        """,
        CONFIG,
    )
    assert (host.get("/f").status, host.get("/f").text) == (418, "teapot: division by zero")
    assert host.get("/f?other=1").status == 500


@pytest.mark.parametrize(("handler", "function"), [("", ""), ("", "async "), ("async ", "async ")])
def test_a_handlers_answer_or_its_own_crash_is_the_answer(
    serve: Serve, handler: str, function: str
) -> None:
    host = serve(
        f"""
        import ffhost

        @ffhost.error_handler(ArithmeticError)
        {handler}def teapot(error):
            return f"teapot: {{error}}", 418

        @ffhost.error_handler(LookupError)
        {handler}def fails(error):
            raise RuntimeError("the handler's own")

        {function}def f(request):
            if request.args.get("other"):
                raise KeyError("x")
            1 / 0
        """,
        CONFIG,
    )
    assert (host.get("/f").status, host.get("/f").text) == (418, "teapot: division by zero")
    answer = host.get("/f?other=1")
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")


def test_none_is_a_crash_of_an_http_function(serve: Serve) -> None:
    host = serve("def f(request): pass", CONFIG)
    assert host.get("/f").status == 500


def test_typed_functions_name_each_field_that_does_not_validate(serve: Serve) -> None:
    host = serve(
        """
        from pydantic import BaseModel
        class Order(BaseModel):
            item: str
            quantity: int
        def f(order: Order) -> dict:
            return {"got": order.quantity}
        """,
        CONFIG,
    )
    assert host.post("/f", json={"item": "tea", "quantity": 2}).json() == {"got": 2}
    wrong = host.post("/f", json={"item": "tea", "quantity": "two"})
    assert wrong.status == 422
    assert [each["field"] for each in wrong.json()["errors"]] == ["quantity"]
    assert host.post("/f", body=b"{", headers={"content-type": "application/json"}).status == 400
    assert host.get("/f").status == 405


EVENT = {"specversion": "1.0", "id": "7", "source": "/s", "type": "t", "data": {"a": 1}}


@pytest.mark.parametrize("asynchronous", ["", "async "])
def test_a_cloud_event_arrives_and_is_acknowledged_with_204(
    serve: Serve, asynchronous: str
) -> None:
    host = serve(
        f"""
        import ffhost
        seen = []
        @ffhost.cloud_event
        {asynchronous}def f(event):
            seen.append((event["id"], event.data))
        def show(request):
            return repr(seen)
        """,
        CONFIG + '  show: {target: "main.py:show"}\n',
    )
    structured: dict[str, Any] = {"content-type": "application/cloudevents+json"}
    assert host.post("/f", body=json.dumps(EVENT), headers=structured).status == 204
    binary = {"ce-id": "8", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0"}
    assert host.post("/f", json={"a": 2}, headers=binary).status == 204
    assert host.get("/show").text == "[('7', {'a': 1}), ('8', {'a': 2})]"
    missing = host.post("/f", json={}, headers={"ce-id": "8", "ce-specversion": "1.0"})
    assert missing.status == 400
    assert {each["field"] for each in missing.json()["errors"]} == {"source", "type"}


def test_a_background_function_gets_data_and_context(serve: Serve) -> None:
    host = serve(
        """
        import ffhost
        seen = []
        @ffhost.event
        def f(data, context):
            seen.append((data, context.event_id, context.event_type))
        def show(request):
            return repr(seen)
        """,
        CONFIG + '  show: {target: "main.py:show"}\n',
    )
    context = {"eventId": "1", "eventType": "google.storage.object.finalize", "timestamp": "t"}
    body = {"context": {**context, "resource": "r"}, "data": {"name": "x"}}
    assert host.post("/f", json=body).status == 204
    assert host.get("/show").text == "[({'name': 'x'}, '1', 'google.storage.object.finalize')]"


def test_the_configuration_values_of_a_function_reach_it(serve: Serve) -> None:
    host = serve(
        "import ffhost\ndef f(request): return str(ffhost.current().config['quality'])",
        """
        functions:
          f: {target: "main.py:f", config: {quality: 80}}
        """,
    )
    assert host.get("/f").text == "80"


def test_only_debugging_shows_the_stack_to_the_caller(serve: Serve) -> None:
    host = serve("def f(request): raise ValueError('why')", CONFIG, sets=["server.debug=true"])
    answer = host.get("/f").json()
    assert answer["detail"] == "ValueError: why"
    assert answer["traceback"][0] == "Traceback (most recent call last):"
    assert any("main.py" in line for line in answer["traceback"])
