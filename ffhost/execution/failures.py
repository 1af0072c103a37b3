"""Handling of the exceptions of a call: the answer, and the one log entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ffhost.errors import DeadlineExceeded, RequestError, ResultError, TimedOut, Unavailable
from ffhost.invocation.call import Call
from ffhost.invocation.logger import get_logger
from ffhost.loading.marked_functions import ErrorHandler
from ffhost.loading.modules import user_error_text
from ffhost.signatures import AnsweredApplicationCrash
from ffhost.web import problems
from ffhost.web.messages import Reply

CANCELLED_STATUS = 499
"""The status of a call whose caller has stopped waiting, as nginx calls it. Nobody gets it."""


class CallFailures:
    """Handling of the exceptions of one function.

    Args:
        answer: makes a reply of an exception that means one, as a codec has it
        handlers: the error handlers of the function's module
        debug: whether the caller may see the exception
        console: address of the console, for somebody who develops; else None
    """

    def __init__(
        self,
        answer: Callable[[BaseException], Reply | None] = lambda _error: None,
        handlers: Sequence[ErrorHandler] = (),
        *,
        debug: bool = False,
        console: str | None = None,
    ) -> None:
        self._answer = answer
        self._handlers = {each: handler for types, handler in handlers for each in types}
        self._debug = debug
        self._console = console

    def handler_for(self, error: BaseException) -> Callable[[Any], Any] | None:
        """Return the handler of the nearest class of *error*, or None."""
        if not self._handlers:
            return None
        return next(
            (self._handlers[each] for each in type(error).__mro__ if each in self._handlers), None
        )

    def reply(self, call: Call, error: BaseException) -> Reply:
        """Return the answer for *error*: a problem of the request, a timeout, or a crash."""
        if isinstance(error, RequestError):
            call.error = error
            return problems.problem_reply(error, call.execution_id)
        if call.timed_out and isinstance(error, DeadlineExceeded | asyncio.CancelledError):
            return answer_timed_out_call(call)
        if call.cancelled and isinstance(error, DeadlineExceeded | asyncio.CancelledError):
            return Reply(CANCELLED_STATUS, [], b"")
        try:
            meant = self._answer(error)
        except ResultError as unsendable:  # the answer that *error* represents
            meant, error = None, unsendable
        if meant is not None:
            return meant
        if isinstance(error, AnsweredApplicationCrash):
            log_call_crash(call, error.error)
            return error.reply
        log_call_crash(call, error)
        stack = user_error_text(error) if self._debug else None
        return problems.crash_problem(call.execution_id, error, stack=stack, console=self._console)


def answer_timed_out_call(call: Call) -> Reply:
    """Return the 504 response for a call past its deadline."""
    error = call.error = TimedOut(f"{call.function.name} did not answer in time")
    return problems.problem_reply(error, call.execution_id)


def log_call_crash(call: Call, error: BaseException) -> None:
    """Write the one log entry of a crash, with the stack of user code."""
    call.error = error
    get_logger("ffhost").error(
        "function_crashed",
        function=call.function.name,
        execution_id=call.execution_id,
        exc_info=error,
        **_hint(call, error),
    )


def _hint(call: Call, error: BaseException) -> dict[str, str]:
    """Return what to write where Flask is used by a function with another request."""
    request = call.function.request
    if request in (None, "flask") or not isinstance(error, RuntimeError):
        return {}
    needs = str(error).startswith(("Working outside of application", "Working outside of request"))
    return {"hint": "request: flask"} if needs else {}


def answer_crashed_call(call: Call) -> Reply:
    """Return the 500 response for a call that ended without a reply or an exception."""
    return problems.crash_problem(call.execution_id)


def answer_call_without_thread(call: Call, error: RuntimeError) -> Reply:
    """Return the 503 response for a call for which no thread can be started."""
    get_logger("ffhost").error(
        "thread_not_started",
        function=call.function.name,
        execution_id=call.execution_id,
        error=str(error),
        hint="the host may have too little memory, or a limit of threads (ulimit -u, pids)",
    )
    call.error = Unavailable("no thread can be started")
    return problems.problem_reply(call.error, call.execution_id)
