"""What gunicorn is handed: its settings, our sockets, and the front's import string."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.host.service import Service
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
        describe: Callable[[Service], Any] | None,
        announce: Callable[[Sequence[Listening], Any], None] | None,
        check: Sequence[str] | None,
    ) -> None:
        self.config = config
        self.front = front
        self.describe = describe
        self.announce = announce
        self.check = check
        self.ending_seconds = ending_seconds(config)
        self.addresses = addresses(config.settings)
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
