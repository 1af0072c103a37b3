"""The stable object of a process: it loads, starts, reloads, drains and stops its host.

Servers and fronts hold a `Service` for as long as the process lives. A reload builds a new
host beside the old and swaps it in; calls in flight finish on the host that they began on.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from ffhost._lazy import few_collections
from ffhost.config import ConfigSources, LoadedConfig, load_config
from ffhost.config.watcher import ConfigWatcher, fingerprint_config_files, is_sub_path_config
from ffhost.errors import ConfigError, StartupError
from ffhost.execution import forked_children
from ffhost.execution.executor import executor
from ffhost.host.lifecycle import Hook, HostLifecycle, served_lifecycle_hooks
from ffhost.host.log_setup import configure_service_logs
from ffhost.host.retirement import RetiredFunctions
from ffhost.host.schedules import Schedules
from ffhost.host.served_codec import KeptCodec
from ffhost.host.service_environment import ServiceEnvironment
from ffhost.host.signal_handlers import ServiceSignalHandlers
from ffhost.host.snapshot import Host, discard_served_functions, make_host
from ffhost.host.store import ReloadStore
from ffhost.invocation.function import Function
from ffhost.invocation.slots import Slots
from ffhost.loading.compat import framework_variables
from ffhost.observability import logs, notices, tracing

Phase = Literal["new", "starting", "failed", "ready", "draining", "stopped"]


class ServiceFront(Protocol):
    """Makes an application of a host."""

    def mount(self, host: Host) -> Any:
        """Prepare everything for serving *host*; called before it is swapped in."""


class Service:
    """What a process serves.

    Args:
        sources: of the configuration; None for the process's environment
        embedded: whether the process is not the host's own, as in tests: then logging is not
            changed and no file is watched
    """

    def __init__(self, sources: ConfigSources | None = None, *, embedded: bool = False) -> None:
        self._sources = sources
        self._embedded = embedded
        self._host: Host | None = None
        self._lock = threading.RLock()
        self._fronts: list[ServiceFront] = []
        self._ready_listeners: list[Callable[[Service], None]] = []
        self._stop_listeners: list[Callable[[Service], None]] = []
        self._watcher: ConfigWatcher | None = None
        self._read: str | None = None
        self._environment = ServiceEnvironment()
        self.schedules = Schedules(lambda: self.config)
        self.lifecycle = HostLifecycle()
        self._retirement = RetiredFunctions(self.lifecycle, self._lock)
        self.store = ReloadStore()
        self.signals = ServiceSignalHandlers()
        self.phase: Phase = "new"
        self.served = False
        """Whether the process has been ready before; missing keys do not change that."""
        self.draining = False
        """Whether answers must close their connections."""
        self.managed = False
        """Whether ffhost's own server runs this process and applies the server settings."""
        self.watches = True
        """Whether the process reads a changed configuration by itself."""
        self.reloads_good = 0
        self.reloads_bad = 0
        self.last_reload: float | None = None
        """When a reload last succeeded, in seconds since the epoch; None if none has."""
        self.reload_error: str | None = None
        """Why the last reload was refused; None if it was not."""

    @property
    def host(self) -> Host:
        """Return the host that new calls go to."""
        if self._host is None:
            raise RuntimeError("the service has not been loaded")
        return self._host

    @property
    def config(self) -> LoadedConfig:
        """Return the configuration of the current host."""
        return self.host.config

    @property
    def in_flight(self) -> int:
        """Count the calls that have not really ended."""
        return sum(function.slots.running for function in self.host.functions.values())

    def attach(self, front: ServiceFront) -> None:
        """Mount the current host and all that follow on *front*."""
        self._fronts.append(front)
        if self._host is not None:
            front.mount(self._host)

    def on_ready(self, listener: Callable[[Service], None]) -> None:
        """Call *listener* once the start-up hooks have run."""
        self._ready_listeners.append(listener)

    def on_stop(self, listener: Callable[[Service], None]) -> None:
        """Call *listener* after the last call and the shut-down hooks."""
        self._stop_listeners.append(listener)

    def waiting_for_keys(self) -> list[str]:
        """Return the functions whose callers cannot be authenticated: keys were never fetched."""
        door = self.host.front_door
        return [] if door is None else [name for name in door.doors if door.waiting(name)]

    @property
    def embedded(self) -> bool:
        """Whether the process is not the host's own."""
        return self._embedded

    def sources(self) -> ConfigSources:
        """Return the sources of the configuration."""
        return self._sources or ConfigSources(environ=dict(os.environ), cwd=Path.cwd())

    def load(self) -> None:
        """Read the configuration and load the functions, unless that was done.

        Raises:
            ConfigError: the configuration or a function of it is wrong
        """
        with self._lock, few_collections():
            if self._host is None:
                config = load_config(self.sources(), at_start=True)
                if not self._embedded:
                    # A file that changes while functions load and start has changed, too.
                    self._read = fingerprint_config_files(config.watched)
                    self.signals.remember()
                self._configure_logs(config)
                try:
                    self._environment.add_env_file(config)
                    self._swap(self._build_first(config))
                except BaseException:
                    self._environment.restore()
                    raise
                if not self._embedded:
                    logs.restore_logging()
                    self.signals.take_again()

    def _build_first(self, config: LoadedConfig) -> Host:
        """Build the host; a single target without a file is described by its environment."""
        name = config.framework_target
        if name is None:
            return make_host(config, self.store)
        target = config.settings.functions[name].target
        self._environment.add(
            framework_variables.framework_variables_before_loading(target, os.environ)
        )
        host = make_host(config, self.store)
        self._environment.add(
            framework_variables.framework_variables_after_loading(
                host.functions[name].signature, os.environ
            )
        )
        return host

    def _swap(self, host: Host) -> None:
        if host.config.settings.server.debug and not self._embedded:
            from ffhost.execution import debugger

            debugger.install_debugger_watch()
        for function in host.functions.values():
            if function.late_load is not None:
                function.late_load.on_loaded = self._start_late
                function.late_load.install = host.install
        for front in self._fronts:
            front.mount(host)
        self.store.forget_others(Slots, host.functions)
        self.store.forget_others(KeptCodec, host.functions)
        for function in host.functions.values():
            function.claim_slots()
        before, self._host = self._host, host
        self._fetch_keys(before)
        self._enforce_hooks(host)

    def _fetch_keys(self, before: Host | None = None) -> None:
        """Fetch the keys that authentication needs; not before the process serves."""
        if self.phase == "new":
            return
        if self.host.front_door is not None:
            self.host.front_door.take_effect()
        elif before is not None and before.front_door is not None:
            before.front_door.close()

    @staticmethod
    def _enforce_hooks(host: Host, *late: Function) -> None:
        functions = [*host.functions.values(), *late]
        tracing.apply_trace_hooks(hook for function in functions for hook in function.hooks)

    def _configure_logs(self, config: LoadedConfig) -> None:
        if not self._embedded:
            configure_service_logs(config, self.sources().environ)

    # Starting and stopping, from a thread or on the loop that serves.

    def start(self) -> None:
        """Run the start-up hooks, once in a process; after a failure those that have not run.

        Raises:
            StartupError: a hook failed
        """
        with self._lock:
            if self._begin():
                with self._noting_failure():
                    self.lifecycle.start(self._hooks(self.host, "startup"))
                self._ready()

    async def start_async(self) -> None:
        """Run the start-up hooks on the running loop, as `start` does.

        Raises:
            StartupError: a hook failed
        """
        if self._begin():
            with self._noting_failure():
                await self.lifecycle.start_async(self._hooks(self.host, "startup"))
            self._ready()

    def _begin(self) -> bool:
        if self.phase not in ("new", "failed"):
            return False
        self.load()
        if not self._embedded:
            forked_children.separate_forked_children(binds_late=True)
            self.schedules.prepare(self.config)
        self.phase = "starting"
        self._fetch_keys()
        return True

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Remember a failure, so that the next start tries again: some servers go on serving."""
        try:
            yield
        except BaseException:
            if self.phase == "starting":
                self.phase = "failed"
            raise

    def _ready(self) -> None:
        if self.phase == "starting":
            self.phase = "ready"
        self.signals.take_again()
        if not (self.managed or self._embedded):
            notices.log_ignored_settings(self.config)
        if self.watches and not self._embedded:
            self._watch()
        self.schedules.start()
        for listener in self._ready_listeners:
            listener(self)

    def _start_late(self, function: Function) -> None:
        """Run the start-up hooks of a function that was loaded at its first call."""
        self.lifecycle.start(served_lifecycle_hooks([function], "startup"))
        # A function without such hooks must not end those of another that is loaded meanwhile.
        if any(hook.take_effect is not None for hook in function.hooks):
            self._enforce_hooks(self.host, function)

    def begin_drain(self) -> None:
        """Begin draining: probes see it, and clients are told to connect elsewhere."""
        if self.phase != "stopped":
            self.phase = "draining"
        self.draining = True
        self.schedules.stop()

    def stop(self) -> None:
        """Run the shut-down hooks, once; one that fails is logged."""
        with self._lock:
            if self._end():
                self.lifecycle.stop(self._last_hooks())
                self._close()

    async def stop_async(self) -> None:
        """Run the shut-down hooks on the running loop, once; one that fails is logged."""
        if self._end():
            await self.lifecycle.stop_async(self._last_hooks())
            # On a thread: the last spans may take a while, and the watchdog looks at the loop.
            await asyncio.wrap_future(executor.submit(self._close))

    def _end(self) -> bool:
        started = self.phase not in ("new", "stopped")
        self.phase = "stopped"
        self.schedules.stop()
        if self._watcher is not None:
            self._watcher.stop()
        if self._host is not None and self._host.front_door is not None:
            self._host.front_door.close()
        if self._embedded:
            self._environment.restore()
        return started

    def _close(self) -> None:
        """Flush buffered entries and spans, now that there are no more calls."""
        tracing.close_trace_hooks()
        for listener in self._stop_listeners:
            listener(self)
        logs.flush_log()

    def _hooks(self, host: Host, when: str) -> list[Hook]:
        """Return the host's own hooks and those of its functions; shut-down reverses the order."""
        server = host.config.settings.server
        named: list[Hook] = []
        targets = server.on_startup if when == "startup" else server.on_shutdown
        if targets:
            from ffhost.loading.targets import resolve_hook_target

            named = [resolve_hook_target(target, host.config.base) for target in targets]
        marked = served_lifecycle_hooks(host.functions.values(), when)
        return [*named, *marked] if when == "startup" else [*marked[::-1], *named]

    def _last_hooks(self) -> list[Hook]:
        """Return the remaining shut-down hooks, also of removed functions that are still busy."""
        return [*self._retirement.take_all(), *self._hooks(self.host, "shutdown")]

    # Reloading.

    def _watch(self) -> None:
        settings = self.config.settings.config_reload
        if not settings.enabled or not self.config.watched:
            return
        notices.log_files_never_updated(
            path for path in self.config.watched if is_sub_path_config(path)
        )
        self._watcher = ConfigWatcher(
            lambda: self.config.watched,
            self.reload,
            lambda: float(self.config.settings.config_reload.interval),
            self._read,
        )
        self._watcher.start()

    def reload(self) -> bool:
        """Read the configuration again and serve it; an invalid one changes nothing.

        Returns whether it was accepted. Must not be called on the loop that serves.
        """
        with self._lock, few_collections():
            if self.phase in ("new", "stopped"):
                return False
            try:
                config = load_config(self.sources())
                if config.revision == self.config.revision:
                    return True
                host = make_host(config, self.store, self.host)
                try:
                    if not self._embedded:
                        self.schedules.prepare(config)
                    self.lifecycle.start(self._hooks(host, "startup"))
                except StartupError:
                    self._take_back(host)
                    raise
            except (ConfigError, StartupError) as error:
                self.reloads_bad += 1
                self.reload_error = str(error)
                notices.log_refused_reload(error)
                return False
            previous = self.host
            host.take_over(previous)
            self._configure_logs(config)
            self._swap(host)
            self.schedules.start()
            self.reloads_good += 1
            self.last_reload = time.time()
            self.reload_error = None
        notices.log_reload(previous.config, host.config)
        self._retirement.retire(previous, host)
        return True

    def _take_back(self, host: Host) -> None:
        """End what was started for *host*, which will not be served."""
        discard_served_functions(host.functions.values(), self.host)
        kept = {each.lifespan for each in self.host.functions.values()}
        self.lifecycle.take_back(
            each for each in host.functions.values() if each.lifespan not in kept
        )
