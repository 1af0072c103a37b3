"""The request of a call that no HTTP brought: one function makes it of another, or of an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ffhost.web.messages import Message

NO_PARAMS: Final[Mapping[str, str]] = {}


class InnerMessage(Message):
    """A request whose header fields are written when somebody asks for them, once.

    Args:
        asked: the request that the caller answers; scheme and server are the same
        write_fields: returns the header fields by lower-case name
        method: as for `Message`, like all that follow
    """

    __slots__ = ("_asked", "_write_fields")

    def __init__(
        self,
        asked: Message,
        write_fields: Callable[[], dict[str, str]],
        method: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        params: Mapping[str, str] = NO_PARAMS,
    ) -> None:
        self._asked = asked
        self._write_fields = write_fields
        self._headers = None  # type: ignore[assignment]
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.params = params
        self.scheme = asked.scheme
        self.root_path = ""
        self.client = None
        self.http_version = "1.1"

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name."""
        return self._written_fields()

    @property
    def server(self) -> tuple[str, int | None] | None:  # type: ignore[override]
        """Return the server's own address."""
        return self._asked.server

    def add_field(self, name: str, value: str) -> None:
        """Add a header field, which the request does not have yet; *name* in lower case."""
        self._headers = {**self._written_fields(), name: value}

    def _written_fields(self) -> Mapping[str, str]:
        if self._headers is None:
            self._headers = self._write_fields()
        return self._headers
