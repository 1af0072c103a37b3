"""The host's side of a call of an isolated function; it blocks a thread of the pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost.errors import BadRequest, FfhostError, ProcessCrashed, RequestError
from ffhost.execution.failures import timed_out
from ffhost.execution.isolation.frames import call_head, reply_of
from ffhost.execution.isolation.process import IsolatedProcess
from ffhost.execution.isolation.process_pool import ProcessPool, describe
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.logger import get_logger
from ffhost.web import problems
from ffhost.web.messages import Reply


class FunctionCrashed(FfhostError):
    """An exception of an isolated function, which its process has logged with its stack."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind = kind


def compose(pool: ProcessPool) -> Callable[[Call], Reply]:
    """Return a callable that runs a call in a process of *pool*."""

    def run(call: Call) -> Reply:
        CURRENT.set(call)
        try:
            return _call(pool, call)
        except RequestError as error:
            call.error = error
            return problems.problem(error, call.execution_id)
        except TimeoutError:
            assert call.deadline is not None
            call.deadline.passed = True
            return timed_out(call)

    return run


def _call(pool: ProcessPool, call: Call) -> Reply:
    while pool.closed and pool.successor is not None:
        pool = pool.successor
    deadline = None if call.deadline is None else call.deadline.at
    request = call_head(call)
    try:
        process = pool.lease(deadline)
    except TimeoutError:
        _log_late(call, reason="no process was ready")
        raise
    try:
        process.connection.send(request, call.message.body, deadline)
        head, body = process.connection.receive(deadline)
    except TimeoutError:
        _stop_late(pool, process, call)
        raise
    except OSError:
        raise _died(pool, process, call) from None
    except BaseException:
        process.kill()
        pool.replace(process)
        raise
    pool.release(process)
    call.event = head.get("event")
    if "error" in head and head["status"] >= 500:
        call.error = FunctionCrashed(*head["error"])
    elif "error" in head:
        call.error = BadRequest(head["error"][1])
    return reply_of(head, body)


def _stop_late(pool: ProcessPool, process: IsolatedProcess, call: Call) -> None:
    stack = process.live_stack()
    process.kill()
    _log_late(call, killed=process.pid, live_stack=stack)
    pool.replace(process)


def _log_late(call: Call, **fields: Any) -> None:
    get_logger("ffhost").error(
        "deadline_exceeded",
        function=call.function.name,
        execution_id=call.execution_id,
        timeout_seconds=round(call.timeout_seconds, 3),
        **fields,
    )


def _died(pool: ProcessPool, process: IsolatedProcess, call: Call) -> ProcessCrashed:
    end = pool.replace(process)
    get_logger("ffhost").error(
        "isolated_process_died",
        function=call.function.name,
        execution_id=call.execution_id,
        when="during a call",
        **describe(end),
    )
    return ProcessCrashed(
        f"the process of {call.function.name} ended during the call",
        headers={"X-Google-Status": "crash"},
    )
