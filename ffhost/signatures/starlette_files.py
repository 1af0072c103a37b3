"""Starlette's ``FileResponse``, made into a reply: the whole file, or the ranges of it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from typing import Any

from ffhost.errors import ResultError
from ffhost.invocation.current import CURRENT
from ffhost.signatures.chunks import ByteChunks, read_file_chunks
from ffhost.signatures.file_parts import RequestFilePart
from ffhost.web.byte_ranges import UnsatisfiableRange, parse_ranges
from ffhost.web.messages import HeaderList, Message, Reply

_TEXT = ("content-type", "text/plain; charset=utf-8")


def encode_starlette_file(response: Any) -> Reply:
    """Make a reply of a ``FileResponse``, for the request of the running call.

    Raises:
        ResultError: there is no such file
    """
    try:
        file = open(response.path, "rb")  # noqa: SIM115 -- closed with the chunks
    except FileNotFoundError as error:
        raise ResultError(f"a FileResponse of {str(response.path)!r}, which is missing") from error
    try:
        return _encode(response, file)
    except BaseException:
        file.close()
        raise


def _encode(response: Any, file: Any) -> Reply:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise ResultError(f"a FileResponse of {str(response.path)!r}, which is not a file")
    if response.stat_result is None:
        response.set_stat_headers(found)
    headers: HeaderList = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers
    ]
    call = CURRENT.get()
    wanted = None if call is None else _wanted(call.message, response)
    if wanted is not None:
        try:
            ranges = parse_ranges(wanted, found.st_size)
        except UnsatisfiableRange:
            file.close()
            return Reply(416, [_TEXT, ("content-range", f"bytes */{found.st_size}")])
        if len(ranges) == 1:
            return _single(file, headers, ranges[0], found.st_size)
        if ranges:
            return _multiple(file, headers, ranges, found.st_size)
    return Reply(response.status_code, headers, chunks=read_file_chunks(file, headers))


def _wanted(message: Message, response: Any) -> str | None:
    """Return the Range that counts, if any."""
    if response.status_code != 200 or message.method not in ("GET", "HEAD"):
        return None
    condition = message.header("if-range")
    if condition is not None and condition not in (
        response.headers.get("etag"),
        response.headers.get("last-modified"),
    ):
        return None
    return message.header("range")


def _single(file: Any, headers: HeaderList, part: tuple[int, int], size: int) -> Reply:
    start, end = part
    headers = _without(headers, "content-length", "content-range")
    headers.append(("content-range", f"bytes {start}-{end - 1}/{size}"))
    headers.append(("content-length", str(end - start)))
    return Reply(206, headers, chunks=read_file_chunks(file, headers, start=start))


def _multiple(file: Any, headers: HeaderList, ranges: list[tuple[int, int]], size: int) -> Reply:
    """Make a reply of the type ``multipart/byteranges`` (RFC 9110, section 14.6)."""
    boundary = secrets.token_hex(13)
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    heads = [
        f"--{boundary}\r\nContent-Type: {kind}\r\n"
        f"Content-Range: bytes {start}-{end - 1}/{size}\r\n\r\n".encode("latin-1")
        for start, end in ranges
    ]
    last = f"--{boundary}--".encode()
    length = sum(len(head) + 2 for head in heads) + sum(b - a for a, b in ranges) + len(last)
    headers = _without(headers, "content-length", "content-type")
    headers.append(("content-type", f"multipart/byteranges; boundary={boundary}"))
    headers.append(("content-length", str(length)))

    def pieces() -> Iterator[bytes]:
        for head, (start, end) in zip(heads, ranges, strict=True):
            yield head
            yield from RequestFilePart(file, start, end - start, file.close)
            yield b"\r\n"
        yield last

    return Reply(206, headers, chunks=ByteChunks(pieces(), file.close))


def _without(headers: HeaderList, *names: str) -> HeaderList:
    return [field for field in headers if field[0].lower() not in names]
