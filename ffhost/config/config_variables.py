"""Environment variables as paths and values of the configuration.

``FFHOST_SERVER__PORT`` names ``server.port``; functions-framework's own names are a table.
The specific name wins over the general one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ffhost._records import Record
from ffhost.config.diagnostics import ConfigProblem, ValueOrigin, nearest_known_word
from ffhost.config.known_keys import ConfigShape
from ffhost.config.layers import put_config_value, read_layer_value
from ffhost.config.nodes import (
    ConfigNode,
    ConfigText,
    PathKey,
    dotted_config_path,
    walk_config_path,
)
from ffhost.config.removed_keys import REMOVED

PREFIX = "FFHOST_"
_WHOLE = ("section", "map")
_TRUE = ("1", "true", "t", "yes", "y", "on")


class ConfigVariables(Record):
    """The environment over the variables of ``env_file``.

    Args:
        values: name to value
        lines: name to ``.env:3`` for those that come from the file
    """

    values: Mapping[str, str]
    lines: Mapping[str, str]

    def source(self, name: str, *, secret: bool = False) -> ConfigText:
        """Return the source of a variable; its text is withheld if it may be a secret."""
        if name in self.lines:
            return ConfigText(f"env {name} ({self.lines[name]})")
        if secret:
            return ConfigText(f"env {name}")
        return ConfigText(f"env {name}", text=f"{name}={self.values[name]}", offset=len(name) + 1)


def is_true_variable(text: str) -> bool:
    """Whether *text* is one of the words with which functions-framework switches something on."""
    return text.lower() in _TRUE


def variable_form(name: str) -> str:
    """Return the form that *name* has in a variable: ``on-upload`` is ``ON_UPLOAD``."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def apply_framework_variables(
    root: ConfigNode, variables: ConfigVariables, *, has_file: bool, problems: list[ConfigProblem]
) -> ConfigNode:
    """Set ``PORT`` and, without a file, functions-framework's other names in *root*."""
    from ffhost.config.known_keys import settings_shape

    shape = settings_shape()
    for name, paths in _FRAMEWORK.items():
        text = variables.values.get(name, "").strip()
        if not text or (has_file and name != "PORT"):
            continue
        if name == "LOG_EXECUTION_ID":
            text = "true" if is_true_variable(text) else "false"
        if name == "CLOUD_RUN_TIMEOUT_SECONDS":
            if not re.fullmatch(r"\d+", text):
                problems.append(
                    ConfigProblem(
                        dotted_config_path(paths[0]),
                        f"expected a whole number of seconds, got {text!r}",
                        variables.source(name).origin(0, 0),
                    )
                )
                continue
            if not int(text):
                continue
            text += "s"
        for path in paths:
            node = read_layer_value(
                text, _shape_at(shape, path), variables.source(name), None, problems
            )
            if node is not None:
                root = put_config_value(root, path, node)
    return root


_FRAMEWORK: dict[str, tuple[PathKey, ...]] = {
    "PORT": (("server", "port"),),
    "HOST": (("server", "host"),),
    "DEBUG": (("server", "debug"),),
    "WORKERS": (("server", "workers"),),
    "THREADS": (("defaults", "concurrency"),),
    "CLOUD_RUN_TIMEOUT_SECONDS": (("defaults", "timeout"),),
    "LOG_EXECUTION_ID": (("logging", "capture_print"),),
    "GUNICORN_LOG_LEVEL": (("logging", "levels", "gunicorn"), ("logging", "levels", "uvicorn")),
}


def _shape_at(shape: ConfigShape, path: PathKey) -> ConfigShape:
    for step in path:
        child = shape.child(step)
        assert child is not None
        shape = child
    return shape


def apply_config_variables(
    root: ConfigNode, shape: ConfigShape, variables: ConfigVariables, problems: list[ConfigProblem]
) -> ConfigNode:
    """Set every ``FFHOST_…__…`` in *root*; one that matches nothing is a problem."""
    named = root
    for name in sorted(variables.values):
        rest = name.removeprefix(PREFIX)
        if rest == name or "__" not in rest:
            continue
        # prefer a value to a whole function, if both match
        resolved = sorted(_resolve(rest, named, shape, ()), key=lambda each: each[1].kind in _WHOLE)
        found = resolved[0] if resolved else None
        if found is None:
            problems.append(_unresolved(name, rest, named, shape, variables))
            continue
        path, inner = found
        existing = list(walk_config_path(root, path))
        old = existing[-1][1] if len(existing) == len(path) + 1 else None
        source = variables.source(name, secret=inner.kind == "free")
        node = read_layer_value(variables.values[name].strip(), inner, source, old, problems)
        if node is not None:
            root = put_config_value(root, path, node)
    return root


def _candidates(
    node: ConfigNode | None, shape: ConfigShape, path: PathKey, rest: str
) -> list[tuple[str, str]]:
    """Return (form, key) of what *rest* may name below *node*, the longest form first."""
    keys = list(shape.fields)
    if shape.kind in ("map", "free") and node is not None and isinstance(node.value, dict):
        keys += [key for key in node.value if shape.kind == "free" or not key.startswith("x-")]
    forms = sorted(((variable_form(key), key) for key in keys), key=lambda pair: -len(pair[0]))
    if shape.kind in ("map", "free") and path != ("functions",):
        segment = rest.partition("__")[0]
        if segment and segment not in {form for form, _ in forms}:
            kept = shape.item is not None and shape.item.secrets  # names of variables
            forms.append((segment, segment if kept else segment.lower()))
    return forms


def _resolve(
    rest: str, node: ConfigNode | None, shape: ConfigShape, path: PathKey
) -> Iterator[tuple[PathKey, ConfigShape]]:
    for form, key in _candidates(node, shape, path, rest):
        inner = shape.child(key)
        if inner is None or not (rest == form or rest.startswith(form + "__")):
            continue
        here = (*path, key)
        if rest == form:
            yield here, inner
        elif inner.kind in ("section", "map", "free"):
            value = node.value if node is not None else None
            child = value[key][1] if isinstance(value, dict) and key in value else None
            yield from _resolve(rest[len(form) + 2 :], child, inner, here)


def _unresolved(
    name: str, rest: str, root: ConfigNode, shape: ConfigShape, variables: ConfigVariables
) -> ConfigProblem:
    """Find the level at which *rest* stops matching, and what was probably meant there."""
    node: ConfigNode | None = root
    path: PathKey = ()
    matched = PREFIX
    while True:
        forms = _candidates(node, shape, path, "")
        step = next(((f, k) for f, k in forms if rest.startswith(f + "__")), None)
        inner = shape.child(step[1]) if step else None
        if step is None or inner is None or inner.kind not in ("section", "map", "free"):
            break
        value = node.value if node is not None else None
        node = value[step[1]][1] if isinstance(value, dict) and step[1] in value else None
        path, shape = (*path, step[1]), inner
        matched += step[0] + "__"
        rest = rest[len(step[0]) + 2 :]
    word, _, further = rest.partition("__")
    known = [form for form, _ in forms]
    near = nearest_known_word(word, known)
    hint = None
    step = next((pair for pair in forms if pair[0] == word), None)
    inner = shape.child(step[1]) if step else None
    if further and inner is not None:
        kind = "list" if inner.kind == "list" else "value"
        hint = f"set the whole {kind}: {matched}{word}"
    elif near:
        hint = f"did you mean {matched}{near}{'__' + further if further else ''}?"
    elif known:
        hint = "known here: " + ", ".join(known[:20])
    what = f"no function matches {word!r}" if path == ("functions",) else "matches no setting"
    key: PathKey = (*path, word.lower())
    if not further and key in REMOVED:
        path = key
        what, hint = REMOVED[key]
    origin = ValueOrigin(f"env {name}", None, 1, len(matched) + 1, name)
    if name in variables.lines:
        origin = ValueOrigin(f"env {name} ({variables.lines[name]})")
    return ConfigProblem(dotted_config_path(path), what, origin, hint)
