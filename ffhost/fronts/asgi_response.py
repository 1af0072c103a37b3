"""The response that Falcon's ASGI application writes replies with."""

from __future__ import annotations

from typing import Any

import falcon.asgi


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
