"""The API as its clients see it, in process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ffhost.testing import Client, client

CONFIG = Path(__file__).parents[1] / "functions.yaml"
PARCEL = {"recipient": "Ada", "destination": "GB", "weight_grams": 400}


def test_a_parcel_is_saved_and_found_again(ffhost_client: Client) -> None:
    saved = ffhost_client.request("PUT", "/parcels/7", json=PARCEL)
    assert (saved.status, saved.json()) == (200, {"id": 7, **PARCEL, "state": "announced"})
    assert ffhost_client.get("/parcels/7").json() == saved.json()


def test_parcels_are_listed_by_destination(ffhost_client: Client) -> None:
    ffhost_client.request("PUT", "/parcels/1", json=PARCEL)
    ffhost_client.request("PUT", "/parcels/2", json={**PARCEL, "destination": "FR"})
    found = ffhost_client.get("/parcels?destination=FR").json()
    assert [each["id"] for each in found] == [2]


def test_every_field_that_does_not_fit_is_named(ffhost_client: Client) -> None:
    answer = ffhost_client.post("/quotes", json={"destination": "de", "weight_grams": -1})
    assert answer.status == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["destination", "weight_grams"]


def test_an_unknown_parcel_is_a_404_and_another_method_a_405(ffhost_client: Client) -> None:
    assert ffhost_client.get("/parcels/999").status == 404
    answer = ffhost_client.request("DELETE", "/parcels/999")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


def test_in_coroutines_the_client_is_used_with_async_with() -> None:
    async def scenario() -> list[int]:
        async with client(CONFIG) as host:
            calls = (host.request_async("GET", f"/parcels/{number}") for number in (998, 999))
            return [answer.status for answer in await asyncio.gather(*calls)]

    assert asyncio.run(scenario()) == [404, 404]
