"""Our replacement of the package ``functions_framework`` for user code.

The decorators mark and return the function itself; the host reads the marks when it loads
the function. Nothing is registered globally, so functions of the same name in two modules
do not conflict.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from ffhost.loading import decorators
from ffhost.loading.compat.framework import _function_registry
from ffhost.loading.compat.framework.background_event import BackgroundEvent
from ffhost.loading.compat.framework.exceptions import (
    EventConversionException,
    FunctionsFrameworkException,
    MissingSourceException,
)

F = TypeVar("F", bound=Callable[..., Any])

_LATER = {
    "CloudEvent": ("cloudevents.v1.http", "CloudEvent"),
    "Context": ("ffhost.events.background", "Context"),
    "flask": ("flask", None),
    "from_http": ("cloudevents.v1.http", "from_http"),
    "is_binary": ("cloudevents.v1.http", "is_binary"),
    "werkzeug": ("werkzeug", None),
}
"""What the original imports, and is therefore asked for: imported when it is."""

CloudEventFunction = Callable[[Any], None]
HTTPFunction = Callable[[Any], Any]


def __getattr__(name: str) -> Any:
    """Import a module of this package, or what the original has imported, at its first use."""
    if name in _LATER:
        module, attribute = _LATER[name]
        found = import_module(module)
        return found if attribute is None else getattr(found, attribute)
    if name in ("_typed_event", "event_conversion", "execution_id"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'functions_framework' has no attribute {name!r}")


def http(function: F) -> F:
    """Mark an HTTP function. A plain one gets a ``flask.Request`` where Flask is installed."""
    decorators.mark_function(function, decorators.SignatureMark("http", request="flask"))
    return _registered(function, _function_registry.HTTP_SIGNATURE_TYPE)


def cloud_event(function: F) -> F:
    """Mark a CloudEvent function: it gets one event."""
    marked = decorators.cloud_event(function)
    return _registered(marked, _function_registry.CLOUDEVENT_SIGNATURE_TYPE)


def typed(*arguments: Any) -> Any:
    """Mark a typed function, as ``@typed`` or ``@typed(InputType)``."""
    if len(arguments) != 1:
        raise TypeError("typed takes a function, or the type of its input")
    if isinstance(arguments[0], type):
        return lambda function: _typed(function, arguments[0])
    return _typed(arguments[0], None)


def _typed(function: F, input_type: type | None) -> F:
    marked: F = decorators.typed(input_type=input_type)(function)
    if input_type is not None:
        _function_registry.INPUT_TYPE_MAP[_name(function)] = input_type
    return _registered(marked, _function_registry.TYPED_SIGNATURE_TYPE)


def _registered(function: F, kind: str) -> F:
    _function_registry.REGISTRY_MAP[_name(function)] = kind
    return function


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


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
    """Return a Flask application that calls one function, in the calling thread, at every path.

    Args:
        target: name of the function; None for ``FUNCTION_TARGET``
        source: its file; None for ``FUNCTION_SOURCE``, and then ``main.py``
        signature_type: ``http``, ``cloudevent``, ``event`` or ``typed``; None for
            ``FUNCTION_SIGNATURE_TYPE``; a decorator wins over both
    """
    from ffhost.loading.compat.create_app import make_framework_app

    return make_framework_app(target, source, signature_type)


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


def crash_handler(error: BaseException) -> tuple[str, int, dict[str, str]]:
    """Return an answer that tells Cloud Functions of a crash, for an error handler of Flask."""
    return str(error), 500, {"X-Google-Status": "crash"}


def setup_logging() -> None:
    """Write entries from INFO on: up to INFO to stdout, the rest to stderr.

    Where the host handles the entries, it goes on to do so.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    if any(type(each).__module__.startswith("ffhost.") for each in root.handlers):
        return
    info = logging.StreamHandler(sys.stdout)
    info.addFilter(lambda record: record.levelno <= logging.INFO)
    root.addHandler(info)
    warnings = logging.StreamHandler(sys.stderr)
    warnings.setLevel(logging.WARNING)
    root.addHandler(warnings)


__all__ = [
    "BackgroundEvent",
    "CloudEventFunction",
    "EventConversionException",
    "FunctionsFrameworkException",
    "HTTPFunction",
    "LazyWSGIApp",
    "MissingSourceException",
    "app",
    "cloud_event",
    "crash_handler",
    "create_app",
    "errorhandler",
    "http",
    "logging",
    "setup_logging",
    "typed",
]
