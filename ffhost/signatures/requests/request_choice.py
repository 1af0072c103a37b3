"""Which request object an http function gets, and the adapter that makes it.

The choice is pure; the frameworks are imported when one of them has been chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ffhost.errors import LoadError
from ffhost.signatures.requests import Prepare, RequestAdapter, native_request_adapter

RequestKind = Literal["ffhost", "flask", "starlette"]

_FAMILIES: dict[str, RequestKind] = {
    "ffhost": "ffhost",
    "native": "ffhost",
    "flask": "flask",
    "starlette": "starlette",
}


def choose_request_object(
    word: str,
    annotated: str | None,
    marked: str | None,
    uses_flask: Callable[[], bool],
    *,
    asgi: bool = False,
    has_file: bool,
    is_async: bool,
    installed: Callable[[str], bool] | None = None,
) -> RequestKind:
    """Choose the request object of an http function; the first that applies.

    What is named must be installed; what is guessed is chosen only if it is.

    Args:
        word: ``request:`` of the configuration; ``auto`` for no choice
        annotated: the framework of the parameter's annotation, None if it names none
        marked: the framework that the decorator implies, None if none
        uses_flask: tells whether the function does, see `flask_use.target_uses_flask_request`
        asgi: whether ``--asgi`` or ``FUNCTION_USE_ASGI`` is given
        has_file: whether there is a configuration file
        is_async: whether the function belongs on an event loop
        installed: tells whether a framework can be imported; default:
        `is_request_framework_installed`
    """
    installed = installed or is_request_framework_installed
    for said in (word, annotated, "starlette" if asgi else None):
        family = _FAMILIES.get(said or "")
        if family is not None:
            return family
    if marked == "starlette":
        return "starlette"
    if marked == "flask" and not is_async and installed("flask"):
        return "flask"
    if uses_flask():
        return "flask"
    if not has_file:
        guessed: RequestKind = "starlette" if is_async else "flask"
        if installed(guessed):
            return guessed
    return "ffhost"


def is_request_framework_installed(framework: str) -> bool:
    """Whether *framework* can be imported, without importing it."""
    return find_spec(framework) is not None


def request_import_context(name: str, source: Path, *, single: bool) -> AbstractContextManager[Any]:
    """Return the context in which the module *source*, which mentions ``current_app``, is imported.

    functions-framework imports every module inside Flask's application context, so that it may
    configure ``flask.current_app``.
    """
    if not is_request_framework_installed("flask"):
        return nullcontext()
    from ffhost.signatures.requests.flask_request import flask_import_context

    return flask_import_context(name, source, single=single)


def request_adapter_for(
    kind: RequestKind,
    name: str,
    source: Path | None,
    module: ModuleType | None,
    *,
    single: bool = False,
    none_is_ok: bool = False,
    prepare: Prepare | None = None,
) -> RequestAdapter:
    """Return the adapter for the function *name*.

    Args:
        kind: what `choose_request_object` chose
        name: the function's name, for Flask's ``current_app.name`` and errors
        source: its file, beside which ``templates/`` and ``static/`` lie; None if there is
            none
        module: its module, whose error handlers Flask calls inside its contexts
        single: whether functions-framework's habits hold (single-target mode without a file)
        none_is_ok: whether None is answered with ``OK`` (the legacy ``ENTRY_POINT`` mode)
        prepare: changes messages before something of them is read that needs it; for Flask only,
            whose request reads late

    Raises:
        LoadError: the framework is not installed
    """
    if kind == "ffhost":
        return native_request_adapter()
    if not is_request_framework_installed(kind):
        raise LoadError(
            f"{name} gets a {kind} request, but {kind} is not installed: install ffhost[{kind}]",
            key="request",
        )
    if kind == "starlette":
        from ffhost.signatures.requests.starlette_request import starlette_request_adapter

        return starlette_request_adapter()
    from ffhost.signatures.requests.flask_request import flask_request_adapter

    return flask_request_adapter(
        name, source, module, single=single, none_is_ok=none_is_ok, prepare=prepare
    )
