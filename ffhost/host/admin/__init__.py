"""The admin listener: metrics, the functions, the configuration, health.

Fronts pass on requests that came through that listener, which they recognise by its socket and
never by anything that a client sends. These pages are not on the public port, and functions are
not served here. Knows no server and no front, and imports nothing while it is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost.host.service import Service
from ffhost.invocation.logger import get_logger

if TYPE_CHECKING:
    from ffhost.host.admin.pages import AdminPages

LISTENER_KEY = "ffhost.listener"
"""Key in the ``state`` of an ASGI scope with which our worker marks requests of the admin
listener."""
ADMIN = "admin"


def admin_pages_of(service: Service) -> AdminPages | None:
    """Return the pages of the admin listener; None if it is off, or the server is not ours."""
    if not service.config.settings.admin.enabled:
        return None
    if not service.managed and not service.embedded:
        get_logger("ffhost").warning(
            "admin_listener_ignored",
            reason="the server is not ffhost's own",
            hint="ffhost serve opens it, and gunicorn -c python:ffhost.gunicorn ffhost.asgi:app",
        )
        return None
    from ffhost.host.admin.pages import AdminPages

    return AdminPages(service)
