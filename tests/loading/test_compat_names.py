"""The names of functions-framework that user code asks for beside decorators and applications."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request, request
from werkzeug.test import EnvironBuilder

from ffhost.events.binding import decode_cloud_event
from ffhost.events.builders import event_in_all_forms, pubsub_push, storage_event
from ffhost.loading.compat import framework
from ffhost.loading.compat.framework import (
    _function_registry,
    _typed_event,
    aio,
    event_conversion,
    execution_id,
    request_timeout,
)
from ffhost.loading.compat.framework.exceptions import (
    EventConversionException,
    FunctionsFrameworkException,
    InvalidConfigurationException,
    InvalidTargetTypeException,
    MissingTargetException,
    RequestTimeoutException,
)
from ffhost.testing import client


def flask_request(headers: Any = (), body: bytes = b"", path: str = "/") -> Request:
    return Request(EnvironBuilder(path, method="POST", headers=headers, data=body).get_environ())


CONTEXT_OF_A_CALL = """
from functions_framework import execution_id
from functions_framework.execution_id import execution_context_var

def hello(request):
    context = execution_id._get_current_context()
    assert execution_context_var.get().execution_id == context.execution_id
    return f"{context.execution_id} {context.span_id}"

async def waiting(request):
    return execution_id._get_current_context().execution_id
"""


def test_in_a_call_the_context_is_that_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CONTEXT_OF_A_CALL)
    (tmp_path / "functions.yaml").write_text(
        "functions: {hello: {target: 'main.py:hello'}, waiting: {target: 'main.py:waiting'}}\n"
    )
    trace = f"{'a' * 32}/255;o=1"
    with client(tmp_path) as host:
        headers = {"Function-Execution-Id": "one", "X-Cloud-Trace-Context": trace}
        assert host.get("/hello", headers=headers).text == "one 00000000000000ff"
        assert host.get("/waiting", headers=headers).text == "one"
    assert execution_id._get_current_context() is None


def test_outside_a_call_the_context_is_what_was_set() -> None:
    token = execution_id.execution_context_var.set(execution_id.ExecutionContext("mine", "5"))
    try:
        found = execution_id._get_current_context()
        assert found is not None
        assert (found.execution_id, found.span_id) == ("mine", "5")
    finally:
        execution_id.execution_context_var.reset(token)
    nobody = execution_id.ExecutionContext()
    assert execution_id.execution_context_var.get(nobody) is nobody


def test_a_decorated_view_has_the_ids_of_its_request_and_prints_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = Flask("views")
    app.wsgi_app = execution_id.WsgiMiddleware(app.wsgi_app)  # type: ignore[method-assign]

    @app.get("/")
    @execution_id.set_execution_context(request, enable_id_logging=True)
    def view() -> str:
        print("words")
        print(json.dumps({"message": "members", "severity": "INFO"}))
        found = execution_id._get_current_context()
        assert found is not None
        return str(found.execution_id)

    assert app.test_client().get("/", headers={"Function-Execution-Id": "given"}).text == "given"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    labels = {"logging.googleapis.com/labels": {"execution_id": "given"}}
    assert lines == [
        {"message": "words", **labels},
        {"message": "members", "severity": "INFO", **labels},
    ]
    assert len(app.test_client().get("/").text) == 12  # made by the middleware


def test_a_decorated_coroutine_function_has_the_ids_of_its_request() -> None:
    @execution_id.set_execution_context_async()
    async def view(request: Request) -> Any:
        return execution_id._get_current_context()

    found = asyncio.run(view(flask_request({"Function-Execution-Id": "given"})))
    assert found.execution_id == "given"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))

    seen: list[dict[bytes, bytes]] = []
    middleware = execution_id.AsgiMiddleware(app)
    asyncio.run(middleware({"type": "http", "headers": []}, None, None))
    assert len(seen[0][b"function-execution-id"]) == 12


def test_text_outside_a_call_is_written_as_it_is() -> None:
    stream = io.StringIO()
    ours = execution_id.LoggingHandlerAddExecutionId(stream)
    assert execution_id.LoggingHandlerAddExecutionId(ours) is ours
    print("words", file=ours)
    assert stream.getvalue() == "words\n"


def test_requests_are_converted_both_ways() -> None:
    sent = storage_event("bucket", "object.txt")
    event = event_conversion.background_event_to_cloud_event(flask_request(*sent))
    assert event["type"] == "google.cloud.storage.object.v1.finalized"

    binary = flask_request(*event_in_all_forms(decode_cloud_event(*sent)).binary)
    assert event_conversion.is_convertable_cloud_event(binary)
    data, context = event_conversion.cloud_event_to_background_event(binary)
    assert data["name"] == "object.txt"
    assert context.event_type == "google.storage.object.finalize"


def test_a_push_message_becomes_the_background_event_that_it_is() -> None:
    sent = flask_request(*pubsub_push({"a": 1}), "/projects/p/topics/t")
    marshalled = event_conversion.marshal_background_event_data(sent)
    assert marshalled["context"]["resource"]["name"] == "projects/p/topics/t"
    assert set(marshalled["data"]) == {"@type", "data", "attributes"}
    other = flask_request({"Content-Type": "application/json"}, b'{"data": 1}')
    assert event_conversion.marshal_background_event_data(other) == {"data": 1}


@pytest.mark.parametrize("convert", ["background_event_to_cloud_event", "marshal", "to_background"])
def test_what_cannot_be_converted_is_the_original_s_exception(convert: str) -> None:
    value = {"subscription": "s", "message": {"messageId": 1}} if convert == "marshal" else [1]
    sent = flask_request({"Content-Type": "application/json"}, json.dumps(value).encode())
    function = {
        "marshal": event_conversion.marshal_background_event_data,
        "to_background": event_conversion.cloud_event_to_background_event,
    }.get(convert, event_conversion.background_event_to_cloud_event)
    with pytest.raises(EventConversionException):
        function(sent)
    assert not event_conversion.is_convertable_cloud_event(sent)


def test_a_background_event_takes_both_forms() -> None:
    whole = framework.BackgroundEvent(context={"eventId": "1"}, data={"a": 1})
    flat = framework.BackgroundEvent(data={"a": 1}, eventId="1", unknown=True)
    assert whole.data == flat.data == {"a": 1}
    assert flat.context["eventId"] == "1"


def test_the_registry_tells_what_was_decorated() -> None:
    class Point:
        from_dict = classmethod(lambda cls, value: cls())

    @framework.http
    def registered_http(request: Any) -> str:
        return ""

    @framework.typed(Point)
    def registered_typed(point: Point) -> None: ...

    @aio.cloud_event
    async def registered_aio(event: Any) -> None: ...

    kinds = _function_registry.REGISTRY_MAP
    assert kinds["registered_http"] == "http"
    assert kinds["registered_typed"] == "typed"
    assert _function_registry.get_func_input_type("registered_typed") is Point
    assert _function_registry.get_func_input_type("registered_http") == ""
    assert "registered_aio" in _function_registry.ASGI_FUNCTIONS


def test_the_registry_loads_a_module_and_finds_its_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "registry_probe.py"
    source.write_text("def hello(request): ...\nclass Other: ...\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    module, spec = _function_registry.load_function_module(str(source))
    assert spec.loader is not None
    spec.loader.exec_module(module)
    assert _function_registry.get_user_function(str(source), module, "hello") is module.hello
    with pytest.raises(InvalidTargetTypeException, match="needs to be of type function"):
        _function_registry.get_user_function(str(source), module, "Other")
    with pytest.raises(MissingTargetException, match="Found: 'hello' instead"):
        _function_registry.get_user_function(str(source), module, "goodbye")
    del sys.modules["registry_probe"]


def test_target_and_signature_are_those_of_the_arguments_or_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FUNCTION_TARGET", "from-environment")
    monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "event")
    assert _function_registry.get_function_target(None) == "from-environment"
    assert _function_registry.get_function_target("given") == "given"
    assert _function_registry.get_func_signature_type("nobody", None) == "event"
    assert _function_registry.get_func_signature_type("nobody", "typed") == "typed"
    monkeypatch.setenv("FUNCTION_TARGET", "")
    with pytest.raises(InvalidConfigurationException, match="Target is not specified"):
        _function_registry.get_function_target(None)


def test_typed_functions_are_registered_by_annotation_or_decorator() -> None:
    class Point:
        from_dict = classmethod(lambda cls, value: cls())
        to_dict = dict

    def annotated(point: Any) -> None: ...

    annotated.__annotations__["point"] = Point
    _typed_event.register_typed_event(None, annotated)
    assert _function_registry.INPUT_TYPE_MAP["annotated"] is Point
    _typed_event._validate_return_type(Point())
    with pytest.raises(AttributeError, match="to_dict"):
        _typed_event._validate_return_type(1)

    def bare() -> None: ...
    def untyped(point) -> None: ...  # type: ignore[no-untyped-def]

    for wrong in (bare, untyped):
        with pytest.raises(FunctionsFrameworkException):
            _typed_event.register_typed_event(None, wrong)
    with pytest.raises(FunctionsFrameworkException):
        _typed_event.register_typed_event(int, annotated)


def test_a_timeout_strikes_its_block_and_nothing_after_it() -> None:
    def endless() -> None:
        while True:
            time.sleep(0.001)

    with pytest.raises(RequestTimeoutException), request_timeout.ThreadingTimeout(0.01):
        endless()
    with request_timeout.ThreadingTimeout(60) as quick:
        pass
    quick._raise_exc()  # the timer of a block that has ended
    assert sum(range(10_000)) == 49_995_000


def test_the_crash_handler_marks_the_answer() -> None:
    app = Flask("crashing")
    app.register_error_handler(500, framework.crash_handler)
    app.add_url_rule("/", view_func=lambda: 1 / 0)
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["X-Google-Status"]) == (500, "crash")


def test_logging_is_set_up_as_on_cloud_functions_unless_the_host_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.WARNING)
    framework.setup_logging()
    assert [each.level for each in root.handlers] == [logging.NOTSET, logging.WARNING]

    class OurHandler(logging.Handler): ...

    OurHandler.__module__ = "ffhost.observability.logs"
    monkeypatch.setattr(root, "handlers", [OurHandler()])
    framework.setup_logging()
    assert len(root.handlers) == 1


def test_what_the_original_imports_can_be_had_from_it() -> None:
    import flask

    assert framework.flask is flask
    assert framework.logging is logging
    assert framework.Context(eventId="1").event_id == "1"
    assert framework.from_http is not None
    with pytest.raises(AttributeError, match="'functions_framework' has no attribute 'nothing'"):
        framework.nothing  # noqa: B018
