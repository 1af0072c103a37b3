"""Answers that the server gives by itself, as bytes: no front has seen those requests."""

from __future__ import annotations

from email.utils import formatdate

from ffhost.errors import BadRequest, RequestError, RequestTimeout
from ffhost.web.problems import problem


class UriTooLong(RequestError):
    """The target of the request is longer than the server reads."""

    status = 414


class FieldsTooLarge(RequestError):
    """The fields of the request are more, or larger, than the server reads."""

    status = 431


_ERRORS: dict[int, type[RequestError]] = {
    each.status: each for each in (BadRequest, RequestTimeout, UriTooLong, FieldsTooLarge)
}


def refusal(status: int, detail: str) -> bytes:
    """Return a whole answer with a problem document, which closes the connection.

    Args:
        status: 400, 408, 414 or 431
        detail: what is wrong, for the client
    """
    error = _ERRORS[status](detail)
    reply = problem(error)
    fields = [
        ("date", formatdate(usegmt=True)),
        ("content-length", str(len(reply.body))),
        ("connection", "close"),
        *reply.headers,
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {error.title}\r\n{lines}\r\n".encode("latin-1") + reply.body
