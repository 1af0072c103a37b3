"""Server-sent events: async generators, each piece sent as soon as it is made.

When a client leaves, its generator is closed where it waits, so ``finally`` runs and
nothing is left behind. Topics live in one process; with several workers a broker has to
stand behind them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import ffhost

HEADERS = {"content-type": "text/event-stream", "cache-control": "no-store"}
BACKLOG = 100
"""Messages that wait for a slow listener; older ones are dropped."""

_listeners: defaultdict[str, set[asyncio.Queue[str]]] = defaultdict(set)


@ffhost.http
async def countdown(request: ffhost.Request) -> ffhost.Response:
    """Count down; a client that lost its connection goes on where it was."""
    start = int(request.args.get("from", "10"))
    pause_seconds = int(request.args.get("every_ms", "1000")) / 1000
    seen = request.headers.get("Last-Event-ID")
    return ffhost.Response(_count(int(seen) - 1 if seen else start, pause_seconds), headers=HEADERS)


async def _count(start: int, pause_seconds: float) -> AsyncIterator[str]:
    for number in range(start, 0, -1):
        yield message(str(number), id=str(number))
        await asyncio.sleep(pause_seconds)
    yield message("lift-off", id="0", event="done")


@ffhost.http
async def subscribe(request: ffhost.Request) -> ffhost.Response:
    """Send what is published to the topic from now on."""
    pause_seconds = float(ffhost.current().config["heartbeat_seconds"])
    return ffhost.Response(_listen(request.path_params["topic"], pause_seconds), headers=HEADERS)


async def _listen(topic: str, heartbeat_seconds: float) -> AsyncIterator[str]:
    queue: asyncio.Queue[str] = asyncio.Queue(BACKLOG)
    _listeners[topic].add(queue)
    try:
        yield ": welcome\n\n"
        while True:
            try:
                yield message(await asyncio.wait_for(queue.get(), heartbeat_seconds))
            except TimeoutError:
                yield ": still here\n\n"  # keeps proxies from closing a quiet connection
    finally:
        _listeners[topic].discard(queue)
        if not _listeners[topic]:
            del _listeners[topic]


@ffhost.http
async def publish(request: ffhost.Request) -> dict[str, int]:
    """Send the body to whoever listens to the topic."""
    queues = list(_listeners.get(request.path_params["topic"], ()))
    for queue in queues:
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(request.data.decode(errors="replace"))
    return {"listeners": len(queues)}


def message(data: str, *, id: str | None = None, event: str | None = None) -> str:
    """Write one event; a line break in *data* begins another ``data:`` line."""
    lines = [f"id: {id}"] if id is not None else []
    lines += [f"event: {event}"] if event is not None else []
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return "\n".join(lines) + "\n\n"
