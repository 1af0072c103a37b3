"""Answers as they are recorded and compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compat.cases import HERE

RECORDED = HERE / "answers"

_OF_THE_SERVER = frozenset(
    {
        "connection",
        "content-length",  # of what is compared byte for byte
        "date",
        "function-execution-id",  # ours, on every answer; said in docs/migrating.md
        "keep-alive",
        "server",
        "transfer-encoding",
    }
)


@dataclass(frozen=True)
class Answer:
    """One answer: status, header fields that matter, body, and what the function noted."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        notes: Iterable[str] = (),
    ) -> Answer:
        """Make an answer of what came over the wire."""
        kept = sorted(
            (name.lower(), _steady(name.lower(), value))
            for name, value in headers
            if name.lower() not in _OF_THE_SERVER
        )
        return cls(status, tuple(kept), body, tuple(notes))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Answer:
        """Read a recorded answer."""
        body = base64.b64decode(value["base64"]) if "base64" in value else value["body"].encode()
        headers = tuple((name, text) for name, text in value["headers"])
        return cls(value["status"], headers, body, tuple(value.get("notes", ())))

    def to_json(self) -> dict[str, Any]:
        """Give the form in which it is recorded."""
        value: dict[str, Any] = {
            "status": self.status,
            "headers": [list(each) for each in self.headers],
        }
        try:
            value["body"] = self.body.decode()
        except UnicodeDecodeError:
            value["base64"] = base64.b64encode(self.body).decode()
        if self.notes:
            value["notes"] = list(self.notes)
        return value


def _steady(name: str, value: str) -> str:
    # The original gives the methods in the order of a set, another one each time.
    return ", ".join(sorted(value.split(", "))) if name == "allow" else value


def differing(theirs: Answer, ours: Answer) -> list[str]:
    """Name what differs: status, body, notes, or header names."""
    found = [
        part for part in ("status", "body", "notes") if getattr(theirs, part) != getattr(ours, part)
    ]
    names = {name for name, _ in (*theirs.headers, *ours.headers)}
    return found + sorted(name for name in names if _values(theirs, name) != _values(ours, name))


def _values(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer.headers if key == name]


def read_recorded(folder: Path = RECORDED) -> dict[str, Answer]:
    """Read the original's answers, by the key of their request."""
    return {
        key: Answer.from_json(value)
        for path in sorted(folder.glob("*.json"))
        for key, value in json.loads(path.read_text()).items()
    }


def write_recorded(answers: Mapping[str, Answer], folder: Path = RECORDED) -> None:
    """Record the original's answers, one file for each file of the corpus."""
    folder.mkdir(exist_ok=True)
    for file in sorted({key.partition(".")[0] for key in answers}):
        values = {
            key: answer.to_json()
            for key, answer in answers.items()
            if key.partition(".")[0] == file
        }
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (folder / f"{file}.json").write_text(text + "\n")
