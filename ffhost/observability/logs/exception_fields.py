"""An exception with its chain, as fields of one entry. Nothing here writes.

The text is Python's own: causes, contexts, groups and notes, each stack from user code on.
Private module names are replaced by plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ffhost.loading.modules import user_error_text
from ffhost.observability.logs.log_json import log_value_as_text, log_value_repr

PlainName = Callable[[str], str]


def exception_log_fields(error: BaseException, plain_name: PlainName) -> dict[str, Any]:
    """Return ``exception`` (the whole text), ``exception_type`` and ``exception_message``."""
    try:
        text = user_error_text(error).rstrip("\n")
    except Exception as failure:  # a class with a __cause__ or __notes__ of its own making
        text = (
            f"{log_value_repr(error)} (its traceback cannot be shown: {log_value_as_text(failure)})"
        )
    for module in _modules(error):
        plain = plain_name(module)
        if plain != module:
            text = text.replace(f"{module}.", f"{plain}.")
    return {
        "exception": text,
        "exception_type": _type_name(error, plain_name),
        "exception_message": log_value_as_text(error),
    }


def _type_name(error: BaseException, plain_name: PlainName) -> str:
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{plain_name(str(kind.__module__))}.{kind.__qualname__}"


def _modules(error: BaseException) -> set[str]:
    """Return the modules that define the exceptions of the chain."""
    return {str(type(one).__module__) for one in _chain(error)}


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
