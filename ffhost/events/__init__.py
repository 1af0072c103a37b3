"""CloudEvents and Google's background events, from HTTP and back to it. No I/O.

``decode_cloud_event`` and ``make_event_decoder`` serve functions that take a CloudEvent,
``decode_background_event`` those that take ``data, context``; ``encode_event`` and
``encode_event_batch`` write what a function returned. The names are imported at their first use:
the CloudEvents SDK costs more than ten milliseconds, which a host of plain HTTP functions does
not pay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._lazy import lazy_names

if TYPE_CHECKING:
    from ffhost.events.background import Context as Context
    from ffhost.events.binding import EventBatch as EventBatch
    from ffhost.events.binding import decode_background_event as decode_background_event
    from ffhost.events.binding import decode_cloud_event as decode_cloud_event
    from ffhost.events.binding import (
        decode_handed_background_event as decode_handed_background_event,
    )
    from ffhost.events.binding import make_event_decoder as make_event_decoder
    from ffhost.events.binding import make_handed_event_decoder as make_handed_event_decoder
    from ffhost.events.cloudevent_writer import encode_event as encode_event
    from ffhost.events.cloudevent_writer import encode_event_batch as encode_event_batch
    from ffhost.events.cloudevent_writer import is_cloud_event as is_cloud_event
    from ffhost.events.received_event import Event as Event

_HOMES = {
    "EventBatch": "ffhost.events.binding",
    "Context": "ffhost.events.background",
    "Event": "ffhost.events.received_event",
    "decode_cloud_event": "ffhost.events.binding",
    "decode_background_event": "ffhost.events.binding",
    "decode_handed_background_event": "ffhost.events.binding",
    "make_event_decoder": "ffhost.events.binding",
    "make_handed_event_decoder": "ffhost.events.binding",
    "encode_event": "ffhost.events.cloudevent_writer",
    "encode_event_batch": "ffhost.events.cloudevent_writer",
    "is_cloud_event": "ffhost.events.cloudevent_writer",
}

__all__ = [
    "Context",
    "Event",
    "EventBatch",
    "decode_background_event",
    "decode_cloud_event",
    "decode_handed_background_event",
    "encode_event",
    "encode_event_batch",
    "is_cloud_event",
    "make_event_decoder",
    "make_handed_event_decoder",
]


__getattr__ = lazy_names(__name__, _HOMES)
