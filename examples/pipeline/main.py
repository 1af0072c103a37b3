"""From an upload to a message about it, by events that are replied, and a report every night."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import Any

from cloudevents.core.v1.event import CloudEvent

import ffhost

log = logging.getLogger(__name__)


@ffhost.cloud_event
def thumbnail(event: CloudEvent) -> CloudEvent:
    """Make a picture small, and say so.

    The picture itself is left alone here: what counts is the way of the events.
    """
    width = ffhost.current().config["width"]
    uploaded: Any = event.get_data()
    path = PurePosixPath(uploaded["name"])
    small = str(path.with_name(f"{path.stem}.{width}{path.suffix}"))
    data = {"bucket": uploaded["bucket"], "name": small, "width": width}
    return about(event, "com.example.thumbnail.made", uploaded["name"], data)


@ffhost.cloud_event
async def index(event: CloudEvent) -> CloudEvent:
    """Take note of an upload, and say so."""
    uploaded: Any = event.get_data()
    data = {"name": uploaded["name"], "size_bytes": int(uploaded.get("size", 0))}
    return about(event, "com.example.file.indexed", uploaded["name"], data)


@ffhost.cloud_event
def notify(event: CloudEvent) -> None:
    """Tell somebody of what happened."""
    log.info("told", extra={"type": event.get_type(), "subject": event.get_subject()})


@ffhost.cloud_event
def report(event: CloudEvent) -> None:
    """Write the report of the last days."""
    asked: Any = event.get_data()
    log.info("report_written", extra={"days": asked["days"], "due": str(event.get_time())})


def about(event: CloudEvent, kind: str, subject: str, data: dict[str, Any]) -> CloudEvent:
    """Return an event that follows from another.

    The same event gives the same id, so that a repeated delivery can be told.
    """
    attributes = {
        "id": f"{kind}-{event.get_id()}",
        "source": "/pipeline",
        "specversion": "1.0",
        "type": kind,
        "subject": subject,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, data)
