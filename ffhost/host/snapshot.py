"""The host: an immutable snapshot of what is served, and building one.

A `Host` is built beside the one before it and never changed. `ffhost.host.service` holds
and swaps it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.load_problems import config_problem_of_error, merge_config_problems
from ffhost.config.settings import Settings
from ffhost.errors import ConfigError, LoadError, Unavailable
from ffhost.host.loader import (
    disabled_function_error,
    find_served_target,
    load_served_function,
    switched_off_function,
)
from ffhost.host.served_variables import served_function_variables
from ffhost.host.store import ReloadStore
from ffhost.invocation.function import Function
from ffhost.invocation.logger import get_logger
from ffhost.loading import modules
from ffhost.loading.targets import TargetLookup
from ffhost.observability import logs

if TYPE_CHECKING:
    from ffhost.events.subscriptions import SubscriptionTable
    from ffhost.host.called_hosts import CallRecorder, NamedCallReplacement, NamedCalls
    from ffhost.host.gate import HostGate
    from ffhost.host.host_doors import HostDoors

_connecting = threading.Lock()
_TOLD = 20
"""How many import times are logged, slowest first."""


class Host:
    """The functions that are served from one revision of the configuration on.

    Args:
        config: the configuration
        functions: by name, in the order of the file
        front_door: who may call them; None if everybody may
        subscriptions: which functions subscribe to which events
    """

    def __init__(
        self,
        config: LoadedConfig,
        functions: Mapping[str, Function],
        front_door: HostDoors | None = None,
        subscriptions: SubscriptionTable | None = None,
    ) -> None:
        self.config = config
        self.functions = dict(functions)
        self.front_door = front_door
        self.subscriptions = subscriptions
        self._make_calls: Callable[[], NamedCalls] | None = None
        self.calls: NamedCalls | None = None
        """Calls the functions by name, once one was called; see `connect_calls`."""
        self.replacements: dict[str, NamedCallReplacement] = {}
        """What a test has put in the place of functions for calls by name."""
        self.on_call: CallRecorder | None = None
        """Called with each call by name and its answer, in tests."""
        self.requests = 0
        """How many requests of its functions are answered on the loop; its thread alone counts."""
        self.open_calls: set[object] = set()
        """What is answered beside these; changed by any thread."""
        here = weakref.ref(self)
        for function in self.functions.values():
            function.home.host = here

    def take_over(self, previous: Host) -> None:
        """Keep what a test has set for calls by name on the host before."""
        self.replacements, self.on_call = previous.replacements, previous.on_call

    def serve_calls(self, make: Callable[[], NamedCalls]) -> None:
        """Set what makes the calls of the functions by name; for the front that serves them."""
        with _connecting:
            self._make_calls, self.calls = make, None

    def connect_calls(self) -> NamedCalls | None:
        """Return what calls the functions by name, made once; None if no front serves them."""
        with _connecting:
            if self.calls is None and self._make_calls is not None:
                self.calls = self._make_calls()
            return self.calls

    def gate(self, name: str) -> HostGate | None:
        """Return the gate of the function *name*; None if it is public."""
        return None if self.front_door is None else self.front_door.gate(name)

    def event_gate(self) -> HostGate | None:
        """Return what is done at the door of the address for events; None if it is public."""
        return None if self.front_door is None else self.front_door.event_gate()

    def mcp_gate(self) -> HostGate | None:
        """Return what is done at the door of the address for agents; None if it is public."""
        return None if self.front_door is None else self.front_door.mcp_gate()

    def install(self, function: Function) -> None:
        """Replace a placeholder with *function*, which was loaded at its first call."""
        self.functions[function.name] = function
        function.home.host = weakref.ref(self)

    @property
    def is_answering(self) -> bool:
        """Whether it answers anything, from the head of a request to the end of its answer."""
        return bool(self.requests or self.open_calls)

    @property
    def catch_all(self) -> Function | None:
        """Return the function that owns every path in single-target mode, else None."""
        return None if self.config.single is None else self.functions.get(self.config.single)

    @property
    def degraded(self) -> list[str]:
        """Names of the optional functions that failed to load."""
        return [each.name for each in self.functions.values() if each.load_error is not None]


def make_host(config: LoadedConfig, store: ReloadStore, previous: Host | None = None) -> Host:
    """Load the functions of *config*; modules that are loaded already are not loaded again.

    Raises:
        ConfigError: required functions failed to load; lists all their problems
    """
    with modules.importing_at_most_once():
        return _build(config, store, previous)


def _build(config: LoadedConfig, store: ReloadStore, previous: Host | None) -> Host:
    names = [config.single] if config.single is not None else list(config.settings.functions)
    functions: dict[str, Function] = {}
    problems: list[ConfigProblem] = []
    front_door = _front_door(config, store, problems)
    lookup = TargetLookup(config.base, plain=config.framework_mode)
    for name in names:
        before = None if previous is None else previous.functions.get(name)
        try:
            functions[name] = _function(config, name, store, before, lookup)
        except LoadError as error:
            problems.append(config_problem_of_error(config, name, error))
    subscriptions = None
    if any(function.settings.subscriptions for function in functions.values()):
        from ffhost.host.served_subscriptions import subscriptions_of_host

        subscriptions, faults = subscriptions_of_host(config, functions)
        problems += faults
    problems += [
        ConfigProblem(
            f"functions.{name}.tool",
            f"a function of signature {function.signature!r} cannot be a tool",
            config.locate(("functions", name, "tool")),
            "annotate its parameter, or remove this line",
        )
        for name, function in functions.items()
        if function.settings.tool and function.signature != "typed" and function.load_error is None
    ]
    if problems:
        discard_served_functions(functions.values(), previous)
        raise ConfigError(merge_config_problems(problems))
    _tell_import_times(functions.values())
    return Host(config, functions, front_door, subscriptions)


def _front_door(
    config: LoadedConfig, store: ReloadStore, problems: list[ConfigProblem]
) -> HostDoors | None:
    """Make the front door, reporting to *problems*; None if every function is public."""
    if not _has_doors(config.settings):
        return None
    from ffhost.host.host_doors import HostAuthState, HostDoors

    try:
        return HostDoors(config, store.keep(HostAuthState, "", HostAuthState))
    except ConfigError as error:
        problems += error.problems
        return None


def _has_doors(settings: Settings) -> bool:
    """Whether anything names a way, known or not."""
    named = [settings.defaults.auth, settings.admin.auth]
    if settings.events is not None:
        named.append(settings.events_auth)
    if settings.mcp is not None:
        named.append(settings.mcp_auth)
    named += [each.auth for each in settings.functions.values() if each.auth is not None]
    return any(names != ["public"] for names in named)


def discard_served_functions(functions: Iterable[Function], previous: Host | None) -> None:
    """End the processes of *functions* that will not be served, except those of *previous*."""
    before = () if previous is None else previous.functions.values()
    kept = {id(each.processes) for each in before}
    for function in functions:
        if function.processes is not None and id(function.processes) not in kept:
            function.processes.stop()


def _tell_import_times(functions: Iterable[Function]) -> None:
    log = get_logger("ffhost.loading")
    seconds = {each.name: each.load_seconds for each in functions if each.load_seconds}
    for name, took in seconds.items():
        log.debug("function_loaded", function=name, import_seconds=round(took, 3))
    if seconds:
        slowest = sorted(seconds, key=lambda name: -seconds[name])[:_TOLD]
        log.info(
            "functions_loaded",
            functions=len(seconds),
            import_seconds={name: round(seconds[name], 3) for name in slowest},
        )


def _function(
    config: LoadedConfig,
    name: str,
    store: ReloadStore,
    before: Function | None,
    lookup: TargetLookup,
) -> Function:
    settings = config.settings.functions[name]
    off = disabled_function_error(settings, name)
    if off is not None:
        return switched_off_function(config, name, off, store)

    if settings.lazy and (before is None or (before.module is None and before.processes is None)):
        from ffhost.host.lazy_function import make_lazy_function

        def load(config: LoadedConfig, name: str, store: ReloadStore) -> Function:
            return _load(config, name, store, before)

        return make_lazy_function(config, name, load, store)
    try:
        with logs.binding_log_fields(function=name):
            return _load(config, name, store, before, lookup)
    except LoadError as error:
        if settings.on_load_error == "fail":
            raise
        problem = config_problem_of_error(config, name, error)
        get_logger("ffhost").error("function_failed_to_load", function=name, problem=str(problem))
        unavailable = Unavailable(f"{name} failed to load")
        return switched_off_function(config, name, unavailable, store, problem)


def _load(
    config: LoadedConfig,
    name: str,
    store: ReloadStore,
    before: Function | None,
    lookup: TargetLookup | None = None,
) -> Function:
    if config.settings.functions[name].isolation == "process":
        from ffhost.host.isolated_function import load_isolated

        return load_isolated(config, name, store, before)
    found = find_served_target(config, name, lookup)
    variables = served_function_variables(config, name, found)
    return load_served_function(config, name, store, variables, found)
