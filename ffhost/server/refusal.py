"""Answers that the server gives by itself, as bytes: no front has seen those requests."""

from __future__ import annotations

from email.utils import formatdate

from ffhost.errors import BadRequest, RequestError, RequestTimeout
from ffhost.invocation.ids import EXECUTION_ID_HEADER
from ffhost.web.problems import problem_reply


class UriTooLong(RequestError):
    """The target of the request is longer than the server reads."""

    status = 414


class FieldsTooLarge(RequestError):
    """The fields of the request are more, or larger, than the server reads."""

    status = 431


class UnknownCoding(RequestError):
    """The body of the request has a transfer coding that the server does not know."""

    status = 501


class VersionNotSupported(RequestError):
    """The request has a version of HTTP that the server does not speak."""

    status = 505


class HostFailed(RequestError):
    """The host itself failed, and not a function."""

    status = 500


_ERRORS: dict[int, type[RequestError]] = {
    each.status: each
    for each in (
        BadRequest,
        RequestTimeout,
        UriTooLong,
        FieldsTooLarge,
        UnknownCoding,
        VersionNotSupported,
    )
}


def server_refusal_error(status: int, detail: str) -> RequestError:
    """Return the error of a status that the server refuses with: 400, 408, 414, 431, 501, 505."""
    return _ERRORS[status](detail)


def server_refusal(status: int, detail: str) -> bytes:
    """Return a whole answer with a problem document, which closes the connection.

    Args:
        status: one of those that `server_refusal_error` knows
        detail: what is wrong, for the client
    """
    return server_refusal_of_error(server_refusal_error(status, detail))


def server_refusal_of_error(error: RequestError, identity: str | None = None) -> bytes:
    """Return a whole answer to a request that failed with *error*; it closes the connection.

    Args:
        identity: the execution id that a log entry has, if there is one
    """
    reply = problem_reply(error, identity)
    if identity is not None:
        reply.headers.append((EXECUTION_ID_HEADER, identity))
    fields = [
        ("date", formatdate(usegmt=True)),
        ("content-length", str(len(reply.body))),
        ("connection", "close"),
        *((name, value) for name, value in reply.headers if name.lower() != "connection"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {error.status} {error.title}\r\n{lines}\r\n".encode("latin-1") + reply.body
