"""Falcon's responses and errors, for functions that take ``(req, resp)`` or raise them.

What a responder set on its response becomes a reply as Falcon's own WSGI app would write it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import falcon

from ffhost.errors import ResultError
from ffhost.signatures._falcon import falcon_header_fields, serialize_error
from ffhost.signatures.chunks import AsyncByteChunks, ByteChunks, read_file_chunks
from ffhost.web.messages import HeaderList, Reply
from ffhost.web.responses import check_header_field

_OPTIONS = falcon.ResponseOptions()
_MEDIA_TYPE = _OPTIONS.default_media_type


def new_falcon_response() -> falcon.Response:
    """Return an empty response; its options are shared, which saves most of its cost."""
    return falcon.Response(options=_OPTIONS)


def wrap_falcon_responder(target: Callable[..., Any], name: str) -> Callable[..., falcon.Response]:
    """Wrap a function of ``(req, resp)`` so that it returns its response."""

    def respond(req: falcon.Request, resp: falcon.Response) -> falcon.Response:
        try:
            result = target(req, resp)
        except (falcon.HTTPError, falcon.HTTPStatus) as error:
            return _composed(error, resp, req)
        return _checked(result, resp, name)

    return respond


def wrap_async_falcon_responder(
    target: Callable[..., Any], name: str
) -> Callable[..., Awaitable[falcon.Response]]:
    """Wrap a coroutine function of ``(req, resp)`` so that it returns its response."""

    async def respond(req: falcon.Request, resp: falcon.Response) -> falcon.Response:
        try:
            result = await target(req, resp)
        except (falcon.HTTPError, falcon.HTTPStatus) as error:
            return _composed(error, resp, req)
        return _checked(result, resp, name)

    return respond


def _checked(result: Any, resp: falcon.Response, name: str) -> falcon.Response:
    # Falcon drops what a responder returns. Here a function of two parameters may as well
    # be one that was meant to have another signature, and would answer 200 with nothing.
    if result is not None:
        raise ResultError(
            f"{name} takes (req, resp) and returned {type(result).__name__}; set resp.text, "
            f"resp.data, resp.media or resp.stream instead"
        )
    return resp


def encode_falcon_exception(error: Any) -> Reply:
    """Make a reply of an ``HTTPError`` or ``HTTPStatus``."""
    return encode_falcon_response(_composed(error, new_falcon_response(), None))


def _composed(error: Any, resp: falcon.Response, req: falcon.Request | None) -> falcon.Response:
    resp.status = error.status
    if error.headers is not None:
        resp.set_headers(error.headers)
    if isinstance(error, falcon.HTTPStatus):
        resp.text = error.text
    elif req is not None:
        serialize_error(req, resp, error)
    else:
        resp.data = error.to_json()
        resp.content_type = falcon.MEDIA_JSON
        resp.append_header("Vary", "Accept")
    return resp


def encode_falcon_response(resp: falcon.Response) -> Reply:
    """Make a reply of what was set on *resp*."""
    status = resp.status_code
    if not 200 <= status <= 999:
        raise ResultError(f"the status {resp.status!r}; a status is a number from 200 to 999")
    body = resp.render_body()
    bodiless = status in (204, 304)
    fields = falcon_header_fields(resp, None if bodiless else _MEDIA_TYPE)
    headers: HeaderList = [check_header_field(name, value) for name, value in fields]
    if body is not None or resp.stream is None:
        headers = [field for field in headers if field[0] != "content-length"]
        return Reply(status, headers, b"" if bodiless or body is None else body)
    stream: Any = resp.stream
    if hasattr(stream, "read"):
        return Reply(status, headers, chunks=read_file_chunks(stream, headers))
    if isinstance(stream, AsyncIterator) or hasattr(stream, "__aiter__"):
        return Reply(status, headers, chunks=AsyncByteChunks(aiter(stream)))
    return Reply(status, headers, chunks=ByteChunks(iter(stream), getattr(stream, "close", None)))
