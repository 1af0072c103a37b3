"""Clients between two requests, and how long one may stay there.

This is what every request begins and ends with, so it costs no call: a connection notes since
when it is idle, and forgets that it is. One timer looks at all of them, while any may be idle.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from ffhost.config.units import UNLIMITED

_LOOKS = 64
"""Into how many parts the time is cut: a client is idle for a part too long at most."""
_EXACT_SECONDS = 0.002
"""uvloop counts in milliseconds, and a timer may fire one too early."""


class IdleClient(Protocol):
    """A connection that may be idle."""

    is_idle: bool
    idle_since: float
    """On the loop's clock, if it is idle; `UNLIMITED` once its time has run out."""

    def on_idle_too_long(self) -> None:
        """Close: there was no further request."""


class IdleClients:
    """All connections of a loop, of which some are idle.

    Args:
        loop: whose clock counts
        seconds: from an answer to the next request; `UNLIMITED` switches it off
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.clients: set[IdleClient] = set()
        self.is_watched = seconds == UNLIMITED
        """Whether a client that becomes idle is noticed without `watch`."""
        self._loop = loop
        self._seconds = seconds

    def watch(self) -> None:
        """Look at all clients when the time of one that is idle from now on has run out."""
        self.is_watched = True
        self._loop.call_later(self._seconds, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        begun = now - self._seconds + _EXACT_SECONDS
        for client in [each for each in self.clients if each.is_idle and each.idle_since <= begun]:
            client.idle_since = UNLIMITED
            client.on_idle_too_long()
        oldest = min((each.idle_since for each in self.clients if each.is_idle), default=UNLIMITED)
        if oldest == UNLIMITED:
            self.is_watched = False
        else:
            left = oldest + self._seconds - now
            self._loop.call_later(max(left, self._seconds / _LOOKS), self._look)
