"""The corpus: functions in functions-framework's style, and the requests that they get.

``corpus/NAME.py`` holds functions, ``requests/NAME.yaml`` what is sent to each of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
REQUESTS = HERE / "requests"


@dataclass(frozen=True)
class Sent:
    """One request as it goes over the wire; chunks instead of a body have no length."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()

    @property
    def line(self) -> str:
        """Give method and path, and for readers the beginning of what is sent."""
        parts = [f"{self.method} {self.path}"]
        parts += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            parts.append(self.body[:200].decode(errors="replace"))
        return "\n".join(parts)


@dataclass(frozen=True)
class Case:
    """One function and its requests.

    ``live`` is whether it says something only in a process of its own.
    """

    file: str
    function: str
    signature: str | None
    requests: tuple[Sent, ...]
    live: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.file}.{self.function}"

    @property
    def source(self) -> Path:
        return CORPUS / f"{self.file}.py"

    def key(self, index: int) -> str:
        """Name one request, as ``file.function[index]``."""
        return f"{self.name}[{index}]"


def all_cases() -> list[Case]:
    """Read the whole corpus."""
    return [case for path in sorted(REQUESTS.glob("*.yaml")) for case in _cases_of(path)]


def _cases_of(path: Path) -> Iterator[Case]:
    for function, entry in yaml.safe_load(path.read_text()).items():
        about = {"requests": entry} if isinstance(entry, list) else entry
        yield Case(
            path.stem,
            function,
            about.get("signature"),
            tuple(_sent(each) for each in about["requests"]),
            about.get("live", False),
            about.get("env", {}),
        )


def _sent(entry: str | Mapping[str, Any]) -> Sent:
    about = {"send": entry} if isinstance(entry, str) else dict(entry)
    method, path = about.pop("send").split(" ", 1)
    headers = dict(about.pop("headers", {}))
    body, chunks = b"", ()
    for name, value in about.pop("binary", {}).items():
        headers.setdefault("ce-specversion", "1.0")
        headers[f"ce-{name}"] = value
    if "structured" in about:
        body = _json(about.pop("structured"), headers, "application/cloudevents+json")
    elif "json" in about:
        body = _json(about.pop("json"), headers, "application/json")
    elif "form" in about:
        body = urlencode(about.pop("form"), doseq=True).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif "base64" in about:
        body = base64.b64decode(about.pop("base64"))
    elif "chunks" in about:
        chunks = tuple(each.encode() for each in about.pop("chunks"))
    else:
        body = about.pop("body", "").encode()
    assert not about, f"unknown keys {sorted(about)}"
    return Sent(method, path, tuple(headers.items()), body, chunks)


def on_the_wire(sent: Sent) -> tuple[tuple[str, str], ...]:
    """Give the header fields of a request with those that make its answer repeatable."""
    has_length = bool(sent.body or sent.chunks) or sent.method in ("GET", "HEAD")
    length = () if has_length else (("Content-Length", "0"),)
    return (*sent.headers, ("Function-Execution-Id", "corpus"), *length)


def _json(value: Any, headers: dict[str, str], content_type: str) -> bytes:
    headers.setdefault("Content-Type", content_type)
    return json.dumps(value).encode()
