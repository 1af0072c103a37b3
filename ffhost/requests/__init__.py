"""What an http function gets for a request. Nothing here waits, reads a socket or calls user code.

`Request` is what a function gets unless it asks for another; adapters for the request
objects of other frameworks live beside it and are picked when a function is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ffhost.messages import Message
from ffhost.requests.environ import build_environ
from ffhost.requests.fields import Fields, MissingField
from ffhost.requests.forms import UploadedFile
from ffhost.requests.native import Request


class Adapter(NamedTuple):
    """How http functions of one kind get their request.

    ``make`` builds the request object. ``around``, if there is one, is applied once when the
    function is loaded: it gets the target and whether that is a coroutine function, and
    gives the callable to call instead, for frameworks whose functions run inside a context.
    """

    make: Callable[[Message], Any]
    around: Callable[[Callable[..., Any], bool], Callable[..., Any]] | None = None


NATIVE = Adapter(Request)

__all__ = [
    "NATIVE",
    "Adapter",
    "Fields",
    "MissingField",
    "Request",
    "UploadedFile",
    "build_environ",
]
