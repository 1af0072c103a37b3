"""The kind of callable that a target is, and its parameters. Never calls it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, Literal

from ffhost._records import Record

Kind = Literal["sync", "async", "generator", "async_generator"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def kind_of_target(target: Callable[..., Any]) -> Kind:
    """Return what calling *target* returns: a result, or something to await or to iterate.

    Looks through ``functools.partial``, bound methods and instances with ``__call__``.
    """
    function = _function(target)
    if (
        inspect.iscoroutinefunction(function)
        or inspect.iscoroutinefunction(target)  # from Python 3.12 on an object may be marked
        or _is_marked_coroutine(target)
    ):
        return "async"
    if inspect.isasyncgenfunction(function):
        return "async_generator"
    return "generator" if inspect.isgeneratorfunction(function) else "sync"


def is_async_target(target: Callable[..., Any]) -> bool:
    """Whether calling *target* returns an awaitable; an async generator does not."""
    return kind_of_target(target) == "async"


def signature_of_target(target: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of *target*. An annotation may be a name that only type checkers know.

    Python 3.14 evaluates annotations when they are asked for; such a name is a ``ForwardRef``
    then. Before, the function could not have been made, or the annotation is text.

    Raises:
        TypeError: it cannot be called
        ValueError: it is a builtin without a signature
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(target, annotation_format=Format.FORWARDREF)
    return inspect.signature(target)


class TargetForm(Record):
    """What calling a target returns, and what it takes: looked at once, when it is loaded.

    Args:
        kind: a result, or something to await or to iterate
        parameters: in their order; None for a builtin without a signature
        positional: those that a call by position fills
    """

    kind: Kind
    parameters: tuple[inspect.Parameter, ...] | None
    positional: tuple[inspect.Parameter, ...]

    @property
    def required(self) -> int:
        """Count the required positional parameters.

        1 for a builtin without a signature, as most signatures pass one argument.
        """
        if self.parameters is None:
            return 1
        return sum(each.default is each.empty for each in self.positional)

    @property
    def application(self) -> Literal["wsgi", "asgi"] | None:
        """Whether it is an application of a web server, judged by its parameters."""
        names = [each.name.lstrip("_") for each in self.parameters or ()]
        if names == ["scope", "receive", "send"]:
            return "asgi"
        if len(names) == 2 and names[0] in ("environ", "env") and names[1] == "start_response":
            return "wsgi"
        return None


def form_of_target(target: Callable[..., Any]) -> TargetForm:
    """Look at *target* without calling it."""
    try:
        parameters = tuple(signature_of_target(target).parameters.values())
    except (ValueError, TypeError):
        return TargetForm(kind_of_target(target), None, ())
    positional = tuple(each for each in parameters if each.kind in _POSITIONAL)
    return TargetForm(kind_of_target(target), parameters, positional)


def _function(target: Any) -> Any:
    """Return the function that runs when *target* is called."""
    while isinstance(target, functools.partial):
        target = target.func
    if not inspect.isroutine(target) and not isinstance(target, type):
        target = getattr(type(target), "__call__", target)  # noqa: B004 -- the method is wanted
    return getattr(target, "__func__", target)


def _is_marked_coroutine(target: Any) -> bool:
    # Objects such as asgiref's sync_to_async are recognised by this mark before Python 3.12.
    mark = getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)
    return mark is not None and getattr(target, "_is_coroutine", None) is mark
