"""The kind of callable that a target is, and its parameters. Never calls it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["sync", "async", "generator", "async_generator"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def kind_of_target(target: Callable[..., Any]) -> Kind:
    """Return what calling *target* returns: a result, or something to await or to iterate.

    Looks through ``functools.partial``, bound methods and instances with ``__call__``.
    """
    function = _function(target)
    if inspect.iscoroutinefunction(function) or _is_marked_coroutine(target):
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


def count_required_target_arguments(target: Callable[..., Any]) -> int:
    """Count the required positional parameters.

    1 for a builtin without a signature, as most signatures pass one argument.
    """
    try:
        parameters = signature_of_target(target).parameters.values()
    except (ValueError, TypeError):
        return 1
    return sum(each.kind in _POSITIONAL and each.default is each.empty for each in parameters)


def application_kind_of_target(target: Any) -> Literal["wsgi", "asgi"] | None:
    """Whether *target* is an application of a web server, judged by its parameters."""
    try:
        names = tuple(signature_of_target(target).parameters)
    except (ValueError, TypeError):
        return None
    names = tuple(name.lstrip("_") for name in names)
    if names == ("scope", "receive", "send"):
        return "asgi"
    if len(names) == 2 and names[0] in ("environ", "env") and names[1] == "start_response":
        return "wsgi"
    return None


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
