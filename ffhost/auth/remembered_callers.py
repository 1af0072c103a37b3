"""What a worker remembers of callers: tokens that it has verified, deliveries that it took."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from ffhost.auth.principals import Principal

TOKENS = 4096
"""Verified tokens of one way. With `TOKEN_BYTES` this is 16 MiB at most."""
TOKEN_BYTES = 4096
"""Larger payloads are verified at each call, so that a few callers cannot fill the memory."""
DELIVERIES = 10_000
"""Ids of webhooks that one way remembers, some 200 bytes each."""

V = TypeVar("V")


class RememberedTokens(Generic[V]):
    """A mapping that forgets what was put into it first; for any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[bytes | str, V] = {}
        self._lock = threading.Lock()

    def get(self, key: bytes | str) -> V | None:
        """Return the value of *key*, or None."""
        return self._values.get(key)

    def put(self, key: bytes | str, value: V) -> None:
        """Remember *value*, as the newest."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > self._limit:
                del self._values[next(iter(self._values))]

    def drop(self, key: bytes | str) -> None:
        """Forget *key*."""
        with self._lock:
            self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values)


class WebhookDeliveries:
    """Ids of standard webhooks whose calls were answered 2xx.

    The id stays the same when a sender repeats a delivery. An id counts for one function:
    another that the same sender calls gets its own delivery.
    """

    def __init__(self, limit: int = DELIVERIES) -> None:
        self._taken: RememberedTokens[bool] = RememberedTokens(limit)

    def taken(self, function: str, principal: Principal) -> bool:
        """Whether *function* has taken this delivery before."""
        return self._taken.get(f"{function} {principal.delivery}") is not None

    def take(self, function: str, principal: Principal) -> None:
        """Remember that *function* has answered this delivery with 2xx."""
        self._taken.put(f"{function} {principal.delivery}", True)
