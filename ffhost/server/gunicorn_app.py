"""What gunicorn is handed: its settings, our sockets, and the front's import string."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.server._gunicorn import BaseApplication
from ffhost.server.addresses import addresses_to_bind
from ffhost.server.announcer import ServerAnnouncer
from ffhost.server.code_changes import CodeChanges
from ffhost.server.gunicorn_options import gunicorn_asgi_options, worker_ending_seconds
from ffhost.server.listeners import bind_sockets


class GunicornApplication(BaseApplication):  # type: ignore[misc]
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
        announcer: ServerAnnouncer | None,
        check: Sequence[str] | None,
        changes: CodeChanges | None = None,
    ) -> None:
        self.config = config
        self.front = front
        self.announcer = announcer
        self.describes = announcer is not None
        """Whether a worker that is ready describes what it serves."""
        self.check = check
        self.changes = changes
        self.ending_seconds = worker_ending_seconds(config)
        self.addresses = addresses_to_bind(config.settings)
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        for name, value in gunicorn_asgi_options(self.config).items():
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
        settings = self.config.settings
        moves = settings.server.debug and settings.has_console
        return bind_sockets(self.addresses, self.cfg, log, movable=("admin",) if moves else ())
