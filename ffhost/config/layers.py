"""Values from variables and flags, laid over the tree of the files."""

from __future__ import annotations

from typing import Any

from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.known_keys import ConfigShape
from ffhost.config.nodes import ConfigNode, ConfigText, Entry, PathKey, read_plain_scalar
from ffhost.config.resolved_values import is_secret_reference

_WORDS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


def put_config_value(root: ConfigNode, path: PathKey, value: ConfigNode) -> ConfigNode:
    """Return a tree with *value* at *path*; a mapping is merged into a mapping.

    *root* is not changed: a block may be shared by several places.
    """
    if not path:
        return _laid_over(root, value)
    name = str(path[0])
    tree = root.copy() if isinstance(root.value, dict) else ConfigNode({}, value.source)
    key, child = tree.value.get(name) or _entry(name, value)
    tree.value[name] = (
        key if len(path) > 1 else _key(name, value),
        put_config_value(child, path[1:], value),
    )
    return tree


def _laid_over(below: ConfigNode, above: ConfigNode) -> ConfigNode:
    mappings = isinstance(below.value, dict) and isinstance(above.value, dict)
    if not mappings or is_secret_reference(below) or is_secret_reference(above):
        return above
    merged = below.copy()
    for name, (key, value) in above.value.items():
        old = merged.value.get(name)
        merged.value[name] = (key, _laid_over(old[1], value) if old else value)
    return merged


def _entry(name: str, value: ConfigNode) -> Entry:
    return _key(name, value), ConfigNode(None, value.source, value.line, value.column)


def _key(name: str, value: ConfigNode) -> ConfigNode:
    return ConfigNode(name, value.source, value.line, value.column, text=name)


def read_layer_value(
    text: str,
    shape: ConfigShape,
    source: ConfigText,
    existing: ConfigNode | None,
    problems: list[ConfigProblem],
) -> ConfigNode | None:
    """Return the text of a variable or a flag as a value of *shape*.

    Strings are taken unchanged. Lists may be written ``a,b``. Mappings, and lists in
    brackets, are YAML.
    """
    kind = shape.kind
    if kind == "text":
        return ConfigNode(text, source, 0, 0, text=text)
    if kind == "free" and existing is not None and isinstance(existing.value, str):
        return ConfigNode(text, source, 0, 0, text=text)
    if kind == "scalar":
        word = _WORDS.get(text.strip().lower()) if shape.boolean else None
        return ConfigNode(
            read_plain_scalar(text) if word is None else word, source, 0, 0, text=text
        )
    if kind == "list" and not text.lstrip().startswith("["):
        items = [part.strip() for part in text.split(",")]
        return ConfigNode(
            [ConfigNode(each, source, 0, 0, text=each) for each in items if each], source, 0, 0
        )
    if kind == "free" and text.lstrip()[:1] not in ("[", "{"):
        return ConfigNode(read_plain_scalar(text), source, 0, 0, text=text)
    return read_yaml_value(text, shape, source, problems)


def read_yaml_value(
    text: str, shape: ConfigShape, source: ConfigText, problems: list[ConfigProblem]
) -> ConfigNode | None:
    """Read *text* as YAML of *shape*, or append why it cannot be read and return None."""
    from ffhost.config.yaml_reader import YamlError, read_yaml

    shown = source.text
    inner = ConfigText(source.label, file=source.file, text=text, offset=source.offset)
    try:
        node = read_yaml(inner, problems)
    except YamlError as error:
        origin = error.problem.origin
        problems.append(
            ConfigProblem(
                error.problem.path,
                error.problem.message,
                source.origin(0, origin.column and origin.column - 1 - source.offset)
                if origin
                else None,
                error.problem.hint,
            )
        )
        return None
    inner.text = shown
    inner.tree = (node, shape)
    inner._lines = None
    return node


def config_flag_as_text(value: Any) -> str:
    """Return the value of a flag as text; click passes switches as bool."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
