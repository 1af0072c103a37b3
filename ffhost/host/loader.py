"""From settings to loaded functions: everything that is decided once, before the first call.

A `Function` is one function as the host serves it. Loading imports user code; calling is
the runners' business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.config.settings import FunctionSettings
from ffhost.config.units import UNLIMITED
from ffhost.errors import Gone, RequestError, StartupError, TooManyRequests, Unavailable
from ffhost.execution import composition as invocations
from ffhost.execution.composition import ErrorHandler, Failures, Run, timed_out
from ffhost.invocation.current import Invocation, Outcome
from ffhost.invocation.slots import Slots
from ffhost.loading import compat, decorators
from ffhost.loading.targets import Resolved, TargetError, find_place, is_async, resolve
from ffhost.observability import observers
from ffhost.observability.tracing import Hook, HookError
from ffhost.signatures import Codec, Inferred, Options, SignatureError, compose, infer
from ffhost.signatures.requests import Adapter
from ffhost.signatures.requests.choice import (
    MissingExtra,
    adapter_for,
    choose_request,
    import_context,
    is_installed,
    uses_flask,
)
from ffhost.web import problems
from ffhost.web.messages import Reply
from ffhost.web.routing import parameter, pattern, segments

if TYPE_CHECKING:
    from ffhost.signatures.app_lifespan import Lifespan

RETRY_AFTER_SECONDS = 1
"""What a refused caller is told to wait."""


class Processes(Protocol):
    """The processes of an isolated function."""

    @property
    def busy(self) -> int:
        """Count the calls that run in one of them."""

    def start(self) -> None:
        """Have them run their start-up hooks and take calls."""

    def stop(self) -> None:
        """Have them run their shut-down hooks and end."""


class Pending(Protocol):
    """What loads a function at its first call."""

    on_loaded: Callable[[Any], None]

    def wait(self, function: Function) -> None:
        """Load *function* in place, or wait until another call has.

        Raises:
            Unavailable: it cannot be loaded
        """


@dataclass(eq=False)
class Function:
    """One function of a host.

    Args:
        name: its key in the configuration
        path: the template that it owns
        methods: what it answers; None for every method
        signature: ``http``, ``cloudevent``, ``event``, ``typed``, ``wsgi`` or ``asgi``
        target: as written in the configuration
        run: takes an invocation and gives its reply; a coroutine function if *is_async*
        slots: who may run; shared with the function of the same name before a reload
        settings: with the host's limits filled in
        unavailable: why it is not called: switched off, or failed to load; else None
        load_seconds: how long its module took to import; None if it was imported before
        failures: what becomes of its exceptions
        observers: told how each call ended, in order
        hooks: trace hooks, which are composed into *run* and *observers*
        keeps_context: whether observers run in the call's own context, which it must keep
        processes: those that run it; None if it runs in this one
        pending: what loads it at its first call; None once it is loaded
    """

    name: str
    path: str
    methods: frozenset[str] | None
    signature: str
    target: str
    run: Run
    is_async: bool
    slots: Slots
    settings: FunctionSettings
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    module: ModuleType | None = field(default=None, repr=False)
    unavailable: RequestError | None = None
    load_error: Problem | None = None
    load_seconds: float | None = None
    stuck_limit: float = UNLIMITED
    required: bool = True
    failures: Failures = field(default_factory=Failures, repr=False)
    observers: tuple[Callable[[Invocation, Outcome], None], ...] = ()
    hooks: tuple[Hook, ...] = ()
    keeps_context: bool = False
    processes: Processes | None = field(default=None, repr=False)
    lifespan: Lifespan | None = field(default=None, repr=False)
    pending: Pending | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.timeout_seconds = float(settings.timeout or UNLIMITED)
        self.queue_timeout_seconds = float(settings.queue_timeout or UNLIMITED)
        limit = settings.max_body_size
        self.max_body_bytes: float = UNLIMITED if limit is None else limit

    def claim_slots(self) -> None:
        """Give the slots this function's limits: from now on it is the one that is served."""
        settings = self.settings
        self.slots.resize(
            float(settings.concurrency or UNLIMITED),
            float(UNLIMITED if settings.queue is None else settings.queue),
        )

    def refusal(self) -> TooManyRequests:
        """Say that no slot is free, and when to come back."""
        return TooManyRequests(
            f"{self.name} has no free slot", headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )

    def timed_out(self, invocation: Invocation) -> Reply:
        """Give the 504 of a call whose deadline has passed."""
        return timed_out(invocation)

    def crashed(self, invocation: Invocation) -> Reply:
        """Give the 500 of a call that ended without a reply and without a word."""
        return problems.crash(invocation.execution_id)

    def fail(self, invocation: Invocation, error: BaseException) -> Reply:
        """Give the answer for what a stream raised, and log a crash."""
        return self.failures.reply(invocation, error)


class LoadFailed(StartupError):
    """One function cannot be loaded; *problem* says which and why."""

    exit_code = 2

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def load_function(config: LoadedConfig, name: str, previous: Function | None = None) -> Function:
    """Load the function *name* of the configuration.

    Args:
        previous: the function of that name on the host before; its slots are taken over

    Raises:
        LoadFailed: its target cannot be imported, or does not fit its signature
    """
    settings = config.settings.function(name)
    plain = config.single is not None and not config.has_file
    compat.install()
    try:
        file = find_place(settings.target, settings.source, config.base).file
        with import_context(name, file, single=plain):
            resolved = resolve(
                settings.target,
                settings.source,
                config.base,
                plain=plain,
                allow_app=settings.signature in ("wsgi", "asgi"),
            )
        _check_budget(settings, resolved.import_seconds)
        codec = _codec(config, name, settings, resolved, plain)
        watch = observers.watch(config, name, codec.kind)
    except HookError as error:
        raise LoadFailed(error.problem) from error
    except TargetError as error:
        problem = problem_of(config, name, error.key, error.message, error.hint, error.notes)
        raise LoadFailed(problem) from error
    except SignatureError as error:
        raise LoadFailed(problem_of(config, name, "signature", str(error))) from error
    except MissingExtra as error:
        raise LoadFailed(problem_of(config, name, "request", str(error))) from error
    failures = Failures(
        codec.answer, error_handlers(resolved.module), debug=config.settings.server.debug
    )
    run = invocations.compose(watch.codec(codec), failures)
    run, told = watch.around(run, codec.is_async)
    function = make_function(config, name, settings, codec.kind, run, codec, previous)
    function.observers, function.hooks = told, watch.hooks
    function.keeps_context = watch.keeps_context
    function.failures = failures
    function.lifespan = codec.lifespan
    function.module = resolved.module
    function.load_seconds = resolved.import_seconds
    return function


def problem_of(
    config: LoadedConfig,
    name: str,
    key: str,
    message: str,
    hint: str | None = None,
    notes: Sequence[str] = (),
) -> Problem:
    """Say what is wrong with *key* of the function *name*, and where that was written."""
    at = ("functions", name, key)
    return Problem(".".join(at), message, config.locate(at), hint, tuple(notes))


def switched_off(
    config: LoadedConfig,
    name: str,
    error: RequestError,
    previous: Function | None = None,
    problem: Problem | None = None,
) -> Function:
    """Make a function that answers every call with *error*: disabled, or failed to load."""
    settings = config.settings.function(name)
    kind = settings.signature or "http"

    def refuse(invocation: Invocation) -> Reply:
        return problems.problem(error, invocation.execution_id)

    function = make_function(config, name, settings, kind, refuse, None, previous)
    function.observers = observers.watch(config, name, kind, callable=False).observers
    function.unavailable = error
    function.load_error = problem
    return function


def disabled(settings: FunctionSettings, name: str) -> RequestError | None:
    """Give what a function that is switched off answers; None for one that is on."""
    if settings.enabled:
        return None
    if settings.gone:
        return Gone(f"{name} is gone")
    return Unavailable(f"{name} is switched off", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def make_function(
    config: LoadedConfig,
    name: str,
    settings: FunctionSettings,
    kind: str,
    run: Run,
    codec: Codec | None,
    previous: Function | None,
) -> Function:
    """Make a function of its settings and of what runs it; *codec* is None if that is unknown."""
    concurrency = float(settings.concurrency or UNLIMITED)
    queue = float(UNLIMITED if settings.queue is None else settings.queue)
    slots = previous.slots if previous is not None else Slots(concurrency, queue)
    return Function(
        name=name,
        path=settings.path,
        methods=_methods(settings, codec),
        signature=kind,
        target=_display(settings),
        run=run,
        is_async=codec is not None and codec.is_async,
        slots=slots,
        settings=settings,
        config=settings.config,
        stuck_limit=float(config.settings.defaults.stuck_limit),
        required=settings.required,
    )


def _display(settings: FunctionSettings) -> str:
    return f"{settings.source}:{settings.target}" if settings.source else settings.target


def _methods(settings: FunctionSettings, codec: Codec | None) -> frozenset[str] | None:
    if settings.methods is not None:
        return frozenset(settings.methods)
    return None if codec is None or codec.methods is None else frozenset(codec.methods)


def _codec(
    config: LoadedConfig, name: str, settings: FunctionSettings, resolved: Resolved, plain: bool
) -> Codec:
    """Settle the signature and what a call gets.

    Raises:
        SignatureError: the target does not fit its signature, or contradicts the file
    """
    target = resolved.callable
    inferred = infer(target, settings.signature, name=name, single=plain)
    options = Options(
        name=name,
        single=plain,
        input_type=inferred.input_type,
        path_parameters=tuple(filter(None, map(parameter, segments(settings.path)))),
        adapter=_adapter(config, name, settings, resolved, inferred),
        mount=pattern(settings.path),
    )
    return compose(inferred.kind, target, options)


def _adapter(
    config: LoadedConfig,
    name: str,
    settings: FunctionSettings,
    resolved: Resolved,
    inferred: Inferred,
) -> Adapter | None:
    """Settle which request an http function gets; None for functions of other signatures.

    Raises:
        MissingExtra: it is one of a framework that is not installed
    """
    if inferred.kind != "http":
        return None
    chosen = choose_request(
        settings.request,
        inferred.request,
        None,  # what a decorator implies is in the line above
        uses_flask(resolved.module),
        has_file=config.has_file,
        is_async=is_async(resolved.callable),
        flask_installed=not config.has_file and is_installed("flask"),
    )
    single = config.single is not None and not config.has_file
    return adapter_for(
        chosen,
        name,
        resolved.file,
        resolved.module,
        single=single,
        none_is_ok=single and bool(os.environ.get("ENTRY_POINT")),
    )


def _check_budget(settings: FunctionSettings, seconds: float | None) -> None:
    budget = settings.import_budget
    if budget is not None and seconds is not None and seconds > budget:
        raise TargetError(
            f"loading took {seconds:.2f} s, more than its import_budget of {budget}",
            hint="import what is heavy inside the function, or set lazy: true",
            key="import_budget",
        )


def error_handlers(module: ModuleType | None) -> list[ErrorHandler]:
    """Find the functions of *module* that answer for exceptions."""
    return [
        (each.__dict__[decorators.HANDLES], each)
        for each in _marked_functions(module)
        if decorators.HANDLES in each.__dict__
    ]


def lifecycle_hooks(module: ModuleType | None, when: str) -> list[Callable[[], Any]]:
    """Find the functions of *module* marked for *when*: ``startup`` or ``shutdown``."""
    return [
        each
        for each in _marked_functions(module)
        if each.__dict__.get(decorators.LIFECYCLE) == when
    ]


@lru_cache(maxsize=256)
def _marked_functions(module: ModuleType | None) -> Sequence[FunctionType]:
    # Marks sit on plain functions: other objects are not asked, for a proxy may answer oddly.
    values = () if module is None else tuple(vars(module).values())
    return [value for value in values if type(value) is FunctionType and value.__dict__]
