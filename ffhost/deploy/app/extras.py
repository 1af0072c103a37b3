"""Which extras of ffhost a configuration needs. User code is read, never run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

from ffhost.auth.standard_webhooks import PUBLIC_KEY
from ffhost.config import LoadedConfig
from ffhost.config.settings import WaySettings

_BY_IMPORT = {"flask": "flask", "werkzeug": "flask", "starlette": "starlette"}
_BY_HOOK = {"otel": "otel", "profile": "profile"}


def extras_needed_in_image(config: LoadedConfig, sources: Iterable[Path]) -> set[str]:
    """Return the extras for what *config* switches on and for what its *sources* import."""
    functions = config.settings.functions.values()
    extras: set[str] = {
        word
        for each in functions
        if (word := each.request or config.settings.defaults.request) in ("flask", "starlette")
    }
    if config.asgi:
        extras.add("starlette")
    if any(map(_needs_public_keys, config.settings.auth.values())):
        extras.add("auth")
    if any(each.calls or each.url for each in functions):
        extras.add("calls")
    extras |= _hooks(config)
    if not config.has_file:
        # As with functions-framework, these functions get a Flask request.
        extras.add("flask")
    for source in sources:
        extras |= extras_imported_by_app(source)
    return extras


def packages_of_extras(extras: Iterable[str]) -> set[str]:
    """Return the names of the packages that ffhost needs with *extras*."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    try:
        declared = list(map(Requirement, requires("ffhost") or []))
    except PackageNotFoundError:
        return set()
    return {
        each.name
        for each in declared
        if each.marker is None or any(map(each.marker.evaluate, environments))
    }


def _needs_public_keys(way: WaySettings) -> bool:
    """Whether *way* verifies by public keys, which the standard library cannot."""
    if way.jwt is not None:
        return way.jwt.secret is None
    if way.webhook is None:
        return False
    secrets = way.webhook.secret
    secrets = secrets if isinstance(secrets, list) else [secrets]
    return any(str(each).startswith(PUBLIC_KEY) for each in secrets)


def _hooks(config: LoadedConfig) -> set[str]:
    tracing = config.settings.tracing
    hooks = list(tracing.hooks.items())
    for function in config.settings.functions.values():
        hooks += function.tracing.hooks.items()
    return {
        _BY_HOOK[name]
        for name, hook in hooks
        if hook.enabled and hook.target is None and name in _BY_HOOK
    }


def extras_imported_by_app(source: Path) -> set[str]:
    """Return the extras whose packages the file *source* imports."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if (node.module, "aio") in {("functions_framework", each.name) for each in node.names}:
                names.append("functions_framework.aio")
        for name in names:
            if name.startswith("functions_framework.aio"):
                found.add("starlette")
            top = name.partition(".")[0]
            if top in _BY_IMPORT:
                found.add(_BY_IMPORT[top])
    return found
