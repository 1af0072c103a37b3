"""Starlette's request for http functions, and results as ``functions_framework.aio`` takes them.

What a function returns becomes a Starlette response, which the signature encodes; what this
module does not convert is left to the signature.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ffhost.signatures.requests import RequestAdapter
from ffhost.signatures.requests.asgi_scope import make_asgi_scope
from ffhost.web.messages import Message

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class InvalidStarletteJson(json.JSONDecodeError, HTTPException):
    """The body is not JSON: an error of the client, answered with 400 if it is not caught.

    It is what Starlette raises, too, so that a function which catches that still does.
    """

    def __init__(self, error: json.JSONDecodeError) -> None:
        json.JSONDecodeError.__init__(self, error.msg, error.doc, error.pos)
        self.status_code = 400
        self.detail = f"the body is not valid JSON: {error}"
        self.headers = None


class StarletteFunctionRequest(Request):
    """Starlette's request over a message whose body is in memory."""

    async def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            InvalidStarletteJson: it is not valid JSON
        """
        try:
            return await super().json()
        except json.JSONDecodeError as error:
            raise InvalidStarletteJson(error) from error


def starlette_request_adapter() -> RequestAdapter:
    """Return the adapter for a function with Starlette's request."""
    app = Starlette()  # is request.app; nothing is routed by it

    def make(message: Message) -> Request:
        return StarletteFunctionRequest(_scope(message, app), _receive(message.body))

    return RequestAdapter(make, _around)


def _scope(message: Message, app: Starlette) -> dict[str, Any]:
    scope = make_asgi_scope(message)
    scope["app"] = app
    # functions-framework routes everything as /{path:path}.
    rest = scope["path"]
    if message.is_mounted:
        rest = rest[len(scope["root_path"]) :]
    scope["path_params"] = {"path": rest} if (rest := rest.lstrip("/")) else {}
    if message.params:
        above = scope["path_params"] if message.is_mounted else {}
        scope["path_params"] = {**above, **message.params}
    return scope


def _receive(body: bytes) -> Receive:
    """Return a ``receive`` that returns the body once, and then waits as for an idle client."""
    given = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _around(target: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
    if is_async:

        async def call_async(request: Request) -> Any:
            return to_starlette_response(await target(request))

        return call_async

    def call(request: Request) -> Any:
        return to_starlette_response(target(request))

    return call


def to_starlette_response(result: Any) -> Any:
    """Convert common results; return everything else unchanged."""
    if isinstance(result, tuple) and len(result) in (2, 3) and _is_content(result[0]):
        status, headers = _status_and_headers(result)
        if isinstance(status, int) and (headers is None or isinstance(headers, dict)):
            return _response(result[0], status, headers)
    return _response(result) if _is_content(result) else result


def _is_content(value: Any) -> bool:
    return isinstance(value, (str, bytes, dict, list))


def _status_and_headers(result: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(result) == 3:
        return result[1], result[2]
    return (200, result[1]) if isinstance(result[1], dict) else (result[1], None)


def _response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    kind = JSONResponse if isinstance(content, (dict, list)) else Response
    return kind(content, status_code=status, headers=headers)
