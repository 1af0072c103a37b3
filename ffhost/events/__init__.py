"""CloudEvents and Google's background events, from HTTP and back to it. No I/O.

``decode`` and ``decoder_for`` serve functions that take a CloudEvent, ``decode_background``
those that take ``data, context``; ``encode`` and ``encode_batch`` write what a function
returned. The names are imported at their first use: the CloudEvents SDK costs more than ten
milliseconds, which a host of plain HTTP functions does not pay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._lazy import lazy_names

if TYPE_CHECKING:
    from ffhost.events.background import Context as Context
    from ffhost.events.binding import Batch as Batch
    from ffhost.events.binding import decode as decode
    from ffhost.events.binding import decode_background as decode_background
    from ffhost.events.binding import decoder_for as decoder_for
    from ffhost.events.cloudevent_writer import encode as encode
    from ffhost.events.cloudevent_writer import encode_batch as encode_batch
    from ffhost.events.cloudevent_writer import is_event as is_event
    from ffhost.events.received_event import Event as Event

_HOMES = {
    "Batch": "ffhost.events.binding",
    "Context": "ffhost.events.background",
    "Event": "ffhost.events.received_event",
    "decode": "ffhost.events.binding",
    "decode_background": "ffhost.events.binding",
    "decoder_for": "ffhost.events.binding",
    "encode": "ffhost.events.cloudevent_writer",
    "encode_batch": "ffhost.events.cloudevent_writer",
    "is_event": "ffhost.events.cloudevent_writer",
}

__all__ = [
    "Batch",
    "Context",
    "Event",
    "decode",
    "decode_background",
    "decoder_for",
    "encode",
    "encode_batch",
    "is_event",
]


__getattr__ = lazy_names(__name__, _HOMES)
