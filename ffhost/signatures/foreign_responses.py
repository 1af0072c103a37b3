"""Responses and exceptions of Flask, Werkzeug, Starlette and Falcon, made into replies.

None of them is imported here: an object of a package exists only where that package was
imported by somebody, so its classes are looked up in ``sys.modules``.
"""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, cast

from ffhost.errors import ResultError
from ffhost.signatures.chunks import AsyncByteChunks, ByteChunks, FollowedChunks, read_file_chunks
from ffhost.signatures.file_parts import RequestFilePart
from ffhost.web.messages import HeaderList, Reply
from ffhost.web.problems import CRASH_HEADER
from ffhost.web.responses import checked_header_fields

if TYPE_CHECKING:
    from ffhost.signatures._werkzeug import WrappedFile
    from ffhost.signatures.chunks import SyncChunks


def _class(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, ())  # () is an instance of nothing


def is_foreign_headers(value: Any) -> bool:
    """Whether *value* is a set of header fields of Werkzeug or Starlette."""
    kinds = (
        _class("werkzeug.datastructures", "Headers"),
        _class("starlette.datastructures", "Headers"),
    )
    return isinstance(value, kinds)


def encode_foreign_response(value: Any) -> Reply | None:
    """Make a reply of another package's response; return None for anything else."""
    if isinstance(value, _class("werkzeug.wrappers", "Response")):
        return _checked(_from_werkzeug(value))
    if isinstance(value, _class("werkzeug.exceptions", "HTTPException")):
        return _checked(_from_werkzeug(value.get_response()))
    if isinstance(value, _class("starlette.responses", "Response")):
        return _checked(_from_starlette(value))
    return None


def encode_foreign_exception(error: BaseException) -> Reply | None:
    """Make a reply of a framework's exception that represents an answer; else return None.

    These are Falcon's ``HTTPError`` and ``HTTPStatus``, what Flask's ``abort`` raises, and
    Starlette's ``HTTPException``.
    """
    if isinstance(error, Exception):
        falcon = (
            _class("falcon.http_error", "HTTPError"),
            _class("falcon.http_status", "HTTPStatus"),
        )
        if isinstance(error, falcon):
            from ffhost.signatures import falcon_responses

            return falcon_responses.encode_falcon_exception(error)
        if isinstance(error, _class("werkzeug.exceptions", "HTTPException")):
            return _from_abort(error)
        if isinstance(error, _class("starlette.exceptions", "HTTPException")):
            return _checked(_from_starlette_exception(error))
    return None


def _from_abort(error: Any) -> Reply:
    if error.code != 500:
        return _checked(_from_werkzeug(error.get_response()))
    # What functions-framework's handler of 500 returns.
    headers = [("content-type", "text/html; charset=utf-8"), CRASH_HEADER]
    return Reply(500, headers, str(error).encode())


def _checked(reply: Reply) -> Reply:
    """Return *reply* if its header fields are valid.

    Raises:
        ResultError: one of them cannot; a stream is closed
    """
    try:
        reply.headers = list(checked_header_fields(reply.headers))
    except ResultError as error:
        close = getattr(reply.chunks, "close", None)
        if close is not None:
            close()
        raise ResultError(f"a header that cannot be sent: {error}") from error
    return reply


def _from_werkzeug(response: Any) -> Reply:
    headers: HeaderList = list(response.headers)
    status: int = response.status_code
    if response.is_sequence:
        body = b"" if status in (204, 304) else b"".join(response.iter_encoded())
        response.close()  # runs what call_on_close() registered
        return Reply(status, headers, body)
    if status not in (204, 304):
        from ffhost.signatures._werkzeug import wrapped_file

        wrapped = wrapped_file(response.response)
        if wrapped is not None:
            return encode_wrapped_file(response, wrapped, headers)
    return Reply(status, headers, chunks=ByteChunks(response.iter_encoded(), response.close))


def encode_wrapped_file(response: Any, wrapped: WrappedFile, headers: HeaderList) -> Reply:
    """Make a reply of Werkzeug's *response*, whose body is *wrapped*, with valid *headers*."""
    status, file = response.status_code, wrapped.file
    if type(file) is io.BytesIO and wrapped.start is None:
        body = file.read()
        response.close()
        return Reply(status, headers, body)
    start, length = wrapped.start, wrapped.length
    chunks = read_file_chunks(file, headers, response.close, start=start, length=length)
    if start is not None and not isinstance(chunks, RequestFilePart):
        chunks = ByteChunks(response.iter_encoded(), response.close)
    return Reply(status, headers, chunks=chunks)


def _from_starlette(response: Any) -> Reply:
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers
    ]
    background = response.background
    if isinstance(response, _class("starlette.responses", "FileResponse")):
        return _from_starlette_file(response)
    body = getattr(response, "body", None)
    if body is None:
        stream: AsyncIterator[Any] = response.body_iterator
    elif background is None:
        return Reply(response.status_code, headers, bytes(body))
    else:
        stream = _once(bytes(body))
    if background is not None:
        stream = _followed(stream, background)
    return Reply(response.status_code, headers, chunks=AsyncByteChunks(stream))


def _from_starlette_file(response: Any) -> Reply:
    from ffhost.signatures.starlette_files import encode_starlette_file

    reply = encode_starlette_file(response)
    if response.background is not None and reply.chunks is not None:
        reply.chunks = FollowedChunks(cast("SyncChunks", reply.chunks), response.background)
    return reply


def _from_starlette_exception(error: Any) -> Reply:
    headers = list((error.headers or {}).items())
    if error.status_code in (204, 304):
        return Reply(error.status_code, headers)
    headers.append(("content-type", "text/plain; charset=utf-8"))
    return Reply(error.status_code, headers, str(error.detail).encode())


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _followed(stream: AsyncIterator[Any], task: Callable[[], Any]) -> AsyncIterator[Any]:
    """Return *stream* and then await *task*, before the response counts as finished."""
    try:
        async for chunk in stream:
            yield chunk
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    await task()
