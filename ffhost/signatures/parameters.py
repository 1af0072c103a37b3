"""The parameters of a target, and the marks that decorators left on it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ForwardRef

from ffhost.loading.targets import TargetForm
from ffhost.signatures.codec import signature_error

FIREBASE = "__firebase_endpoint__"
"""Attribute that the decorators of firebase-functions leave: what triggers the function.

They copy the annotations of the decorated function, which they call with something else.
"""


def signature_accepts(form: TargetForm, name: str, kind: str, *counts: int, wants: str) -> int:
    """Return which of *counts* positional arguments to call a target with.

    The largest count that has no more than its required parameters, and no fewer, is the
    one; optional parameters are filled only if nothing is required. *wants* says what the
    signature's parameters are.

    Raises:
        LoadError: the target cannot be called with any of them
    """
    if not form.is_known:
        return counts[0]
    if form.keyword is not None:
        raise signature_error(
            f"{name} needs the keyword {form.keyword!r}, which a call does not have; "
            f"the signature {kind} gives {wants}"
        )
    most = len(form.positional)
    if form.takes_more:
        most = max(most, *counts)
    for count in sorted(counts):
        if form.required <= count <= most:
            return count
    taken = "no parameter" if most == 0 else f"({', '.join(form.positional)})"
    raise signature_error(f"{name} takes {taken}; the signature {kind} gives {wants}")


def parameter_annotation(target: Callable[..., Any], form: TargetForm, position: int = 0) -> Any:
    """Return the annotation of a positional parameter of *target*, or None.

    Text (``from __future__ import annotations``) is evaluated where it was written, that one
    annotation alone, so that another which names something imported for type checkers only
    does no harm. What cannot be evaluated is returned as the text.
    """
    if len(form.annotations) <= position:
        return None
    annotation = form.annotations[position]
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        try:
            return eval(annotation, getattr(innermost_function(target), "__globals__", {}))
        except Exception:
            return annotation
    return annotation


def signature_mark_of(target: Callable[..., Any], name: str) -> Any:
    """Return the attribute *name* that a decorator left on *target*, or None."""
    while True:
        mark = getattr(target, name, None)
        if mark is not None:
            return mark
        if not isinstance(target, functools.partial):
            return getattr(_call_method(target), name, None)
        target = target.func


def innermost_function(target: Any) -> Any:
    """Return the plain function that is run when *target* is called, as far as it shows."""
    target = inspect.unwrap(target)
    while isinstance(target, functools.partial):
        target = inspect.unwrap(target.func)
    if not hasattr(target, "__globals__") and not inspect.ismethod(target):
        target = getattr(target, "__call__", target)  # noqa: B004 -- the method is wanted
    return getattr(target, "__func__", target)


def _call_method(target: Any) -> Any:
    return getattr(type(target), "__call__", None)  # noqa: B004 -- the method is wanted
