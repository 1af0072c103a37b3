"""Our replacement of ``functions_framework.request_timeout``.

The host has deadlines of its own and does not use this; it is for code that does.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from types import TracebackType

from ffhost.loading.compat.framework.exceptions import RequestTimeoutException

logger = logging.getLogger(__name__)


class ThreadingTimeout:
    """A context that raises `RequestTimeoutException` in its thread after *seconds*.

    The exception is never raised after the block has ended. A call in C is not interrupted.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.target_tid = threading.get_ident()
        self.timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._running = False

    def __enter__(self) -> ThreadingTimeout:
        self._running = True
        self.timer = threading.Timer(self.seconds, self._raise_exc)
        self.timer.daemon = True
        self.timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._running = False
        assert self.timer is not None
        self.timer.cancel()
        if kind is RequestTimeoutException:
            logger.warning("the request took longer than %s seconds", self.seconds, exc_info=error)

    def _raise_exc(self) -> None:
        with self._lock:
            if self._running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.target_tid), ctypes.py_object(RequestTimeoutException)
                )
