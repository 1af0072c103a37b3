"""The OpenAPI document of what a service serves, made once for each host.

The admin listener and the address ``openapi.path`` of the public one serve the same document.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress

import orjson

from ffhost.deploy.openapi import make_openapi_document, openapi_title_and_version
from ffhost.errors import Unavailable
from ffhost.host.snapshot import Host
from ffhost.web.messages import Reply


class ServedApiDocument:
    """The document of the current host. It lives in the store of the service."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host: weakref.ref[Host] | None = None
        self._text = b""

    def reply(self, host: Host) -> Reply:
        """Return the document of *host*; functions that were not loaded yet are loaded for it."""
        with self._lock:
            if self._host is None or self._host() is not host:
                _load_all(host)
                self._text = _text(host)
                is_whole = all(each.late_load is None for each in host.functions.values())
                self._host = weakref.ref(host) if is_whole else None
            text = self._text
        return Reply(200, [("content-type", "application/json")], text)


def _load_all(host: Host) -> None:
    for function in list(host.functions.values()):
        if function.late_load is not None:
            with suppress(Unavailable):  # it has its log entry, and is described without types
                function.late_load.wait()


def _text(host: Host) -> bytes:
    config = host.config
    title, version = openapi_title_and_version(config)
    return (
        orjson.dumps(make_openapi_document(config, host.functions.values(), title, version)) + b"\n"
    )
