"""Functions behind doors. None of them checks anything: whoever gets here may call."""

from __future__ import annotations

from typing import Any, TypedDict

import ffhost


class Order(TypedDict):
    """What a customer wants."""

    item: str


@ffhost.http
def status(request: ffhost.Request) -> str:
    """Tell everybody that the shop is open."""
    return "open\n"


@ffhost.http
def me(request: ffhost.Request) -> dict[str, Any]:
    """Tell callers who they are."""
    principal = ffhost.current().principal
    assert principal is not None
    return {"name": principal.name, "way": principal.way, "claims": principal.claims}


@ffhost.typed
def order(order: Order) -> dict[str, str]:
    """Take an order, in the name of who calls."""
    principal = ffhost.current().principal
    assert principal is not None
    return {"item": order["item"], "by": principal.name}


@ffhost.http
def took(request: ffhost.Request) -> tuple[str, int]:
    """Take a delivery: its signature is right, or this would not run."""
    return "taken\n", 202
