"""A CloudEvent function of an upload, and one that keeps what it saw."""

import functions_framework
from cloudevents.http import CloudEvent

seen = []


@functions_framework.cloud_event
def on_upload(cloud_event: CloudEvent):
    data = cloud_event.data
    print(f"Event {cloud_event['id']}: {data['bucket']}/{data['name']}")
    seen.append((cloud_event["id"], cloud_event["type"], cloud_event.get("subject"), data["name"]))


@functions_framework.cloud_event
def on_any(cloud_event):
    seen.append(cloud_event)
