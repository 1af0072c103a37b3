"""The parameters of a target, and whether it is a coroutine function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ForwardRef

from ffhost.loading.targets import signature_of_target
from ffhost.signatures.codec import signature_error

FIREBASE = "__firebase_endpoint__"
"""Attribute that the decorators of firebase-functions leave: what triggers the function.

They copy the annotations of the decorated function, which they call with something else.
"""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def signature_accepts(
    target: Callable[..., Any], name: str, kind: str, *counts: int, wants: str
) -> int:
    """Return which of *counts* positional arguments to call *target* with.

    The largest count that has no more than its required parameters, and no fewer, is the
    one; optional parameters are filled only if nothing is required. *wants* says what the
    signature's parameters are.

    Raises:
        LoadError: the target cannot be called with any of them
    """
    parameters = _parameters(target)
    if parameters is None:
        return counts[0]  # a builtin without a signature
    nameless = next(
        (
            each.name
            for each in parameters
            if each.kind is each.KEYWORD_ONLY and each.default is each.empty
        ),
        None,
    )
    if nameless is not None:
        raise signature_error(
            f"{name} needs the keyword {nameless!r}, which a call does not have; "
            f"the signature {kind} gives {wants}"
        )
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    required = sum(each.default is each.empty for each in positional)
    most = len(positional)
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        most = max(most, *counts)
    for count in sorted(counts):
        if required <= count <= most:
            return count
    taken = "no parameter" if most == 0 else f"{_listing(positional)}"
    raise signature_error(f"{name} takes {taken}; the signature {kind} gives {wants}")


def is_coroutine_function(target: Callable[..., Any]) -> bool:
    """Whether calling *target* returns something to await on a loop."""
    return _is(inspect.iscoroutinefunction, target)


def is_async_generator_function(target: Callable[..., Any]) -> bool:
    """Whether calling *target* returns an async generator, which needs a loop too."""
    return _is(inspect.isasyncgenfunction, target)


def first_parameter_annotation(target: Callable[..., Any], position: int = 0) -> Any:
    """Return the annotation of a positional parameter, or None.

    Text (``from __future__ import annotations``) is evaluated where it was written, that one
    annotation alone, so that another which names something imported for type checkers only
    does no harm. What cannot be evaluated is returned as the text.
    """
    parameters = [each for each in _parameters(target) or () if each.kind in _POSITIONAL]
    if len(parameters) <= position:
        return None
    annotation = parameters[position].annotation
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        try:
            return eval(annotation, getattr(innermost_function(target), "__globals__", {}))
        except Exception:
            return annotation
    return annotation


def parameter_names(target: Callable[..., Any]) -> list[str]:
    """Return the names of the required positional parameters."""
    return [
        each.name
        for each in _parameters(target) or ()
        if each.kind in _POSITIONAL and each.default is each.empty
    ]


def signature_mark_of(target: Callable[..., Any], name: str) -> Any:
    """Return the attribute *name* that a decorator left on *target*, or None."""
    while True:
        mark = getattr(target, name, None)
        if mark is not None:
            return mark
        if not isinstance(target, functools.partial):
            return getattr(_call_method(target), name, None)
        target = target.func


def _parameters(target: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(signature_of_target(target).parameters.values())
    except (ValueError, TypeError):
        return None


def innermost_function(target: Any) -> Any:
    """Return the plain function that is run when *target* is called, as far as it shows."""
    target = inspect.unwrap(target)
    while isinstance(target, functools.partial):
        target = inspect.unwrap(target.func)
    if not hasattr(target, "__globals__") and not inspect.ismethod(target):
        target = getattr(target, "__call__", target)  # noqa: B004 -- the method is wanted
    return getattr(target, "__func__", target)


def _is(test: Callable[[Any], bool], target: Any) -> bool:
    if test(target):  # looks through partial and bound methods itself
        return True
    while isinstance(target, functools.partial):
        target = target.func
    return test(target) or test(_call_method(target))


def _call_method(target: Any) -> Any:
    return getattr(type(target), "__call__", None)  # noqa: B004 -- the method is wanted


def _listing(parameters: list[inspect.Parameter]) -> str:
    names = ", ".join(each.name for each in parameters)
    return f"({names})"
