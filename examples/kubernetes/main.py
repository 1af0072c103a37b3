"""Two small functions for a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import ffhost


@ffhost.http
def greet(request: ffhost.Request) -> str:
    """Greet with the word that the configuration gives, which may change at any time."""
    greeting = ffhost.current().config["greeting"]
    return f"{greeting}, {request.args.get('name', 'world')}!\n"


@dataclass
class Box:
    """The edges of a box, in metres."""

    width: float
    height: float
    depth: float


@ffhost.typed
def volume(box: Box) -> dict[str, float]:
    """Work out how much a box holds."""
    return {"cubic_metres": box.width * box.height * box.depth}
