"""Answers that wait for each other to be written: one round of the loop, one after another.

A write wakes the client, which may take the processor from the worker at once, and what the worker
had in its caches with it. So while several requests are under way, their answers are written when
all that is ready has been worked on. The loop does that before it reads again, so no answer waits
for anything else.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from typing import Protocol

MOST_WAITING = 16
"""How many answers wait at most: nobody is to wait long for the work of others."""


class WaitingAnswer(Protocol):
    """An answer that is complete and waits to be written."""

    def write_whole(self, answer: bytes) -> None:
        """Write it, and go on with what comes after it."""


class JoinedAnswers:
    """The answers of a loop that wait to be written.

    Args:
        loop: the loop

    Attributes:
        waiting: these answers, each with the exchange that it ends
    """

    __slots__ = ("_context", "_loop", "waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.waiting: deque[tuple[WaitingAnswer, bytes]] = deque()
        self._context = contextvars.Context()  # none of the calls that have been answered

    def add(self, exchange: WaitingAnswer, answer: bytes) -> None:
        """Keep the *answer* of *exchange* until others are written, too."""
        self.waiting.append((exchange, answer))
        if len(self.waiting) == 1:
            self._loop.call_soon(self.write, context=self._context)
        elif len(self.waiting) >= MOST_WAITING:
            self.write()

    def write(self) -> None:
        """Write all that wait."""
        waiting = self.waiting
        try:
            while waiting:
                exchange, answer = waiting.popleft()
                exchange.write_whole(answer)
        finally:
            if waiting:  # one of them could not be written
                self._loop.call_soon(self.write, context=self._context)
