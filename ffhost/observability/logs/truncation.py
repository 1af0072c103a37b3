"""Truncation of entries that are too long; they stay valid JSON. Nothing here writes.

Values are cut, never bytes of the rendered text: strings first, then lists and mappings.
Of a traceback both ends are kept, because the last line has the error and the first ones its
origin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ffhost.observability.logs.log_json import log_value_as_json, plain_log_value

_SHORTEST = 24
_ITEMS_PER_LIMIT = 16

# What an entry of the last resort keeps, in the names of any profile.
_CORE = frozenset(
    {"timestamp", "time", "@timestamp", "severity", "log.level", "message", "logger"}
    | {"log.logger", "function", "faas.name", "execution_id", "faas.execution", "trace_id"}
    | {"trace.id", "config_revision", "logging.googleapis.com/labels"}
)


def fit_log_entry(
    entry: Mapping[str, Any],
    rendered: bytes,
    longest: int,
    render: Callable[[Mapping[str, Any]], bytes] = log_value_as_json,
) -> bytes:
    """Return *rendered*, or a shorter rendering of *entry* of at most *longest* bytes.

    A shortened entry says ``truncated: true``. Where even the fields that every entry has
    are longer than *longest*, they are cut to a few characters each.
    """
    if len(rendered) <= longest:
        return rendered
    whole = plain_log_value(entry)
    limit = longest // 2
    while limit >= _SHORTEST:
        shorter = _shorten(whole, limit)
        shorter["truncated"] = True
        rendered = render(shorter)
        if len(rendered) <= longest:
            return rendered
        limit //= 2
    core = {key: value for key, value in whole.items() if key in _CORE}
    return render({**_shorten(core, _SHORTEST), "truncated": True})


def _shorten(value: Any, limit: int) -> Any:
    if type(value) is str:
        return _shorten_text(value, limit)
    most = max(limit // _ITEMS_PER_LIMIT, 1)
    if type(value) is list:
        return [_shorten(item, limit) for item in value[:most]]
    if type(value) is dict:
        kept = list(value.items())[: max(most, len(_CORE))]
        return {_shorten_text(key, limit): _shorten(item, limit) for key, item in kept}
    return value


def _shorten_text(text: str, limit: int) -> str:
    # Characters are counted, not bytes: the loop in fit() halves again where they are wide.
    if len(text) <= limit:
        return text
    if "Traceback (most recent call last)" not in text[:200]:
        return f"{text[:limit]}..."
    tail = limit * 3 // 4
    return f"{text[: limit - tail]}\n... {len(text) - limit} characters cut ...\n{text[-tail:]}"
