"""Flask's inside, as functions with Flask's request use it; checked at import.

Flask documents some of these for subclasses, but not when it calls them and with what.
`flask_request` therefore takes a context before the other arguments where a version passes one.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from ffhost._library import InstalledLibrary
from ffhost.signatures import _werkzeug as _werkzeug  # checked when the server starts, too

library = InstalledLibrary("flask", tested="3.1.3")
with library.imports():
    import flask
werkzeug = InstalledLibrary("werkzeug", tested="3.1.9")
with werkzeug.imports():
    from werkzeug.local import LocalProxy
    from werkzeug.routing import MapAdapter

library.require(
    flask.Flask,
    {
        # What `flask_request.FlaskFunctionApp` replaces
        "create_url_adapter": "have every path call the function",
        "dispatch_request": "call the function",
        "full_dispatch_request": "take the response as it is",
        "handle_exception": "log what a function raises",
        "make_response": "say what a function may return",
        "config_class": "give session cookies the path of their function",
        # What it calls and reads
        "error_handler_spec": "register error handlers after the first request",
        "request_context": "await a coroutine function in Flask's contexts",
        "url_map": "have rules for every path",
        "wsgi_app": "call a function in Flask's contexts",
    },
)
werkzeug.require(LocalProxy, {"_get_current_object": "hand over the request, not its proxy"})
werkzeug.require(
    MapAdapter,
    {
        "match": "have every path call the function",
        # What a late binding of the map sets
        "build": "answer url_for",
        "map": "answer url_for",
        "server_name": "answer url_for",
    },
)
LAZY_VERSIONS = frozenset({"3.1.3"})
"""The versions for which `_flask_contexts` was tried with the tables of tests/compat."""
current_request = flask.request._get_current_object  # type: ignore[attr-defined]


@cache
def is_lazy_version() -> bool:
    """Whether this Flask is one of `LAZY_VERSIONS`.

    The name of a folder beside it tells. To search all packages for their metadata takes 2 ms.
    """
    packages = Path(flask.__file__).parents[1]
    named = any((packages / f"flask-{each}.dist-info").is_dir() for each in LAZY_VERSIONS)
    return named or version("flask") in LAZY_VERSIONS
