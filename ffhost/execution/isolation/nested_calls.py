"""The host's side of the calls that an isolated function makes by name while it runs."""

from __future__ import annotations

import asyncio
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


class NestedCalls:
    """The calls that one running call of an isolated function makes."""

    __slots__ = ("_call", "_connection", "_make", "_tasks")

    def __init__(self, call: Call, connection: LoopConnection, make: CallByName) -> None:
        self._call = call
        self._connection = connection
        self._make = make
        self._tasks: dict[int, asyncio.Task[None]] | None = None

    def take(self, frame: Frame) -> None:
        """Start or cancel the call that the process asks for.

        Raises:
            Misfit: it may not ask that
        """
        if self._tasks is None:
            self._tasks = {}
        if frame.kind == CANCEL:
            task = self._tasks.get(frame.call)
            if task is not None:
                task.cancel()
            return
        if frame.kind != CALL or frame.call in self._tasks:
            raise Misfit("it asked for what there is not")
        # The loop reads in the context of the call that was the first to use the connection.
        self._tasks[frame.call] = self._connection.loop.create_task(
            self._answer(frame, frame.json_head()), context=contextvars.Context()
        )

    async def _answer(self, frame: Frame, head: Any) -> None:
        told: tuple[Any, ...]
        body = b""
        try:
            status, fields, body = await self._make(self._call, head, frame.body)
            told = (status, {**fields})
        except CallError as error:
            told = (str(error),)
        except (ValueError, TypeError, KeyError) as error:
            told = (f"the call cannot be read: {error}",)
        if self._tasks is not None and self._tasks.pop(frame.call, None) is not None:
            self._connection.answer(frame, marshal.dumps(told), body)

    def end(self) -> None:
        """Cancel what still runs: the call has ended."""
        tasks, self._tasks = self._tasks, None
        for task in (tasks or {}).values():
            task.cancel()
