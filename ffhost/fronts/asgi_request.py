"""Requests from an ASGI server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote

import falcon.request

from ffhost.web.messages import FieldChoice, Message, Reply

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

SEND: ContextVar[Send] = ContextVar("ffhost_send")
"""ASGI's ``send`` of the running request, for answers that bypass Falcon."""


_QUESTION_MARK = ord("?")


# Another server knows bytes only, and so does an application around ours.


def asgi_server_takes_files() -> bool:
    """Whether what is sent for the running request may be a `FileBody`."""
    return getattr(getattr(SEND.get(None), "__self__", None), "takes_files", False)


def asgi_server_takes_groups() -> bool:
    """Whether what is sent for the running request may be a `ChunkGroup`."""
    return getattr(getattr(SEND.get(None), "__self__", None), "takes_groups", False)


async def send_asgi_reply(send: Send, reply: Reply, *, head: bool = False) -> None:
    """Send *reply* without Falcon; *head*: without its body."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


@lru_cache
def _encoded(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset(name.encode("latin-1") for name in names)


def _joined(fields: Mapping[str, str], name: str, value: str) -> str:
    """Return the value of a field that is repeated."""
    return fields[name] + ("; " if name == "cookie" else ", ") + value


class AsgiScopeMessage(Message):
    """A request from an ASGI scope; rarely needed parts are read on access."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope, body: bytes, params: Mapping[str, str]) -> None:
        self._scope = scope
        self._headers = None  # type: ignore[assignment]
        self.method = scope["method"]
        self.body = body
        self.params = params
        self.scheme = scope["scheme"]
        self.client = scope.get("client")

    @property
    def path(self) -> str:  # type: ignore[override]
        """Return the path as received."""
        raw: bytes | None = self._scope.get("raw_path")
        if raw is None:
            return quote(self._scope["path"], safe="/%:@!$&'()*+,;=~-._")
        return (raw.partition(b"?")[0] if _QUESTION_MARK in raw else raw).decode("latin-1")

    @property
    def query(self) -> str:  # type: ignore[override]
        """Return the query as received."""
        query: bytes = self._scope["query_string"]
        return query.decode("latin-1")

    @property
    def root_path(self) -> str:  # type: ignore[override]
        """Return where the application is mounted."""
        path: str = self._scope.get("root_path", "")
        return path

    @property
    def server(self) -> tuple[str, int | None] | None:  # type: ignore[override]
        """Return the server's own address."""
        server: tuple[str, int | None] | None = self._scope.get("server")
        return server

    @property
    def http_version(self) -> str:  # type: ignore[override]
        """Return the version of HTTP."""
        version: str = self._scope.get("http_version", "1.1")
        return version

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name, read at the first use."""
        if self._headers is None:
            headers: dict[str, str] = {}
            for raw_name, raw_value in self._scope["headers"]:
                name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
                headers[name] = value if name not in headers else _joined(headers, name, value)
            self._headers = headers
        return self._headers

    def fields_for(self, choice: FieldChoice) -> Mapping[str, str]:
        """Return at least the header fields of *choice*, by lower-case name."""
        if self._headers is not None:
            return self._headers
        names, prefix = choice.by_raw_name, choice.raw_prefix
        fields: dict[str, str] = {}
        for raw_name, raw_value in self._scope["headers"]:
            if raw_name in names:
                name = names[raw_name]
            elif prefix is not None and raw_name.startswith(prefix):
                name = raw_name.decode("latin-1")
            else:
                continue
            value = raw_value.decode("latin-1")
            fields[name] = value if name not in fields else _joined(fields, name, value)
        return fields

    def header(self, name: str) -> str | None:
        """Return the value of the field *name* (lower case), or None."""
        if self._headers is None:
            wanted = name.encode("latin-1")
            found: bytes | None = None
            for raw_name, raw_value in self._scope["headers"]:
                if raw_name == wanted:
                    if found is not None:
                        return self.headers[name]
                    found = raw_value
            return None if found is None else found.decode("latin-1")
        return self._headers.get(name)

    def add_field(self, name: str, value: str) -> None:
        """Add a header field to the message and its scope."""
        field = (name.encode("latin-1"), value.encode("latin-1"))
        self._scope["headers"] = [*self._scope["headers"], field]
        if self._headers is not None:
            self._headers = {**self._headers, name: value}

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field with one of *names* (lower case)."""
        if self._headers is None:
            given = [raw_name for raw_name, _ in self._scope["headers"]]
            return not _encoded(names).isdisjoint(given)
        return super().has_any(names)

    def parts(self) -> tuple[Any, ...]:
        """Return all but the body as plain values."""
        scope = self._scope
        return (
            self.method,
            self.path,
            scope["query_string"].decode("latin-1"),
            self.headers,
            self.scheme,
            scope.get("root_path", ""),
            self.client,
            scope.get("server"),
            scope.get("http_version", "1.1"),
            {**self.params},
        )

    def scope(self) -> dict[str, Any]:
        """Return the ASGI scope."""
        return self._scope  # type: ignore[return-value]

    def adopt(self) -> None:
        """Write the client's address and scheme into the scope."""
        self._scope["scheme"] = self.scheme
        self._scope["client"] = self.client


def asgi_path_below_root(root: str, path: str) -> str:
    """Return what follows *root* in *path*, which contains it in ASGI, unlike in WSGI.

    A path that does not begin with it is returned unchanged: some servers (hypercorn) and older
    versions of others (uvicorn before 0.26) pass on what a proxy has stripped.
    """
    if path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :]
    return path


class AsgiFrontRequest:
    """The part of a request that Falcon needs to route it.

    Falcon's own class reads headers, query and media type of every request, and has room for all
    that they may be asked for. Functions get a request of their own, made from the message.
    """

    __slots__ = (
        "first_event",
        "is_websocket",
        "method",
        "path",
        "receive",
        "scope",
        "uri_template",
    )

    def __init__(
        self,
        scope: Any,
        receive: Any,
        first_event: Any = None,
        options: falcon.request.RequestOptions | None = None,
    ) -> None:
        self.scope = scope
        self.is_websocket = False
        self.method = scope["method"]
        path = scope["path"]
        root = scope.get("root_path")
        self.path = (asgi_path_below_root(root, path) if root else path) or "/"
        self.receive = receive
        self.first_event = first_event
