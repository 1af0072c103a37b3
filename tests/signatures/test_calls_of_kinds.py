"""What it takes to read a request and to write a result, in counts of Python calls.

What makes a call of a kind of function dearer shows here first. The bounds have no air; whoever
needs more raises them, and says why.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pydantic
import pytest

import ffhost
from ffhost.fronts.asgi_request import AsgiScopeMessage
from ffhost.signatures import SignatureOptions, make_codec

FOLDER = str(Path(ffhost.__file__).parent)
DATA = {"message": {"data": "aGVsbG8="}}
EVENT = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}
CONTEXT = {"eventId": "1", "timestamp": "", "eventType": "t", "resource": {"name": "a"}}


class Model(pydantic.BaseModel):
    item: str


@dataclasses.dataclass
class Own:
    item: str

    @classmethod
    def from_dict(cls, values: Any) -> Own:
        return cls(values["item"])

    def to_dict(self) -> dict[str, str]:
        return {"item": self.item}


def on_event(event: Any) -> None:
    return None


def on_background_event(data: Any, context: Any) -> None:
    return None


def model(given: Model) -> Model:
    return given


def own(given: Own) -> Own:
    return given


KINDS = {
    "cloudevent, binary": (
        on_event,
        "cloudevent",
        "application/json",
        {f"ce-{name}": value for name, value in EVENT.items()},
        DATA,
        18,
    ),
    "cloudevent, structured": (
        on_event,
        "cloudevent",
        "application/cloudevents+json",
        {},
        {**EVENT, "datacontenttype": "application/json", "data": DATA},
        19,
    ),
    "event": (
        on_background_event,
        "event",
        "application/json",
        {},
        {"context": CONTEXT, "data": DATA},
        16,
    ),
    "typed, a model": (model, "typed", "application/json", {}, {"item": "a"}, 10),
    "typed, a class of its own": (own, "typed", "application/json", {}, {"item": "a"}, 13),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_takes_no_more_python_calls_than_it_did(kind: str) -> None:
    target, signature, content_type, fields, body, most = KINDS[kind]
    codec = make_codec(signature, target, SignatureOptions())
    headers = {"host": "localhost", "content-type": content_type, **fields}
    scope = {
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    made: list[str] = []

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
            made.append(frame.f_code.co_qualname)

    for _ in range(2):  # what is done once is done by then
        made.clear()
        message = AsgiScopeMessage(scope, json.dumps(body).encode(), {})
        sys.setprofile(count)
        try:
            codec.encode(codec.call(*codec.decode(message)))
        finally:
            sys.setprofile(None)
    assert len(made) <= most, made
