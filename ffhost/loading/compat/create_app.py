"""``create_app`` and ``create_asgi_app`` of functions-framework: one function as an application."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from ffhost.config import ConfigSources
from ffhost.loading.compat.framework import _function_registry

_FLAGS = {"target": "--target", "source": "--source", "signature_type": "--signature-type"}


def make_framework_app(target: str | None, source: str | None, signature_type: str | None) -> Any:
    """Load one function and return a Flask application; None: as the environment says.

    A function with Starlette's request becomes an ASGI application, as in the original.

    Raises:
        Exception: what functions-framework raises; see `host.framework_target`
        LoadError: Flask is not installed
    """
    # By name: user code imports this module, and it lies below the host.
    sources = _sources(target, source, signature_type)
    app = import_module("ffhost.host.flask_application").make_host_of_flask_app(sources)
    return FrameworkLoopApp(sources) if app is None else app


def make_framework_asgi_app(
    target: str | None, source: str | None, signature_type: str | None
) -> Any:
    """Load one function and return an ASGI application; None: as the environment says.

    Raises:
        Exception: what functions-framework raises; see `host.framework_target`
    """
    sources = _sources(target, source, signature_type, asgi=("--asgi", "true"))
    import_module("ffhost.host.framework_target").check_framework_target(sources)
    return FrameworkLoopApp(sources)


class FrameworkLoopApp:
    """The ASGI front of one function, for one event loop after another.

    A front belongs to the loop that it first runs on; tests often have a loop each.
    """

    def __init__(self, sources: ConfigSources) -> None:
        self.service = import_module("ffhost.host.service").Service(sources)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._front: Any = import_module("ffhost.asgi").create_app(self.service)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request on the running loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self._loop is not None:
                self._front = import_module("ffhost.asgi").create_app(self.service)
            self._loop = loop
        await self._front(scope, receive, send)


def _sources(
    target: str | None, source: str | None, signature_type: str | None, **more: Any
) -> ConfigSources:
    target = _function_registry.get_function_target(target)
    given = {"target": target, "source": source, "signature_type": signature_type}
    flags = {name: (_FLAGS[name], str(text)) for name, text in given.items() if text}
    return ConfigSources(environ=dict(os.environ), flags={**flags, **more}, cwd=Path.cwd())
