"""What happens, as server-sent events: calls that end, functions that change, reloads, the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from ffhost.execution.executor import executor
from ffhost.host.console.shared_calls import SharedConsoleCalls
from ffhost.host.service import Service

_PAUSE_SECONDS = 0.4
_FUNCTIONS_SECONDS = 1.0
_COMMENT_SECONDS = 15.0
_MOST_CALLS = 100
"""Most calls that are told at once; a list on a screen holds no more."""


class ConsoleLiveStream:
    """The events for one browser.

    Args:
        functions: returns the state of each function, which may take a while
    """

    def __init__(
        self,
        service: Service,
        calls: SharedConsoleCalls,
        functions: Callable[[], list[dict[str, Any]]],
    ) -> None:
        self._service = service
        self._calls = calls
        self._functions = functions
        self._number = calls.look().number
        self._state: list[dict[str, Any]] | None = None
        self._state_at = 0.0
        self._reload = self._last_reload()
        self._said_at = time.monotonic()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the events until the worker begins to drain."""
        yield _event("hello", {"revision": self._service.config.revision})
        while not self._ends():
            data = await asyncio.wrap_future(executor.submit(self._news))
            if data:
                yield data
            await asyncio.sleep(_PAUSE_SECONDS)
        yield _event("end", {})

    def _ends(self) -> bool:
        return self._service.draining or self._service.phase in ("draining", "stopped")

    def _news(self) -> bytes:
        """Return what has happened since the last time; reads files."""
        now = time.monotonic()
        found = [_event("call", each["call"]) for each in self._new_calls()]
        if now - self._state_at >= _FUNCTIONS_SECONDS:
            self._state_at = now
            state = self._functions()
            if state != self._state:
                self._state = state
                found.append(_event("functions", {"functions": state}))
        last = self._last_reload()
        if last != self._reload:
            self._reload = last
            found.append(_event("reload", self._reload_event()))
        if not found and now - self._said_at >= _COMMENT_SECONDS:
            found.append(b": still here\n\n")
        if found:
            self._said_at = now
        return b"".join(found)

    def _new_calls(self) -> list[dict[str, Any]]:
        store = self._calls.look()
        found = store.since(self._number)
        self._number = store.number
        return found[-_MOST_CALLS:]

    def _last_reload(self) -> tuple[int, int]:
        return self._service.reloads_good, self._service.reloads_bad

    def _reload_event(self) -> dict[str, Any]:
        problems = self._service.reload_error
        return {
            "ok": problems is None,
            "revision": self._service.config.revision,
            "problems": problems,
        }


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
