"""The exceptions of ffhost. Nothing here knows HTTP servers or files.

Start-up errors carry the exit code of the ``ffhost`` command, request errors the
status of the answer. What user code raises is never one of these by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from ffhost.config.diagnostics import ConfigProblem


_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Phrases that RFC 9110 changed; Python before 3.13 has the old ones."""


class FfhostError(Exception):
    """What ffhost itself raises.

    Since 0.1.
    """


class StartupError(FfhostError):
    """The host cannot start, or a command cannot do its work.

    Since 0.1.
    """

    exit_code: ClassVar[int] = 1


class HookFailed(StartupError):
    """A start-up hook failed; the message names it, and the log has its stack.

    Since 0.1.
    """


class ConfigError(StartupError):
    """The configuration has mistakes.

    Args:
        problems: every mistake that was found, with its place in the file

    Since 0.1.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LoadError(StartupError):
    """A function, or one of its trace hooks, cannot be loaded.

    It becomes a diagnostic where the place in the configuration is known.

    Args:
        message: what is wrong
        hint: what to do about it; None if there is nothing to suggest
        notes: further lines, such as what the module does define
        key: the setting of the function that is at fault, or the whole path of another one
        line: the line of user code that is at fault, such as ``main.py:3``; None if there is
            none. The first note shows its text

    Since 0.1.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        notes: Sequence[str] = (),
        *,
        key: str | tuple[str, ...] = "target",
        line: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.notes = tuple(notes)
        self.key = key
        self.line = line


class FieldError(NamedTuple):
    """One field of a request that is wrong.

    Args:
        field: where it is, such as ``order.quantity``
        message: what is wrong there

    Since 0.1.
    """

    field: str
    message: str


class RequestError(FfhostError):
    """A request that cannot be answered as asked.

    Args:
        detail: what is wrong, for the caller; never a secret and never the body
        errors: the fields at fault, where there are any
        headers: header fields of the answer, such as ``Allow`` or ``Retry-After``; None for none
        members: further members of the problem document (RFC 9457)

    Example:
        >>> from ffhost.errors import NotFound
        >>> error = NotFound("no order has the number 7")
        >>> error.status, error.title
        (404, 'Not Found')

    Since 0.1.
    """

    status: ClassVar[int] = 400

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = members

    @property
    def title(self) -> str:
        """Return the status phrase of RFC 9110."""
        return _PHRASES.get(self.status) or HTTPStatus(self.status).phrase


class BadRequest(RequestError):
    """The request does not have the form that the function's signature needs.

    Since 0.1.
    """

    status = 400


class Unauthenticated(RequestError):
    """The request has no valid credentials.

    Since 0.2.
    """

    status = 401


class Forbidden(RequestError):
    """The credentials are valid, but do not allow this call.

    Since 0.2.
    """

    status = 403


class NotFound(RequestError):
    """No function owns this path.

    Since 0.1.
    """

    status = 404


class MethodNotAllowed(RequestError):
    """The path has functions, none of them for this method.

    Since 0.1.
    """

    status = 405


class RequestTimeout(RequestError):
    """The request did not arrive whole within ``server.read_timeout``.

    Since 0.1.
    """

    status = 408


class Conflict(RequestError):
    """What is asked for does not fit what is there.

    Since 0.2.
    """

    status = 409


class Gone(RequestError):
    """The function was switched off for good (``gone: true``).

    Since 0.1.
    """

    status = 410


class ContentTooLarge(RequestError):
    """The body is larger than ``max_body_size``.

    Since 0.1.
    """

    status = 413


class UnsupportedMediaType(RequestError):
    """The function does not take this content type.

    Since 0.1.
    """

    status = 415


class UnprocessableContent(RequestError):
    """The body could be read but does not validate against the function's type.

    Since 0.1.
    """

    status = 422


class TooManyRequests(RequestError):
    """All slots of the function and its queue are taken.

    Since 0.1.
    """

    status = 429


class ProcessCrashed(RequestError):
    """The process that ran an isolated function died.

    Since 0.1.
    """

    status = 502


class Unavailable(RequestError):
    """Not ready, draining, switched off, or failed to load.

    Since 0.1.
    """

    status = 503


class TimedOut(RequestError):
    """The function had not answered at its deadline.

    Since 0.1.
    """

    status = 504


class LoopDetected(RequestError):
    """More functions wait for each other than are allowed (508).

    Since 0.2.
    """

    status = 508


class CallError(FfhostError):
    """A function cannot be called by name, or its answer is not what the caller wants.

    Args:
        message: what is wrong
        answer: the `ffhost.CallAnswer` that `raise_for_status` was asked about, else None

    Example:
        >>> import ffhost
        >>> ffhost.CallAnswer(404).raise_for_status()
        Traceback (most recent call last):
        ffhost.errors.CallError: the function answered 404

    Since 0.2.
    """

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


class ResultError(FfhostError):
    """A function returned something that its signature cannot send; a crash of that function.

    Since 0.1.
    """


class DeadlineExceeded(BaseException):
    """Raised inside a function whose deadline has passed.

    It is a ``BaseException`` so that ``except Exception`` does not swallow it. Clean up in
    ``finally``; the caller has its 504 already.

    Example:
        >>> issubclass(ffhost.DeadlineExceeded, Exception)
        False

    Since 0.1.
    """
