"""Loading a function into processes of its own: ``isolation: process``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ffhost.config import LoadedConfig
from ffhost.config.settings import FunctionSettings, plain_section
from ffhost.config.units import UNLIMITED
from ffhost.errors import LoadError
from ffhost.host.loader import make_served_function
from ffhost.host.own_addresses import console_url
from ffhost.host.served_packages import explain_error_in_served_packages, served_function_packages
from ffhost.host.served_variables import variables_of_isolated_process
from ffhost.host.store import ReloadStore
from ffhost.invocation.function import Function
from ffhost.observability import observers

if TYPE_CHECKING:
    from ffhost.deploy.environments.needed_environment import NeededEnvironment
    from ffhost.execution.isolation.process_pool import ProcessPool

_LIVE_SETTINGS = frozenset(
    {"timeout", "queue", "queue_timeout", "max_body_size", "methods", "cors", "examples"}
    | {"tracing", "required", "on_load_error", "import_budget", "lazy", "enabled", "gone"}
)
"""Settings that may change without restarting the processes."""
_KEY = "isolation"


def load_isolated(
    config: LoadedConfig, name: str, store: ReloadStore, previous: Function | None = None
) -> Function:
    """Start the processes of the function *name* and have them load it.

    Args:
        store: what outlives a reload
        previous: the function of that name on the host before; its processes are kept if
            neither its settings nor its code have changed

    Raises:
        LoadError: it cannot be loaded, or cannot run in a process
    """
    settings = config.settings.function(name)
    _refuse_unfit(settings)
    # Imported here: most hosts isolate nothing.
    from ffhost.execution.isolation.isolated_call import make_isolated_call_runner
    from ffhost.execution.isolation.process_pool import ProcessPool
    from ffhost.host.isolated_callers import answer_isolated_process

    old = None if previous is None else previous.processes
    environment = served_function_packages(config, name)
    if isinstance(old, ProcessPool) and _keeps(old, config, name, environment):
        old.config = config  # for its logging
        pool = old
    else:
        pool = _started(config, name, environment, console_url(store, config.settings))
    loaded = pool.loaded
    assert loaded is not None
    try:
        watch = observers.observe_function(config, name, loaded.signature)
    except LoadError:
        if pool is not old:
            pool.stop()
        raise
    alone = make_isolated_call_runner(pool, answer_isolated_process)
    run, told = watch.around(alone, True)
    if pool is not old and isinstance(old, ProcessPool):
        old.successor = pool
    return make_served_function(
        config,
        name,
        loaded.signature,
        run,
        store,
        is_async=True,
        methods=loaded.methods,
        request=loaded.request,
        observers=told,
        hooks=watch.hooks,
        keeps_context=watch.keeps_context,
        load_seconds=0.0 if pool is old else loaded.seconds,
        processes=pool,
        runs_early=run is alone,  # hooks begin when a call has its slot
        types=None if loaded.types is None else lambda: loaded.types,
    )


def _refuse_unfit(settings: FunctionSettings) -> None:
    """Refuse what cannot run in a process.

    Raises:
        LoadError: the function cannot, or this system cannot isolate it
    """
    if settings.signature in ("wsgi", "asgi"):
        raise LoadError(f"signature {settings.signature!r} cannot run in a process", key=_KEY)
    if not hasattr(os, "fork"):
        raise LoadError("this system cannot fork processes", key=_KEY)
    if settings.memory is not None and not os.path.exists("/proc/self/status"):
        raise LoadError("memory cannot be measured without /proc", key="memory")


def _started(
    config: LoadedConfig, name: str, environment: NeededEnvironment | None, console: str | None
) -> ProcessPool:
    """Return new processes that have loaded the function.

    Args:
        console: address of the console, for somebody who develops; else None

    Raises:
        LoadError: it cannot be loaded
    """
    from ffhost.execution.isolation.process_pool import ProcessPool

    settings = config.settings.function(name)
    variables = variables_of_isolated_process(config, name)
    if environment is not None:
        variables = {**environment.variables(), **variables}
    budget, limit = settings.import_budget, settings.memory
    pool = ProcessPool(
        config,
        name,
        settings.processes or 1,
        None if limit is None else int(limit),
        None if budget is None or budget == UNLIMITED else budget,
        variables,
        None if environment is None else str(environment.python),
        console,
    )
    try:
        pool.load()
    except LoadError as error:
        raise (
            error if environment is None else explain_error_in_served_packages(environment, error)
        ) from error
    return pool


def _keeps(
    old: ProcessPool, new: LoadedConfig, name: str, environment: NeededEnvironment | None
) -> bool:
    """Whether the processes of *old* can serve *new*: settings, packages and code are unchanged."""
    loaded = old.loaded
    python = None if environment is None else str(environment.python)
    same = bool(_spec(old.config, name) == _spec(new, name)) and old.python == python
    return same and loaded is not None and loaded.unchanged()


def _spec(config: LoadedConfig, name: str) -> Any:
    values = plain_section(config.settings.function(name))
    settings = {key: value for key, value in values.items() if key not in _LIVE_SETTINGS}
    return settings, config.base, config.settings.server.debug, config.single, config.has_file
