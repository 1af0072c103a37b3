"""The two messages of ASGI's lifespan, with the reason if one fails. No server is known here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from ffhost.errors import StartupError

Application: TypeAlias = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class WorkerLifespan:
    """One run of an application's lifespan.

    uvicorn's own logs a failure and exits; here it is raised, so that the first of several
    workers can report it for all of them.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Start the application.

        Raises:
            StartupError: it says that it cannot, or raised that itself
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        answer = await self._ask("startup")
        if answer["type"] != "lifespan.startup.complete":
            raise answer.get("error") or StartupError(answer.get("message") or "start-up failed")

    async def shutdown(self) -> None:
        """Stop the application."""
        if not self._task.done():
            await self._ask("shutdown")

    async def _ask(self, what: str) -> dict[str, Any]:
        await self._events.put({"type": f"lifespan.{what}"})
        return await self._answers.get()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        error: BaseException | None = None
        try:
            await self._application(scope, self._events.get, self._answers.put)
        except Exception as raised:
            error = raised
        # Nobody is kept waiting by an application that is done.
        await self._answers.put({"type": "lifespan.ended", "error": error})
