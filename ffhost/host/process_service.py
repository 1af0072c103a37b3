"""The one service of a process, made when it is first asked for."""

from __future__ import annotations

from ffhost.config import ConfigSources
from ffhost.host.service import Service

_service: Service | None = None
_sources: ConfigSources | None = None


def use_service_sources(sources: ConfigSources | None) -> None:
    """Set the sources of the configuration of this process and its children."""
    global _sources
    _sources = sources


def service_of_process() -> Service:
    """Return the service of this process, made at the first call."""
    global _service
    if _service is None:
        _service = Service(_sources)
    return _service
