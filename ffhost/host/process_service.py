"""The one service of a process, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable

from ffhost.config import Sources
from ffhost.host.service import Service

_service: Service | None = None
_sources: Sources | None = None
_on_ready: Callable[[Service], None] | None = None


def use_sources(sources: Sources | None, on_ready: Callable[[Service], None] | None = None) -> None:
    """Set the sources of the configuration of this process and its children.

    Args:
        on_ready: called in each of them once its start-up hooks have run
    """
    global _sources, _on_ready
    _sources, _on_ready = sources, on_ready


def service() -> Service:
    """Return the service of this process, made at the first call."""
    global _service
    if _service is None:
        _service = Service(_sources)
        if _on_ready is not None:
            _service.on_ready(_on_ready)
    return _service
