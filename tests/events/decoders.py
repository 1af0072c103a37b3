"""The decoders of functions, for requests that are written as header fields, body and path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ffhost import events
from ffhost.web.messages import Message


def make_event_decoder(annotation: object = None) -> Callable[..., Any]:
    decode = events.make_event_decoder(annotation)
    return lambda headers, body, path="": decode(_message(headers, body, path))


def decode_background_event(headers: Mapping[str, str], body: bytes, path: str = "") -> Any:
    return events.decode_background_event(_message(headers, body, path))


def _message(headers: Mapping[str, str], body: bytes, path: str) -> Message:
    return Message("POST", path, headers=headers, body=body)
