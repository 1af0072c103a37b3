"""What a host tells another one of a call by name: who waits for it, and for how long."""

from __future__ import annotations

import time
from typing import Final

from ffhost.errors import LoopDetected
from ffhost.invocation.call import Call

CHAIN_FIELD: Final = "ffhost-chain"
"""Names of the functions that wait, the first caller first. It can only refuse a call."""
DEADLINE_FIELD: Final = "ffhost-deadline"
"""Milliseconds that the caller has left. It can only shorten the time of a call."""
CALL_FIELDS: Final = frozenset({CHAIN_FIELD, DEADLINE_FIELD})
CHAIN_LIMIT: Final = 16
"""Most functions that may wait for each other."""


def named_call_chain(call: Call) -> tuple[str, ...]:
    """Return the functions that wait once *call* calls another: its chain, and itself."""
    return (*call.chain, call.function.name)


def read_named_call_fields(call: Call) -> None:
    """Take over what a function of another host says of its chain and its deadline.

    Raises:
        LoopDetected: too many functions wait for each other
    """
    call.chain = read_named_call_chain(call.message.header(CHAIN_FIELD) or "")
    if len(call.chain) > CHAIN_LIMIT:
        raise LoopDetected(f"more than {CHAIN_LIMIT} calls wait for each other")
    ends_at = read_named_call_deadline(call.message.header(DEADLINE_FIELD))
    if ends_at is not None:
        call.ends_at = ends_at


def read_named_call_chain(text: str) -> tuple[str, ...]:
    """Return the names in a chain field."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_named_call_deadline(text: str | None) -> float | None:
    """Return when a deadline field's time is over, on the monotonic clock; None for no number."""
    if text is None or not text.isdecimal() or len(text) > 12:
        return None
    return time.monotonic() + int(text) / 1000
