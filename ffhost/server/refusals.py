"""Answers that the server gives by itself, as bytes: no front has seen those requests."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from ffhost.errors import BadRequest, RequestError, RequestTimeout
from ffhost.problems import problem


class HeadTooLarge(RequestError):
    """The request's head is longer than any that the server reads."""

    status = 431


def headers_late() -> bytes:
    """Answer a request whose header fields did not arrive in time."""
    return _raw(RequestTimeout("the request did not arrive in time"))


def no_request() -> bytes:
    """Answer what cannot become a request."""
    return _raw(BadRequest("this is not an HTTP/1 request"))


def head_too_large() -> bytes:
    """Answer a request whose head has no end."""
    return _raw(HeadTooLarge("the request line and header fields are too large"))


def _raw(error: RequestError) -> bytes:
    reply = problem(error)
    fields = [
        ("date", formatdate(usegmt=True)),
        ("content-length", str(len(reply.body or b""))),
        ("connection", "close"),
        *reply.headers,
    ]
    status = HTTPStatus(reply.status)
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in fields
    )
    return head.encode("latin-1") + b"\r\n" + (reply.body or b"")
