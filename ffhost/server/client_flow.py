"""The pauses of one connection: of reading what its client sends, and of writing to it.

uvicorn's class makes an event for each connection; most never wait.
"""

from __future__ import annotations

import asyncio
from typing import Any


class ClientFlow:
    """Pauses and resumes reading and writing.

    Args:
        transport: of the connection
    """

    __slots__ = ("_is_held", "_transport", "_waiter", "read_paused", "write_paused")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._waiter: asyncio.Event | None = None
        self._is_held = False
        self.read_paused = False
        self.write_paused = False

    async def drain(self) -> None:
        """Wait until writing is not paused."""
        if self.write_paused:
            if self._waiter is None:
                self._waiter = asyncio.Event()
            await self._waiter.wait()

    def pause_reading(self) -> None:
        """Stop reading: the client waits with what it sends."""
        if not self.read_paused:
            self.read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless reading is held."""
        if self.read_paused and not self._is_held:
            self.read_paused = False
            self._transport.resume_reading()

    def hold_reading(self) -> None:
        """Stop reading; nobody can resume it until `release_reading`."""
        self.pause_reading()
        self._is_held = True

    def release_reading(self) -> None:
        """End that: reading can be resumed again."""
        self._is_held = False

    def pause_writing(self) -> None:
        """Make `drain` wait."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """End all waits."""
        self.write_paused = False
        if self._waiter is not None:
            self._waiter.set()
            self._waiter = None
