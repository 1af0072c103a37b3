"""One function of each signature."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, Field

import ffhost

log = logging.getLogger(__name__)


@ffhost.http
def hello(request: ffhost.Request) -> str:
    """Greet whoever is named in the query."""
    return f"Hello, {request.args.get('name', 'world')}!\n"


@ffhost.http
async def countdown(request: ffhost.Request) -> AsyncIterator[str]:
    """Count down, a line every tenth of a second, each sent as soon as it is made."""
    for number in (3, 2, 1):
        yield f"{number}\n"
        await asyncio.sleep(0.1)
    yield "lift-off\n"


class Order(BaseModel):
    """What somebody wants to buy."""

    item: str
    quantity: int = Field(gt=0)
    price: float = Field(ge=0)


class Receipt(BaseModel):
    """What it costs."""

    item: str
    total: float


@ffhost.typed
def order(wanted: Order) -> Receipt:
    """Work out what an order costs."""
    return Receipt(item=wanted.item, total=round(wanted.quantity * wanted.price, 2))


@ffhost.cloud_event
def on_upload(event: CloudEvent) -> None:
    """Take note of an uploaded file."""
    data: Any = event.get_data()
    log.info("uploaded", extra={"event_id": event.get_id(), "object": data["name"]})


@ffhost.event
def on_message(data: dict[str, Any], context: Any) -> None:
    """Take note of a Pub/Sub message."""
    log.info("received", extra={"event_id": context.event_id, "keys": sorted(data)})
