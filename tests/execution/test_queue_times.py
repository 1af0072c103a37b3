"""One timer ends all waits for the slots of a function."""

from __future__ import annotations

import asyncio

from ffhost.execution.isolation.queue_times import QueueTimes


def test_waits_end_in_the_order_in_which_they_began_but_for_those_that_are_forgotten() -> None:
    async def wait() -> list[str]:
        over: list[str] = []
        ended = asyncio.Event()

        def end(name: str) -> None:
            over.append(name)
            if name == "last":
                ended.set()

        times = QueueTimes(asyncio.get_running_loop(), 0.02, end)
        for name in ("first", "second"):
            times.begin(name)
        times.end("second")
        await asyncio.sleep(0.01)
        for name in ("third", "last"):
            times.begin(name)
        await asyncio.wait_for(ended.wait(), 20)
        times.end("last")  # is over already
        return over

    assert asyncio.run(wait()) == ["first", "third", "last"]
