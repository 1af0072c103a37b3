"""One function as the host serves it: a record. Loading makes it, running a call reads it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ffhost._records import FrozenRecord
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.settings import FunctionSettings
from ffhost.config.units import UNLIMITED
from ffhost.errors import RequestError, TooManyRequests
from ffhost.invocation.call import Call
from ffhost.invocation.outcome import Outcome
from ffhost.invocation.slots import Slots
from ffhost.web.messages import Reply

if TYPE_CHECKING:
    from ffhost.invocation.variables import FunctionVariables
    from ffhost.signatures.function_types import FunctionTypes

RETRY_AFTER_SECONDS = 1
"""Seconds in ``Retry-After`` of a refused call."""

Run: TypeAlias = Callable[[Call], Reply] | Callable[[Call], Coroutine[Any, Any, Reply]]
"""Runs a call and returns its reply; never raises."""

Observer: TypeAlias = Callable[[Call, Outcome], None]
"""Called with each call and its outcome."""


class FunctionFailures(Protocol):
    """The handling of a function's exceptions."""

    def reply(self, call: Call, error: BaseException) -> Reply:
        """Return the answer for *error*, and log a crash."""


class FunctionProcesses(Protocol):
    """The processes of an isolated function."""

    @property
    def busy(self) -> int:
        """Return how many calls run in one of them."""

    def start(self) -> None:
        """Run the start-up hooks in each of them and accept calls."""

    def close_if_idle(self) -> bool:
        """Accept no more calls if none runs; return whether none does."""

    def stop(self) -> None:
        """Run the shut-down hooks in each of them and end."""


class FunctionLifespan(Protocol):
    """The start-up and shut-down of an ASGI application."""

    calls: int

    def start(self) -> Any:
        """Start it, as a start-up hook."""

    def stop(self) -> Any:
        """Stop it, as a shut-down hook."""


class FunctionTraceHook(Protocol):
    """A trace hook of the function, reduced to what the host needs."""

    name: str
    take_effect: Callable[[], None] | None


class FunctionLateLoad(Protocol):
    """Loads a function at its first call.

    Attributes:
        on_loaded: runs the start-up hooks of the function
        install: takes the function, or an entry that says why it failed, into the host
    """

    on_loaded: Callable[[Function], None]
    install: Callable[[Function], None]

    def wait(self) -> Function:
        """Return the loaded function; load it first, or wait until another call has.

        Raises:
            Unavailable: it cannot be loaded
        """


class FunctionHome:
    """What a function belongs to; the host says so when it is made.

    Attributes:
        host: returns the host, for calls by name; None once it has ended. A function does not keep
            it: a host dies while calls that began on it still run
    """

    __slots__ = ("host",)

    def __init__(self) -> None:
        self.host: Callable[[], Any] = _no_host


def _no_host() -> None:
    """Return None: no host has the function yet."""


class Function(FrozenRecord, kw_only=True):
    """One function of a host, complete when it is made.

    Args:
        name: its key in the configuration
        path: its path template
        methods: those that it answers; None for every method
        signature: ``http``, ``cloudevent``, ``event``, ``typed``, ``wsgi`` or ``asgi``
        target: as written in the configuration
        request: which request object an http function gets: ``ffhost``, ``flask`` or
            ``starlette``; None for other signatures, and where that is not known yet
        run: takes a call and returns its reply; a coroutine function if *is_async*
        slots: limit the running calls; shared with the function of that name before a reload
        settings: with the host's limits filled in
        config: passed to the function through its invocation
        module: the user's module; None if it is not loaded in this process
        unavailable: why it is not called: switched off, or failed to load; else None
        load_error: why it failed to load; None if it did not
        load_seconds: how long its module took to import; None if it was imported before
        stuck_limit: how many of its calls may outlive their deadline
        required: whether the host is ready without it
        failures: handles its exceptions
        observers: called with the outcome of each call, in order
        hooks: trace hooks, which are composed into *run* and *observers*
        keeps_context: whether observers run in the call's own context, which it must keep
        processes: those that run it; None if it runs in this one
        runs_early: whether its calls may be sent to a process before they have a slot
        environment: what it finds in ``os.environ``; None for the variables of the process
        lifespan: of the ASGI application that is its target; None for any other target
        late_load: loads it at its first call; None for a function that is loaded
        measure: returns how long a value can be as JSON that it may get as it is, None for one
            that it gets as JSON; None if it gets all as JSON
        types: returns what it takes and returns; None if that is not known
        home: the host that it belongs to
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
    failures: FunctionFailures = field(repr=False)
    request: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    module: ModuleType | None = field(default=None, repr=False)
    unavailable: RequestError | None = None
    load_error: ConfigProblem | None = None
    load_seconds: float | None = None
    stuck_limit: float = UNLIMITED
    required: bool = True
    observers: tuple[Observer, ...] = ()
    hooks: tuple[FunctionTraceHook, ...] = ()
    keeps_context: bool = False
    processes: FunctionProcesses | None = field(default=None, repr=False)
    runs_early: bool = False
    environment: FunctionVariables | None = field(default=None, repr=False)
    lifespan: FunctionLifespan | None = field(default=None, repr=False)
    late_load: FunctionLateLoad | None = field(default=None, repr=False)
    measure: Callable[[Any], int | None] | None = field(default=None, repr=False)
    types: Callable[[], FunctionTypes] | None = field(default=None, repr=False)
    home: FunctionHome = field(default_factory=FunctionHome, repr=False)

    @property
    def timeout_seconds(self) -> float:
        """Return how long a call may take; infinite without a deadline."""
        return float(self.settings.timeout or UNLIMITED)

    @property
    def queue_timeout_seconds(self) -> float:
        """Return how long a call may wait for its slot; infinite without a limit."""
        return float(self.settings.queue_timeout or UNLIMITED)

    @property
    def max_body_bytes(self) -> float:
        """Return how large the body of a request may be; infinite without a limit."""
        limit = self.settings.max_body_size
        return UNLIMITED if limit is None else limit

    def claim_slots(self) -> None:
        """Apply this function's limits to its slots, now that it is the one that is served."""
        queue = self.settings.queue
        self.slots.resize(
            float(self.settings.concurrency or UNLIMITED),
            float(UNLIMITED if queue is None else queue),
        )

    def refusal(self) -> TooManyRequests:
        """Return the error of a call for which no slot is free."""
        return TooManyRequests(
            f"{self.name} has no free slot", headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
