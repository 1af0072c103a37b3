"""Functions that are loaded at their first call.

The calls that come meanwhile wait, each in its slot and under its deadline; the loading
itself is under no deadline, for an import that is broken off leaves half a module behind.
One that fails is answered with 503, and tried again at the first call after a while: what it
lacked may have come, and what is broken must not be imported for every call. A lazy function
is never part of the host's readiness.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.errors import StartupError, Unavailable
from ffhost.host.loader import Function, LoadFailed, make_function
from ffhost.invocation.current import Invocation
from ffhost.observability import logs, observers
from ffhost.web.messages import Reply

RETRY_SECONDS = 10.0
"""How long a failed load is remembered."""
_KEPT = frozenset({"slots", "required", "pending"})

Load = Callable[[LoadedConfig, str, Function | None], Function]


def lazy_function(
    config: LoadedConfig, name: str, load: Load, previous: Function | None = None
) -> Function:
    """Make a function that *load* loads at its first call."""
    settings = config.settings.function(name)

    def run(_invocation: Invocation) -> Reply:
        raise RuntimeError("a lazy function is called before it is loaded")

    kind = settings.signature or "http"
    function = make_function(config, name, settings, kind, run, None, previous)
    function.observers = observers.watch(config, name, kind, callable=False).observers
    function.required = False
    function.pending = Lazy(lambda: load(config, name, function))
    return function


class Lazy:
    """Loads one function, once, on a thread of its own."""

    def __init__(self, load: Callable[[], Function]) -> None:
        self.on_loaded: Callable[[Function], None] = _no_hooks
        """Runs the start-up hooks of the function."""
        self._load = load
        self._lock = threading.Lock()
        self._attempt: threading.Event | None = None
        self._failure: str | None = None
        self._retry_at = 0.0

    def wait(self, function: Function) -> None:
        """Load *function* in place, or wait until another call has.

        Raises:
            Unavailable: it cannot be loaded
        """
        with self._lock:
            if function.pending is None:
                return
            if self._attempt is None:
                if time.monotonic() < self._retry_at:
                    raise self._unavailable(function)
                self._attempt = threading.Event()
                threading.Thread(
                    target=self._run,
                    args=(function, self._attempt),
                    name="ffhost-load",
                    daemon=True,
                ).start()
            attempt = self._attempt
        attempt.wait()
        if function.pending is not None:
            raise self._unavailable(function)

    def _unavailable(self, function: Function) -> Unavailable:
        wait = max(1, round(self._retry_at - time.monotonic()))
        return Unavailable(f"{function.name} failed to load", headers={"Retry-After": str(wait)})

    def _run(self, function: Function, attempt: threading.Event) -> None:
        try:
            with logs.binding(function=function.name):
                loaded = self._load()
                self.on_loaded(loaded)
            self._install(function, loaded)
        except LoadFailed as error:
            function.load_error = error.problem
            self._failed(function, str(error.problem))
        except StartupError as error:
            function.load_error = Problem(f"functions.{function.name}", str(error))
            self._failed(function, str(error))
        finally:
            with self._lock:
                self._attempt = None
            attempt.set()

    @staticmethod
    def _install(function: Function, loaded: Function) -> None:
        """Make *function* what *loaded* is; callers look at ``is_async`` first, so it is last."""
        values = {name: value for name, value in vars(loaded).items() if name not in _KEPT}
        is_async = values.pop("is_async")
        vars(function).update(values)
        function.is_async = is_async
        function.pending = None
        logs.get_logger("ffhost").info(
            "function_loaded", function=function.name, import_seconds=function.load_seconds
        )

    def _failed(self, function: Function, reason: str) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        told, self._failure = self._failure, reason
        if told != reason:
            logs.get_logger("ffhost").error(
                "function_failed_to_load", function=function.name, problem=reason
            )


def _no_hooks(_function: Function) -> None:
    """Do nothing, as in a host that was never started."""
