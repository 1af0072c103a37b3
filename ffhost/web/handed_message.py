"""The request of a call whose value reaches the function as it is, not as a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ffhost.web.inner_message import NO_PARAMS, InnerMessage
from ffhost.web.messages import Message

_LENGTH = "content-length"


class HandedMessage(InnerMessage):
    """A request with a value, whose body is written when somebody asks for it, once.

    Args:
        value: what the function gets
        write: writes it as the body
        most_bytes: how long the body can be
        asked: as for `InnerMessage`, like all that follow
    """

    __slots__ = ("_most_bytes", "_write", "_written", "value")

    def __init__(
        self,
        value: Any,
        write: Callable[[Any], bytes],
        most_bytes: int,
        asked: Message,
        write_fields: Callable[[], dict[str, str]],
        method: str,
        path: str,
        query: str = "",
        params: Mapping[str, str] = NO_PARAMS,
    ) -> None:
        super().__init__(asked, write_fields, method, path, query, params=params)
        self.value = value
        self._write = write
        self._written: bytes | None = None
        self._most_bytes = most_bytes

    @property
    def body(self) -> bytes:
        """Return the whole body."""
        if self._written is None:
            self._written = self._write(self.value)
        return self._written

    @body.setter
    def body(self, body: bytes) -> None:
        self._written = body

    @property
    def body_bytes(self) -> int | None:
        """Return how long the body is; None as long as nobody has asked for it."""
        return None if self._written is None else len(self._written)

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name; without a written body no length."""
        fields = self._written_fields()
        return fields if self._written is None else {**fields, _LENGTH: str(len(self._written))}

    def header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), or None."""
        return self.headers.get(name) if name == _LENGTH else self._written_fields().get(name)

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field with one of *names* (lower case)."""
        return not names.isdisjoint(self.headers)

    def is_longer_than(self, limit: float) -> bool:
        """Whether the body has more than *limit* bytes; it is written only if it can have."""
        return self._most_bytes > limit and len(self.body) > limit
