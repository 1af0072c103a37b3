"""uvicorn's connection, and a watch over those that are slow to say what they want.

The watch looks at all connections about once a second and costs a request nothing. What is
read here are attributes of uvicorn's protocol; ``tests/test_server_slow_clients.py`` fails if a new
version has them no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ffhost.server.refusals import headers_late


class Connection(HttpToolsProtocol):
    """One connection of the asgi interface."""

    @classmethod
    def close_after_answers(cls, connections: Iterable[Any]) -> None:
        """Have every answer close its connection, from now on and in this whole process.

        Replacing the method costs nothing before, which a question in each request would.
        """
        cls._start_asgi_task = cls._start_the_last  # type: ignore[assignment, method-assign]
        for each in connections:
            if each.cycle is not None:
                each.cycle.keep_alive = False

    def _start_the_last(self, cycle: Any, app: Any) -> None:
        cycle.keep_alive = False
        HttpToolsProtocol._start_asgi_task(self, cycle, app)

    @property
    def awaits_client(self) -> bool:
        """Whether it is the client's turn, and no timer of uvicorn's bounds it.

        That is so from the start, and from the first byte of a later request on, until the
        header fields of the request are complete.
        """
        return (
            self.timeout_keep_alive_task is None
            and (self.cycle is None or self.cycle.response_complete)
            and not self.transport.is_closing()
        )

    @property
    def is_idle(self) -> bool:
        """Whether it is kept alive between two requests."""
        return self.timeout_keep_alive_task is not None

    @property
    def is_silent(self) -> bool:
        """Whether nothing of a request has come, since the start or since the last one."""
        return self.scope is None or (self.cycle is not None and self.cycle.scope is self.scope)

    def give_up(self) -> None:
        """Close, with an answer if there is something to answer."""
        if not self.is_silent:
            self.transport.write(headers_late())
        self.transport.close()


class HeaderWatch:
    """Bounds how long header fields may take to arrive, in total.

    Args:
        seconds: from the first sign of a request, or of the connection, to its last field
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Connection, tuple[Any, float]] = {}

    @property
    def interval(self) -> float:
        """Give how often to sweep."""
        return max(0.05, min(1.0, self._seconds / 4))

    def sweep(self, connections: Iterable[Any], now: float) -> None:
        """Give up connections whose time is over."""
        waiting: dict[Connection, tuple[Any, float]] = {}
        for each in connections:
            if not each.awaits_client:
                continue
            request, since = self._since.get(each, (None, now))
            if request is not None and request is not each.scope:
                since = now
            if now - since >= self._seconds:
                each.give_up()
            else:
                waiting[each] = (each.scope, since)
        self._since = waiting
