"""Background functions: data and context."""

import base64

from google.cloud.functions.context import Context
from notes import note


def everything(data, context):
    note(
        data=data,
        id=context.event_id,
        timestamp=context.timestamp,
        type=context.event_type,
        resource=context.resource,
    )


def from_pubsub(event: dict, context: Context) -> None:
    text = base64.b64decode(event["data"]).decode() if "data" in event else "nothing"
    note(
        text=text,
        attributes=event.get("attributes"),
        type=context.event_type,
        id=context.event_id,
        resource=context.resource,
    )


def from_storage(data, context):
    note(bucket=data["bucket"], name=data["name"], type=context.event_type, id=context.event_id)


def as_text(data, context):
    note(text=str(context).replace(context.timestamp, "TIME"))


def crash(data, context):
    raise RuntimeError("a secret of the function")
