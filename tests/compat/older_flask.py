"""What Flask 3.0 answers otherwise than the newer Flask with which the answers were recorded.

Functions answer with the Flask that is installed. ``make oldest`` installs Flask 3.0 and Werkzeug
3.0, which these rows come from; nothing here depends on the host.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.compat.answers import Answer
from tests.installed import is_installed

_NEWER_SETTINGS = frozenset(
    {
        "MAX_FORM_MEMORY_SIZE",
        "MAX_FORM_PARTS",
        "PROVIDE_AUTOMATIC_OPTIONS",
        "SECRET_KEY_FALLBACKS",
        "SESSION_COOKIE_PARTITIONED",
        "TRUSTED_HOSTS",
    }
)
_NO_SETTER = "property 'max_content_length' of 'Request' object has no setter"


def _older_settings(shown: str) -> str:
    return repr([name for name in ast.literal_eval(shown) if name not in _NEWER_SETTINGS])


_ROWS: Mapping[str, Callable[[str], str]] = {
    "request.max_form_memory_size": lambda _shown: "None",
    "request.cache_control.no_cache": {"False": "None", "True": "'*'"}.__getitem__,
    "request attributes": lambda _shown: f'raises builtins.AttributeError "{_NO_SETTER}"',
    "current_app.config keys": _older_settings,
    "config TRUSTED_HOSTS": lambda _shown: "raises builtins.KeyError \"'TRUSTED_HOSTS'\"",
}


def as_installed(recorded: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return the recorded answers as the Flask that is installed gives them."""
    if is_installed("flask>=3.1"):
        return dict(recorded)
    return {key: _older(answer) for key, answer in recorded.items()}


def _older(answer: Answer) -> Answer:
    """Return *answer* without ``Accept-Ranges``, which Werkzeug 3.0 gives to ranges only."""
    headers = answer.headers
    if answer.status != 206:
        headers = tuple(field for field in headers if field[0] != "accept-ranges")
    return replace(answer, headers=headers, body=_older_body(answer.body))


def _older_body(body: bytes) -> bytes:
    if not body.startswith(b'[["request.'):
        return body
    rows = [(name, _ROWS.get(name, str)(shown)) for name, shown in json.loads(body)]
    return json.dumps(rows, separators=(",", ":")).encode() + b"\n"
