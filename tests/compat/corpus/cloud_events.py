"""Functions of CloudEvents, by the accessors of the SDK's first generation."""

import functions_framework
from cloudevents.conversion import to_dict
from cloudevents.conversion import to_json as convert_to_json
from cloudevents.http import CloudEvent, from_json, to_json
from cloudevents.http.event import CloudEvent as EventClass
from notes import note


@functions_framework.cloud_event
def attributes(cloud_event: CloudEvent) -> None:
    time = cloud_event["time"]  # of the moment if the event has none
    note(
        id=cloud_event["id"],
        source=cloud_event["source"],
        type=cloud_event["type"],
        specversion=cloud_event["specversion"],
        subject=cloud_event.get("subject"),
        time=time if time[:4] in ("2020", "2024", "yest") else "now",
        content_type=cloud_event.get("datacontenttype"),
        extension=cloud_event.get("traceparent", "none"),
        data=cloud_event.data,
    )


@functions_framework.cloud_event
def all_attributes(event):
    names = sorted(event.get_attributes())
    note(names=names, is_event=isinstance(event, EventClass), contains="id" in event)


@functions_framework.cloud_event
def round_trip(event):
    again = from_json(to_json(event))
    note(
        equal=again["id"] == event["id"],
        data=again.data,
        as_dict=to_dict(event),
        text=convert_to_json(event).decode(),
    )


@functions_framework.cloud_event
def pubsub_message(cloud_event):
    import base64

    message = cloud_event.data["message"]
    note(
        text=base64.b64decode(message["data"]).decode(),
        attributes=message.get("attributes"),
        id=message.get("messageId"),
        subscription=cloud_event.data.get("subscription"),
        source=cloud_event["source"],
        type=cloud_event["type"],
    )


@functions_framework.cloud_event
def storage_object(cloud_event):
    data = cloud_event.data
    note(
        bucket=data["bucket"],
        name=data["name"],
        type=cloud_event["type"],
        subject=cloud_event["subject"],
        source=cloud_event["source"],
    )


@functions_framework.cloud_event
def returns_something(event):
    return {"ignored": True}


@functions_framework.cloud_event
def crash(event):
    raise RuntimeError("a secret of the function")
