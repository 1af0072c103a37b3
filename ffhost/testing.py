"""Functions in tests: the whole host in this process, without a server.

A client loads the configuration as ``ffhost serve`` does, runs start-up hooks when it is
entered and shut-down hooks when it is left, and leaves nothing running. In coroutines it is
used with ``async with``, `Client.request_async` and `Client.send_async`.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_to_bytes

from ffhost._lazy import lazy_names
from ffhost.config import ConfigSources
from ffhost.execution.loops import BackgroundLoop
from ffhost.host.service import Service

if TYPE_CHECKING:
    from types import TracebackType

    from ffhost.asgi import FalconAsgiApp
    from ffhost.events.builders import (
        Form,
        background_event,
        firestore_event,
        make_cloud_event,
        pubsub_event,
        pubsub_push,
        storage_event,
    )
    from ffhost.host.call_record import MadeCall
    from ffhost.wsgi import FalconWsgiApp

Front = Literal["asgi", "wsgi"]
_LINGER_SECONDS = 0.1

__all__ = [
    "Answer",
    "Client",
    "MadeCall",
    "background_event",
    "client",
    "firestore_event",
    "make_cloud_event",
    "pubsub_event",
    "pubsub_push",
    "storage_event",
]


# The builders need the CloudEvents SDK, which tests of plain HTTP functions do not pay for.
_BUILDERS = [name for name in __all__ if name.islower() and name != "client"]
__getattr__ = lazy_names(
    __name__,
    {
        "MadeCall": "ffhost.host.call_record",
        **dict.fromkeys(_BUILDERS, "ffhost.events.builders"),
    },
)


@dataclass
class Answer:
    """The answer of a function.

    Args:
        status: the HTTP status
        fields: all header lines in order, as (name, value)
        chunks: the pieces of the body as they were sent
        cut: whether the connection was closed before the end of the body

    Example:
        >>> answer = Answer(200, [("Content-Type", "application/json")], [b'{"id": 7}'])
        >>> answer.headers["content-type"], answer.json()
        ('application/json', {'id': 7})

    Since 0.1.
    """

    status: int
    fields: list[tuple[str, str]]
    chunks: list[bytes] = field(default_factory=list)
    cut: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Return the header fields by lower-case name; several lines are joined with ``", "``."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            name = name.lower()
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    @property
    def body(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks)

    @property
    def text(self) -> str:
        """Return the body as text (UTF-8)."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the value of the JSON in the body."""
        return jsonlib.loads(self.body)


class Client:
    """A host in this process that calls the functions of one configuration.

    `client` makes it. Entering it loads the configuration and runs start-up hooks, leaving it
    runs shut-down hooks. It works with ``with`` and ``async with``.

    Args:
        sources: what the configuration is made of
        front: the front that answers, ``asgi`` or ``wsgi``

    Example:
        >>> with client("functions.yaml") as host:
        ...     host.post("/order", json={"item": "tea", "quantity": 0, "price": 1}).status
        422

    Since 0.1.
    """

    def __init__(self, sources: ConfigSources, front: Front = "asgi") -> None:
        self.service = Service(sources, embedded=True)
        self._front = front
        self._loop = BackgroundLoop()
        self._asgi: FalconAsgiApp | None = None
        self._wsgi: FalconWsgiApp | None = None
        self._calls: list[MadeCall] | None = None

    def __enter__(self) -> Client:
        if self._front == "asgi":
            from ffhost.asgi import create_app

            self._asgi = create_app(self.service)
            self._loop.run(self.service.start_async())
        else:
            from ffhost.wsgi import create_app as create_wsgi_app

            self._wsgi = create_wsgi_app(self.service)
            self.service.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._front == "asgi":
            self._loop.run(self.service.stop_async())
        else:
            self.service.stop()
        self._loop.close()

    async def __aenter__(self) -> Client:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, traceback)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | str | Iterable[bytes] = b"",
        json: Any = None,
        disconnect_after: int | None = None,
    ) -> Answer:
        """Send one request and wait for the whole answer.

        Args:
            method: the HTTP method, in upper case
            path: with its query, percent-encoded
            headers: a mapping, or (name, value) pairs
            body: bytes, or text sent as UTF-8; an iterable is sent in pieces, without a length
            json: a value to send as JSON; None for none
            disconnect_after: number of pieces after which the client leaves; None to stay
        """
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        if json is not None:
            body = jsonlib.dumps(json).encode()
            fields.append(("content-type", "application/json"))
        if isinstance(body, str):
            body = body.encode()
        pieces = [body] if isinstance(body, bytes) else list(body)
        if isinstance(body, bytes) and body:
            fields.append(("content-length", str(len(body))))
        elif not isinstance(body, bytes):
            fields.append(("transfer-encoding", "chunked"))
        if self._asgi is not None:
            exchange = _AsgiExchange(pieces, disconnect_after)
            answer: Answer = self._loop.run(exchange.run(self._asgi, method, path, fields))
            return answer
        assert self._wsgi is not None, "use the client in a with statement"
        return _call_wsgi(self._wsgi, method, path, fields, pieces, disconnect_after)

    async def request_async(self, method: str, path: str, **options: Any) -> Answer:
        """Send one request as `request` does, without blocking the running loop.

        Args:
            method: the HTTP method, in upper case
            path: with its query, percent-encoded
            options: further arguments of `request`
        """
        return await asyncio.to_thread(self.request, method, path, **options)

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET request.

        Args:
            path: with its query, percent-encoded
            options: further arguments of `request`
        """
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Send a POST request.

        Args:
            path: with its query, percent-encoded
            options: further arguments of `request`
        """
        return self.request("POST", path, **options)

    def replace(self, name: str, fake: Any) -> None:
        """Put *fake* in the place of a function when others call it by name, also after reloads.

        Args:
            name: the function; it may be one that is served elsewhere
            fake: what is answered, or a plain or coroutine function that takes a `MadeCall`
            and
                returns it: text, bytes, a value for JSON, ``(body, status)``, None, an
                `ffhost.CallAnswer`, or an iterator of chunks; a generator function is one, too

        Since 0.2.
        """
        from ffhost.host.fake_function import FakeFunction

        self.service.host.replacements[name] = FakeFunction(fake)

    @property
    def calls(self) -> list[MadeCall]:
        """Return the calls by name that functions have made since this was first asked for.

        It goes on after reloads.

        Since 0.2.
        """
        if self._calls is None:
            from ffhost.host.call_record import NamedCallRecord

            self._calls = []
            self.service.host.on_call = NamedCallRecord(self._calls).take
        return self._calls

    def send(self, path: str, event: Form, **options: Any) -> Answer:
        """Send an event by POST.

        Args:
            path: the path of the function
            event: headers and body, as a builder such as `pubsub_event` returns them
            options: further arguments of `request`
        """
        headers, body = event
        return self.request("POST", path, headers=headers, body=body, **options)

    async def send_async(self, path: str, event: Form, **options: Any) -> Answer:
        """Send an event as `send` does, without blocking the running loop.

        Args:
            path: the path of the function
            event: headers and body, as a builder returns them
            options: further arguments of `request`
        """
        headers, body = event
        return await self.request_async("POST", path, headers=headers, body=body, **options)


def client(
    config: str | Path | None = None,
    *,
    front: Front = "asgi",
    environ: Mapping[str, str] | None = None,
    sets: Iterable[str] = (),
    flags: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
) -> Client:
    """Make a client for a configuration.

    Args:
        config: file or folder; None for what *environ* and *flags* describe
        front: the front that answers, ``asgi`` or ``wsgi``
        environ: environment variables for the configuration, in place of the real ones;
            None for none
        sets: values as ``--set`` takes them, such as ``functions.resize.timeout=5s``
        flags: values of named options, such as ``{"target": "hello"}``; None for none
        cwd: folder that relative paths begin at; None for the current one

    Returns:
        A `Client`, for a ``with`` or ``async with`` statement.

    Raises:
        ConfigError: (when the client is entered) the configuration has mistakes
        HookFailed: (when the client is entered) a start-up hook failed

    Example:
        >>> with client("functions.yaml", sets=["functions.hello.timeout=5s"]) as host:
        ...     answer = host.get("/hello?name=Ada")
        >>> answer.status, answer.text
        (200, 'Hello, Ada!\\n')

    Since 0.1.
    """
    return Client(
        ConfigSources(
            config=None if config is None else str(config),
            environ=dict(environ or {}),
            flags=dict(flags or {}),
            sets=tuple(sets),
            cwd=cwd or Path.cwd(),
        ),
        front,
    )


class _AsgiExchange:
    """One request and its answer, handled as by an ASGI server."""

    def __init__(self, pieces: list[bytes], disconnect_after: int | None) -> None:
        self._pieces = pieces
        self._disconnect_after = disconnect_after
        self._gone = asyncio.Event()
        self._whole = asyncio.Event()
        self._answer = Answer(0, [])

    async def run(self, app: Any, method: str, path: str, fields: list[tuple[str, str]]) -> Answer:
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(target).decode(errors="replace"),
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in fields],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
        }
        if "host" not in {name.lower() for name, _ in fields}:
            scope["headers"].insert(0, (b"host", b"localhost:8080"))  # type: ignore[attr-defined]
        work = asyncio.ensure_future(app(scope, self._receive, self._send))
        whole = asyncio.ensure_future(self._whole.wait())
        await asyncio.wait({work, whole}, return_when=asyncio.FIRST_COMPLETED)
        whole.cancel()
        # Like a server, a client that has its answer does not wait for what goes on behind it.
        await asyncio.wait({work}, timeout=_LINGER_SECONDS)
        if work.done() and work.exception() is not None:
            if not self._answer.status:
                await work
            self._answer.cut = True
        return self._answer

    async def _receive(self) -> dict[str, Any]:
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: dict[str, Any]) -> None:
        if self._gone.is_set():
            return
        if event["type"] == "http.response.start":
            self._answer.status = event["status"]
            self._answer.fields = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in event["headers"]
            ]
            return
        if event.get("body"):
            self._answer.chunks.append(event["body"])
        if not event.get("more_body"):
            self._whole.set()
        if not event.get("more_body") or len(self._answer.chunks) == self._disconnect_after:
            self._gone.set()


def _call_wsgi(
    app: Any,
    method: str,
    path: str,
    fields: list[tuple[str, str]],
    pieces: list[bytes],
    disconnect_after: int | None,
) -> Answer:
    answer = Answer(0, [])

    def start_response(status: str, headers: list[tuple[str, str]], _info: Any = None) -> None:
        answer.status, answer.fields = int(status[:3]), headers

    chunks = app(_environ(method, path, fields, b"".join(pieces)), start_response)
    try:
        for chunk in chunks:
            if chunk:
                answer.chunks.append(chunk)
            if len(answer.chunks) == disconnect_after:
                break
    except Exception:
        answer.cut = True
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return answer


def _environ(method: str, path: str, fields: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    target, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(target).decode("latin-1"),
        "RAW_URI": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "HTTP_HOST": "localhost:8080",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in fields:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        separator = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ
