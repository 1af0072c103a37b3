"""The command line: named flags, and ``--set path.to.value=YAML``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ffhost.config.diagnostics import Problem, nearest
from ffhost.config.known_keys import ConfigShape
from ffhost.config.layers import put, text_of, value_of, yaml_value
from ffhost.config.nodes import ConfigNode, PathKey, Source, dotted, walk_to
from ffhost.config.removed_keys import REMOVED

SINGLE = ("target", "source", "signature_type", "asgi")
"""functions-framework's flags, which are not paths of settings."""

_STEP = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<bare>[^."=]+))(?P<end>\.|$)')


def apply_flags(
    root: ConfigNode,
    shape: ConfigShape,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    problems: list[Problem],
) -> ConfigNode:
    """Set what the command line says in *root*."""
    given: dict[PathKey, str] = {}
    for name, (flag, raw) in flags.items():
        if name in SINGLE or name == "config" or raw is None:
            continue
        path = tuple(name.split("."))
        text = text_of(raw)
        source = Source(flag, text=f"{flag} {text}", offset=len(flag) + 1)
        node = value_of(text, _inner(shape, path), source, None, problems)
        if node is not None:
            root = put(root, path, node)
            given[path] = flag
    for each in sets:
        root = _apply_set(root, shape, each, given, problems)
    return root


def _inner(shape: ConfigShape, path: PathKey) -> ConfigShape:
    for step in path:
        child = shape.child(step)
        if child is None:
            raise LookupError(f"unknown setting {dotted(path)!r}")
        shape = child
    return shape


def _apply_set(
    root: ConfigNode,
    shape: ConfigShape,
    text: str,
    given: dict[PathKey, str],
    problems: list[Problem],
) -> ConfigNode:
    name, equals, value = text.partition("=")
    source = Source(f"--set {name}", text=f"--set {text}", offset=len("--set "))
    try:
        path = _path(name)
        if not equals:
            raise ValueError("expected path.to.value=VALUE")
    except ValueError as error:
        hint = "write --set server.port=9000"
        problems.append(Problem("", str(error), source.origin(0, 0), hint))
        return root
    inner, suggestion = _known(root, shape, path)
    if inner is None:
        what, suggestion = REMOVED.get(path, ("unknown setting", suggestion))
        problems.append(Problem(dotted(path), what, source.origin(0, 0), suggestion))
        return root
    if path in given:
        problems.append(
            Problem(dotted(path), f"set twice, also by {given[path]}", source.origin(0, 0))
        )
        return root
    given[path] = "--set"
    source.offset += len(name) + 1
    if inner.kind == "free":
        source.text = None
    node = yaml_value(value, inner, source, problems)
    return root if node is None else put(root, path, node)


def _path(name: str) -> PathKey:
    steps: list[str] = []
    position = 0
    while position < len(name):
        match = _STEP.match(name, position)
        if match is None:
            break
        steps.append(match["quoted"] or match["bare"].strip())
        position = match.end()
    if position < len(name) or not name or name.endswith("."):
        raise ValueError(f"expected a path such as functions.hello.timeout, got {name!r}")
    return tuple(steps)


def _known(
    root: ConfigNode, shape: ConfigShape, path: PathKey
) -> tuple[ConfigShape | None, str | None]:
    """Return the shape at *path*, or a hint if there is none."""
    for depth, step in enumerate(path):
        inner = shape.child(step) if shape.kind in ("section", "map", "free") else None
        if inner is None:
            if shape.kind == "list":
                return None, f"set the whole list: {dotted(path[:depth])}=[...]"
            near = nearest(str(step), shape.fields)
            known = "known here: " + ", ".join(shape.fields) if shape.fields else None
            return None, f"did you mean {dotted((*path[:depth], near))!r}?" if near else known
        new_function = depth == 1 and path[0] == "functions" and path[2:] not in ((), ("target",))
        if new_function and len(list(walk_to(root, path[:2]))) < 3:
            functions = next((n for k, n in walk_to(root, ("functions",)) if k), None)
            names = list(functions.value) if functions and functions.value else []
            near = nearest(str(step), names)
            return None, (
                f"did you mean {dotted(('functions', near, *path[2:]))!r}?"
                if near
                else f"unknown function {step!r}"
            )
        shape = inner
    return shape, None
