"""Loading of functions from their settings: everything that is decided before the first call.

A `Function` is one function as the host serves it. Loading imports user code;
`execution` calls it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.config.settings import FunctionSettings
from ffhost.errors import Gone, LoadError, RequestError, Unavailable
from ffhost.execution import composition as invocations
from ffhost.execution import user_threads
from ffhost.execution.failures import CallFailures
from ffhost.host.own_addresses import console_url
from ffhost.host.store import Store
from ffhost.invocation.call import Call
from ffhost.invocation.function import RETRY_AFTER_SECONDS, Function, Run
from ffhost.invocation.logger import get_logger
from ffhost.invocation.slots import Slots
from ffhost.invocation.variables import Environment, entering
from ffhost.loading import compat
from ffhost.loading.marked_functions import error_handlers
from ffhost.loading.targets import Resolved, find_place, kind, required_positional, resolve
from ffhost.observability import observers
from ffhost.signatures import Codec, Inferred, SignatureOptions, as_single_target, compose, infer
from ffhost.signatures.requests import Adapter
from ffhost.signatures.requests.choice import (
    RequestKind,
    adapter_for,
    choose_request,
    import_context,
)
from ffhost.signatures.requests.flask_use import uses_flask
from ffhost.web import problems
from ffhost.web.messages import Reply
from ffhost.web.routing import parameter, pattern, segments

if TYPE_CHECKING:
    from ffhost.signatures.function_types import FunctionTypes


def load_function(
    config: LoadedConfig, name: str, store: Store, environment: Environment | None = None
) -> Function:
    """Load the function *name* of the configuration.

    Args:
        store: what outlives a reload, such as the function's slots
        environment: what it finds in ``os.environ``; None for the variables of the process

    Raises:
        LoadError: its target cannot be imported, or does not fit its signature
    """
    user_threads.install()
    with entering(environment):
        return _load(config, name, store, environment)


def _load(
    config: LoadedConfig, name: str, store: Store, environment: Environment | None
) -> Function:
    resolved = import_function(config, name)
    codec, request = codec_of(config, name, resolved)
    if config.framework_mode:
        proxies = config.settings.server.trusted_proxies
        codec = as_single_target(codec, trusts_loopback=not proxies)
    if environment is not None:
        environment.own.setdefault("FUNCTION_SIGNATURE_TYPE", codec.kind)
    watch = observers.watch(config, name, codec.kind)
    failures = CallFailures(
        codec.answer,
        error_handlers(resolved.module),
        debug=config.settings.server.debug,
        console=console_url(store, config.settings),
    )
    run, told = watch.around(invocations.compose(watch.codec(codec), failures), codec.is_async)
    return make_function(
        config,
        name,
        codec.kind,
        run,
        store,
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
        types=partial(_types, resolved.callable, codec.kind, config.settings.functions[name]),
    )


def _types(target: Callable[..., Any], kind: str, settings: FunctionSettings) -> FunctionTypes:
    from ffhost.signatures.function_types import types_of

    return types_of(target, kind, settings.signature)


def import_function(config: LoadedConfig, name: str) -> Resolved:
    """Import the module of the function *name* and look the function up.

    Raises:
        LoadError: it cannot be imported, or takes too long
    """
    settings = config.settings.function(name)
    plain = config.framework_mode
    compat.install()
    file = find_place(settings.target, settings.source, config.base).file
    with import_context(name, file, single=plain):
        resolved = resolve(
            settings.target,
            settings.source,
            config.base,
            plain=plain,
            allow_app=settings.signature in ("wsgi", "asgi"),
            env=settings.env,
        )
    _check_budget(settings, resolved.import_seconds)
    if resolved.import_seconds and resolved.file is not None and not plain:
        _tell_name_test(name, resolved.file)
    return resolved


def switched_off(
    config: LoadedConfig,
    name: str,
    error: RequestError,
    store: Store,
    problem: Problem | None = None,
) -> Function:
    """Return a function that answers every call with *error*: disabled, or failed to load."""
    kind = config.settings.function(name).signature or "http"

    def refuse(call: Call) -> Reply:
        return problems.problem(error, call.execution_id)

    return make_function(
        config,
        name,
        kind,
        refuse,
        store,
        observers=observers.watch(config, name, kind, callable=False).observers,
        unavailable=error,
        load_error=problem,
    )


def disabled(settings: FunctionSettings, name: str) -> RequestError | None:
    """Return the error that a disabled function answers with; None for an enabled one."""
    if settings.enabled:
        return None
    if settings.gone:
        return Gone(f"{name} is gone")
    return Unavailable(f"{name} is switched off", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def make_function(
    config: LoadedConfig,
    name: str,
    kind: str,
    run: Run,
    store: Store,
    *,
    methods: Iterable[str] | None = None,
    **rest: Any,
) -> Function:
    """Make a function from its settings and its runner.

    Args:
        kind: its signature
        methods: what its signature answers, where its settings say nothing; None for all
        rest: further fields of the `Function`
    """
    settings = config.settings.function(name)
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


def codec_of(
    config: LoadedConfig, name: str, resolved: Resolved
) -> tuple[Codec, RequestKind | None]:
    """Choose the signature and the request object; None for what is not an http function.

    Raises:
        LoadError: the target does not fit its signature, or contradicts the file
    """
    settings = config.settings.function(name)
    target = resolved.callable
    plain = config.framework_mode
    inferred = infer(target, settings.signature, name=name, single=plain)
    request = _request(config, settings, resolved, inferred)
    options = SignatureOptions(
        name=name,
        single=plain,
        input_type=inferred.input_type,
        path_parameters=tuple(filter(None, map(parameter, segments(settings.path)))),
        adapter=None if request is None else _adapter(config, name, resolved, request),
        mount=pattern(settings.path),
        strip_path=settings.strip_path,
    )
    return compose(inferred.kind, target, options), request


def _request(
    config: LoadedConfig, settings: FunctionSettings, resolved: Resolved, inferred: Inferred
) -> RequestKind | None:
    """Choose which request an http function gets; None for functions of other signatures."""
    if inferred.kind != "http":
        return None
    target = resolved.callable
    if required_positional(target) == 2:  # Falcon's (req, resp)
        return "ffhost"
    return choose_request(
        settings.request or "auto",
        inferred.request,
        inferred.marked,
        lambda: uses_flask(target, resolved.module),
        asgi=config.asgi,
        has_file=config.has_file,
        is_async=kind(target) in ("async", "async_generator"),
    )


def _adapter(config: LoadedConfig, name: str, resolved: Resolved, request: RequestKind) -> Adapter:
    """Return what makes the request of an http function.

    Raises:
        LoadError: it is one of a framework that is not installed
    """
    single = config.framework_mode
    return adapter_for(
        request,
        name,
        resolved.file,
        resolved.module,
        single=single,
        none_is_ok=single and bool(os.environ.get("ENTRY_POINT")),
    )


def _tell_name_test(name: str, file: Path) -> None:
    """Warn of ``if __name__ == "main"``: what stands below it runs in functions-framework only."""
    with suppress(OSError):
        if b"__name__" not in file.read_bytes():
            return
        from ffhost.loading.targets import tests_plain_name

        line = tests_plain_name(file, file.stem)
        if line is not None:
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
