"""Our replacement of the package ``functions_framework`` for user code.

The decorators mark and return the function itself; the host reads the marks when it loads
the function. Nothing is registered globally, so functions of the same name in two modules
do not conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ffhost.loading import decorators
from ffhost.loading.decorators import cloud_event, typed

F = TypeVar("F", bound=Callable[..., Any])


def http(function: F) -> F:
    """Mark an HTTP function. A plain one gets a ``flask.Request`` where Flask is installed."""
    return decorators.mark(function, decorators.SignatureMark("http", request="flask"))


def errorhandler(code_or_exception: type[Exception] | int) -> Callable[[F], F]:
    """Mark a function of the module that handles an exception class or a status.

    It gets the exception, inside Flask's contexts if the function has a Flask request, and
    returns what an http function may return. A status needs Werkzeug, whose exceptions
    represent statuses; 500 handles every exception that has no other handler.
    """
    if not isinstance(code_or_exception, int):
        return decorators.error_handler(code_or_exception)
    from werkzeug.exceptions import default_exceptions

    if code_or_exception not in default_exceptions:
        raise ValueError(f"{code_or_exception} is not a recognized HTTP error code")
    return decorators.error_handler(default_exceptions[code_or_exception])


def create_app(
    target: str | None = None, source: str | None = None, signature_type: str | None = None
) -> Any:
    """Return a WSGI application that serves one function at every path.

    Args:
        target: name of the function; None for ``FUNCTION_TARGET``
        source: its file; None for ``FUNCTION_SOURCE``, and then ``main.py``
        signature_type: ``http``, ``cloudevent``, ``event`` or ``typed``; None for
            ``FUNCTION_SIGNATURE_TYPE``; a decorator wins over both
    """
    from ffhost.loading.compat.create_app import make_app

    return make_app("ffhost.wsgi", target, source, signature_type)


class LazyWSGIApp:
    """An application that loads its function at the first request."""

    def __init__(
        self,
        target: str | None = None,
        source: str | None = None,
        signature_type: str | None = None,
    ) -> None:
        self.target = target
        self.source = source
        self.signature_type = signature_type
        self.app: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.app is None:
            self.app = create_app(self.target, self.source, self.signature_type)
        return self.app(*args, **kwargs)


app = LazyWSGIApp()

__all__ = [
    "LazyWSGIApp",
    "app",
    "cloud_event",
    "create_app",
    "errorhandler",
    "http",
    "typed",
]
