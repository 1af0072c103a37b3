"""The host's side of the calls that an isolated function makes by name while it runs."""

from __future__ import annotations

import contextvars
import marshal
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ffhost.errors import CallError
from ffhost.execution.isolation.connections import LoopConnection
from ffhost.execution.isolation.frames import CALL, CANCEL, Frame, Misfit
from ffhost.invocation.call import Call

CallByName: TypeAlias = Callable[[Call, Any, bytes], Awaitable[tuple[int, dict[str, str], bytes]]]
"""Calls for a running call what a head and a body describe; returns status, fields and body.

Raises:
    CallError: there is nothing to call
    ValueError, TypeError, KeyError: the head describes no call
"""


def take(call: Call, connection: LoopConnection, make: CallByName, frame: Frame) -> None:
    """Start or cancel the call that a process asks for in *frame*.

    Args:
        call: the call that the process runs

    Raises:
        Misfit: it may not ask that
    """
    tasks = connection.tasks
    if tasks is None:
        tasks = connection.tasks = {}
    if frame.kind == CANCEL:
        task = tasks.get(frame.call)
        if task is not None:
            task.cancel()
        return
    if frame.kind != CALL or frame.call in tasks:
        raise Misfit("it asked for what there is not")
    # The loop reads in the context of the call that was the first to use the connection.
    tasks[frame.call] = connection.loop.create_task(
        _answer(call, connection, make, frame, frame.json_head()), context=contextvars.Context()
    )


async def _answer(
    call: Call, connection: LoopConnection, make: CallByName, frame: Frame, head: Any
) -> None:
    told: tuple[Any, ...]
    body = b""
    try:
        status, fields, body = await make(call, head, frame.body)
        told = (status, {**fields})
    except CallError as error:
        told = (str(error),)
    except (ValueError, TypeError, KeyError) as error:
        told = (f"the call cannot be read: {error}",)
    finally:
        tasks = connection.tasks
        is_wanted = tasks is not None and tasks.pop(frame.call, None) is not None
    if is_wanted:
        connection.answer(frame, marshal.dumps(told), body)


def cancel_all(connection: LoopConnection) -> None:
    """Cancel what still runs: the call has ended."""
    tasks, connection.tasks = connection.tasks, None
    for task in (tasks or {}).values():
        task.cancel()
