"""The host's side of a call of an isolated function; it waits on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ffhost.errors import ProcessCrashed, RequestError, Unavailable
from ffhost.execution.executor import executor
from ffhost.execution.failures import answer_timed_out_call
from ffhost.execution.isolation.call_frames import call_frame_head, take_reply_frame
from ffhost.execution.isolation.frames import CALL, STREAM, FrameMisfit
from ffhost.execution.isolation.isolated_process import IsolatedProcess
from ffhost.execution.isolation.loop_connection import (
    ProcessRequestNotTaken,
    ProcessRequestTakenBack,
    SentRequest,
)
from ffhost.execution.isolation.nested_calls import CallByName
from ffhost.execution.isolation.process_pool import ProcessPool, isolated_process_end_fields
from ffhost.execution.isolation.received_stream import ReceivedStream, StreamingProcess
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.logger import get_logger
from ffhost.signatures.chunks import AsyncByteChunks
from ffhost.web import problems
from ffhost.web.messages import Reply

T = TypeVar("T")


def make_isolated_call_runner(
    pool: ProcessPool, by_name: CallByName
) -> Callable[[Call], Coroutine[Any, Any, Reply]]:
    """Return a callable that runs a call in a process of *pool*.

    Args:
        by_name: makes the calls of other functions that the function asks for
    """

    pool.by_name = by_name

    async def run(call: Call) -> Reply:
        try:
            return await _call(pool, call)
        except RequestError as error:
            call.error = error
            return problems.problem_reply(error, call.execution_id)
        except asyncio.CancelledError:
            if not call.timed_out:
                raise
            return answer_timed_out_call(call)

    return run


async def _call(pool: ProcessPool, call: Call) -> Reply:
    early, call.early = call.early, None
    process, sent = (None, None) if early is None else (early.process, early.sent)
    if sent is None and call.timed_out:
        raise asyncio.CancelledError
    while True:
        if process is None or sent is None:
            while pool.closed and pool.successor is not None:
                pool = pool.successor
            process = pool.take() or await _await_process(pool, call)
            if process is None:
                continue
        try:
            if sent is None:
                connection = process.calls or pool.connect(process)
                if process.revision != pool.config.revision:
                    await pool.inform(process)
                sent = connection.ask(CALL, call_frame_head(call), call.message.body, call)
            frame = await sent.answer
            reply, seconds = take_reply_frame(frame, call)
        except ProcessRequestTakenBack:
            process = sent = None
        except ProcessRequestNotTaken:
            pool.replace_lost(process)
            process = sent = None
        except ConnectionError as error:
            raise await _died(pool, process, call, error) from None
        except asyncio.CancelledError:
            await end_cancelled_call(pool, process, sent, call)
            raise
        else:
            pool.early.note(seconds)
            if frame.kind == STREAM:
                reply.chunks = _chunks(pool, process, call, sent)
            else:
                pool.release(process)
            return reply


def _chunks(
    pool: ProcessPool, process: IsolatedProcess, call: Call, sent: SentRequest
) -> AsyncByteChunks:
    async def died(error: ConnectionError) -> ProcessCrashed:
        return await _died(pool, process, call, error)

    async def end() -> None:
        await end_cancelled_call(pool, process, sent, call)

    assert process.calls is not None
    streaming = StreamingProcess(lambda: pool.release(process), died, end)
    return AsyncByteChunks(ReceivedStream(call, process.calls, sent, streaming))


async def _await_process(pool: ProcessPool, call: Call) -> IsolatedProcess | None:
    """Wait for a process; return None if those of the pool have given way to others."""
    try:
        return await pool.lease()
    except Unavailable:
        if pool.closed and pool.successor is not None:
            return None
        raise
    except asyncio.CancelledError:
        CURRENT.set(call)
        if call.timed_out:
            _log_late(call, reason="no process was ready")
        raise


async def end_cancelled_call(
    pool: ProcessPool, process: IsolatedProcess, sent: SentRequest | None, call: Call
) -> None:
    """Kill the process of a call that nobody waits for, unless it has just answered.

    Args:
        sent: what it was sent as; None if it is still to be sent
    """
    CURRENT.set(call)
    connection = process.calls
    if connection is None or connection.close_line(sent):
        await _on_thread(_stop_late if call.timed_out else _stop, pool, process, call)
        return
    if call.timed_out:
        _log_late(call, reason="it answered too late")
    pool.release(process)


def _stop_late(pool: ProcessPool, process: IsolatedProcess, call: Call) -> None:
    stack = process.live_stack()
    process.kill()
    _log_late(call, killed=process.pid, live_stack=stack)
    pool.replace(process)


def _stop(pool: ProcessPool, process: IsolatedProcess, _call: Call) -> None:
    process.kill()
    pool.replace(process)


def _log_late(call: Call, **fields: Any) -> None:
    get_logger("ffhost").error(
        "deadline_exceeded",
        function=call.function.name,
        execution_id=call.execution_id,
        timeout_seconds=round(call.timeout_seconds, 3),
        **fields,
    )


async def _died(
    pool: ProcessPool, process: IsolatedProcess, call: Call, error: ConnectionError
) -> ProcessCrashed:
    CURRENT.set(call)
    if isinstance(error, FrameMisfit):
        process.misfit = str(error)
        process.kill()
    end = await _on_thread(pool.replace, process)
    get_logger("ffhost").error(
        "isolated_process_died",
        function=call.function.name,
        execution_id=call.execution_id,
        when="during a call",
        **isolated_process_end_fields(end),
    )
    return ProcessCrashed(
        f"the process of {call.function.name} ended during the call",
        headers={"X-Google-Status": "crash"},
    )


async def _on_thread(work: Callable[..., T], *args: Any) -> T:
    """Run *work* on a thread, to its end even if this task is cancelled."""
    return await asyncio.shield(asyncio.wrap_future(executor.submit(work, *args)))
