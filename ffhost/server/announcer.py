"""What the server says of itself: that it serves, serves changed code, or waits for calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ffhost.host.service import Service
from ffhost.server.addresses import ListeningAddress


class ServerAnnouncer(Protocol):
    """Writes for people, or as log entries. All but `describe` run in the master."""

    def describe(self, service: Service) -> Any:
        """Return what a worker serves, as JSON can hold it; called in the worker."""

    def loading(self, place: str) -> None:
        """Announce that functions still load.

        Args:
            place: the line of user code that takes long, as ``file:line: text``
        """

    def serving(self, addresses: Sequence[ListeningAddress], serves: Any) -> None:
        """Announce that the first worker listens; called once.

        Args:
            serves: as that worker has described it
        """

    def code_served(self, files: Sequence[str], seconds: float, serves: Any) -> None:
        """Announce that the new code of *files* is served.

        Args:
            seconds: from the change until a worker with the new code was ready
        """

    def code_refused(self, files: Sequence[str]) -> None:
        """Announce that the new code of *files* does not load; why has been shown."""

    def code_not_watched(self) -> None:
        """Announce that changes of code are no longer noticed; why has been shown."""

    def waiting(self, calls: int) -> None:
        """Announce that a server that was interrupted waits for *calls* calls to end."""
