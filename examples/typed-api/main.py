"""An API for parcels: typed functions, parameters in paths, and errors that name fields.

The store is a dictionary of this process. With more than one worker put a database in its
place; nothing else would change.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

import ffhost

Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1, two letters")]


def _whole(value: Any) -> Any:
    """Take 400.0 for 400, as JSON does not tell them apart; leave all else to be refused."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# A number, not "400".
Grams = Annotated[int, Field(gt=0, le=30_000, strict=True), BeforeValidator(_whole)]
ParcelId = Annotated[int, Field(ge=1, le=2**53)]

HOME = "DE"


class State(StrEnum):
    """How far a parcel has come."""

    ANNOUNCED = "announced"
    SENT = "sent"


class QuoteRequest(BaseModel):
    """What is to be sent where."""

    destination: Country
    weight_grams: Grams


class Quote(BaseModel):
    """What it costs, and how long it takes."""

    price_cents: int
    days: int


class Parcel(BaseModel):
    """A parcel; its id is a part of the path."""

    id: ParcelId
    recipient: str = Field(min_length=1, max_length=200)
    destination: Country
    weight_grams: Grams
    state: State = State.ANNOUNCED


class UnknownParcel(Exception):
    """There is no parcel of this id."""


_parcels: dict[int, Parcel] = {}
_lock = threading.Lock()


@ffhost.typed
def quote(wanted: QuoteRequest) -> Quote:
    """Work out the price of a parcel."""
    base, days = (490, 2) if wanted.destination == HOME else (990, 5)
    return Quote(price_cents=base + wanted.weight_grams // 500 * 100, days=days)


@ffhost.typed
def save_parcel(parcel: Parcel) -> Parcel:
    """Announce a parcel, or change one."""
    with _lock:
        _parcels[parcel.id] = parcel
    return parcel


@ffhost.http
def get_parcel(request: ffhost.Request) -> Parcel:
    """Show one parcel."""
    number = request.path_params["id"]
    with _lock:
        parcel = _parcels.get(int(number)) if number.isdecimal() else None
    if parcel is None:
        raise UnknownParcel(number)
    return parcel


@ffhost.http
def list_parcels(request: ffhost.Request) -> list[Parcel]:
    """List the parcels, all of them or those to one destination."""
    destination = request.args.get("destination")
    with _lock:
        return [each for each in _parcels.values() if destination in (None, each.destination)]


@ffhost.error_handler(UnknownParcel)
def not_found(error: UnknownParcel) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Answer for every function of this module that finds no parcel."""
    document = {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no parcel of this id",
    }
    return document, 404, {"content-type": "application/problem+json"}
