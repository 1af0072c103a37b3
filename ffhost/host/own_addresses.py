"""Where this host is reached, as somebody on this machine writes it; its server knows."""

from __future__ import annotations

from ffhost.config.settings import Settings
from ffhost.host.store import ReloadStore


class HostAddresses:
    """URLs without a path; None where the server has not said."""

    def __init__(self, public: str | None = None, admin: str | None = None) -> None:
        self.public = public
        self.admin = admin


def find_host_addresses(store: ReloadStore) -> HostAddresses:
    """Return the addresses that the host with *store* is reached at."""
    return store.keep(HostAddresses, "", HostAddresses)


def console_url(store: ReloadStore, settings: Settings) -> str | None:
    """Return the address of the console for somebody who develops; else None."""
    if not (settings.has_console and settings.server.debug):
        return None
    return find_host_addresses(store).admin


def public_host_url(store: ReloadStore, settings: Settings) -> str:
    """Return the address of the functions."""
    known = find_host_addresses(store).public
    if known is not None:
        return known
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.server.host)
    return f"http://{host or settings.server.host}:{settings.server.port}"
