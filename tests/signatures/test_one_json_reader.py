"""JSON is read alike by all signatures, and what is known once is written once."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.web.json_text import read_json
from ffhost.web.mediatypes import is_json
from tests.conftest import Serve

CODE = """
import ffhost, pydantic

class Model(pydantic.BaseModel):
    n: float

class Own:
    def __init__(self, n): self.n = n
    @staticmethod
    def from_dict(value): return Own(value["n"])

def http(request): return repr(request.get_json()["n"])

@ffhost.typed
def model(given: Model): return repr(given.n)

@ffhost.typed
def own(given: Own): return repr(given.n)

@ffhost.typed
def filled(given: Model): return repr(given.n)

def event(data, context):
    seen.append(data["n"])
seen = []

def cloud(event):
    seen.append(event.data["n"])

def last(request): return repr(seen.pop())
"""
CONFIG = """
functions:
  http: {target: "main.py:http"}
  model: {target: "main.py:model"}
  own: {target: "main.py:own"}
  filled: {target: "main.py:filled", path: "/filled/{id}"}
  event: {target: "main.py:event", signature: event}
  cloud: {target: "main.py:cloud", signature: cloudevent}
  last: {target: "main.py:last"}
"""
EVENT = {"ce-id": "1", "ce-type": "t", "ce-source": "s", "ce-specversion": "1.0"}
BACKGROUND = """
{"data": DATA, "context": {"eventId": "1", "eventType": "t", "resource": "r"}}
"""


def test_all_signatures_are_equally_lenient(serve: Serve) -> None:
    """A byte order mark, NaN and equal keys, as ``json.loads`` reads them."""
    host = serve(CODE, CONFIG)
    json_type = {"content-type": "application/json"}
    bodies = {'{"n": 1.5}': "1.5", '{"n": 1, "n": 2.5}': "2.5", '{"n": NaN}': "nan"}
    for text, expected in bodies.items():
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            body = text.encode(encoding)
            for path in ("/http", "/model", "/own", "/filled/7"):
                assert host.post(path, body=body, headers=json_type).text == expected
            assert host.post("/cloud", body=body, headers=json_type | EVENT).status == 204
            assert host.get("/last").text == expected
            body = BACKGROUND.replace("DATA", text).encode(encoding)
            assert host.post("/event", body=body, headers=json_type).status == 204
            assert host.get("/last").text == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_the_reader_reads_what_json_loads_reads(value: Any) -> None:
    for text in (json.dumps(value).encode(), b"\xef\xbb\xbf" + json.dumps(value).encode()):
        assert read_json(text) == json.loads(text)


def test_the_reader_refuses_with_value_errors_only() -> None:
    for text in (b"", b"{", b"[" * 100_000, b"\xff", b"9" * 5_000):
        with pytest.raises(ValueError, match=r"."):
            read_json(text)
    assert math.isnan(read_json(b"NaN"))
    assert read_json(b"123456789012345678901") == 123456789012345678901


def test_json_is_any_subtype_json() -> None:
    """One rule for requests, events and typed bodies."""
    for said in ("application/json", "text/json; charset=utf-8", "APPLICATION/cloudevents+JSON"):
        assert is_json(said)
    for other in (None, "", "json5", "application/jsonp", "text/plain; a=application/json"):
        assert not is_json(other)


ALIASES = """
import pydantic

class Model(pydantic.BaseModel):
    order_id: int = pydantic.Field(serialization_alias="orderId")

class Names(Model):
    model_config = {"serialize_by_alias": False}

def f(request):
    kind = Names if request.args.get("names") else Model
    found = kind(order_id=7)
    return {"in": found} if request.args.get("nested") else found
"""


def test_models_are_answered_with_their_aliases_unless_they_refuse(serve: Serve) -> None:
    """As FastAPI does."""
    host = serve(ALIASES, 'functions: {f: {target: "main.py:f"}}')
    assert host.get("/f").json() == {"orderId": 7}
    assert host.get("/f?nested=1").json() == {"in": {"orderId": 7}}
    assert host.get("/f?names=1").json() == {"order_id": 7}
    assert host.get("/f?names=1&nested=1").json() == {"in": {"order_id": 7}}


def test_what_is_known_once_is_written_once() -> None:
    """The names of the signatures and of the default file."""
    root = Path(__file__).parents[2] / "ffhost"
    sources = {file: file.read_text() for file in root.rglob("*.py")}
    signatures = [file.name for file, text in sources.items() if '"typed", "wsgi"' in text]
    assert signatures == ["function_settings.py"]
    default = [
        f"{file.name}: {line.strip()}"
        for file, text in sources.items()
        for line in text.splitlines()
        if line.strip().endswith(('= "functions.yaml"', 'or "functions.yaml"'))
    ]
    assert default == ['__init__.py: DEFAULT_FILE = "functions.yaml"']
