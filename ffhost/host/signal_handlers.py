"""The server's signal handlers, kept although user code sets its own.

A module that sets a handler for SIGTERM would take the server's place, and nothing would stop
the process in order. So what user code has set is taken out again and called beside the
server's. Handlers of an event loop need no call: the loop is told of signals in its own way.

Knows no server: whatever is set before the functions are loaded is the server's.
"""

from __future__ import annotations

import signal
import threading
from _thread import start_new_thread
from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.invocation.logger import get_logger

Handler: TypeAlias = Callable[[int, Any], Any]

_NAMES = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2")
WATCHED = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""Those that the system has: Windows knows the first two only."""
_ONCE = frozenset(WATCHED[:3])
"""Signals that end a process: what user code does about them is done once."""
_NOBODYS = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler, None)


class ServiceSignalHandlers:
    """The handlers of a server, and those of user code beside them."""

    def __init__(self) -> None:
        self._servers: dict[int, Handler] = {}
        self._users: dict[int, Handler] = {}
        self._running: set[int] = set()
        self._done: set[int] = set()
        self._warned = False

    def remember(self) -> None:
        """Remember the handlers that the server has set; before user code can set others."""
        for number in WATCHED:
            current = signal.getsignal(number)
            if current not in _NOBODYS and current != self._handle:
                self._servers[number] = current  # type: ignore[assignment]

    def replace(self, number: int, handler: Handler) -> Handler:
        """Set the server's handler for one signal; return the one that it had."""
        before = self._servers.get(number) or signal.getsignal(number)
        assert callable(before)
        self._servers[number] = handler
        self._install(number)
        return before

    def take_again(self) -> None:
        """Put the server's handlers back where user code has set others, and warn once.

        Only the main thread may set handlers; on any other this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        replaced = [number for number in self._servers if self._take(number)]
        if replaced and not self._warned:
            self._warned = True
            get_logger("ffhost").warning(
                "signal_handlers_replaced",
                signals=[signal.Signals(number).name for number in replaced],
                hint="they are called beside the server's own; better use ffhost.on_shutdown",
            )

    def _take(self, number: int) -> bool:
        """Put one handler back; return whether another one of user code's was in its place."""
        current = signal.getsignal(number)
        if current in (self._handle, self._servers[number]):
            return False
        self._install(number)
        if current in _NOBODYS:  # as a loop's remove_signal_handler leaves it
            self._users.pop(number, None)
            return current is signal.SIG_IGN
        self._users[number] = current  # type: ignore[assignment]
        return True

    def _install(self, number: int) -> None:
        signal.signal(number, self._handle)
        signal.siginterrupt(number, False)

    def _handle(self, number: int, frame: Any) -> None:
        try:
            self._servers[number](number, frame)
        finally:
            self.call_users(number, frame)

    def call_users(self, number: int, frame: Any = None) -> None:
        """Call what user code has set for a signal; it can neither end nor harm the process."""
        handler = self._users.get(number)
        if handler is None or number in self._running or number in self._done:
            return
        self._running.add(number)
        if number in _ONCE:
            self._done.add(number)
        try:
            handler(number, frame)
        except SystemExit:
            pass  # the process is ending already, in order
        except BaseException as error:
            # Not logged here: the handler may have interrupted somebody who holds a log's lock.
            start_new_thread(_log, (number, error))
        finally:
            self._running.discard(number)
            # It may have set another one, such as SIG_DFL so that the next signal kills.
            for each in self._servers:
                self._take(each)


def _log(number: int, error: BaseException) -> None:
    get_logger("ffhost").error(
        "signal_handler_failed", signal=signal.Signals(number).name, exc_info=error
    )
