"""A WSGI environ (PEP 3333) for a message, from an ASGI or a WSGI server.

This is for functions that look at more than the accessors of `ffhost.Request` answer from
the message itself, and for requests of other WSGI frameworks. It runs once a call at most.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ffhost.invocation.current import CURRENT
from ffhost.web.messages import Message

if TYPE_CHECKING:
    from ffhost.invocation.call import Call

# What every environ has. The body is whole and in memory, so its end is its end: that is
# what wsgi.input_terminated says to Werkzeug for bodies that came without a length.
_COMMON: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}

# Header names to environ keys, filled as names are seen. None marks names that an environ
# must not have: "x_user" and "x-user" would become the same key, and a proxy that removes only
# the second could be bypassed with the first. gunicorn drops them for the same reason.
_KEYS: dict[str, str | None] = {
    "content-type": "CONTENT_TYPE",
    "content-length": "CONTENT_LENGTH",
}
PRINCIPAL_KEY = "ffhost.principal"
"""Key for the authenticated caller in an environ or a scope."""
_KEYS_LIMIT = 1024  # names come from clients: the cache must not grow with them


def make_wsgi_environ(message: Message, call: Call | None = None) -> dict[str, Any]:
    """Return a new WSGI environ for *message*, of the running call unless *call* is given.

    A request that came by WSGI keeps its server's environ, as a copy; the body is a fresh
    stream either way, and its length is set even where the client sent none (chunked).
    ``PATH_INFO`` holds the decoded bytes of the path as latin-1; the path as received is in
    ``RAW_URI``.
    """
    given = message.environ()
    if given is not None:
        environ = dict(given)
        environ["wsgi.input_terminated"] = True
    else:
        environ = _from_message(message)
    if call is None:
        call = CURRENT.get()
    if call is not None and call.principal is not None:
        environ[PRINCIPAL_KEY] = call.principal
    body = message.body
    environ["wsgi.input"] = BytesIO(body)
    if body or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _from_message(message: Message) -> dict[str, Any]:
    environ = _COMMON.copy()
    environ["wsgi.errors"] = sys.stderr
    environ["wsgi.url_scheme"] = message.scheme
    environ["REQUEST_METHOD"] = message.method
    environ["SERVER_PROTOCOL"] = "HTTP/" + message.http_version
    path, query, root = message.path, message.query, message.root_path
    environ["QUERY_STRING"] = query
    environ["RAW_URI"] = f"{path}?{query}" if query else path
    if "%" in path or not path.isascii():
        path = unquote_to_bytes(path.encode("latin-1", "replace")).decode("latin-1")
    if root:
        root = root.encode().decode("latin-1")
        # ASGI's path contains the root path, PEP 3333's does not.
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
            path = path[len(root) :]
    environ["SCRIPT_NAME"] = root
    environ["PATH_INFO"] = path
    if message.client is not None:
        environ["REMOTE_ADDR"] = message.client[0]
        environ["REMOTE_PORT"] = str(message.client[1])
    server = message.server
    if server is not None and server[1] is not None:
        environ["SERVER_NAME"] = server[0]
        environ["SERVER_PORT"] = str(server[1])
    else:  # a unix socket has neither, and PEP 3333 wants both
        environ["SERVER_NAME"] = "localhost"
        environ["SERVER_PORT"] = "443" if message.scheme == "https" else "80"
    for name, value in message.headers.items():
        try:
            key = _KEYS[name]
        except KeyError:
            key = _environ_key(name)
        if key is not None:
            environ[key] = value
    return environ


def _environ_key(name: str) -> str | None:
    key = None if "_" in name else "HTTP_" + name.upper().replace("-", "_")
    if len(_KEYS) < _KEYS_LIMIT:
        _KEYS[name] = key
    return key
