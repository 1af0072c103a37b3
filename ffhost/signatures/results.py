"""Conversion of what a function returned into a reply.

Bodies, statuses and header fields are taken as Flask takes them, so that functions which
move here need no change: a str or bytes is HTML unless the function says otherwise, a
dictionary or list is JSON, a tuple adds status and headers. What cannot be sent is a
`ResultError` that says what can.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from ffhost.errors import ResultError
from ffhost.signatures import foreign_responses
from ffhost.signatures.chunks import AsyncByteChunks, ByteChunks, empty_chunks, read_file_chunks
from ffhost.signatures.flask_json import dump_flask_json, encodes_by_alias, is_pydantic_model
from ffhost.web.messages import HeaderList, Reply
from ffhost.web.responses import HeaderSource, Response, ResponseHeaders, checked_header_fields

Encode: TypeAlias = Callable[[Any], Reply]

HTML = ("content-type", "text/html; charset=utf-8")
JSON = ("content-type", "application/json")

_MODELS = 1024
"""For how many types of results it is remembered whether they are models."""
_ADVICE = (
    "return a str, bytes, dict, list, pydantic model, dataclass, generator, ffhost.Response, "
    "(body, status), (body, headers) or (body, status, headers)"
)

# Hop-by-hop fields (RFC 9110, section 7.6.1). A function that sets one would break the framing
# of its own answer; gunicorn drops these as well.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def result_encoder(name: str, *, otherwise: Callable[[Any], Reply | None] | None = None) -> Encode:
    """Compose the encoder of the function *name*.

    Args:
        name: what errors call the function
        otherwise: asked first about values of types that are not built in
    """
    encoders = dict(_ENCODERS)

    def encode(value: Any) -> Reply:
        try:
            if value.__class__ is str:
                return Reply(200, [HTML], value.encode())
            return encoders.get(value.__class__, encode_rare)(value)
        except UnicodeEncodeError as error:
            raise ResultError(f"{name} returned text that cannot be sent as UTF-8") from error
        except ResultError as error:
            raise ResultError(f"{name} returned {error}") from error

    def encode_tuple(value: tuple[Any, ...]) -> Reply:
        body, status, headers = _split(value)
        if isinstance(body, tuple):
            raise ResultError(f"a tuple in a tuple; {_ADVICE}")
        return amend_encoded_reply(encoders.get(body.__class__, encode_rare)(body), status, headers)

    def encode_response(value: Response) -> Reply:
        body = value.body
        if isinstance(body, (tuple, Response)):
            raise ResultError(f"a response whose body is a {type(body).__name__}")
        reply = encoders.get(body.__class__, encode_rare)(body)
        return amend_encoded_reply(reply, value.status, value.headers)

    def encode_rare(value: Any) -> Reply:
        encode_model = _model_encoder_of(type(value))
        if encode_model is not None:
            return encode_model(value)
        if otherwise is not None and (reply := otherwise(value)) is not None:
            return reply
        if isinstance(value, Response):
            return encode_response(value)
        if isinstance(value, tuple):
            return encode_tuple(value)
        return _encode_rare(value)

    encoders[tuple] = encode_tuple
    encoders[Response] = encode_response
    return encode


def amend_encoded_reply(reply: Reply, status: Any, headers: HeaderSource | None) -> Reply:
    """Apply *status* and *headers* to *reply*; None changes nothing.

    Fields of the same name replace the reply's, and may themselves be several.
    """
    if headers is not None:
        try:
            fields = list(checked_header_fields(headers))
        except ResultError as error:
            raise ResultError(f"a header that cannot be sent: {error}") from error
        reply.headers = _merged(reply, fields)
    if status is not None:
        reply.status = status_code_of_result(status)
        if reply.status in (204, 304):  # RFC 9110: these have no body
            reply.body = b""
            if reply.chunks is not None:
                reply.chunks = empty_chunks(reply.chunks)
                reply.headers = [each for each in reply.headers if not _is_length(each)]
    return reply


def _is_length(field: tuple[str, str]) -> bool:
    return field[0].lower() == "content-length"


def status_code_of_result(status: Any) -> int:
    """Return the code of a status: 404, ``HTTPStatus.NOT_FOUND`` or ``"404 Not Found"``.

    Raises:
        ResultError: it is not a status that an answer can have
    """
    code = status
    if isinstance(status, str):
        word = status.split(None, 1)[0] if status.strip() else ""
        code = int(word) if word.isascii() and word.isdigit() and len(word) == 3 else None
    if not isinstance(code, int) or not 200 <= code <= 999:
        raise ResultError(f"the status {status!r}; a status is a number from 200 to 999")
    return int(code)


def _merged(reply: Reply, fields: HeaderList) -> HeaderList:
    given = {name.lower() for name, _ in fields}
    # The sender of a body in memory knows its length better.
    dropped = HOP_BY_HOP if reply.chunks is not None else HOP_BY_HOP | {"content-length"}
    kept = [field for field in reply.headers if field[0].lower() not in given]
    if given.isdisjoint(dropped):
        return kept + fields
    return kept + [field for field in fields if field[0].lower() not in dropped]


def _split(value: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    if len(value) == 3:
        return value
    if len(value) == 2:
        body, second = value
        if isinstance(
            second, (dict, list, tuple, ResponseHeaders)
        ) or foreign_responses.is_foreign_headers(second):
            return body, None, second
        return body, second, None
    raise ResultError(f"a tuple of {len(value)}; {_ADVICE}")


def _encode_text(value: str) -> Reply:
    return Reply(200, [HTML], value.encode())


def _encode_bytes(value: Any) -> Reply:
    return Reply(200, [HTML], bytes(value))


def _encode_json(value: Any) -> Reply:
    try:
        return Reply(200, [JSON], dump_flask_json(value))
    except (TypeError, ValueError) as error:
        raise ResultError(f"a {type(value).__name__} that is not JSON: {error}") from error


def _model_encoder(kind: type) -> Encode | None:
    """Return what encodes a pydantic model as its own configuration says; None for other types."""
    if not is_pydantic_model(kind):
        return None
    from pydantic import BaseModel

    by_alias = encodes_by_alias(kind)

    def encode_by_method(value: Any) -> Reply:
        return Reply(200, [JSON], value.model_dump_json(by_alias=by_alias).encode() + b"\n")

    def encode_at_once(value: Any) -> Reply:
        text = value.__pydantic_serializer__.to_json(value, by_alias=by_alias)
        return Reply(200, [JSON], text + b"\n")

    # What pydantic's own method does takes three times as long, most of it for its arguments.
    is_plain = getattr(kind, "model_dump_json", None) is BaseModel.model_dump_json
    return encode_at_once if is_plain else encode_by_method


_model_encoder_of: Callable[[type], Encode | None] = lru_cache(_MODELS)(_model_encoder)


def _encode_stream(value: Iterator[Any]) -> Reply:
    return Reply(200, [HTML], chunks=ByteChunks(value))


def _encode_file(value: Any) -> Reply:
    headers = [HTML]
    return Reply(200, headers, chunks=read_file_chunks(value, headers))


def _encode_async_stream(value: AsyncIterator[Any]) -> Reply:
    return Reply(200, [HTML], chunks=AsyncByteChunks(value))


def _refuse_none(value: None) -> Reply:
    raise ResultError(f"None; {_ADVICE}")


_ENCODERS: dict[type, Encode] = {
    str: _encode_text,
    bytes: _encode_bytes,
    dict: _encode_json,
    list: _encode_json,
    type(None): _refuse_none,
    type(_ for _ in ()): _encode_stream,
    Reply: lambda reply: reply,  # made by the adapter of the request
}


def _encode_rare(value: Any) -> Reply:
    """Encode a value of a type that functions rarely return."""
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return _encode_json(value)
    if (reply := foreign_responses.encode_foreign_response(value)) is not None:
        reply.headers = _merged(Reply(chunks=reply.chunks), reply.headers)
        return amend_encoded_reply(reply, reply.status, None)
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _encode_bytes(value)
    if isinstance(value, (dict, list)):
        return _encode_json(value)
    if hasattr(value, "read"):
        return _encode_file(value)
    if isinstance(value, AsyncIterator):
        return _encode_async_stream(value)
    if isinstance(value, Iterator):
        return _encode_stream(value)
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # or Python warns that it was never awaited
        raise ResultError(f"a {kind.__name__} that nothing awaits; make the function async")
    raise ResultError(f"a value of type {kind.__name__}; {_ADVICE}")
