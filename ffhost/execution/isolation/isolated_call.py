"""One call of an isolated function, as the host sees it; it blocks a thread of the pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ffhost.errors import BadRequest, FfhostError, ProcessCrashed, RequestError
from ffhost.execution.composition import timed_out
from ffhost.execution.isolation.frames import call_head, reply_of
from ffhost.execution.isolation.process import IsolatedProcess
from ffhost.execution.isolation.process_pool import ProcessPool, describe
from ffhost.invocation.current import CURRENT, Invocation
from ffhost.observability import logs
from ffhost.web import problems
from ffhost.web.messages import Reply


class FunctionCrashed(FfhostError):
    """What an isolated function has raised; its process has logged it with its stack."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind = kind


def compose(pool: ProcessPool) -> Callable[[Invocation], Reply]:
    """Make what runs a call in a process of *pool*."""

    def run(invocation: Invocation) -> Reply:
        CURRENT.set(invocation)
        try:
            return _call(pool, invocation)
        except RequestError as error:
            invocation.error = error
            return problems.problem(error, invocation.execution_id)
        except TimeoutError:
            invocation.expired = True
            return timed_out(invocation)

    return run


def _call(pool: ProcessPool, invocation: Invocation) -> Reply:
    while pool.closed and pool.successor is not None:
        pool = pool.successor
    deadline = invocation.deadline
    request = call_head(invocation)
    try:
        process = pool.lease(deadline)
    except TimeoutError:
        _log_late(invocation, reason="no process was ready")
        raise
    try:
        process.connection.send(request, invocation.message.body, deadline)
        head, body = process.connection.receive(deadline)
    except TimeoutError:
        _stop_late(pool, process, invocation)
        raise
    except OSError:
        raise _died(pool, process, invocation) from None
    except BaseException:
        process.kill()
        pool.replace(process)
        raise
    pool.give_back(process)
    invocation.event = head.get("event")
    if "error" in head and head["status"] >= 500:
        invocation.error = FunctionCrashed(*head["error"])
    elif "error" in head:
        invocation.error = BadRequest(head["error"][1])
    return reply_of(head, body)


def _stop_late(pool: ProcessPool, process: IsolatedProcess, invocation: Invocation) -> None:
    invocation.expired = True
    stack = process.live_stack()
    process.kill()
    _log_late(invocation, killed=process.pid, live_stack=stack)
    pool.replace(process)


def _log_late(invocation: Invocation, **fields: Any) -> None:
    logs.get_logger("ffhost").error(
        "deadline_exceeded",
        function=invocation.function.name,
        execution_id=invocation.execution_id,
        timeout_seconds=round((invocation.deadline or 0.0) - invocation.started, 3),
        **fields,
    )


def _died(pool: ProcessPool, process: IsolatedProcess, invocation: Invocation) -> ProcessCrashed:
    end = pool.replace(process)
    logs.get_logger("ffhost").error(
        "isolated_process_died",
        function=invocation.function.name,
        execution_id=invocation.execution_id,
        when="during a call",
        **describe(end),
    )
    return ProcessCrashed(
        f"the process of {invocation.function.name} ended during the call",
        headers={"X-Google-Status": "crash"},
    )
