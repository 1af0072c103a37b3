"""What gunicorn is handed: its settings, our sockets, and the front's import string."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError
from ffhost.server._gunicorn import BaseApplication
from ffhost.server.gunicorn_options import asgi_options, ending_seconds
from ffhost.server.listeners import Listening, addresses, bind


class Application(BaseApplication):  # type: ignore[misc]
    """One run of ``ffhost serve``, from the master's point of view.

    Args:
        config: the settings of ``server`` hold until the master ends
        front: import string of the application that workers load
    """

    def __init__(
        self,
        config: LoadedConfig,
        front: str,
        *,
        announce: Callable[[Sequence[Listening]], None] | None,
        check: Sequence[str] | None,
        report: Callable[[StartupError], None],
    ) -> None:
        self.config = config
        self.front = front
        self.announce = announce
        self.check = check
        self._report = report
        self.ending_seconds = ending_seconds(config)
        self.addresses = addresses(config.settings)
        # Whichever worker takes the byte out of the pipe is the one that reports.
        self._turn, self._next_turn = os.pipe()
        os.set_blocking(self._turn, False)
        self.renew_report()
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        for name, value in asgi_options(self.config).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the front's application; called in a worker."""
        module, _, name = self.front.partition(":")
        return getattr(import_module(module), name)

    def bind(self, log: Any) -> list[Any]:
        """Bind the sockets.

        Raises:
            StartupError: an address cannot be bound
        """
        return bind(self.addresses, self.cfg, log)

    def report(self, error: StartupError) -> None:
        """Show why a worker cannot start, once for all of them."""
        try:
            os.read(self._turn, 1)
        except BlockingIOError:
            return
        self._report(error)

    def renew_report(self) -> None:
        """Reset, so that the next failure is reported too."""
        os.write(self._next_turn, b"1")
