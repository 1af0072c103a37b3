"""Coroutine functions of CloudEvents."""

import functions_framework.aio
from cloudevents.http import CloudEvent
from notes import note


@functions_framework.aio.cloud_event
async def on_event(event: CloudEvent):
    note(id=event["id"], data=event.data, subject=event.get("subject"))


@functions_framework.aio.cloud_event
def on_event_sync(event):
    note(id=event["id"], data=event.data)


@functions_framework.aio.cloud_event
async def crash(event):
    raise RuntimeError("a secret of the function")
