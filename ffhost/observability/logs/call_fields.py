"""Fields of the running call for its log entries. Nothing here renders or writes.

They come from the context variable that holds the call, so they are right in threads that
run a call and in its tasks. Code outside a call, such as the loader while it imports
a function's module, adds fields with `binding_log_fields`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token, copy_context
from typing import Any

from ffhost.invocation.current import log_fields

Fields = Mapping[str, Any]
ContextSource = Callable[[], Fields | None]

_NOTHING: Fields = {}
_bound: ContextVar[Fields] = ContextVar("ffhost_log_fields", default=_NOTHING)


_source: ContextSource = log_fields


def set_log_fields_source(source: ContextSource | None) -> None:
    """Take the fields of the running call from *source*; None: from `ffhost.invocation.current`.

    *source* returns a mapping with ``function``, ``execution_id``, ``trace_id``, ``span_id``
    and whatever else belongs to the call, or None outside a call. It is called for every
    entry and must be cheap. Values that are None are left out of the entry.
    """
    global _source
    _source = source or log_fields


def log_fields_of_call() -> Fields:
    """Return the fields of the source and of bindings; empty outside calls and bindings."""
    try:
        fields = _source()
    except Exception:
        fields = None  # an entry without the fields of its call is better than none
    bound = _bound.get()
    if not bound:
        return fields or _NOTHING
    return {**bound, **fields} if fields else bound


def bind_log_fields(**fields: Any) -> Token[Fields]:
    """Add *fields* to every entry of this thread or task until the token is reset."""
    return _bound.set({**_bound.get(), **fields})


@contextmanager
def binding_log_fields(**fields: Any) -> Iterator[None]:
    """Add *fields* to every entry made inside the ``with`` block."""
    token = bind_log_fields(**fields)
    try:
        yield
    finally:
        _bound.reset(token)


def structlog_fields() -> dict[str, Any]:
    """Return what user code bound with ``structlog.contextvars``."""
    module = sys.modules.get("structlog.contextvars")
    if module is None:
        return {}
    fields: dict[str, Any] = module.get_contextvars()
    return fields


def forget_log_fields() -> None:
    """Drop all that was bound in this thread or task.

    For a runner that does not run each call in a context of its own: on a thread that
    serves many calls, what one of them bound would show in the next.
    """
    if _bound.get():
        _bound.set(_NOTHING)
    module = sys.modules.get("structlog.contextvars")
    if module is not None and any(var.name.startswith("structlog_") for var in copy_context()):
        module.clear_contextvars()
