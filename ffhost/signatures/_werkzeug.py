"""Werkzeug's inside, as answers with files use it; checked at import.

`send_file` leaves a wrapper around the open file in the response. With a range it puts that into
another one, which is private. The server reads the file itself, many times as fast.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from ffhost._library import InstalledLibrary

library = InstalledLibrary("werkzeug", tested="3.1.9")
with library.imports():
    from werkzeug import wsgi

library.require(wsgi, {"_RangeWrapper": "send a part of a file"})
library.require(
    wsgi._RangeWrapper,
    {
        "iterable": "send a part of a file",
        "start_byte": "send a part of a file",
        "byte_range": "send a part of a file",
    },
)


_FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO, io.BytesIO)


class WrappedFile(NamedTuple):
    """A file in a response.

    Args:
        file: the file
        start: where the part that is sent begins; None: at the file's position
        length: how many bytes are sent; None: all
    """

    file: Any
    start: int | None = None
    length: int | None = None


def wrapped_file(body: Any) -> WrappedFile | None:
    """Return the file that *body*, of a response, is or was made of; None if it is something else.

    Werkzeug would iterate over the lines of a file that was returned as it is.
    """
    if type(body) in _FILES:
        return WrappedFile(body)
    if type(body) is wsgi.FileWrapper:
        return WrappedFile(body.file)
    if type(body) is wsgi._RangeWrapper and type(body.iterable) is wsgi.FileWrapper:
        return WrappedFile(body.iterable.file, body.start_byte, body.byte_range)
    return None
