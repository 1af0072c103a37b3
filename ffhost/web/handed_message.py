"""The request of a call whose value reaches the function as it is, not as a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ffhost.web.messages import Message

_LENGTH = "content-length"


class HandedMessage(Message):
    """A request with a value, whose body is written when somebody asks for it, once.

    Args:
        value: what the function gets
        write: writes it as the body
        most_bytes: how long the body can be
        method: as for `Message`, like all that follow
    """

    __slots__ = ("_most_bytes", "_write", "_written", "value")

    def __init__(
        self,
        value: Any,
        write: Callable[[Any], bytes],
        most_bytes: int,
        method: str,
        path: str,
        **rest: Any,
    ) -> None:
        super().__init__(method, path, **rest)
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
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name."""
        return {**self._headers, _LENGTH: str(len(self.body))}

    def header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), or None."""
        return str(len(self.body)) if name == _LENGTH else self._headers.get(name)

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field with one of *names* (lower case)."""
        return _LENGTH in names or not names.isdisjoint(self._headers)

    def is_longer_than(self, limit: float) -> bool:
        """Whether the body has more than *limit* bytes; it is written only if it can have."""
        return self._most_bytes > limit and len(self.body) > limit
