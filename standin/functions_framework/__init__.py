"""Stands for functions-framework where only ffhost is installed.

For code that ffhost does not load itself: tests of functions, `python -m functions_framework`.
It lies behind everything that is installed, so the original wins wherever it is there.
"""

from ffhost.loading.compat.framework import (
    LazyWSGIApp,
    app,
    cloud_event,
    create_app,
    errorhandler,
    http,
    typed,
)

__all__ = ["LazyWSGIApp", "app", "cloud_event", "create_app", "errorhandler", "http", "typed"]
