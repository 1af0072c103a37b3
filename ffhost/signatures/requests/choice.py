"""Which request object an http function gets, and the adapter that makes it.

The choice is pure; the frameworks are imported when one of them has been chosen.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Literal

from ffhost.errors import LoadError
from ffhost.signatures.requests import Adapter, native_adapter

RequestKind = Literal["ffhost", "flask", "starlette"]

_FAMILIES: dict[str, RequestKind] = {
    "ffhost": "ffhost",
    "native": "ffhost",
    "flask": "flask",
    "starlette": "starlette",
}


def choose_request(
    word: str,
    annotated: str | None,
    marked: str | None,
    uses_flask: bool,
    *,
    has_file: bool,
    is_async: bool,
    flask_installed: bool,
) -> RequestKind:
    """Choose the request object of an http function; the first that applies.

    Args:
        word: ``request:`` of the configuration; ``auto`` for no choice
        annotated: the framework of the parameter's annotation, None if it names none
        marked: the framework that the decorator implies, None if none
        uses_flask: whether the function's module does, see `uses_flask`
        has_file: whether there is a configuration file
        is_async: whether the function is a coroutine function
        flask_installed: whether the extra is there
    """
    for said in (word, annotated, marked):
        family = _FAMILIES.get(said or "")
        if family is not None:
            return family
    if uses_flask:
        return "flask"
    if not has_file and not is_async and flask_installed:
        return "flask"
    return "ffhost"


@lru_cache(maxsize=256)
def uses_flask(module: ModuleType) -> bool:
    """Whether the globals of *module* contain an object of Flask or Werkzeug.

    Cached, because a module may have a thousand functions.
    """
    return any(_is_of_flask(value) for value in tuple(vars(module).values()))


def _is_of_flask(value: Any) -> bool:
    # Only the type of an object is inspected: a proxy such as flask.request forwards every
    # access, or raises.
    if type(value) is ModuleType:
        home = value.__name__
    elif isinstance(value, type) or type(value) is FunctionType:
        home = value.__module__ or ""
    else:
        home = type(value).__module__
    top = home.partition(".")[0]
    return top in ("flask", "werkzeug") or top.startswith("flask_")


def is_installed(framework: str) -> bool:
    """Whether *framework* can be imported, without importing it."""
    return find_spec(framework) is not None


def import_context(name: str, source: Path | None, *, single: bool) -> AbstractContextManager[Any]:
    """Return the context in which the module *source* is to be imported.

    functions-framework imports it inside Flask's application context, so that it may
    configure ``flask.current_app``; here that happens if its text mentions it.
    """
    if source is None or not _mentions_current_app(source) or not is_installed("flask"):
        return nullcontext()
    from ffhost.signatures.requests.flask_request import import_context

    return import_context(name, source, single=single)


def _mentions_current_app(source: Path) -> bool:
    try:
        changed_at = source.stat().st_mtime_ns
    except OSError:
        return False
    return _text_mentions(source, changed_at, b"current_app")


@lru_cache(maxsize=256)
def _text_mentions(source: Path, _changed_at: int, word: bytes) -> bool:
    return source.is_file() and word in source.read_bytes()


def adapter_for(
    kind: RequestKind,
    name: str,
    source: Path | None,
    module: ModuleType | None,
    *,
    single: bool = False,
    none_is_ok: bool = False,
) -> Adapter:
    """Return the adapter for the function *name*.

    Args:
        kind: what `choose_request` chose
        name: the function's name, for Flask's ``current_app.name`` and errors
        source: its file, beside which ``templates/`` and ``static/`` lie; None if there is
            none
        module: its module, whose error handlers Flask calls inside its contexts
        single: whether functions-framework's habits hold (single-target mode without a file)
        none_is_ok: whether None is answered with ``OK`` (the legacy ``ENTRY_POINT`` mode)

    Raises:
        LoadError: the framework is not installed
    """
    if kind == "ffhost":
        return native_adapter()
    if not is_installed(kind):
        raise LoadError(
            f"{name} gets a {kind} request, but {kind} is not installed: install ffhost[{kind}]",
            key="request",
        )
    if kind == "starlette":
        from ffhost.signatures.requests.starlette_request import starlette_adapter

        return starlette_adapter()
    from ffhost.signatures.requests.flask_request import flask_adapter

    return flask_adapter(name, source, module, single=single, none_is_ok=none_is_ok)
