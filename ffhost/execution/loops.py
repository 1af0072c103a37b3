"""Tasks that run coroutine functions, on the server's loop or on one of our own.

`SystemExit` raised in a task ends the loop, whoever awaits the task: it is caught inside.
Our own tasks do that themselves; the task factory does it for tasks that user code makes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Generator
from typing import Any

from ffhost.execution import subprocesses, watchdog
from ffhost.execution.forked_children import end_forked_child
from ffhost.invocation.current import CURRENT


class TaskExited(Exception):
    """A task that user code created called ``sys.exit`` or was interrupted."""


async def _guarded(work: Coroutine[Any, Any, Any] | Generator[Any, None, Any]) -> Any:
    try:
        return await work  # type: ignore[misc]
    except (SystemExit, KeyboardInterrupt) as error:
        raise TaskExited(f"a task of the function raised {error!r}") from error


def loop_task_factory(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **options: Any,
) -> asyncio.Task[Any]:
    """Make a task; one that a function makes cannot end the loop.

    The task of a call itself is made before the call is current, and so is not guarded twice.
    """
    if CURRENT.get() is not None:
        work = _guarded(work)
    return asyncio.Task(work, loop=loop, **options)


class BackgroundLoop:
    """One loop on a thread of its own, for coroutine functions behind a WSGI server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def running(self) -> bool:
        """Whether the loop was started."""
        return self._loop is not None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop, started at the first call."""
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    self._loop = self._start()
        return self._loop

    def run(self, work: Coroutine[Any, Any, Any], timeout: float | None = None) -> Any:
        """Run *work* on the loop from another thread and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.get()).result(timeout)

    def _start(self) -> asyncio.AbstractEventLoop:
        try:
            import uvloop

            loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        except ImportError:
            loop = asyncio.new_event_loop()
        loop.set_task_factory(loop_task_factory)
        subprocesses.install_subprocess_patches_on_loop(loop)
        end_forked_child(loop)
        threading.Thread(target=_run, args=(loop,), name="ffhost-loop", daemon=True).start()
        watchdog.watch_for_blocked_loop(loop)
        return loop

    def close(self) -> None:
        """Stop the loop if it was ever started."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()  # otherwise its sockets stay open until the process ends
