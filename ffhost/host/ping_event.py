"""The event that a function is called with by the clock: what a PingSource of Knative sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ffhost.host.schedule_plan import Schedule
from ffhost.web.messages import Message

TYPE: Final = "dev.knative.sources.ping"


def schedule_ping_message(
    schedule: Schedule, signature: str, path: str, due: datetime | None = None
) -> Message:
    """Return the request of a tick.

    Args:
        signature: of the function; one of the signature ``event`` gets a background event
        path: of the function
        due: when the schedule was due; None for a tick on request
    """
    identity, time = _identity(schedule, due), _written(due or datetime.now(UTC))
    source = f"/ffhost/schedules/{schedule.function}"
    if signature == "event":
        context = {"eventId": identity, "timestamp": time, "eventType": TYPE, "resource": source}
        body = orjson.dumps({"data": schedule.data, "context": context})
        return _post(path, {"content-type": "application/json"}, body)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": identity,
        "ce-source": source,
        "ce-type": TYPE,
        "ce-time": time,
    }
    if schedule.data is None:
        return _post(path, headers, b"")
    headers["content-type"] = "application/json"
    return _post(path, headers, orjson.dumps(schedule.data))


def _post(path: str, headers: Mapping[str, str], body: bytes) -> Message:
    fields: dict[str, Any] = {**headers, "content-length": str(len(body))}
    return Message("POST", path, headers=fields, body=body)


def _identity(schedule: Schedule, due: datetime | None) -> str:
    """Return an id that is the same for the same time: a function may look for it."""
    if due is None:
        return str(uuid.uuid4())
    return f"{schedule.function}-{schedule.index}-{_written(due)}"


def _written(time: datetime) -> str:
    # Times of schedules are whole minutes; tests tick faster.
    text = time.astimezone(UTC).isoformat(timespec="auto" if time.microsecond else "seconds")
    return text.replace("+00:00", "Z")
