"""The shared part of WSGI and ASGI applications as targets: their mount, and their answers.

An application is mounted below its path: the path before it moves into ``SCRIPT_NAME`` or
``root_path``, so that it routes and writes links as if it were alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ffhost.errors import ResultError
from ffhost.loading.targets import TargetForm
from ffhost.signatures import parameters
from ffhost.signatures.codec import Codec, SignatureOptions, signature_error
from ffhost.signatures.results import HOP_BY_HOP, result_encoder, status_code_of_result
from ffhost.web.messages import HeaderList, Message, Reply
from ffhost.web.responses import checked_header_fields

_BODILESS = (204, 304)
_ARTICLE = {"wsgi": "a WSGI", "asgi": "an ASGI"}


class ApplicationHead(NamedTuple):
    """The head of an answer; *length* is the body's as the application declares it."""

    status: int
    fields: HeaderList
    length: int | None

    def expected(self, method: str) -> int | None:
        """Return how long the body must be; None if that is unknown."""
        return None if method == "HEAD" or self.status in _BODILESS else self.length

    def whole(self, method: str, body: bytes) -> Reply:
        """Make a reply of a body that is in memory; its length is known better than declared."""
        if self.status in _BODILESS:
            return Reply(self.status, self.fields)
        if method == "HEAD":
            if self.length is None and body:
                self.fields.append(("content-length", str(len(body))))
            return Reply(self.status, self.fields)
        fields = [field for field in self.fields if field[0].lower() != "content-length"]
        return Reply(self.status, fields, body)


def read_application_head(name: str, status: Any, fields: Any) -> ApplicationHead:
    """Read status and headers of an application.

    Hop-by-hop fields are left out: the front writes its own.

    Raises:
        ResultError: it cannot be sent
    """
    try:
        checked = [
            each for each in checked_header_fields(fields) if each[0].lower() not in HOP_BY_HOP
        ]
        code = status_code_of_result(status)
    except ResultError as error:
        raise ResultError(f"{name} answered with {error}") from error
    declared = next((value for key, value in checked if key.lower() == "content-length"), None)
    if declared is not None and not (declared.isascii() and declared.isdecimal()):
        raise ResultError(f"{name} answered with the content-length {declared!r}")
    return ApplicationHead(code, checked, None if declared is None else int(declared))


class CountedApplicationBody:
    """Checks that a body is as long as declared; otherwise the client would wait for more."""

    __slots__ = ("_length", "_name", "_sent")

    def __init__(self, name: str, length: int | None) -> None:
        self._name = name
        self._length = length
        self._sent = 0

    def add(self, chunk: bytes) -> None:
        """Count *chunk*.

        Raises:
            ResultError: it makes the body longer than declared
        """
        self._sent += len(chunk)
        if self._length is not None and self._sent > self._length:
            raise ResultError(
                f"{self._name} sent more than the {self._length} bytes of its content-length"
            )

    def end(self) -> None:
        """Check that nothing is missing.

        Raises:
            ResultError: the body is shorter than declared
        """
        if self._length is not None and self._sent < self._length:
            raise ResultError(
                f"{self._name} sent {self._sent} bytes, but its content-length is {self._length}"
            )


def check_application_kind(form: TargetForm, name: str, kind: str, count: int, wants: str) -> None:
    """Refuse a target that is not an application of the *kind*.

    Raises:
        LoadError: it is one of the other kind, or takes other arguments
    """
    found = form.application
    if found is not None and found != kind:
        raise signature_error(f"{name} is {_ARTICLE[found]} application; write signature: {found}")
    parameters.signature_accepts(form, name, kind, count, wants=wants)


def make_application_codec(
    kind: str,
    options: SignatureOptions,
    decode: Callable[[Message], tuple[Any, ...]],
    call: Callable[..., Any],
    *,
    is_async: bool,
    lifespan: Any = None,
) -> Codec:
    """Make the codec of an application: its call returns the reply itself."""
    return Codec(
        kind,
        decode,
        call,
        _as_it_is,
        is_async,
        None,
        _no_answer,
        result_encoder(options.name),
        lifespan,
    )


def _as_it_is(reply: Reply) -> Reply:
    return reply


def _no_answer(_error: BaseException) -> None:
    """Return None: an exception that an application does not handle is always a crash."""
