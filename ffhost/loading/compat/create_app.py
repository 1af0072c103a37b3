"""``create_app`` of functions-framework: one function as an application for any server."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from ffhost.config import Sources

_FLAGS = {"target": "--target", "source": "--source", "signature_type": "--signature-type"}


def make_app(front: str, target: str | None, source: str | None, signature_type: str | None) -> Any:
    """Load one function and return the application of *front*; None: as the environment says.

    Raises:
        ConfigError: there is no such function, or it cannot be loaded
    """
    given = {"target": target, "source": source, "signature_type": signature_type}
    flags = {name: (_FLAGS[name], str(text)) for name, text in given.items() if text}
    if front == "ffhost.asgi":
        flags["asgi"] = ("--asgi", "true")
    sources = Sources(
        environ=dict(os.environ),
        flags=flags,
        cwd=Path.cwd(),
    )
    # By name: user code imports this module, and it lies below the fronts.
    service = import_module("ffhost.host.service").Service(sources)
    return import_module(front).create_app(service)
