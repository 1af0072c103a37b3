"""The loop of a worker: uvicorn's server, with a beginning and an end of our own.

uvicorn's parts that serve are used as they are. What differs is around them: sockets listen
when the application is ready, and nothing that a client may still be using is cut at the end.

httptools knows the registered methods only; a request with any other is answered with 400.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

from ffhost.server._uvicorn import Server
from ffhost.server.addresses import LISTENER_KEY
from ffhost.server.client_limits import ClientLimits
from ffhost.server.connection import ServerConnection
from ffhost.server.joined_answers import JoinedAnswers
from ffhost.server.lifespan_messages import WorkerLifespan
from ffhost.server.shutdown_schedule import LINGER_SECONDS, WorkerEnding, worker_time

if TYPE_CHECKING:
    from ffhost.server.worker import WorkerProcess

_TELL_SECONDS = 0.3
"""After how long people are told that the end waits for calls."""
_PAUSE_SECONDS = 0.02
_TICK_SECONDS = 1.0
_IDLE_TICK_SECONDS = 5.0
"""While nobody is connected."""


class WorkerLoopServer(Server):
    """uvicorn's server inside of one worker."""

    def __init__(self, worker: WorkerProcess, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(worker.config)
        self._worker = worker
        self._loop = loop
        self._told = asyncio.Event()
        settings = worker.service.config.settings.server
        self._limits = ClientLimits(
            loop, settings.read_timeout, settings.keepalive, settings.write_timeout
        )
        self._joined = JoinedAnswers(loop)
        self._interval = min(_TICK_SECONDS, settings.stall_timeout / 4)
        self._idle_interval = min(_IDLE_TICK_SECONDS, settings.stall_timeout / 4)
        self._ticker: asyncio.TimerHandle | None = None
        self._is_idle = False
        self._open: list[tuple[Any, Any, Any]] = []

    async def serve(self, sockets: Any = None) -> None:
        """Start the application, listen, serve, and end."""
        if not self.config.loaded:
            self.config.load()
        self.lifespan = WorkerLifespan(self.config.loaded_app)
        await self.lifespan.startup()
        self._tick()
        await self._listen()
        self._worker.say_ready()
        await self._told.wait()
        ending = self._worker.ending
        assert ending is not None
        self._worker.log_ending()
        await self._drain(ending)
        await self._finish(ending)
        await self.lifespan.shutdown()

    async def _listen(self) -> None:
        for listener in self._worker.sockets:
            state = {**self.lifespan.state, LISTENER_KEY: self._worker.kind(listener)}
            connect = partial(self._connect, state)
            try:
                server = await self._loop.create_server(
                    connect, sock=listener.sock, backlog=self.config.backlog
                )
            except OSError as error:
                raise self._worker.cannot_listen(listener, error) from error
            self._open.append((server, listener, connect))

    def _connect(self, state: dict[str, Any]) -> ServerConnection:
        if self._is_idle:
            assert self._ticker is not None
            self._ticker.cancel()
            self._tick(connecting=True)
        return ServerConnection(
            self.config, self.server_state, state, self._loop, self._limits, self._joined
        )

    def _tick(self, *, connecting: bool = False) -> None:
        """Run what is due about once a second, and less often while nobody is connected."""
        date = (b"date", formatdate(time.time(), usegmt=True).encode())
        self.server_state.default_headers = [date, *self.config.encoded_headers]
        self._worker.notify()
        self._worker.service.signals.take_again()
        if self._worker.orphaned():
            self._worker.end(drain=False, accepting=True)
        if self.server_state.total_requests >= self._worker.max_requests:
            self._worker.ask_replacement()
        self._is_idle = not (connecting or self.server_state.connections)
        interval = self._idle_interval if self._is_idle else self._interval
        self._ticker = self._loop.call_later(interval, self._tick)

    def wake(self) -> None:
        """Wake up because the worker is to end; may be called in a signal handler."""
        self._loop.call_soon_threadsafe(self._told.set)

    # The end

    async def _drain(self, ending: WorkerEnding) -> None:
        """Serve on while answers close their connections."""
        ServerConnection.close_after_answers(self.server_state.connections)
        if not ending.accepting:
            await self._stop_listening(take_the_last=False)
        while worker_time() < ending.close_at:
            await asyncio.sleep(_PAUSE_SECONDS)
        await self._stop_listening(take_the_last=True)

    async def _stop_listening(self, *, take_the_last: bool) -> None:
        """Close the listeners, after the connections that the system has accepted already."""
        for server, listener, connect in self._open:
            last = listener.sock.dup()
            server.close()
            listener.close()
            while take_the_last:
                try:
                    client, _address = last.accept()
                except OSError:
                    break
                client.setblocking(False)
                await self._loop.connect_accepted_socket(connect, client)
            last.close()
        self._open = []

    async def _finish(self, ending: WorkerEnding) -> None:
        """Wait for what is in flight, and close what is idle."""
        begun = worker_time()
        told = False
        while worker_time() < ending.give_up_at:
            # What has arrived before the listeners closed is read before anything is closed.
            await asyncio.sleep(_PAUSE_SECONDS)
            for each in list(self.server_state.connections):
                self._close_if_idle(each, begun)
            # A task may outlive its answer: that of a function stuck past its deadline.
            if not (self.server_state.connections or self._worker.calls_in_flight()):
                return
            if (
                not told
                and worker_time() - begun >= _TELL_SECONDS
                and self._worker.calls_in_flight()
            ):
                told = True
                self._worker.say_waiting()
        self._worker.log_cut(len(self.server_state.connections))
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.sleep(_PAUSE_SECONDS)
        for each in list(self.server_state.connections):
            each.transport.abort()

    @staticmethod
    def _close_if_idle(connection: Any, begun: float) -> None:
        if connection.is_idle or (connection.is_fresh and worker_time() - begun >= LINGER_SECONDS):
            connection.transport.close()


async def leave_worker_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that user code has left behind, and let them clean up."""
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)
    await loop.shutdown_asyncgens()
