"""How long the clients of one loop may take, for everything that is their turn.

Nothing here is asked by a request that arrives whole and whose answer is taken at once.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from ffhost.execution.timeouts import Timeouts
from ffhost.server.freed_memory import FreedMemory
from ffhost.server.idle_clients import IdleClient, IdleClients
from ffhost.server.unread_answers import UnreadSocketAnswers, WritingConnection

LINGER_SECONDS = 2.0
"""How long what a client still sends is read and dropped after the last answer.

The system resets a connection that is closed with unread bytes, and the client may then lose
the answer. Clients that look for an answer while they send stop within a round trip or two.
"""


class TimedConnection(IdleClient, WritingConnection, Protocol):
    """A connection whose client may be late."""

    def on_late_request(self) -> None:
        """Refuse: the request has not arrived in time."""

    def on_lingered(self) -> None:
        """Close: the client still sends what nobody wants."""


class ClientLimits:
    """The clocks of all connections of a loop.

    Args:
        loop: whose clock counts
        read_seconds: for the head of a request, and then for its body
        idle_seconds: from an answer to the next request
        write_seconds: how long a client may take nothing of an answer
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        read_seconds: float,
        idle_seconds: float,
        write_seconds: float,
    ) -> None:
        self.reading: Timeouts[Any] = Timeouts(loop, read_seconds, _late)
        self.idle = IdleClients(loop, idle_seconds)
        self.lingering: Timeouts[Any] = Timeouts(loop, LINGER_SECONDS, _lingered)
        self.unread = UnreadSocketAnswers(loop, write_seconds)
        self.freed = FreedMemory(loop)

    def forget(self, client: TimedConnection) -> None:
        """Stop all clocks of *client*: its connection is gone."""
        self.idle.clients.discard(client)
        self.reading.stop(client)
        self.lingering.stop(client)
        self.unread.forget(client)


def _late(client: TimedConnection) -> None:
    client.on_late_request()


def _lingered(client: TimedConnection) -> None:
    client.on_lingered()
