"""An order that calls a price, a stock and a mail."""

import asyncio
from dataclasses import dataclass

from cloudevents.core.v1.event import CloudEvent

import ffhost

PRICES = {"tea": 400, "coffee": 700}
STOCK = {"tea": 10, "coffee": 0}


@dataclass
class Order:
    item: str
    amount: int = 1


@ffhost.typed
async def order(wanted: Order):
    price, stock = await asyncio.gather(
        ffhost.call("price", wanted),
        ffhost.call("stock", path=f"/stock/{wanted.item}"),
    )
    if stock.raise_for_status().json()["left"] < wanted.amount:
        return ffhost.Response("out of stock\n", 409)
    cents = price.raise_for_status().json()["cents"]
    ordered = CloudEvent(
        {"id": ffhost.current().execution_id, "type": "com.example.ordered", "source": "/orders"},
        {"item": wanted.item, "amount": wanted.amount},
    )
    mail = await ffhost.call("mail", event=ordered)
    return {
        "item": wanted.item,
        "amount": wanted.amount,
        "cents": cents,
        "mailed": mail.status == 204,
    }


@ffhost.typed
def price(wanted: Order):
    return {"cents": PRICES[wanted.item] * wanted.amount}


@ffhost.http
def stock(request):
    return {"left": STOCK.get(request.path_params["item"], 0)}


@ffhost.cloud_event
def mail(event):
    print(f"mailed: {event.data['amount']} of {event.data['item']}")
