"""One call of one function: decode, call, encode, and what becomes of its errors.

Nothing here waits, reads a socket or knows Falcon. Everything that can be decided when a
function is loaded is decided in `compose`; what it gives takes an invocation and gives a
reply, and never raises. The sync and the async form differ in the words that wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from ffhost.errors import DeadlineExceeded, RequestError, TimedOut
from ffhost.invocation.current import CURRENT, Invocation
from ffhost.observability import logs
from ffhost.signatures import AnsweredCrash, Codec
from ffhost.web import problems
from ffhost.web.messages import Reply

ErrorHandler: TypeAlias = tuple[tuple[type[Exception], ...], Callable[[Any], Any]]
"""The exceptions that a handler answers for, and the handler."""

Run: TypeAlias = Callable[[Invocation], Reply] | Callable[[Invocation], Coroutine[Any, Any, Reply]]


class Failures:
    """What becomes of the exceptions of one function.

    Args:
        answer: makes a reply of an exception that means one, as a codec has it
        handlers: the error handlers of the function's module
        debug: whether the caller may see the exception
    """

    def __init__(
        self,
        answer: Callable[[BaseException], Reply | None] = lambda _error: None,
        handlers: Sequence[ErrorHandler] = (),
        *,
        debug: bool = False,
    ) -> None:
        self._answer = answer
        self._handlers = {each: handler for types, handler in handlers for each in types}
        self._debug = debug

    def handler_for(self, error: BaseException) -> Callable[[Any], Any] | None:
        """Give the handler of the nearest class of *error*, or None."""
        if not self._handlers:
            return None
        return next(
            (self._handlers[each] for each in type(error).__mro__ if each in self._handlers), None
        )

    def reply(self, invocation: Invocation, error: BaseException) -> Reply:
        """Answer for *error*: a problem of the caller's making, a timeout, or a crash."""
        if isinstance(error, RequestError):
            invocation.error = error
            return problems.problem(error, invocation.execution_id)
        if invocation.expired and isinstance(error, DeadlineExceeded | asyncio.CancelledError):
            return timed_out(invocation)
        meant = self._answer(error)
        if meant is not None:
            return meant
        if isinstance(error, AnsweredCrash):
            log_crash(invocation, error.error)
            return error.reply
        log_crash(invocation, error)
        return problems.crash(invocation.execution_id, debug=self._debug, error=error)


def compose(codec: Codec, failures: Failures) -> Run:
    """Make one callable of a function's codec and its error handling."""
    decode, call, encode = codec.decode, codec.call, codec.encode

    def run(invocation: Invocation) -> Reply:
        CURRENT.set(invocation)
        try:
            return encode(call(*decode(invocation.message)))
        except BaseException as error:
            handler = failures.handler_for(error)
            if handler is None:
                return failures.reply(invocation, error)
            caught = error
        try:
            return codec.encode_handled(handler(caught))
        except BaseException as error:
            return failures.reply(invocation, error)

    async def run_async(invocation: Invocation) -> Reply:
        CURRENT.set(invocation)
        try:
            return encode(await call(*decode(invocation.message)))
        except BaseException as error:
            handler = failures.handler_for(error)
            if handler is None:
                return failures.reply(invocation, error)
            caught = error
        try:
            result = handler(caught)
            return codec.encode_handled(await result if asyncio.iscoroutine(result) else result)
        except BaseException as error:
            return failures.reply(invocation, error)

    return run_async if codec.is_async else run


def timed_out(invocation: Invocation) -> Reply:
    """Give the 504 of a call whose deadline has passed."""
    error = invocation.error = TimedOut(f"{invocation.function.name} did not answer in time")
    return problems.problem(error, invocation.execution_id)


def log_crash(invocation: Invocation, error: BaseException) -> None:
    """Write the one log entry of a crash, with the stack of user code."""
    invocation.error = error
    logs.get_logger("ffhost").error(
        "function_crashed",
        function=invocation.function.name,
        execution_id=invocation.execution_id,
        exc_info=error,
    )
