"""The signature ``wsgi``: a whole WSGI application (PEP 3333) as a function.

It is called, iterated and closed in the thread of the call. The answer waits for the first
chunk, because an application may set its status until then. If that chunk is the whole body, as
it usually is, it is sent from memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from ffhost.errors import ResultError
from ffhost.loading.targets import TargetForm
from ffhost.signatures.chunks import ByteChunks, FileWrapper, read_file_chunks
from ffhost.signatures.codec import Codec, SignatureOptions
from ffhost.signatures.file_parts import RequestFilePart
from ffhost.signatures.mounted_application import (
    ApplicationHead,
    CountedApplicationBody,
    check_application_kind,
    make_application_codec,
    read_application_head,
)
from ffhost.signatures.requests.mount import RequestMount
from ffhost.signatures.requests.wsgi_environ import make_wsgi_environ
from ffhost.web.messages import Message, Reply

Environ = dict[str, Any]


def make_wsgi_codec(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    """Make the codec of a WSGI application.

    Raises:
        LoadError: the target is not one
    """
    name = options.name
    check_application_kind(form, name, "wsgi", 2, "environ and start_response")
    mount = RequestMount(options.mount)

    def decode(message: Message) -> tuple[Environ]:
        environ = make_wsgi_environ(message)
        mount.in_environ(environ)
        # What an application writes there is its log, whatever the server does with its own.
        environ["wsgi.errors"] = sys.stderr
        environ["wsgi.file_wrapper"] = FileWrapper
        if message.params:
            environ["wsgiorg.routing_args"] = ((), dict(message.params))
        return (environ,)

    def call(environ: Environ) -> Reply:
        return _Answer(name, environ["REQUEST_METHOD"]).of(target, environ)

    return make_application_codec("wsgi", options, decode, call, is_async=False)


class _Answer:
    """The answer to one request, while the application makes it."""

    def __init__(self, name: str, method: str) -> None:
        self._name = name
        self._method = method
        self._head: ApplicationHead | None = None
        self._begun = False
        self._written: list[bytes] = []

    def of(self, application: Callable[..., Iterable[bytes]], environ: Environ) -> Reply:
        """Call the application and return its reply; its iterable is closed at the end."""
        result = application(environ, self._start_response)
        if type(result) is FileWrapper and (file := self._file(result)) is not None:
            return file
        close = getattr(result, "close", None)
        chunks = ByteChunks(self._chunks(iter(result)), close or _nothing)
        try:
            reply = self._reply(chunks, is_short=isinstance(result, (list, tuple)))
        except BaseException:
            chunks.close()
            raise
        if reply.chunks is None:
            chunks.close()
        return reply

    def _file(self, wrapper: FileWrapper) -> Reply | None:
        """Make a reply of a regular file; None of what has to be read to know what it is."""
        head = self._head
        if head is None or self._written or head.expected(self._method) != head.length:
            return None
        chunks = read_file_chunks(wrapper.file, head.fields, wrapper.close)
        if not isinstance(chunks, RequestFilePart):
            return None
        return Reply(head.status, head.fields, chunks=chunks)

    def _reply(self, chunks: ByteChunks, *, is_short: bool) -> Reply:
        # A HEAD request needs no body: none is made once the head is known.
        first = b"" if self._method == "HEAD" and self._head else next(chunks, b"")
        head = self._said()
        self._begun = True
        if self._method == "HEAD":
            return head.whole("HEAD", b"")
        length = head.expected(self._method)
        body = _counted(first, chunks, CountedApplicationBody(self._name, length))
        if is_short or not first or len(first) == length:
            return head.whole(self._method, b"".join(body))
        return Reply(head.status, head.fields, chunks=ByteChunks(body, chunks.close))

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._begun:
            try:
                raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # PEP 3333: no cycle through the traceback
        if exc_info is None and self._head is not None:
            raise RuntimeError("start_response was called twice, and without exc_info")
        self._head = read_application_head(self._name, status, headers)
        # The legacy ``write``: kept in memory until the next chunk, which PEP 3333 permits.
        return self._written.append

    def _chunks(self, result: Iterator[Any]) -> Iterator[bytes]:
        """Return what is written and what is yielded, without the empty pieces."""
        while True:
            chunk = next(result, None)
            if self._written:
                written = b"".join(self._written)
                self._written.clear()
                yield written
            if chunk is None:
                return
            if not isinstance(chunk, (bytes, bytearray, memoryview)):
                raise ResultError(f"{self._name} yielded {type(chunk).__name__}; yield bytes")
            if chunk:
                self._said()
                yield bytes(chunk)

    def _said(self) -> ApplicationHead:
        if self._head is None:
            raise ResultError(f"{self._name} answered without calling start_response")
        return self._head


def _counted(
    first: bytes, rest: Iterator[bytes], counted: CountedApplicationBody
) -> Iterator[bytes]:
    for chunk in chain([first], rest):
        counted.add(chunk)
        yield chunk
    counted.end()


def _nothing() -> None:
    """Return at once: the iterable has no ``close``."""
