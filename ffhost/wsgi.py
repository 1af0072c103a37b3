"""The WSGI front: a Falcon app in which each function is a resource.

``ffhost.wsgi:app`` is the application for any WSGI server. The front reads requests and
writes replies; what a request means is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from ffhost.fronts.falcon_wsgi import FalconWsgiApp
from ffhost.host.service import Service

__all__ = ["FalconWsgiApp", "create_app"]


def create_app(service: Service) -> FalconWsgiApp:
    """Make a WSGI application of *service*, loaded and not yet started."""
    service.load()
    return FalconWsgiApp(service)


def __getattr__(name: str) -> Any:
    # Loaded when a server asks for it, so that importing this module loads no function.
    if name == "app":
        from ffhost.host.process_service import service_of_process

        globals()["app"] = made = create_app(service_of_process())
        return made
    raise AttributeError(f"module 'ffhost.wsgi' has no attribute {name!r}")
