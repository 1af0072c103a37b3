"""Log messages of a server that was started without us, as entries. Imports no server."""

from __future__ import annotations

import logging

from ffhost.observability.logs import setup

_SERVER_LOGGERS = (
    "gunicorn",
    "gunicorn.error",
    "gunicorn.access",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
)


def log_foreign_server() -> None:
    """Log the messages of a server that was not started with our logger class as entries.

    Removes the handlers that write to a standard stream; those that write to a file stay.
    """
    handler = setup.logging_handler()
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        if handler in logger.handlers:
            continue
        kept = [one for one in logger.handlers if type(one) is not logging.StreamHandler]
        logger.handlers = kept
        logger.propagate = True
        logger.disabled = False
