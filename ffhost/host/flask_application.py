"""``functions_framework.create_app``: one function as a Flask application, without the host.

The function runs in the thread that calls the application, and Flask handles its exceptions:
tests that set ``testing``, push a context or share a connection with the function work as with
any application of Flask. There is no deadline, no slot and no log entry of a call.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ffhost.config import ConfigSources, LoadedConfig
from ffhost.errors import LoadError, RequestError, ResultError
from ffhost.host.framework_target import (
    framework_codec,
    framework_config,
    framework_function,
    framework_place,
)
from ffhost.host.loader import make_served_function
from ffhost.host.store import ReloadStore
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Function
from ffhost.invocation.ids import choose_execution_id
from ffhost.loading.marked_functions import find_marked_lifecycle_hooks
from ffhost.loading.modules import module_scope_of
from ffhost.loading.targets import ResolvedTarget, is_async_target
from ffhost.signatures import Codec
from ffhost.signatures.requests.request_choice import is_request_framework_installed
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    import flask


def make_host_of_flask_app(sources: ConfigSources) -> flask.Flask | None:
    """Load the one function of *sources*; return its application, None if it wants Starlette's.

    As in the original, the module runs again for each application.

    Raises:
        Exception: what functions-framework raises; see `framework_target`
        LoadError: Flask is not installed
    """
    if not is_request_framework_installed("flask"):
        raise LoadError(
            "create_app() makes a Flask application, but flask is not installed: "
            "install ffhost[flask]"
        )
    config, name = framework_config(sources)
    place = framework_place(config, name)
    _forget(name, place.file)
    resolved = framework_function(config, name, place)
    codec, request = framework_codec(config, name, resolved)
    if request == "starlette":
        return None
    for hook in find_marked_lifecycle_hooks(resolved.module, "startup"):
        if asyncio.iscoroutine(result := hook()):
            asyncio.run(result)
    function = _record(config, name, codec, request)
    called = _flask_function(resolved) if request == "flask" else _converted(function, codec)
    call = _as_call(function, called, reads_body=request != "flask")
    from ffhost.signatures.requests.flask_request import standalone_flask_app

    return standalone_flask_app(
        name, resolved.file, resolved.module, call, is_http=codec.kind == "http"
    )


def _forget(name: str, file: Path | None) -> None:
    """Forget the module and the application that an earlier call has made of the function."""
    if file is None:
        return
    import_module("ffhost.signatures.requests.flask_request").forget_flask_app(name, file)
    for key, loaded in list(sys.modules.items()):
        # One of that name from another folder, too: the original replaces it as well.
        if type(loaded) is not ModuleType or module_scope_of(vars(loaded)) is None:
            continue
        if key == file.stem or vars(loaded).get("__file__") == str(file.absolute()):
            del sys.modules[key]


def _record(config: LoadedConfig, name: str, codec: Codec, request: str | None) -> Function:
    def run(_call: Call) -> Reply:
        raise RuntimeError("a function of create_app() is called by Flask")

    methods = codec.methods
    return make_served_function(
        config, name, codec.kind, run, ReloadStore(), methods=methods, request=request
    )


def _flask_function(resolved: ResolvedTarget) -> Callable[[Any], Any]:
    target = resolved.callable
    return (lambda request: asyncio.run(target(request))) if is_async_target(target) else target


def _as_call(
    function: Function, called: Callable[[Any], Any], *, reads_body: bool
) -> Callable[[Any], Any]:
    """Return *called* inside a call that ``ffhost.current()`` knows."""

    def call(request: Any) -> Any:
        given = request.headers.get("Function-Execution-Id")
        body = request.get_data() if reads_body else b""
        token = CURRENT.set(Call(function, _message(request, body), choose_execution_id(given)))
        try:
            return called(request)
        finally:
            CURRENT.reset(token)

    return call


def _converted(function: Function, codec: Codec) -> Callable[[Any], Any]:
    """Return what calls a function of another signature with the message of a Flask request."""

    def call(request: Any) -> Any:
        current = CURRENT.get()
        assert current is not None
        if function.methods is not None and request.method not in function.methods:
            return _other_method(function, request.method)
        try:
            result = codec.call(*codec.decode(current.message))
            reply = codec.encode(asyncio.run(result) if codec.is_async else result)
        except RequestError as error:
            reply = problems.problem_reply(error, current.execution_id)
        except ResultError:
            raise
        except Exception as error:
            if (meant := codec.answer(error)) is None or _is_flask_s(error):
                raise
            reply = meant
        return _response(reply)

    return call


def _is_flask_s(error: Exception) -> bool:
    from werkzeug.exceptions import HTTPException

    return isinstance(error, HTTPException)


def _other_method(function: Function, method: str) -> Any:
    if function.signature == "event" and method == "GET":
        return ""
    from werkzeug.exceptions import MethodNotAllowed

    raise MethodNotAllowed(sorted(function.methods or ()))


def _response(reply: Reply) -> flask.Response:
    import flask

    body = reply.body if reply.chunks is None else reply.chunks
    return flask.Response(body, reply.status, reply.headers)  # type: ignore[arg-type]


def _message(request: Any, body: bytes) -> Message:
    return Message(
        request.method,
        request.environ.get("RAW_URI", request.path).partition("?")[0],
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        scheme=request.scheme,
        root_path=request.script_root,
    )
