"""Who may hold the server's threads behind a WSGI server of ours.

There every call holds a thread of the server while it waits or runs. Two threads stay free
for probes, and of the rest one function may hold half, so that one that hangs leaves the
others their threads. What comes beyond is refused with 429. A function that is served alone
and without a file gets every thread: what comes beyond waits in the server, as it does with
functions-framework.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ffhost.functions import Function

MANAGED = "ffhost.managed_threads"
"""Key of the environ by which ffhost's own workers say that the limit is theirs to keep."""
FREE_FOR_PROBES = 2


class ThreadShare:
    """The server's threads of one worker, and who holds them.

    Args:
        threads: how many the server has for calls
        functions: how many functions share them; a single one may take all
    """

    def __init__(self, threads: int, functions: int) -> None:
        self.total = max(1, threads)
        self.each = self.total if functions == 1 else max(1, self.total // 2)
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._all = 0

    def take(self, environ: dict[str, Any], function: Function) -> Callable[[], None] | None:
        """Hold the thread of this call; give what releases it.

        None under a foreign server: there is nothing to share out.

        Raises:
            TooManyRequests: the function, or all together, hold their share already
        """
        if MANAGED not in environ:
            return None
        name = function.name
        with self._lock:
            held = self._held.get(name, 0)
            if held >= self.each or self._all >= self.total:
                raise function.refusal()
            self._held[name] = held + 1
            self._all += 1
        return partial(self._release, name)

    def _release(self, name: str) -> None:
        with self._lock:
            self._held[name] -= 1
            self._all -= 1
