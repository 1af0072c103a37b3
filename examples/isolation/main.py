"""A quick function, and two that are better kept away from it."""

from __future__ import annotations

import os
import time
from typing import Any

import ffhost


@ffhost.http
def ping(request: ffhost.Request) -> str:
    """Answer at once, in the worker itself."""
    return "pong\n"


@ffhost.http
def crunch(request: ffhost.Request) -> dict[str, Any]:
    """Compute for as long as is asked; nothing but the end of its process stops it."""
    until = time.monotonic() + float(request.args.get("seconds", "0"))
    rounds = 0
    while time.monotonic() < until:
        rounds += sum(1 for _ in range(1000))
    return {"pid": os.getpid(), "rounds": rounds}


@ffhost.http
def fragile(request: ffhost.Request) -> str:
    """Die as a fault in a C library would have it die."""
    if "crash" in request.args:
        os._exit(139)
    return "still here\n"
