"""The response that Falcon's ASGI application writes replies with, and what it uses of Falcon's."""

from __future__ import annotations

from typing import Any

from ffhost._library import InstalledLibrary

library = InstalledLibrary("falcon", tested="4.4.0")
with library.imports():
    import falcon.asgi

library.require(
    falcon.asgi.Response,
    {
        "_cookies": "write replies without preparing for cookies",
        "_data": "write the body of a reply",
        "_extra_headers": "write header fields that are repeated",
        "_headers": "write the header fields of a reply",
        "_media": "write replies without preparing for media",
        "_registered_callbacks": "write replies without preparing for callbacks",
        "_sse": "write replies without preparing for events",
    },
)
library.require(falcon.App, {"_response_type": "write replies into a response of its own"})


class AsgiFrontResponse(falcon.asgi.Response):
    """The part of a response that a reply needs.

    Falcon's own constructor prepares for media and makes a context, which no reply has. What it
    leaves to its class has a slot here, which Python reads faster. Functions that are Falcon
    responders get Falcon's own.
    """

    __slots__ = ("_registered_callbacks", "_sse", "complete")

    status_code: Any = falcon.Response.status  # the same slot: the status of a reply is a number
    _media = context = options = None  # type: ignore[assignment]

    def __init__(self, options: Any = None) -> None:
        self._headers = {}
        self.complete = False
        self._extra_headers = self._cookies = None
        self.text = self._data = self.stream = self._sse = self._registered_callbacks = None


def write_front_responses(app: falcon.asgi.App[Any, Any]) -> None:
    """Make *app* write replies with `AsgiFrontResponse`.

    As an argument of its constructor the class would count as one that renders bodies its own way,
    which costs a call for each reply.
    """
    app._response_type = AsgiFrontResponse
