"""A pipeline of three events: an upload, our own event about it, and a Pub/Sub message."""

from __future__ import annotations

import base64
import logging
from typing import Any

from cloudevents.core.v1.event import CloudEvent

import ffhost

log = logging.getLogger(__name__)


@ffhost.cloud_event
def on_upload(event: CloudEvent) -> CloudEvent | None:
    """Turn an upload into an event of ours, which is the reply; the broker passes it on.

    Cloud Storage's background events arrive here as CloudEvents too.
    """
    described: Any = event.get_data()
    name = described["name"]
    if not name.endswith(tuple(ffhost.current().config["suffixes"])):
        return None
    attributes = {
        # The same upload gives the same id, so that a repeated delivery can be told.
        "id": f"report-{event.get_id()}",
        "source": "/pipeline/on-upload",
        "specversion": "1.0",
        "type": "com.example.report.received",
        "subject": name,
        "datacontenttype": "application/json",
    }
    size_bytes = int(described.get("size", 0))
    data = {"bucket": described["bucket"], "name": name, "size_bytes": size_bytes}
    return CloudEvent(attributes, data)


@ffhost.cloud_event
async def on_report(event: CloudEvent) -> None:
    """Take note of a report."""
    data: Any = event.get_data()
    log.info("report_received", extra={"report": data["name"], "size_bytes": data["size_bytes"]})


@ffhost.event
def on_message(data: dict[str, Any], context: Any) -> None:
    """Take a message of Pub/Sub, whether it is pushed or comes as an event."""
    text = base64.b64decode(data.get("data", "")).decode()
    kind = data.get("attributes", {}).get("kind", "plain")
    log.info("message_received", extra={"message_id": context.event_id, "kind": kind, "text": text})
