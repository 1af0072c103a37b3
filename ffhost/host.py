"""The host: an immutable snapshot of what is served, and the one service that holds it.

A `Host` is built beside the one before it and never changed. The `Service` is what servers
and fronts hold for as long as the process lives; a reload swaps the host inside of it, and
calls in flight finish on the host that they began on.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from ffhost.config import LoadedConfig, Sources, load_config
from ffhost.diagnostics import Problem
from ffhost.errors import ConfigError, StartupError, Unavailable
from ffhost.functions import (
    Function,
    LoadFailed,
    disabled,
    lifecycle_hooks,
    load_function,
    switched_off,
)

Phase = Literal["new", "starting", "ready", "draining", "stopped"]


class Host:
    """What is served from one revision of the configuration on.

    Args:
        config: the configuration
        functions: by name, in the order of the file
    """

    def __init__(self, config: LoadedConfig, functions: Mapping[str, Function]) -> None:
        self.config = config
        self.functions = functions

    @property
    def catch_all(self) -> Function | None:
        """Give the function that owns every path in single-target mode, else None."""
        return None if self.config.single is None else self.functions.get(self.config.single)

    @property
    def degraded(self) -> list[str]:
        """Name the functions that failed to load and may."""
        return [each.name for each in self.functions.values() if each.load_error is not None]


def build_host(config: LoadedConfig, previous: Host | None = None) -> Host:
    """Load the functions of *config*; modules that are loaded already are not loaded again.

    Raises:
        ConfigError: functions fail to load that must not; holds all their problems
    """
    names = [config.single] if config.single is not None else list(config.settings.functions)
    functions: dict[str, Function] = {}
    problems: list[Problem] = []
    for name in names:
        before = None if previous is None else previous.functions.get(name)
        try:
            functions[name] = _function(config, name, before)
        except LoadFailed as error:
            problems.append(error.problem)
    if problems:
        raise ConfigError(problems)
    return Host(config, functions)


def _function(config: LoadedConfig, name: str, before: Function | None) -> Function:
    settings = config.settings.functions[name]
    off = disabled(settings, name)
    if off is not None:
        return switched_off(config, name, off, before)
    try:
        return load_function(config, name, before)
    except LoadFailed as error:
        if settings.on_load_error == "fail":
            raise
        _log().error("function_failed_to_load", function=name, problem=str(error.problem))
        return switched_off(
            config, name, Unavailable(f"{name} failed to load"), before, error.problem
        )


class Front(Protocol):
    """What turns a host into an application."""

    def mount(self, host: Host) -> Any:
        """Prepare everything that serving *host* takes; called before it is swapped in."""


class Service:
    """The stable object of a process: loads, starts, reloads, drains and stops its host."""

    def __init__(self, sources: Sources | None = None) -> None:
        self._sources = sources
        self._host: Host | None = None
        self._lock = threading.RLock()
        self._fronts: list[Front] = []
        self._started_hooks: dict[int, Callable[[], Any]] = {}
        self._listeners: list[Callable[[Service], None]] = []
        self.phase: Phase = "new"
        self.draining = False
        """Whether answers are to close their connections."""
        self.managed = False
        """Whether ffhost's own server runs this process; then it listens to its settings."""

    @property
    def host(self) -> Host:
        """Give the host that new calls go to."""
        if self._host is None:
            raise RuntimeError("the service has not been loaded")
        return self._host

    @property
    def config(self) -> LoadedConfig:
        """Give the configuration of the current host."""
        return self.host.config

    @property
    def in_flight(self) -> int:
        """Count the calls that have not really ended."""
        return sum(function.slots.running for function in self.host.functions.values())

    def attach(self, front: Front) -> None:
        """Have *front* mount the current host and all that follow."""
        self._fronts.append(front)
        if self._host is not None:
            front.mount(self._host)

    def on_ready(self, listener: Callable[[Service], None]) -> None:
        """Call *listener* once the start-up hooks have run."""
        self._listeners.append(listener)

    def load(self) -> None:
        """Read the configuration and load the functions, unless that was done.

        Raises:
            ConfigError: the configuration or a function of it is wrong
        """
        with self._lock:
            if self._host is None:
                self.swap(build_host(load_config(self.sources())))

    def use_config(self, config: LoadedConfig) -> None:
        """Load the functions of a configuration that was read elsewhere."""
        self.swap(build_host(config, self._host))

    def sources(self) -> Sources:
        """Give what the configuration is made of: the command line, or the environment alone."""
        return self._sources or Sources(environ=dict(os.environ), cwd=Path.cwd())

    def swap(self, host: Host) -> None:
        """Serve *host* from the next call on."""
        for front in self._fronts:
            front.mount(host)
        self._host = host

    # Starting and stopping. What a hook returns may have to be awaited: the sync form does so
    # on a loop of its own, and everything else is the same.

    def start(self) -> None:
        """Run the start-up hooks, once in a process.

        Raises:
            StartupError: a hook failed
        """
        with self._lock:
            if self.phase == "new":
                self._begin()
                for hook in self._new_hooks("startup"):
                    self._run_hook(hook, "startup", _await_here)
                self._ready()

    async def start_async(self) -> None:
        """Run the start-up hooks on the running loop, once in a process.

        Raises:
            StartupError: a hook failed
        """
        if self.phase == "new":
            self._begin()
            for hook in self._new_hooks("startup"):
                result = self._run_hook(hook, "startup", _keep)
                if inspect.isawaitable(result):
                    await _finish(hook, "startup", result)
            self._ready()

    def _begin(self) -> None:
        self.load()
        self.phase = "starting"

    def _ready(self) -> None:
        self.phase = "ready"
        for listener in self._listeners:
            listener(self)

    def begin_drain(self) -> None:
        """Tell probes that the process is going, and clients to connect elsewhere."""
        if self.phase != "stopped":
            self.phase = "draining"
        self.draining = True

    def stop(self) -> None:
        """Run the shut-down hooks, once; one that fails is logged."""
        with self._lock:
            if self._stop_begins():
                for hook in self._hooks(self.host, "shutdown"):
                    self._run_hook(hook, "shutdown", _await_here)

    async def stop_async(self) -> None:
        """Run the shut-down hooks on the running loop, once; one that fails is logged."""
        if self._stop_begins():
            for hook in self._hooks(self.host, "shutdown"):
                result = self._run_hook(hook, "shutdown", _keep)
                if inspect.isawaitable(result):
                    await _finish(hook, "shutdown", result)

    def _stop_begins(self) -> bool:
        started = self.phase not in ("new", "stopped")
        self.phase = "stopped"
        return started

    def _new_hooks(self, when: str) -> list[Callable[[], Any]]:
        """Give the start-up hooks that have not run in this process."""
        fresh = [
            each for each in self._hooks(self.host, when) if id(each) not in self._started_hooks
        ]
        self._started_hooks.update((id(each), each) for each in fresh)
        return fresh

    def _hooks(self, host: Host, when: str) -> list[Callable[[], Any]]:
        server = host.config.settings.server
        named: Sequence[str] = server.on_startup if when == "startup" else server.on_shutdown
        hooks: dict[int, Callable[[], Any]] = {}
        for target in named:
            from ffhost.targets import resolve_hook

            hook = resolve_hook(target, host.config.base)
            hooks[id(hook)] = hook
        for module in {id(f.module): f.module for f in host.functions.values()}.values():
            hooks.update((id(each), each) for each in lifecycle_hooks(module, when))
        found = list(hooks.values())
        return found if when == "startup" else found[::-1]

    @staticmethod
    def _run_hook(
        hook: Callable[[], Any], when: str, finish: Callable[[Callable[[], Any], str, Any], Any]
    ) -> Any:
        try:
            return finish(hook, when, hook())
        except (Exception, SystemExit) as error:
            _hook_failed(hook, when, error)
            return None


def _keep(_hook: Callable[[], Any], _when: str, result: Any) -> Any:
    return result


def _await_here(_hook: Callable[[], Any], _when: str, result: Any) -> Any:
    if inspect.iscoroutine(result):
        from ffhost.runners.processwide import background

        return background.run(result)
    return result


async def _finish(hook: Callable[[], Any], when: str, result: Any) -> None:
    try:
        await result
    except (Exception, SystemExit) as error:
        _hook_failed(hook, when, error)


def _hook_failed(hook: Callable[[], Any], when: str, error: BaseException) -> None:
    name = f"{hook.__module__}.{getattr(hook, '__qualname__', hook)}"
    _log().error(f"{when}_hook_failed", hook=name, exc_info=error)
    if when == "startup":
        raise StartupError(f"start-up hook {name} failed: {error!r}") from error


def _log() -> Any:
    import structlog

    return structlog.get_logger("ffhost")


_service: Service | None = None
_sources: Sources | None = None


def use_sources(sources: Sources | None) -> None:
    """Say what this process and its children make their configuration of."""
    global _sources
    _sources = sources


def service() -> Service:
    """Give the service of this process, made at the first call."""
    global _service
    if _service is None:
        _service = Service(_sources)
    return _service


def ready_state(current: Service) -> tuple[int, dict[str, Any]]:
    """Give status and body of the readiness probe."""
    if current.phase != "ready":
        return 503, {"status": current.phase}
    broken = [
        each.name
        for each in current.host.functions.values()
        if each.load_error is not None and each.required
    ]
    if broken:
        return 503, {"status": "unavailable", "functions": broken}
    degraded = current.host.degraded
    return 200, {"status": "degraded", "functions": degraded} if degraded else {"status": "ready"}
