"""The environment variables of one function, on top of those of the process.

`active_function_variables` says whose variables the running code finds: those of the call that it
belongs to, or of the function whose module is imported or whose hooks run. Nothing here
touches ``os.environ``.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT


class FunctionVariables:
    """What one function finds in ``os.environ`` on top of the variables of the process.

    A value of None means that user code has deleted the variable.

    Args:
        declared: its ``env``; shared by all functions that share a copy of their folder
        own: further variables that are this function's own
        disputed: those of *declared* for which other functions find something else
    """

    __slots__ = ("declared", "disputed", "own")

    def __init__(
        self,
        declared: dict[str, str | None],
        own: dict[str, str | None],
        disputed: frozenset[str] = frozenset(),
    ) -> None:
        self.declared = declared
        self.own = own
        self.disputed = disputed

    def __contains__(self, name: object) -> bool:
        return name in self.declared or name in self.own

    def __getitem__(self, name: str) -> str | None:
        return self.declared[name] if name in self.declared else self.own[name]

    def __setitem__(self, name: str, value: str | None) -> None:
        (self.declared if name in self.declared else self.own)[name] = value

    def names(self) -> list[str]:
        """Return the names of the variables that have a value."""
        both = {**self.own, **self.declared}
        return [name for name, value in both.items() if value is not None]


_Entered: TypeAlias = tuple[FunctionVariables, Call | None]
_ENTERED: contextvars.ContextVar[_Entered | None] = contextvars.ContextVar(
    "ffhost_environment", default=None
)

Origin: TypeAlias = Call | FunctionVariables
"""What code runs for: a call, or an import or a hook of a function with this environment."""


@contextmanager
def using_function_variables(environment: FunctionVariables | None) -> Iterator[None]:
    """Run the block, an import or a hook, with the variables of *environment*."""
    token = _ENTERED.set(None if environment is None else (environment, CURRENT.get()))
    try:
        yield
    finally:
        _ENTERED.reset(token)


def active_function_variables() -> FunctionVariables | None:
    """Return the variables of the function that this code runs for; None for the process's own."""
    origin = active_call_or_function()
    return origin.function.environment if isinstance(origin, Call) else origin


def active_call_or_function() -> Origin | None:
    """Return what this code runs for; None if it runs for no function."""
    call, entered = CURRENT.get(), _ENTERED.get()
    # What was entered before a call began is over in that call.
    return entered[0] if entered is not None and entered[1] is call else call


def continue_call_or_function(origin: Origin) -> None:
    """Make this thread, which has its own context, run for *origin*."""
    if isinstance(origin, Call):
        CURRENT.set(origin)
    else:
        _ENTERED.set((origin, None))
