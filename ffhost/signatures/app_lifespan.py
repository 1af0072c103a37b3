"""The lifespan of an ASGI application in this process: its start-up and its shut-down.

An application has one, even if it is the target of several functions or is reloaded:
`application_lifespan_of` keeps it. The host runs its start and stop like other hooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from ffhost.errors import HookFailed
from ffhost.invocation.logger import get_logger
from ffhost.invocation.variables import active_function_variables, using_function_variables

_LAST_SECONDS = 1.0
"""Seconds that an application may take to return after it reported failure or completion."""


class ApplicationLifespan:
    """What an application does when the process starts and stops.

    Args:
        application: the ASGI application
        name: what errors call it

    Attributes:
        state: what its start-up leaves for each request, as ``scope["state"]``
        calls: how many calls of it have not really ended
    """

    def __init__(self, application: Callable[..., Any], name: str) -> None:
        self.state: dict[str, Any] = {}
        self.calls = 0
        self._application = application
        self._environment = active_function_variables()  # that of the function which is loaded
        self._name = name
        self._users = 0
        self._work: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    def call_ended(self, _call: object) -> None:
        """Record that a call has ended."""
        self.calls -= 1

    async def start(self) -> None:
        """Start the application; one that does not support the protocol is not started.

        The task that runs it belongs to the running loop, on which its calls run, too.

        Raises:
            HookFailed: it reports that it cannot start
        """
        self._users += 1
        if self._users > 1:
            return
        self.state.clear()
        self._error = None
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        with using_function_variables(self._environment):
            self._work = asyncio.get_running_loop().create_task(self._run())
        answer = await self._ask("startup")
        if answer is None and not isinstance(self._error, SystemExit):
            self._note_unsupported()
        elif answer is None or answer["type"] == "lifespan.startup.failed":
            self._users = 0
            await self._finish()
            reason = _reason(self._error, answer or {})
            get_logger("ffhost").error(
                "application_startup_failed",
                function=self._name,
                reason=reason,
                exc_info=self._error,
            )
            raise HookFailed(f"the application {self._name} failed to start: {reason}")

    async def stop(self) -> None:
        """Stop the application if it runs; a failure is logged."""
        if self._users == 0:
            return
        self._users -= 1
        work = self._work
        if self._users or work is None or work.done():
            return
        loop = work.get_loop()
        if loop is asyncio.get_running_loop():
            await self._shut_down()
        elif loop.is_running():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._shut_down(), loop))

    async def _shut_down(self) -> None:
        answer = await self._ask("shutdown")
        await self._finish()
        if self._error is not None or (answer or {}).get("type") == "lifespan.shutdown.failed":
            get_logger("ffhost").error(
                "application_shutdown_failed",
                function=self._name,
                reason=_reason(self._error, answer or {}),
                exc_info=self._error,
            )

    async def _ask(self, what: str) -> dict[str, Any] | None:
        """Send an event and wait for its answer; None if the application returned instead."""
        assert self._work is not None
        self._events.put_nowait(what)
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answer, self._work}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() and self._answers.empty():
            answer.cancel()
            return None
        return await answer

    async def _finish(self) -> None:
        assert self._work is not None
        await asyncio.wait({self._work}, timeout=_LAST_SECONDS)
        if not self._work.done():
            self._work.cancel()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._receive, self._send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit in a task would end the loop
            self._error = error

    async def _receive(self) -> dict[str, Any]:
        return {"type": f"lifespan.{await self._events.get()}"}

    async def _send(self, event: dict[str, Any]) -> None:
        if not str(event["type"]).startswith("lifespan."):
            raise RuntimeError(f"{event['type']!r} is not an answer to a lifespan event")
        self._answers.put_nowait(event)

    def _note_unsupported(self) -> None:
        # The specification requires hosts to continue, whatever the application raised.
        reason = "it returned" if self._error is None else repr(self._error)
        get_logger("ffhost").info("application_has_no_lifespan", function=self._name, reason=reason)


def _reason(error: BaseException | None, answer: dict[str, Any]) -> str:
    if error is not None:
        return f"{type(error).__name__}: {error}"
    # Starlette sends a whole traceback; its last line is what went wrong.
    lines = str(answer.get("message", "")).strip().splitlines()
    return lines[-1] if lines else "it gave no reason"


_lifespans: dict[Hashable, ApplicationLifespan] = {}


def application_lifespan_of(application: Callable[..., Any], name: str) -> ApplicationLifespan:
    """Return the lifespan of *application*; the *name* of the first call is kept."""
    # By the object itself, so that a bound method is the same each time.
    key: Hashable = application
    try:
        hash(application)
    except TypeError:
        key = id(application)
    return _lifespans.setdefault(key, ApplicationLifespan(application, name))
