"""Functions that are loaded at their first call.

The calls that come meanwhile wait, each in its slot and under its deadline; the loading
itself has no deadline, because an interrupted import leaves an incomplete module. If it fails,
calls are answered with 503, and it is tried again after a while, but not for every call. A lazy
function is never part of the host's readiness.

Until it is loaded the host has a placeholder, which it then replaces with the loaded function.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.load_problems import config_problem_of_error
from ffhost.errors import LoadError, StartupError, Unavailable
from ffhost.host.loader import make_served_function
from ffhost.host.store import ReloadStore
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.logger import get_logger
from ffhost.observability import logs, observers
from ffhost.web.messages import Reply

RETRY_SECONDS = 10.0
"""How long a failed load is remembered."""

Load = Callable[[LoadedConfig, str, ReloadStore], Function]


def make_lazy_function(config: LoadedConfig, name: str, load: Load, store: ReloadStore) -> Function:
    """Return the entry of a function that *load* loads at its first call."""

    def run(_call: Call) -> Reply:
        raise RuntimeError("a lazy function is called before it is loaded")

    kind = config.settings.function(name).signature or "http"
    lazy = LazyLoad(config, name, lambda: load(config, name, store))
    lazy.entry = make_served_function(
        config,
        name,
        kind,
        run,
        store,
        observers=observers.observe_function(config, name, kind, callable=False).observers,
        required=False,
        # Its hooks are known when it is loaded, and end in the context of the call.
        keeps_context=config.settings.tracing.enabled,
        late_load=lazy,
    )
    return lazy.entry


class LazyLoad:
    """Loads one function, once, on a thread of its own.

    Attributes:
        entry: the placeholder of the function until it is loaded
        on_loaded: runs the start-up hooks of the function
        install: puts the function, or an entry that says why it failed, into the host
    """

    entry: Function

    def __init__(self, config: LoadedConfig, name: str, load: Callable[[], Function]) -> None:
        self.on_loaded: Callable[[Function], None] = _nothing
        self.install: Callable[[Function], None] = _nothing
        self._config = config
        self._name = name
        self._load = load
        self._loaded: Function | None = None
        self._lock = threading.Lock()
        self._attempt: threading.Event | None = None
        self._failure: str | None = None
        self._retry_at = 0.0

    def wait(self) -> Function:
        """Return the loaded function; load it first, or wait until another call has.

        Raises:
            Unavailable: it cannot be loaded
        """
        with self._lock:
            if self._loaded is not None:
                return self._loaded
            if self._attempt is None:
                if time.monotonic() < self._retry_at:
                    raise self._unavailable()
                self._attempt = threading.Event()
                threading.Thread(
                    target=self._run, args=(self._attempt,), name="ffhost-load", daemon=True
                ).start()
            attempt = self._attempt
        attempt.wait()
        if self._loaded is None:
            raise self._unavailable()
        return self._loaded

    def _unavailable(self) -> Unavailable:
        wait = max(1, round(self._retry_at - time.monotonic()))
        return Unavailable(f"{self._name} failed to load", headers={"Retry-After": str(wait)})

    def _run(self, attempt: threading.Event) -> None:
        try:
            with logs.binding_log_fields(function=self._name):
                loaded = replace(self._load(), required=False)
                self.on_loaded(loaded)
            self._loaded = loaded
            self.install(loaded)
            get_logger("ffhost").info(
                "function_loaded", function=self._name, import_seconds=loaded.load_seconds
            )
        except LoadError as error:
            self._failed(config_problem_of_error(self._config, self._name, error))
        except StartupError as error:
            self._failed(ConfigProblem(f"functions.{self._name}", str(error)))
        finally:
            with self._lock:
                self._attempt = None
            attempt.set()

    def _failed(self, problem: ConfigProblem) -> None:
        self.install(replace(self.entry, load_error=problem))
        self._retry_at = time.monotonic() + RETRY_SECONDS
        reason = problem.message if problem.origin is None else str(problem)
        told, self._failure = self._failure, reason
        if told != reason:
            get_logger("ffhost").error(
                "function_failed_to_load", function=self._name, problem=reason
            )


def _nothing(_function: Function) -> None:
    """Return at once, as in a host that was never started."""
