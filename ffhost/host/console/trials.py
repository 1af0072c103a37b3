"""Calls from the console. They pass no door; slots, deadlines and hooks hold."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Protocol, TypeVar

from ffhost.auth.principals import Principal
from ffhost.errors import BadRequest, MethodNotAllowed, NotFound, TimedOut, Unavailable
from ffhost.host.event_delivery import EventDeliveryAnswer
from ffhost.host.service import Service
from ffhost.invocation.function import Function
from ffhost.web.messages import Message
from ffhost.web.routing import PathRouter, RouteResponders

T = TypeVar("T")

CONSOLE = Principal("console", "console")
"""Who calls."""
PATIENCE_SECONDS = 300.0
"""How long somebody waits for an answer; the deadline of a function is usually shorter."""


class ConsoleCalls(Protocol):
    """Calls functions from within the host."""

    async def call(
        self,
        name: str,
        message: Message,
        identity: str,
        *,
        principal: Principal | None = None,
        source: str | None = None,
    ) -> EventDeliveryAnswer:
        """Call a function; return its answer, also for a crash or a timeout."""

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run *work* on the loop of the calls."""


class ConsoleTrials:
    """Makes calls for the console."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._make: Callable[[], ConsoleCalls] | None = None

    def use(self, calls: Callable[[], ConsoleCalls]) -> None:
        """Call with what *calls* returns from now on; a front says so for each host."""
        self._make = calls

    @property
    def calls(self) -> ConsoleCalls:
        """Return what calls the functions of the current host.

        Raises:
            Unavailable: the host does not serve yet
        """
        if self._make is None:
            raise Unavailable("the host does not serve yet")
        return self._make()

    def call(self, name: Any, request: Any, identity: str) -> EventDeliveryAnswer:
        """Call the function *name* as a request over HTTP would, and wait for its answer.

        Raises:
            RequestError: there is no such function, or no such request
        """
        function = self._service.host.functions.get(name) if isinstance(name, str) else None
        if function is None:
            raise NotFound(f"there is no function {name!r}")
        message = console_trial_message(request, function)
        return self.run(
            self.calls.call(function.name, message, identity, principal=CONSOLE, source="console")
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on the loop of the calls, and wait for its result.

        Raises:
            TimedOut: there is none in time
        """
        future = self.calls.start(work)
        try:
            return future.result(PATIENCE_SECONDS)
        except FutureTimeout:
            future.cancel()
            raise TimedOut(f"no answer within {PATIENCE_SECONDS:.0f} seconds") from None


def console_trial_message(request: Any, function: Function) -> Message:
    """Return the request that the page describes, for *function*.

    Raises:
        RequestError: it does not describe one, or not one that reaches the function
    """
    if not isinstance(request, dict):
        raise BadRequest("'request' is not an object")
    if function.unavailable is not None:
        raise function.unavailable
    method = _text(request, "method", _usual_method(function)).upper()
    path = _text(request, "path", function.path)
    if function.methods is not None and method not in _answered(function.methods):
        allow = ", ".join(sorted(function.methods))
        raise MethodNotAllowed(
            f"{function.name} does not answer {method}", headers={"Allow": allow}
        )
    path, _, query = path.partition("?")
    body = _body(request)
    headers = _headers(request.get("headers") or [])
    headers.setdefault("host", "localhost")
    if body:
        headers["content-length"] = str(len(body))
    return Message(
        method,
        path,
        query=_text(request, "query", "") or query,
        headers=headers,
        body=body,
        params=_params(function, path),
    )


def _usual_method(function: Function) -> str:
    return "GET" if function.methods is None or "GET" in function.methods else "POST"


def _answered(methods: frozenset[str]) -> frozenset[str]:
    return methods | {"HEAD"} if "GET" in methods else methods


def _text(request: dict[str, Any], name: str, otherwise: str) -> str:
    value = request.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, str):
        raise BadRequest(f"'{name}' is not text")
    return value


def _headers(fields: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    try:
        for name, value in fields:
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadRequest("'headers' is not a list of names and values") from error
    if any(each in text for each in "\r\n\0" for pair in headers.items() for text in pair):
        raise BadRequest("a header field holds a control character")
    headers.pop("transfer-encoding", None)
    headers.pop("content-length", None)
    return headers


def _body(request: dict[str, Any]) -> bytes:
    coded = request.get("body_base64")
    if coded is None:
        return _text(request, "body", "").encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise BadRequest("'body_base64' is not base64") from error


def _params(function: Function, path: str) -> dict[str, str]:
    """Return the parameters in *path*, which must be the function's.

    Raises:
        NotFound: it leads elsewhere
    """
    from urllib.parse import unquote

    router = PathRouter(_nothing)
    router.mount(function.path, function, RouteResponders({}, _nothing))
    found, _responders, params, _template = router.find(unquote(path))
    if found is not function:
        raise NotFound(f"{path!r} is not a path of {function.name}, which is at {function.path}")
    return params


def _nothing() -> None:
    """Return at once: nothing is called through this router."""
