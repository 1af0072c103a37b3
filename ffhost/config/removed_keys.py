"""Keys of earlier versions, and what to write instead."""

from __future__ import annotations

from ffhost.config.nodes import PathKey

REMOVED: dict[PathKey, tuple[str, str | None]] = {
    ("server", "interface"): (
        "this key was removed: the server always uses ASGI",
        "remove it; to serve WSGI run 'gunicorn -c python:ffhost.gunicorn ffhost.wsgi:app'",
    ),
    ("server", "threads"): (
        "this key was removed: the server needs no threads of its own",
        "remove it; 'concurrency' of a function, or of defaults, limits the calls at once",
    ),
}
"""Message and hint by the path of the key."""
