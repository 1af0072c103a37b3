"""Bodies of HTML forms: urlencoded, and multipart/form-data (RFC 7578) with files.

The body is whole and in memory, so this is a search for delimiters and copies nothing but
the parts. A body that is not a form is refused as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from ffhost.errors import BadRequest, ContentTooLarge
from ffhost.web.fields import Fields, HeaderView, parse_urlencoded
from ffhost.web.mediatypes import mimetype_of, parse_media_type_options

MAX_PARTS = 1000
"""Most parts of one multipart form, as in Flask."""
MAX_FIELD_BYTES = 500_000
"""Most bytes of one multipart field that is not a file, as in Flask.

Files are bounded by the limit of the body.
"""
MAX_PART_HEADER_BYTES = 8192

_TEXT_CHARSETS = {"ascii", "us-ascii", "utf-8", "iso-8859-1"}

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class UploadedFile:
    """One file of a form, read like any binary file.

    Everything that a file can do (``read``, ``seek``, iteration over lines) goes to
    ``stream``.
    """

    def __init__(self, name: str, filename: str, headers: Mapping[str, str], body: bytes) -> None:
        self.name = name
        self.filename = filename
        self.headers = HeaderView(headers)
        self.stream: IO[bytes] = BytesIO(body)
        self.content_length = len(body)

    @property
    def content_type(self) -> str:
        """Return the content type that the client claims, or an empty string."""
        return str(self.headers.get("content-type", ""))

    @property
    def mimetype(self) -> str:
        """Return the content type in lower case, without parameters."""
        return mimetype_of(self.content_type)

    def save(self, destination: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write the rest of the file to a path or to a file open for writing."""
        if isinstance(destination, (str, os.PathLike)):
            with open(destination, "wb") as file:
                file.write(self.stream.read())
        else:
            destination.write(self.stream.read())

    def close(self) -> None:
        """Close the file and free its content."""
        self.stream.close()

    def __bool__(self) -> bool:
        return bool(self.filename)  # browsers send an empty part for a file not chosen

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __getattr__(self, name: str) -> Any:
        if name == "stream" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.stream, name)

    def __repr__(self) -> str:
        return f"UploadedFile({self.filename!r}, {self.content_length} bytes)"


def parse_form(content_type: str, body: bytes) -> tuple[Fields[str], Fields[UploadedFile]]:
    """Read the fields and files of *body*; both are empty if it is not a form by its type.

    Raises:
        BadRequest: the body is not what the content type says
        ContentTooLarge: it holds more or larger parts than a form may have
    """
    mimetype, options = parse_media_type_options(content_type)
    if mimetype == "application/x-www-form-urlencoded":
        return Fields(parse_urlencoded(body.decode("latin-1"))), Fields()
    if mimetype != "multipart/form-data":
        return Fields(), Fields()
    boundary = options.get("boundary", "").rstrip()
    if not 1 <= len(boundary) <= 70:  # RFC 2046, section 5.1.1
        raise BadRequest(
            "the content type of a multipart form needs a boundary of 1 to 70 characters"
        )
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, UploadedFile]] = []
    for count, (headers, content) in enumerate(_parts(body, boundary.encode("latin-1", "replace"))):
        if count >= MAX_PARTS:
            raise ContentTooLarge(f"the form has more than {MAX_PARTS} parts")
        _, names = parse_media_type_options(headers.get("content-disposition", ""))
        name = names.get("name")
        if name is None:
            raise BadRequest(f"part {count} of the multipart form has no name")
        filename = names.get("filename")
        if filename is not None:
            files.append((name, UploadedFile(name, filename, headers, content)))
        elif len(content) > MAX_FIELD_BYTES:
            raise ContentTooLarge(f"the form field {name!r} is larger than {MAX_FIELD_BYTES} bytes")
        else:
            fields.append((name, content.decode(_charset(headers), "replace")))
    return Fields(fields), Fields(files)


def _charset(headers: Mapping[str, str]) -> str:
    _, options = parse_media_type_options(headers.get("content-type", ""))
    charset = options.get("charset", "utf-8").lower()
    return charset if charset in _TEXT_CHARSETS else "utf-8"


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield the headers and the content of each part (RFC 2046, section 5.1.1).

    The first delimiter begins the body or a line; text before it and after the closing
    one is ignored.
    """
    delimiter = b"\r\n--" + boundary
    if body.startswith(delimiter[2:]):
        position = len(delimiter) - 2
    else:
        position = body.find(delimiter) + len(delimiter)
        if position < len(delimiter):
            raise BadRequest("the body of the multipart form does not contain its boundary")
    while body[position : position + 2] != b"--":
        line_end = body.find(b"\r\n", position)
        if line_end < 0 or body[position:line_end].strip(b" \t"):
            raise BadRequest("a boundary of the multipart form does not end its line")
        # A part without headers begins with the empty line itself.
        head_end = body.find(b"\r\n\r\n", line_end)
        if head_end < 0 or head_end - line_end > MAX_PART_HEADER_BYTES:
            raise BadRequest("the headers of a part of the multipart form do not end")
        end = body.find(delimiter, head_end + 2)
        if end < 0:
            raise BadRequest("the body of the multipart form does not end with its boundary")
        yield _part_headers(body[line_end + 2 : head_end]), body[head_end + 4 : end]
        position = end + len(delimiter)


def _part_headers(block: bytes) -> dict[str, str]:
    headers = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers
