"""The kind of callable that a target is, and its parameters. Never calls it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import FunctionType
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
        names: of all parameters, in their order
        positional: names of those that a call by position fills
        annotations: of these; None where there is none
        required: how many of these have no default, which are the first; 1 for a builtin without
            a signature, as most signatures pass one argument
        takes_more: whether there is ``*args``
        keyword: a keyword-only parameter without a default, which a call does not have
        is_known: False for a builtin without a signature
    """

    kind: Kind
    names: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    annotations: tuple[Any, ...] = ()
    required: int = 1
    takes_more: bool = False
    keyword: str | None = None
    is_known: bool = True

    @property
    def application(self) -> Literal["wsgi", "asgi"] | None:
        """Whether it is an application of a web server, judged by its parameters."""
        names = [each.lstrip("_") for each in self.names]
        if names == ["scope", "receive", "send"]:
            return "asgi"
        if len(names) == 2 and names[0] in ("environ", "env") and names[1] == "start_response":
            return "wsgi"
        return None


def form_of_target(target: Callable[..., Any]) -> TargetForm:
    """Look at *target* without calling it."""
    if type(target) is FunctionType and _is_plain(target):
        return _form_of_function(target)
    kind = kind_of_target(target)
    try:
        parameters = signature_of_target(target).parameters
    except (ValueError, TypeError):
        return TargetForm(kind, is_known=False)
    positional = [each for each in parameters.values() if each.kind in _POSITIONAL]
    keywords = [each for each in parameters.values() if each.kind is each.KEYWORD_ONLY]
    return TargetForm(
        kind,
        tuple(parameters),
        tuple(each.name for each in positional),
        tuple(None if each.annotation is each.empty else each.annotation for each in positional),
        sum(each.default is each.empty for each in positional),
        any(each.kind is each.VAR_POSITIONAL for each in parameters.values()),
        next((each.name for each in keywords if each.default is each.empty), None),
    )


def _is_plain(function: FunctionType) -> bool:
    """Whether its code says all that `inspect.signature` would, in a tenth of the time."""
    code = function.__code__
    return (
        not code.co_kwonlyargcount
        and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
        and _MARKS.isdisjoint(function.__dict__)
    )


_MARKS = frozenset({"__wrapped__", "__signature__", "_is_coroutine", "_is_coroutine_marker"})
"""Attributes by which a function says that it is another than its code."""
_KINDS: tuple[tuple[int, Kind], ...] = (
    (inspect.CO_COROUTINE, "async"),
    (inspect.CO_ASYNC_GENERATOR, "async_generator"),
    (inspect.CO_GENERATOR, "generator"),
)


def _form_of_function(function: FunctionType) -> TargetForm:
    code, annotations = function.__code__, _annotations(function)
    kind: Kind = next((kind for flag, kind in _KINDS if code.co_flags & flag), "sync")
    names = code.co_varnames[: code.co_argcount]
    required = len(names) - len(function.__defaults__ or ())
    return TargetForm(
        kind, names, names, tuple(map(annotations.get, names)), required, False, None, True
    )


def _annotations(function: FunctionType) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(function, format=Format.FORWARDREF)
    return function.__annotations__


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
