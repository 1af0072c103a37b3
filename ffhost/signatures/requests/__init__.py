"""The request objects of http functions. Nothing here waits, reads a socket or calls user code.

`Request` is what a function gets unless it asks for another; adapters for the request
objects of other frameworks live beside it and are picked when a function is loaded. Each is
imported by the functions that use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ffhost._lazy import lazy_names
from ffhost._records import Record
from ffhost.web.messages import Message

if TYPE_CHECKING:
    from ffhost.invocation.call import Call
    from ffhost.signatures.requests.native_request import Request
    from ffhost.signatures.requests.wsgi_environ import make_wsgi_environ
    from ffhost.web.fields import Fields, MissingField
    from ffhost.web.forms import UploadedFile

_HOMES = {
    "Fields": "ffhost.web.fields",
    "MissingField": "ffhost.web.fields",
    "Request": "ffhost.signatures.requests.native_request",
    "UploadedFile": "ffhost.web.forms",
    "make_wsgi_environ": "ffhost.signatures.requests.wsgi_environ",
}


Prepare: TypeAlias = Callable[[Message, "Call | None"], None]
"""Changes the message of a call before anything of it is read."""


class RequestAdapter(Record):
    """How http functions of one kind get their request.

    ``make`` builds the request object. ``around``, if there is one, is applied once when the
    function is loaded: it gets the target and whether that is a coroutine function, and
    returns the callable to call instead, for frameworks whose functions run inside a context.
    """

    make: Callable[[Message], Any]
    around: Callable[[Callable[..., Any], bool], Callable[..., Any]] | None = None


def native_request_adapter() -> RequestAdapter:
    """Return the adapter of functions that get a `Request`."""
    from ffhost.signatures.requests.native_request import Request

    return RequestAdapter(Request, None)


__all__ = [
    "Fields",
    "MissingField",
    "Request",
    "RequestAdapter",
    "UploadedFile",
    "make_wsgi_environ",
    "native_request_adapter",
]


__getattr__ = lazy_names(__name__, _HOMES)
