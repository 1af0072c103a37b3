"""CloudEvents and Google's background events, from HTTP and back to it. No I/O.

``decode`` and ``decoder_for`` serve functions that take a CloudEvent, ``decode_background``
those that take ``data, context``; ``encode`` and ``encode_batch`` write what a function
returned. The names are imported at their first use: the CloudEvents SDK costs more than ten
milliseconds, which a host of plain HTTP functions does not pay.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "Batch": "http",
    "Context": "background",
    "Event": "event",
    "decode": "http",
    "decode_background": "http",
    "decoder_for": "http",
    "encode": "writing",
    "encode_batch": "writing",
    "is_event": "writing",
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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
