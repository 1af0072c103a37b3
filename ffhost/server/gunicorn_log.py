"""Log messages of gunicorn, and of uvicorn in its workers, as entries."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from ffhost.observability.logs import setup
from ffhost.server._gunicorn import Logger


class GunicornLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger class, named by a string in its settings.

    Of gunicorn's logging settings only ``loglevel`` and whether ``accesslog`` is set are used,
    because every line becomes an entry.
    """

    access_log_enabled = False  # gunicorn has a property, of settings that do not count here

    def setup(self, cfg: Any) -> None:
        """Log gunicorn's lines as entries."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.access_log_enabled = bool(cfg.accesslog)
        handler = setup.logging_handler()
        for logger, level in ((self.error_log, self.loglevel), (self.access_log, logging.INFO)):
            # uvicorn's worker takes over the very list of the error log's handlers and stops
            # propagation: a handler here serves both.
            logger.handlers = [handler]
            logger.propagate = False
            if not setup.has_log_level(logger.name):
                logger.setLevel(level)

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """Make an entry of a request, with fields instead of a formatted line."""
        if not self.access_log_enabled:
            return
        status = str(resp.status).split(None, 1)[0]
        fields = {
            "method": environ.get("REQUEST_METHOD"),
            "path": environ.get("PATH_INFO"),
            "status": int(status) if status.isdigit() else status,
            "client": environ.get("REMOTE_ADDR"),
            "user_agent": environ.get("HTTP_USER_AGENT"),
            "response_bytes": getattr(resp, "sent", None),
            "duration_seconds": request_time.total_seconds(),
        }
        self.access_log.info("request", extra=fields)

    def reopen_files(self) -> None:
        """Return at once: there are no files."""
