"""An ASGI scope for a message, from an ASGI or a WSGI server.

This is for Starlette's request and for ASGI applications. Headers that came several times are
one line in a scope that is made here, because a WSGI server has joined them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ffhost.invocation.current import CURRENT
from ffhost.signatures.requests.wsgi_environ import PRINCIPAL_KEY
from ffhost.web.messages import Message


def make_asgi_scope(message: Message) -> dict[str, Any]:
    """Return a new ASGI scope for *message*.

    Its ``path`` contains the ``root_path``, as in ASGI since 2023.
    """
    given = message.scope()
    scope = dict(given) if given is not None else _from_message(message)
    call = CURRENT.get()
    if call is not None and call.principal is not None:
        scope[PRINCIPAL_KEY] = call.principal
    return scope


def _from_message(message: Message) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": message.http_version,
        "method": message.method,
        "scheme": message.scheme,
        "path": unquote(message.path),
        "raw_path": message.path.encode("latin-1", "replace"),
        "query_string": message.query.encode("latin-1", "replace"),
        "root_path": message.root_path,
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in message.headers.items()
        ],
        "client": message.client,
        "server": message.server,
    }
