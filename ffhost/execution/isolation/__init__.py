"""Functions in processes of their own, which are killed at the deadline.

A loop in C, a segmentation fault, ``os._exit`` or a hunger for memory costs the call that it
happens in, and nothing else. Why this is not built on a library of process pools is told in
``docs/decisions/isolation.md``.
"""

from __future__ import annotations

import os
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.settings import as_plain
from ffhost.config.units import UNLIMITED
from ffhost.host.loader import Function, LoadFailed, make_function, problem_of
from ffhost.observability import observers
from ffhost.observability.tracing import HookError

_LIVE_SETTINGS = frozenset(
    {"timeout", "queue", "queue_timeout", "max_body_size", "methods", "cors", "examples"}
    | {"tracing", "required", "on_load_error", "import_budget", "lazy", "enabled", "gone"}
)
"""What may change without a change in the processes."""


def load_isolated(config: LoadedConfig, name: str, previous: Function | None = None) -> Function:
    """Start the processes of the function *name* and have them load it.

    Args:
        previous: the function of that name on the host before; its processes are kept if
            neither its settings nor its code have changed

    Raises:
        LoadFailed: it cannot be loaded, or cannot run in a process
    """
    settings = config.settings.function(name)
    if settings.signature in ("wsgi", "asgi"):
        raise _refused(config, name, f"signature {settings.signature!r} cannot run in a process")
    if not hasattr(os, "fork"):
        raise _refused(config, name, "this system cannot fork processes")
    if settings.memory is not None and not os.path.exists("/proc/self/status"):
        raise _refused(config, name, "memory cannot be measured without /proc", "memory")
    # Imported here: most hosts isolate nothing.
    from ffhost.execution.isolation.isolated_call import compose
    from ffhost.execution.isolation.process_pool import LoadProblem, ProcessPool

    old = None if previous is None else previous.processes
    if isinstance(old, ProcessPool) and _same(old.config, config, name) and old.unchanged():
        old.config = config  # for its logging
        pool, loaded = old, old.loaded
    else:
        budget = settings.import_budget
        limit = settings.memory
        pool = ProcessPool(
            config,
            name,
            settings.processes or 1,
            None if limit is None else int(limit),
            None if budget is None or budget == UNLIMITED else budget,
        )
        try:
            loaded = pool.load()
        except LoadProblem as error:
            head = error.head
            raise LoadFailed(
                problem_of(config, name, head["key"], head["message"], head["hint"], head["notes"])
            ) from error
        if loaded.streams:
            pool.stop()
            raise _refused(
                config,
                name,
                "it is a generator function, and an isolated function cannot stream",
                hint="return the whole body, or remove 'isolation: process'",
            )
    assert loaded is not None
    try:
        watch = observers.watch(config, name, loaded.signature)
    except HookError as error:
        if pool is not old:
            pool.stop()
        raise LoadFailed(error.problem) from error
    run, told = watch.around(compose(pool), False)
    function = make_function(config, name, settings, loaded.signature, run, None, previous)
    function.observers, function.hooks = told, watch.hooks
    function.keeps_context = watch.keeps_context
    if function.methods is None and loaded.methods is not None:
        function.methods = frozenset(loaded.methods)
    function.load_seconds = 0.0 if pool is old else loaded.seconds
    function.processes = pool
    if pool is not old and isinstance(old, ProcessPool):
        old.successor = pool
    return function


def _same(old: LoadedConfig, new: LoadedConfig, name: str) -> bool:
    """Say whether processes that run by *old* fit *new*."""
    return bool(_spec(old, name) == _spec(new, name))


def _spec(config: LoadedConfig, name: str) -> Any:
    values = as_plain(config.settings.function(name))
    settings = {key: value for key, value in values.items() if key not in _LIVE_SETTINGS}
    return settings, config.base, config.settings.server.debug, config.single, config.has_file


def _refused(
    config: LoadedConfig, name: str, message: str, key: str = "isolation", hint: str | None = None
) -> LoadFailed:
    return LoadFailed(problem_of(config, name, key, message, hint))
