"""The ASGI front: a Falcon app in which each function is a resource.

``ffhost.asgi:app`` is the application for any ASGI server. The front reads requests and
writes replies; what a request means is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from ffhost.fronts.falcon_asgi import AsgiApp
from ffhost.host.service import Service

__all__ = ["AsgiApp", "create_app"]


def create_app(service: Service) -> AsgiApp:
    """Make an ASGI application of *service*, loaded and not yet started."""
    service.load()
    return AsgiApp(service)


def __getattr__(name: str) -> Any:
    # Loaded when a server asks for it, so that importing this module loads no function.
    if name == "app":
        from ffhost.host.process_service import service

        globals()["app"] = made = create_app(service())
        return made
    raise AttributeError(f"module 'ffhost.asgi' has no attribute {name!r}")
