"""What the admin listener answers: metrics, the functions, the configuration, health.

Fronts hand over what came in through that listener, which they know by the listener itself
and never by anything that a client sends. Nothing of this is on the public port, and nothing
of the functions is here. Knows no server and no front, and imports nothing while it is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost.host.service import Service
from ffhost.invocation.logger import get_logger

if TYPE_CHECKING:
    from ffhost.host.admin.pages import Admin

LISTENER_KEY = "ffhost.listener"
"""Where our worker tells the front which listener a request came through: in the ``state`` of
an ASGI scope."""
ADMIN = "admin"


def admin_of(service: Service) -> Admin | None:
    """Return what answers on the admin listener; None if it is off, or the server is not ours."""
    if not service.config.settings.admin.enabled:
        return None
    if not service.managed and not service.embedded:
        get_logger("ffhost").warning(
            "admin_listener_ignored",
            reason="the server is not ffhost's own",
            hint="ffhost serve opens it, and gunicorn -c python:ffhost.gunicorn ffhost.asgi:app",
        )
        return None
    from ffhost.host.admin.pages import Admin

    return Admin(service)
