"""Comparing an answer with what an example expects. Pure; differences are lines of text."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from ffhost.config.settings import ExampleResponse

if TYPE_CHECKING:
    from ffhost.testing import Answer

_SHOWN = 120


def example_differences(expected: ExampleResponse, answer: Answer) -> list[str]:
    """Return the differences between *answer* and what is *expected*; empty if there are none."""
    found = _status(expected.status, answer.status)
    headers = answer.headers
    for name, value in expected.headers.items():
        got = headers.get(name.lower())
        if got is None:
            found.append(f"header {name}: expected {value!r}, but it is missing")
        elif not _same_header(name, value, got):
            found.append(f"header {name}: expected {value!r}, got {got!r}")
    if answer.cut:
        found.append("the connection was cut before the end of the body")
    if "json" in expected.written:
        found += _json(expected.payload, answer)
    elif expected.body is not None:
        found += _text(expected.body, answer.body.decode(errors="replace"))
    if found and answer.status >= 400 and "json" in headers.get("content-type", ""):
        found += _detail(answer)
    return found


def _status(expected: int | None, got: int) -> list[str]:
    if expected is None:
        return [] if got < 400 else [f"status: expected one below 400, got {got}"]
    return [] if expected == got else [f"status: expected {expected}, got {got}"]


def _same_header(name: str, expected: str, got: str) -> bool:
    """Compare two values; a media type without parameters also equals one with them."""
    if name.lower() == "content-type" and ";" not in expected:
        got = got.partition(";")[0].rstrip()
    return expected == got


def _json(expected: Any, answer: Answer) -> list[str]:
    try:
        got = json.loads(answer.body)
    except ValueError:
        return [f"body: expected JSON, got {_short(answer.body.decode(errors='replace'))}"]
    return missing_in_example_answer(expected, got)


def missing_in_example_answer(expected: Any, got: Any, path: str = "body") -> list[str]:
    """Return where *got* lacks *expected*; mappings may have more keys, lists not more items.

    >>> subset({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3, "c": 4}], "d": 5})
    ['body.a[1].b: expected 2, got 3']
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        found = []
        for key, value in expected.items():
            if key in got:
                found += missing_in_example_answer(value, got[key], f"{path}.{key}")
            else:
                found.append(f"{path}.{key}: expected {_short(value)}, but it is missing")
        return found
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return [f"{path}: expected {_items(expected)}, got {_items(got)}: {_short(got)}"]
        return [
            line
            for index, (mine, other) in enumerate(zip(expected, got, strict=True))
            for line in missing_in_example_answer(mine, other, f"{path}[{index}]")
        ]
    # True == 1 in Python, but not in JSON
    if expected == got and isinstance(expected, bool) == isinstance(got, bool):
        return []
    return [f"{path}: expected {_short(expected)}, got {_short(got)}"]


def _items(values: list[Any]) -> str:
    return "1 item" if len(values) == 1 else f"{len(values)} items"


def _text(expected: str, got: str) -> list[str]:
    if expected == got:
        return []
    if "\n" not in expected.rstrip("\n") and "\n" not in got.rstrip("\n"):
        return [f"body: expected {_short(expected)}, got {_short(got)}"]
    lines = difflib.unified_diff(
        expected.splitlines(), got.splitlines(), "expected", "got", lineterm="", n=1
    )
    return ["body:", *(f"  {line}" for line in lines)]


def _detail(answer: Answer) -> list[str]:
    """Show what a problem document says: it is the reason why the example failed."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return []
    if not isinstance(document, dict) or "detail" not in document:
        return []
    fields = [
        f"{each['field']}: {each['message']}"
        for each in document.get("errors", ())
        if isinstance(each, dict) and {"field", "message"} <= each.keys()
    ]
    return [f"the answer says: {document['detail']}", *(f"  {each}" for each in fields)]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
