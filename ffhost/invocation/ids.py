"""The ids of a call: its execution id, and the trace and span that the caller named."""

from __future__ import annotations

import re
from random import getrandbits

from ffhost.web.messages import Message

EXECUTION_ID_HEADER = "function-execution-id"
_EXECUTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;.*)?")


def choose_execution_id(given: str | None) -> str:
    """Return the execution id that the caller sent if it is well-formed, else a new one."""
    if given is not None and _EXECUTION_ID.fullmatch(given):
        return given
    return "%016x" % getrandbits(64)  # noqa: UP031 (a format string takes twice as long)


def read_trace_ids(message: Message) -> tuple[str | None, str | None]:
    """Return trace and span id that the caller sent, in W3C's or Google Cloud's format."""
    given = message.header("traceparent")
    if given is not None:
        found = _TRACEPARENT.fullmatch(given)
        if found is not None and given[:2] != "ff" and found[1].strip("0") and found[2].strip("0"):
            return found[1], found[2]
    given = message.header("x-cloud-trace-context")
    found = None if given is None else _CLOUD_TRACE.fullmatch(given)
    if found is None or not found[1].strip("0"):
        return None, None
    span = int(found[2] or 0)
    return found[1].lower(), f"{span:016x}" if 0 < span < 1 << 64 else None
