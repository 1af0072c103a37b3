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


def error_of(status: int, detail: str) -> RequestError:
    """Return the error of a status that the server refuses with: 400, 408, 414 or 431."""
    return _ERRORS[status](detail)


def refusal(status: int, detail: str) -> bytes:
    """Return a whole answer with a problem document, which closes the connection.

    Args:
        status: 400, 408, 414 or 431
        detail: what is wrong, for the client
    """
    return refusal_of(error_of(status, detail))


def refusal_of(error: RequestError) -> bytes:
    """Return a whole answer to a request that failed with *error*; it closes the connection."""
    reply = problem(error)
    fields = [
        ("date", formatdate(usegmt=True)),
        ("content-length", str(len(reply.body))),
        ("connection", "close"),
        *((name, value) for name, value in reply.headers if name.lower() != "connection"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {error.status} {error.title}\r\n{lines}\r\n".encode("latin-1") + reply.body
