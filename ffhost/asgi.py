"""The ASGI front: a Falcon app in which each function is a resource.

``ffhost.asgi:app`` is the application for any ASGI server. The front reads requests and
writes replies; what a request means is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from ffhost.fronts.falcon_asgi import FalconAsgiApp
from ffhost.host.service import Service

__all__ = ["FalconAsgiApp", "create_app"]


def create_app(service: Service) -> FalconAsgiApp:
    """Make an ASGI application of *service*, loaded and not yet started."""
    service.load()
    return FalconAsgiApp(service)


def __getattr__(name: str) -> Any:
    # Loaded when a server asks for it, so that importing this module loads no function.
    if name == "app":
        from ffhost.host.process_service import service_of_process

        globals()["app"] = made = create_app(service_of_process())
        return made
    raise AttributeError(f"module 'ffhost.asgi' has no attribute {name!r}")
