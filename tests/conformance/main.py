"""The tools that the conformance suite of MCP asks for."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

import ffhost

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


@dataclass
class Nothing:
    """A tool without arguments takes this."""


class address(BaseModel):
    """The suite looks for a definition of this name."""

    street: str = ""
    city: str = ""


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""
    home: address = address()


@ffhost.typed
def test_simple_text(nothing: Nothing) -> str:
    """Return a text."""
    return "This is a simple text response for testing."


@ffhost.typed
def test_image_content(nothing: Nothing):
    """Return an image."""
    return ffhost.Response(base64.b64decode(PIXEL), content_type="image/png")


@ffhost.typed
def test_error_handling(nothing: Nothing) -> str:
    """Fail."""
    raise ValueError("which no agent is told")


@ffhost.typed
async def test_tool_with_progress(nothing: Nothing) -> AsyncIterator[str]:
    """Stream three steps."""
    for step in ("0 of 100", "50 of 100", "100 of 100"):
        yield f"{step}\n"
        await asyncio.sleep(0.05)


@ffhost.typed
def json_schema_2020_12_tool(person: Person) -> Person:
    """Take a type with a definition."""
    return person
