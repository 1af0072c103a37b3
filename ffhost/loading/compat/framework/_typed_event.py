"""Our replacement of ``functions_framework._typed_event``, for code that uses it by itself.

The host composes typed functions without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ffhost.loading.compat.framework import _function_registry
from ffhost.loading.compat.framework.exceptions import FunctionsFrameworkException
from ffhost.loading.targets import signature_of_target


def register_typed_event(decorator_type: Any, func: Callable[..., Any]) -> None:
    """Write the input type of *func* down in the registry.

    Raises:
        FunctionsFrameworkException: there is no parameter, or no type that has ``from_dict``
    """
    try:
        annotation = next(iter(signature_of_target(func).parameters.values())).annotation
    except StopIteration:
        raise FunctionsFrameworkException(
            f"{func.__name__!r} has no parameter for its input: def {func.__name__}(x: InputType)"
        ) from None
    try:
        input_type = _select_input_type(decorator_type, annotation)
        _validate_input_type(input_type)
    except (AttributeError, TypeError) as error:
        raise FunctionsFrameworkException(
            f"{func.__name__!r} does not say the type of its input: @typed(InputType), or an "
            "annotation of its parameter"
        ) from error
    _function_registry.INPUT_TYPE_MAP[func.__name__] = input_type
    _function_registry.REGISTRY_MAP[func.__name__] = _function_registry.TYPED_SIGNATURE_TYPE


def _select_input_type(decorator_type: Any, annotation_type: Any) -> Any:
    has_annotation = annotation_type is not inspect.Parameter.empty
    if decorator_type is None and not has_annotation:
        raise TypeError("the function does not say the type of its input")
    if decorator_type is not None and has_annotation and decorator_type != annotation_type:
        raise TypeError(
            f"the decorator says {decorator_type!r}, the annotation says {annotation_type!r}"
        )
    return annotation_type if decorator_type is None else decorator_type


def _validate_input_type(input_type: Any) -> None:
    if not callable(getattr(input_type, "from_dict", None)):
        raise AttributeError(f"the type {input_type!r} has no method 'from_dict'")


def _validate_return_type(response: Any) -> None:
    if not callable(getattr(response, "to_dict", None)):
        raise AttributeError(f"the type {type(response)!r} has no method 'to_dict'")
