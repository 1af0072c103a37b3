"""A request and a response as plain values. Nothing here knows WSGI, ASGI or a socket.

The fronts make a `Message` from what their server passes them, the core turns it into a
`Reply`, and the fronts write that. A front may subclass `Message` to compute the header
mapping only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

HeaderList: TypeAlias = list[tuple[str, str]]
"""Header fields in order; names in any case, one entry a field line."""

Chunks: TypeAlias = Iterator[bytes] | AsyncIterator[bytes]
"""The body of a streamed response; whoever iterates over it closes it."""


class FieldChoice:
    """Some of a request's header fields: those with certain names, or with a prefix.

    Args:
        names: in lower case
        prefix: of the names of further fields, in lower case; None if there are none

    Attributes:
        by_raw_name: the names, by what a server hands over
        raw_prefix: the prefix, as bytes
    """

    __slots__ = ("by_raw_name", "raw_prefix")

    def __init__(self, names: Iterable[str], prefix: str | None = None) -> None:
        self.by_raw_name = {name.encode("latin-1"): name for name in names}
        self.raw_prefix = None if prefix is None else prefix.encode("latin-1")


class Message:
    """One request, whole and in memory.

    Args:
        method: upper case, as received
        path: as received, still percent-encoded, without the query
        query: the text after ``?``; empty if there is none
        headers: lower-case names to values; several field lines are joined with ``", "``
            (``"; "`` for cookies)
        body: the whole body
        scheme: ``http`` or ``https``
        root_path: where the application is mounted (``SCRIPT_NAME``), usually empty
        client: address and port of the client, or None on a unix socket
        server: address and port of the server, or None
        params: values of the path's parameters
    """

    is_mounted = False
    """Whether *root_path* contains the path of the function (``strip_path``)."""

    __slots__ = (
        "_headers",
        "body",
        "client",
        "http_version",
        "method",
        "params",
        "path",
        "query",
        "root_path",
        "scheme",
        "server",
    )

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        scheme: str = "http",
        root_path: str = "",
        client: tuple[str, int] | None = None,
        server: tuple[str, int | None] | None = None,
        http_version: str = "1.1",
        params: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self._headers = headers if headers is not None else {}
        self.body = body
        self.scheme = scheme
        self.root_path = root_path
        self.client = client
        self.server = server
        self.http_version = http_version
        self.params: Mapping[str, str] = params if params is not None else {}

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name."""
        return self._headers

    @property
    def body_bytes(self) -> int | None:
        """Return how long the body is; None if it was never written."""
        return len(self.body)

    def parts(self) -> tuple[Any, ...]:
        """Return all but the body as plain values, for `of_parts` in another process."""
        return (
            self.method,
            self.path,
            self.query,
            {**self.headers},
            self.scheme,
            self.root_path,
            self.client,
            self.server,
            self.http_version,
            {**self.params},
        )

    @classmethod
    def of_parts(cls, parts: tuple[Any, ...], body: bytes) -> Message:
        """Make a message of the parts of another one."""
        message = cls.__new__(cls)
        (
            message.method,
            message.path,
            message.query,
            message._headers,
            message.scheme,
            message.root_path,
            message.client,
            message.server,
            message.http_version,
            message.params,
        ) = parts
        message.body = body
        return message

    def header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), or None."""
        return self.headers.get(name)

    def fields_for(self, choice: FieldChoice) -> Mapping[str, str]:
        """Return at least the header fields of *choice*, by lower-case name."""
        return self.headers

    def is_longer_than(self, limit: float) -> bool:
        """Whether the body has more than *limit* bytes."""
        return len(self.body) > limit

    def add_field(self, name: str, value: str) -> None:
        """Add a header field, which the request does not have yet; *name* in lower case."""
        self._headers = {**self._headers, name: value}

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field with one of *names* (lower case)."""
        return not names.isdisjoint(self.headers)

    def adopt(self) -> None:
        """Write the client's address and scheme into what the server passed, where there is that.

        They may be what a trusted proxy sent.
        """

    def environ(self) -> dict[str, Any] | None:
        """Return the WSGI environ of the request, or None if it came through ASGI."""
        return None

    def scope(self) -> dict[str, Any] | None:
        """Return the ASGI scope of the request, or None if it came through WSGI."""
        return None


class Reply:
    """One response: a status, header fields, and a body in memory or as chunks.

    ``chunks`` is None for a body in memory. The front that sends a reply with chunks owns
    them: it closes them, however sending ends.
    """

    __slots__ = ("body", "chunks", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        headers: HeaderList | None = None,
        body: bytes = b"",
        chunks: Chunks | None = None,
    ) -> None:
        self.status = status
        self.headers: HeaderList = headers if headers is not None else []
        self.body = body
        self.chunks = chunks

    def header(self, name: str) -> str | None:
        """Return the first value of the field *name*, in any case, or None."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def __repr__(self) -> str:
        return f"Reply({self.status}, {self.headers!r}, {len(self.body)} bytes)"
