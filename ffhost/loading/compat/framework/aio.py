"""Our replacement of ``functions_framework.aio``: functions with Starlette's request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ffhost.loading import decorators
from ffhost.loading.compat.create_app import make_framework_asgi_app
from ffhost.loading.compat.framework import _function_registry

F = TypeVar("F", bound=Callable[..., Any])


def http(function: F) -> F:
    """Mark an HTTP function, sync or async, that gets a ``starlette.requests.Request``."""
    decorators.mark_function(function, decorators.SignatureMark("http", request="starlette"))
    return _registered(function, _function_registry.HTTP_SIGNATURE_TYPE)


def cloud_event(function: F) -> F:
    """Mark a CloudEvent function, sync or async."""
    marked = decorators.cloud_event(function)
    return _registered(marked, _function_registry.CLOUDEVENT_SIGNATURE_TYPE)


def _registered(function: F, kind: str) -> F:
    name = getattr(function, "__name__", type(function).__name__)
    _function_registry.REGISTRY_MAP[name] = kind
    _function_registry.ASGI_FUNCTIONS.add(name)
    return function


def create_asgi_app(
    target: str | None = None, source: str | None = None, signature_type: str | None = None
) -> Any:
    """Return an ASGI application that serves one function at every path.

    The arguments are those of `functions_framework.create_app`.
    """
    return make_framework_asgi_app(target, source, signature_type)


class LazyASGIApp:
    """An application that loads its function at the first request."""

    def __init__(
        self,
        target: str | None = None,
        source: str | None = None,
        signature_type: str | None = None,
    ) -> None:
        self.target = target
        self.source = source
        self.signature_type = signature_type
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.app is None:
            self.app = create_asgi_app(self.target, self.source, self.signature_type)
        await self.app(scope, receive, send)


app = LazyASGIApp()

__all__ = ["LazyASGIApp", "app", "cloud_event", "create_asgi_app", "http"]
