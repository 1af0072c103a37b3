"""Loading of functions from their settings: everything that is decided before the first call.

A `Function` is one function as the host serves it. Loading imports user code;
`execution` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.settings import FunctionSettings
from ffhost.errors import Gone, LoadError, RequestError, Unavailable
from ffhost.execution import composition as invocations
from ffhost.execution import user_threads
from ffhost.execution.failures import CallFailures
from ffhost.host.own_addresses import console_url
from ffhost.host.served_codec import kept_codec_of_served_function, single_target_preparation_of
from ffhost.host.store import ReloadStore
from ffhost.invocation.call import Call
from ffhost.invocation.function import RETRY_AFTER_SECONDS, Function, Run
from ffhost.invocation.logger import get_logger
from ffhost.invocation.slots import Slots
from ffhost.invocation.variables import FunctionVariables, using_function_variables
from ffhost.loading import compat
from ffhost.loading.marked_functions import find_marked_error_handlers
from ffhost.loading.targets import (
    FoundTarget,
    ResolvedTarget,
    TargetLookup,
    TargetModule,
    resolve_found_target,
)
from ffhost.observability import observers
from ffhost.signatures import as_single_target_codec
from ffhost.signatures.requests.request_choice import request_import_context
from ffhost.web import problems
from ffhost.web.messages import Reply

if TYPE_CHECKING:
    from ffhost.signatures.function_types import FunctionTypes


def load_served_function(
    config: LoadedConfig,
    name: str,
    store: ReloadStore,
    environment: FunctionVariables | None = None,
    found: FoundTarget | None = None,
) -> Function:
    """Load the function *name* of the configuration.

    Args:
        store: what outlives a reload, such as the function's slots
        environment: what it finds in ``os.environ``; None for the variables of the process
        found: its target, where that is known

    Raises:
        LoadError: its target cannot be imported, or does not fit its signature
    """
    user_threads.install_thread_patches()
    with using_function_variables(environment):
        resolved = import_served_function(config, name, found)
        return _make(config, name, store, environment, resolved)


def _make(
    config: LoadedConfig,
    name: str,
    store: ReloadStore,
    environment: FunctionVariables | None,
    resolved: ResolvedTarget,
) -> Function:
    settings = config.settings.function(name)
    codec, request = kept_codec_of_served_function(config, name, resolved, settings, store)
    prepare = single_target_preparation_of(config)
    if prepare is not None and request != "flask":
        codec = as_single_target_codec(codec, prepare)
    if environment is not None:
        environment.own.setdefault("FUNCTION_SIGNATURE_TYPE", codec.kind)
    watch = observers.observe_function(config, name, codec.kind)
    failures = CallFailures(
        codec.answer,
        find_marked_error_handlers(resolved.module),
        debug=config.settings.server.debug,
        console=console_url(store, config.settings),
    )
    run, told = watch.around(
        invocations.make_call_runner(watch.codec(codec), failures), codec.is_async
    )
    return make_served_function(
        config,
        name,
        codec.kind,
        run,
        store,
        settings=settings,
        methods=codec.methods,
        request=request,
        is_async=codec.is_async,
        failures=failures,
        observers=told,
        hooks=watch.hooks,
        keeps_context=watch.keeps_context,
        lifespan=codec.lifespan,
        environment=environment,
        module=resolved.module,
        load_seconds=resolved.import_seconds,
        measure=codec.measure,
        types=partial(_types, resolved.callable, codec.kind, settings.signature),
    )


def _types(target: Callable[..., Any], kind: str, word: str | None) -> FunctionTypes:
    from ffhost.signatures.function_types import function_types_of

    return function_types_of(target, kind, word)


def find_served_target(
    config: LoadedConfig, name: str, lookup: TargetLookup | None = None
) -> FoundTarget:
    """Find the target of the function *name*.

    Args:
        lookup: of all targets of this load; None if no other is loaded with it

    Raises:
        LoadError: it has no valid form, or its file does not exist
    """
    settings = config.settings.functions[name]
    lookup = lookup or TargetLookup(config.base, plain=config.framework_mode)
    return lookup.find(settings.target, settings.source, settings.env)


def import_served_function(
    config: LoadedConfig, name: str, found: FoundTarget | None = None
) -> ResolvedTarget:
    """Import the module of the function *name* and look the function up.

    Args:
        found: its target, where that is known

    Raises:
        LoadError: it cannot be imported, or takes too long
    """
    compat.install_compat_names()
    settings, plain = config.settings.functions[name], config.framework_mode
    found = found or find_served_target(config, name)
    file, module = found.place.file, found.module
    context: AbstractContextManager[Any] = nullcontext()
    if file is not None and module.mentions_current_app:
        context = request_import_context(name, file, single=plain)
    with context:
        resolved = resolve_found_target(found, allow_app=settings.signature in ("wsgi", "asgi"))
    _check_budget(settings, resolved.import_seconds)
    if resolved.import_seconds and not plain:
        _tell_name_test(name, module)
    return resolved


def switched_off_function(
    config: LoadedConfig,
    name: str,
    error: RequestError,
    store: ReloadStore,
    problem: ConfigProblem | None = None,
) -> Function:
    """Return a function that answers every call with *error*: disabled, or failed to load."""
    kind = config.settings.function(name).signature or "http"

    def refuse(call: Call) -> Reply:
        return problems.problem_reply(error, call.execution_id)

    return make_served_function(
        config,
        name,
        kind,
        refuse,
        store,
        observers=observers.observe_function(config, name, kind, callable=False).observers,
        unavailable=error,
        load_error=problem,
    )


def disabled_function_error(settings: FunctionSettings, name: str) -> RequestError | None:
    """Return the error that a disabled function answers with; None for an enabled one."""
    if settings.enabled:
        return None
    if settings.gone:
        return Gone(f"{name} is gone")
    return Unavailable(f"{name} is switched off", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def make_served_function(
    config: LoadedConfig,
    name: str,
    kind: str,
    run: Run,
    store: ReloadStore,
    *,
    settings: FunctionSettings | None = None,
    methods: Iterable[str] | None = None,
    **rest: Any,
) -> Function:
    """Make a function from its settings and its runner.

    Args:
        kind: its signature
        settings: with the host's limits, where they are known
        methods: what its signature answers, where its settings say nothing; None for all
        rest: further fields of the `Function`
    """
    settings = settings or config.settings.function(name)
    given = settings.methods if settings.methods is not None else methods
    rest.setdefault("required", settings.required)
    rest.setdefault("failures", CallFailures())
    rest.setdefault("is_async", False)
    return Function(
        name=name,
        path=settings.path,
        methods=None if given is None else frozenset(given),
        signature=kind,
        target=_display(settings),
        run=run,
        slots=store.keep(Slots, name, Slots),
        settings=settings,
        config=settings.config,
        stuck_limit=float(config.settings.defaults.stuck_limit),
        **rest,
    )


def _display(settings: FunctionSettings) -> str:
    return f"{settings.source}:{settings.target}" if settings.source else settings.target


def _tell_name_test(name: str, module: TargetModule) -> None:
    """Warn of ``if __name__ == "main"``: what stands below it runs in functions-framework only."""
    file, line = module.file, module.line_that_tests_its_name
    if file is not None and line is not None:
        get_logger("ffhost").warning(
            "module_name_never_plain",
            function=name,
            file=file.name,
            line=line,
            hint=f"__name__ is never {file.stem!r} here: use ffhost.on_startup",
        )


def _check_budget(settings: FunctionSettings, seconds: float | None) -> None:
    budget = settings.import_budget
    if budget is not None and seconds is not None and seconds > budget:
        raise LoadError(
            f"loading took {seconds:.2f} s, more than its import_budget of {budget}",
            hint="import what is heavy inside the function, or set lazy: true",
            key="import_budget",
        )
