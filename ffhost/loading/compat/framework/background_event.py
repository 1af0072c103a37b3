"""Our replacement of ``functions_framework.background_event``."""

from __future__ import annotations

from typing import Any


class BackgroundEvent:
    """Data and context of a background event, from the members of its JSON object.

    ``context`` is a dictionary; without one it is made of the other arguments. Unknown members
    are ignored.
    """

    def __init__(
        self,
        context: dict[str, Any] | None = None,
        data: Any = "",
        eventId: str = "",
        timestamp: str = "",
        eventType: str = "",
        resource: str | dict[str, Any] = "",
        **_: Any,
    ) -> None:
        self.context = context or {
            "eventId": eventId,
            "timestamp": timestamp,
            "eventType": eventType,
            "resource": resource,
        }
        self.data = data
