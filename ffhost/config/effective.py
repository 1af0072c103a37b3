"""Output of the effective configuration: ``ffhost config``."""

from __future__ import annotations

import json
import re
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import DEFAULT
from ffhost.config.leaves import list_config_leaves, show_config_leaf
from ffhost.config.nodes import PathKey, dotted_config_path

Row = tuple[str, str, str]


def effective_config_rows(loaded: LoadedConfig) -> list[Row]:
    """Return (dotted path, value as text, origin) of every effective value, redacted."""
    return [
        (dotted_config_path(each.path), show_config_leaf(each.shown), each.origin)
        for each in list_config_leaves(loaded)
    ]


def show_config(loaded: LoadedConfig, format: str = "table") -> str:
    """Show *loaded* as ``table``, ``yaml`` or ``json``, ending with a newline."""
    return {"table": _table, "yaml": _yaml, "json": _json}[format](loaded)


def _table(loaded: LoadedConfig) -> str:
    rows = [("setting", "value", "from"), *effective_config_rows(loaded)]
    first = min(max(len(row[0]) for row in rows), 60)
    second = min(max(len(row[1]) for row in rows), 40)
    lines = [f"{path:<{first}}  {value:<{second}}  {origin}" for path, value, origin in rows]
    return "\n".join([f"revision {loaded.revision}", "", *lines]) + "\n"


def _json(loaded: LoadedConfig) -> str:
    values = {
        dotted_config_path(each.path): {"value": each.shown, "origin": each.origin}
        for each in list_config_leaves(loaded)
    }
    document = {"revision": loaded.revision, "single": loaded.single, "values": values}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(loaded: LoadedConfig) -> str:
    """Write the tree as YAML that can be read back, with each origin as a comment."""
    lines = [f"# revision {loaded.revision}"]
    before: PathKey = ()
    for leaf in list_config_leaves(loaded):
        if leaf.shown is None and leaf.origin == DEFAULT.label:
            continue
        shared = _shared(before, leaf.path)
        for depth in range(shared, len(leaf.path)):
            end = depth == len(leaf.path) - 1
            step = leaf.path[depth]
            # the dash of an item replaces the indentation of its first key
            opened = depth > shared and isinstance(leaf.path[depth - 1], int)
            head = "- " if isinstance(step, int) else f"{_scalar(step, key=True)}:"
            text = f" {_scalar(leaf.shown)}  # {leaf.origin}" if end else ""
            if opened:
                lines[-1] = lines[-1] + f"{head}{text}"
            else:
                lines.append("  " * depth + f"{head}{text.lstrip() if head == '- ' else text}")
        before = leaf.path
    return "\n".join(lines) + "\n"


def _shared(first: PathKey, second: PathKey) -> int:
    count = 0
    for mine, other in zip(first[:-1], second, strict=False):
        if mine != other:
            break
        count += 1
    return count


def _scalar(value: Any, *, key: bool = False) -> str:
    """Write a value as YAML; everything but plain words is JSON, which YAML includes.

    References are replaced in values only, so only there must ``${`` be escaped.
    """
    plain_word = isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum()
    if plain_word and value[0].isalpha() and value.lower() not in _RESERVED:
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    text = text if key else text.replace("${", "$${")
    return _UNREADABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_UNREADABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_RESERVED = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
