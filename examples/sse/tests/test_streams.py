"""Streams as clients see them: pieces, resuming, and leaving."""

from __future__ import annotations

import asyncio

import pytest

from ffhost.testing import Client


def test_each_event_is_a_piece_of_its_own(ffhost_client: Client) -> None:
    answer = ffhost_client.get("/countdown?from=2&every_ms=1")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.chunks == [
        b"id: 2\ndata: 2\n\n",
        b"id: 1\ndata: 1\n\n",
        b"id: 0\nevent: done\ndata: lift-off\n\n",
    ]


def test_a_client_goes_on_behind_the_last_event_that_it_saw(ffhost_client: Client) -> None:
    answer = ffhost_client.get("/countdown?from=9&every_ms=1", headers={"Last-Event-ID": "2"})
    assert answer.chunks[0] == b"id: 1\ndata: 1\n\n"


@pytest.mark.ffhost(sets=["functions.subscribe.config.heartbeat_seconds=0.01"])
def test_a_quiet_stream_says_that_it_lives(ffhost_client: Client) -> None:
    answer = ffhost_client.get("/topics/quiet", disconnect_after=2)
    assert answer.chunks == [b": welcome\n\n", b": still here\n\n"]


def test_what_is_published_reaches_a_listener_that_then_leaves_nothing_behind(
    ffhost_client: Client,
) -> None:
    async def scenario() -> bytes:
        listening = asyncio.create_task(
            ffhost_client.request_async("GET", "/topics/news", disconnect_after=2)
        )
        while (await publish("two\nlines"))["listeners"] == 0:
            await asyncio.sleep(0.01)
        return (await listening).chunks[1]

    async def publish(text: str) -> dict[str, int]:
        answer = await ffhost_client.request_async("POST", "/topics/news", body=text)
        found: dict[str, int] = answer.json()
        return found

    async def nobody_listens() -> None:
        while (await publish("again"))["listeners"]:
            await asyncio.sleep(0.01)

    assert asyncio.run(scenario()) == b"data: two\ndata: lines\n\n"
    asyncio.run(asyncio.wait_for(nobody_listens(), 5))
