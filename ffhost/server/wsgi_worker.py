"""The worker of the wsgi interface: gunicorn's threads, behind a loop of our own.

gunicorn's gthread worker gives a connection to a thread as soon as it is accepted, and the
thread waits for the request. Here the loop reads heads, and threads only answer.

Field names with underscores would share a key of the environ with those with dashes, so that
a client could pass for a proxy that it is not (``X_Forwarded_For``). They are kept apart, under
``ffhost.underscored``, as ``(NAME_IN_CAPITALS, value)``.
"""

from __future__ import annotations

import errno
import selectors
import socket
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import ThreadWorker

from ffhost.runners.threadshare import MANAGED
from ffhost.server.ending import LINGER_SECONDS, Ending
from ffhost.server.listeners import LISTENER_KEY
from ffhost.server.reading import ClientConnection, Threads
from ffhost.server.refusals import head_too_large, headers_late, no_request
from ffhost.server.response import Response
from ffhost.server.worker import HostWorker, now

UNDERSCORED_KEY = "ffhost.underscored"
SOCKNAME_KEY = "ffhost.sockname"
_ACCEPTED_AT_ONCE = 16
_TICK_SECONDS = 1.0
_PAUSE_SECONDS = 0.02
_LAST_BYTES_SECONDS = 2.0
_UNREAD_BODY_SECONDS = 5.0
_NO_MORE_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class WsgiWorker(HostWorker, ThreadWorker):  # type: ignore[misc]
    """A process that serves ``ffhost.wsgi:app``."""

    sockets: list[Any]

    def get_thread_pool(self) -> Threads:
        """Start the threads."""
        return Threads(self.cfg.threads)

    def run(self) -> None:
        """Start the application, listen, serve, and end."""
        self.service.start()
        settings = self.service.config.settings.server
        self._keepalive = float(settings.keepalive)
        self._read_timeout = float(settings.read_timeout)
        self._tick = min(_TICK_SECONDS, settings.stall_timeout / 4)
        # Each of these is in the order in which its deadlines come: they all get the same time.
        self._reading: dict[ClientConnection, float] = {}
        self._idle: dict[ClientConnection, float] = {}
        self._closing: dict[ClientConnection, float] = {}
        # The rest is for those who ask.
        self._most_idle = self.worker_connections * 3 // 4
        self._answering = 0
        self._noticed_at = 0.0
        self._listening = False
        self._accept_at = 0.0
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        self._listen()
        self.say_ready()
        while self.ending is None or not self._is_over(self.ending):
            self.wait_for_and_dispatch_events(self._pause())
            self._notice()
            self._expire(now())
        self.service.stop()

    def wake(self) -> None:
        """End the loop's wait."""
        self.method_queue.defer(_nothing)

    def _notice(self) -> None:
        """Do what is due about once a second."""
        at = now()
        if at - self._noticed_at >= self._tick:
            self._noticed_at = at
            self.notify()
            if self.orphaned():
                self.end(drain=False, accepting=True)
        self._accept_if_there_is_room(at)

    def _pause(self) -> float:
        if self.ending is not None:
            return _PAUSE_SECONDS
        at = now()
        pause: float = self._tick
        for waiting in (self._reading, self._idle, self._closing):
            for deadline in waiting.values():
                pause = min(pause, deadline - at)
                break
        return max(0.0, pause)

    # Accepting

    def _listen(self) -> None:
        self._kinds = {listener: self.kind(listener) for listener in self.sockets}
        for listener in self.sockets:
            try:
                listener.sock.listen(self.cfg.backlog)
            except OSError as error:
                raise self.cannot_listen(listener, error) from error
            listener.sock.setblocking(False)
        self._accept_connections(True)

    def _accept_connections(self, wanted: bool) -> None:
        if wanted == self._listening:
            return
        for listener in self.sockets:
            if wanted:
                accept = partial(self._accept, listener)
                self.poller.register(listener.sock, selectors.EVENT_READ, accept)
            else:
                self.poller.unregister(listener.sock)
        self._listening = wanted

    def _accept_if_there_is_room(self, at: float) -> None:
        room = self.nr_conns < self.worker_connections and at >= self._accept_at
        if self.sockets:
            self._accept_connections(room)

    def _accept(self, listener: Any, _sock: Any) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, client = listener.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_MORE_DESCRIPTORS:
                    self._accept_at = now() + _TICK_SECONDS
                    self._accept_connections(False)
                    self.log.error("cannot accept connections: %s", error)
                return
            self._begin(listener, sock, client)

    def _begin(self, listener: Any, sock: socket.socket, client: Any) -> None:
        self.nr_conns += 1
        try:
            connection = ClientConnection(
                self.cfg, sock, client, listener.sock.getsockname(), self._kinds[listener]
            )
        except OSError:  # the client has left already
            self.nr_conns -= 1
            sock.close()
            return
        self._read(connection, now() + self._read_timeout, registered=False)

    # Reading

    def _readable(self, connection: ClientConnection, _sock: Any) -> None:
        """Read from a connection that the poller holds."""
        deadline = self._reading.get(connection)
        if deadline is None:
            del self._idle[connection]
            deadline = now() + self._read_timeout
        self._read(connection, deadline, registered=True)

    def _read(self, connection: ClientConnection, deadline: float, *, registered: bool) -> None:
        if not connection.receive():
            self._drop(connection, registered)
        else:
            self._go_on(connection, deadline, registered)

    def _go_on(self, connection: ClientConnection, deadline: float, registered: bool) -> None:
        """Answer if the head is complete, else wait for more of it."""
        if connection.is_complete:
            self._forget(connection, registered)
            connection.hand_over(deadline)
            self._answering += 1
            self.tpool.submit(partial(self._answer, connection))
        elif connection.is_malformed:
            self._refuse(connection, no_request(), registered)
        elif connection.is_too_large:
            self._refuse(connection, head_too_large(), registered)
        else:
            self._reading[connection] = deadline
            if not registered:
                self._register(connection)

    def _register(self, connection: ClientConnection) -> None:
        readable = partial(self._readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, readable)

    def _forget(self, connection: ClientConnection, registered: bool) -> None:
        self._reading.pop(connection, None)
        self._idle.pop(connection, None)
        if registered:
            self.poller.unregister(connection.sock)

    def _drop(self, connection: ClientConnection, registered: bool) -> None:
        self._forget(connection, registered)
        self._closing.pop(connection, None)
        self.nr_conns -= 1
        connection.sock.close()

    def _refuse(self, connection: ClientConnection, answer: bytes, registered: bool) -> None:
        self._forget(connection, registered)
        with suppress(OSError):
            connection.sock.send(answer, socket.MSG_DONTWAIT)
        self._close(connection)

    def _close(self, connection: ClientConnection) -> None:
        """Close in two steps (RFC 9112, section 9.6), lest unread bytes reset the connection."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection, registered=False)
            return
        if connection.receive():
            self._closing[connection] = now() + _LAST_BYTES_SECONDS
            last = partial(self._last_bytes, connection)
            self.poller.register(connection.sock, selectors.EVENT_READ, last)
        else:
            self._drop(connection, registered=False)

    def _last_bytes(self, connection: ClientConnection, _sock: Any) -> None:
        connection.head.clear()
        if not connection.receive():
            self._drop(connection, registered=True)

    def _expire(self, at: float) -> None:
        for connection in _due(self._reading, at):
            if connection.head:
                self._refuse(connection, headers_late(), registered=True)
            else:
                self._drop(connection, registered=True)
        for waiting in (self._idle, self._closing):
            for connection in _due(waiting, at):
                self._drop(connection, registered=True)

    # Answering, on a thread

    def _answer(self, connection: ClientConnection) -> None:
        keep = False
        try:
            keep = self._answered(connection)
        finally:
            self.method_queue.defer(self._finished, connection, keep)

    def _answered(self, connection: ClientConnection) -> bool:
        """Answer one request; say whether the connection can have another."""
        request = None
        try:
            request = next(connection.parser)
            if not self._respond(request, connection):
                return False
            connection.body.deadline = now() + _UNREAD_BODY_SECONDS
            return bool(connection.parser.finish_body(connection.body.deadline))
        except (NoMoreData, StopIteration, ConnectionError):
            pass  # the client has left
        except OSError as error:
            self.log.debug("connection lost: %s", error)
        except Exception as error:
            self.handle_error(request, connection.sock, connection.client, error)
        return False

    def _respond(self, request: Any, connection: ClientConnection) -> bool:
        begun = datetime.now()
        underscored = [field for field in request.headers if "_" in field[0]]
        if underscored:
            request.headers = [field for field in request.headers if "_" not in field[0]]
        response, environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, self.cfg, Response
        )
        environ["wsgi.multithread"] = True
        environ[MANAGED] = True
        environ[LISTENER_KEY] = connection.kind
        environ[SOCKNAME_KEY] = connection.sockname
        environ[UNDERSCORED_KEY] = underscored
        self.nr += 1
        if self.nr >= self.max_requests:
            self.ask_replacement()
        if self.ending or not self._keepalive or len(self._idle) >= self._most_idle:
            response.force_close()
        try:
            answer = self.wsgi(environ, response.start_response)
            try:
                for chunk in answer:
                    response.write(chunk)
                response.close()
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        except OSError:
            raise
        except Exception:
            if response.headers_sent:
                # A second answer inside of the first would be taken for its body.
                self.log.exception("an answer broke off")
                return False
            raise
        finally:
            self.log.access(response, request, environ, datetime.now() - begun)
        return not response.should_close()

    def _finished(self, connection: ClientConnection, keep: bool) -> None:
        """Take a connection back from its thread."""
        self._answering -= 1
        if not keep:
            self._close(connection)
            return
        connection.take_rest()
        if connection.head:
            self._go_on(connection, now() + self._read_timeout, registered=False)
        else:
            self._idle[connection] = now() + self._keepalive
            self._register(connection)

    # The end

    def _is_over(self, ending: Ending) -> bool:
        """Go on with the end; say whether it is reached."""
        at = now()
        if self.sockets and (not ending.accepting or at >= ending.close_at):
            self.log_ending()
            self._stop_listening(take_the_last=ending.accepting)
        # What has arrived before the listeners closed is read before anything is closed.
        if at < ending.close_at + _PAUSE_SECONDS:
            return False
        for connection in list(self._idle):
            self._drop(connection, registered=True)
        if at >= ending.close_at + LINGER_SECONDS:
            for connection in [each for each in self._reading if not each.head]:
                self._drop(connection, registered=True)
        if not (self._reading or self._answering or self._closing or self.calls_in_flight()):
            return True
        if at < ending.give_up_at:
            return False
        self.log_cut(len(self._reading) + self._answering)
        return True

    def _stop_listening(self, *, take_the_last: bool) -> None:
        self._accept_connections(False)
        for listener in self.sockets:
            if take_the_last:
                self._accept(listener, listener.sock)
            listener.close()
        # gunicorn's list is the master's too, but this is another process.
        self.sockets = []


def _due(waiting: dict[ClientConnection, float], at: float) -> list[ClientConnection]:
    """Give those whose time is over: the first ones."""
    due = []
    for connection, deadline in waiting.items():
        if deadline > at:
            break
        due.append(connection)
    return due


def _nothing() -> None:
    """Wake the loop."""
