"""The command line: named flags, and ``--set path.to.value=YAML``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ffhost.config.diagnostics import ConfigProblem, nearest_known_word
from ffhost.config.known_keys import ConfigShape
from ffhost.config.layers import (
    config_flag_as_text,
    put_config_value,
    read_layer_value,
    read_yaml_value,
)
from ffhost.config.nodes import (
    ConfigNode,
    ConfigText,
    PathKey,
    dotted_config_path,
    walk_config_path,
)
from ffhost.config.removed_keys import REMOVED

SINGLE = ("target", "source", "signature_type", "asgi")
"""functions-framework's flags, which are not paths of settings."""

_STEP = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<bare>[^."=]+))(?P<end>\.|$)')


def apply_config_flags(
    root: ConfigNode,
    shape: ConfigShape,
    flags: Mapping[str, Any],
    sets: Sequence[str],
    problems: list[ConfigProblem],
) -> ConfigNode:
    """Set what the command line says in *root*."""
    given: dict[PathKey, str] = {}
    for name, (flag, raw) in flags.items():
        if name in SINGLE or name == "config" or raw is None:
            continue
        path = tuple(name.split("."))
        text = config_flag_as_text(raw)
        source = ConfigText(flag, text=f"{flag} {text}", offset=len(flag) + 1)
        node = read_layer_value(text, _inner(shape, path), source, None, problems)
        if node is not None:
            root = put_config_value(root, path, node)
            given[path] = flag
    for each in sets:
        root = _apply_set(root, shape, each, given, problems)
    return root


def _inner(shape: ConfigShape, path: PathKey) -> ConfigShape:
    for step in path:
        child = shape.child(step)
        if child is None:
            raise LookupError(f"unknown setting {dotted_config_path(path)!r}")
        shape = child
    return shape


def _apply_set(
    root: ConfigNode,
    shape: ConfigShape,
    text: str,
    given: dict[PathKey, str],
    problems: list[ConfigProblem],
) -> ConfigNode:
    name, equals, value = text.partition("=")
    source = ConfigText(f"--set {name}", text=f"--set {text}", offset=len("--set "))
    try:
        path = _path(name)
        if not equals:
            raise ValueError("expected path.to.value=VALUE")
    except ValueError as error:
        hint = "write --set server.port=9000"
        problems.append(ConfigProblem("", str(error), source.origin(0, 0), hint))
        return root
    inner, suggestion = _known(root, shape, path)
    if inner is None:
        what, suggestion = REMOVED.get(path, ("unknown setting", suggestion))
        problems.append(
            ConfigProblem(dotted_config_path(path), what, source.origin(0, 0), suggestion)
        )
        return root
    if path in given:
        problems.append(
            ConfigProblem(
                dotted_config_path(path), f"set twice, also by {given[path]}", source.origin(0, 0)
            )
        )
        return root
    given[path] = "--set"
    source.offset += len(name) + 1
    if inner.kind == "free":
        source.text = None
    node = read_yaml_value(value, inner, source, problems)
    return root if node is None else put_config_value(root, path, node)


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
                return None, f"set the whole list: {dotted_config_path(path[:depth])}=[...]"
            near = nearest_known_word(str(step), shape.fields)
            known = "known here: " + ", ".join(shape.fields) if shape.fields else None
            return (
                None,
                f"did you mean {dotted_config_path((*path[:depth], near))!r}?" if near else known,
            )
        new_function = depth == 1 and path[0] == "functions" and path[2:] not in ((), ("target",))
        if new_function and len(list(walk_config_path(root, path[:2]))) < 3:
            functions = next((n for k, n in walk_config_path(root, ("functions",)) if k), None)
            names = list(functions.value) if functions and functions.value else []
            near = nearest_known_word(str(step), names)
            return None, (
                f"did you mean {dotted_config_path(('functions', near, *path[2:]))!r}?"
                if near
                else f"unknown function {step!r}"
            )
        shape = inner
    return shape, None
