"""Nodes: values with the place that each of them came from.

A configuration is a tree of `ConfigNode` until it has been checked. So a mistake can be shown at
its line, and layers can be merged without losing where a value was written.
Nothing here reads files or knows YAML's grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ffhost._records import Record
from ffhost.config.diagnostics import ValueOrigin

if TYPE_CHECKING:
    from ffhost.config.known_keys import ConfigShape

PathKey: TypeAlias = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL_OR_HEXADECIMAL = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_FIRST_OF_NUMBER = frozenset("+-.0123456789")
_LONGEST_NUMBER = 400


class ConfigText:
    """What text a node was read from: a file, a variable, a flag.

    Args:
        label: as in `ValueOrigin`
        file: as in `ValueOrigin`
        text: the whole text, or None if it may not be shown
        offset: columns that stand before the text where it is shown, as ``--set a.b=`` does
        references: whether ``${NAME}`` is replaced in its values

    ``tree`` is what was read from the text, with the shape of its place, once that is known:
    it tells which parts of a line are masked.
    """

    __slots__ = ("_lines", "file", "label", "offset", "references", "text", "tree")

    def __init__(
        self,
        label: str,
        *,
        file: Path | None = None,
        text: str | None = None,
        offset: int = 0,
        references: bool = False,
    ) -> None:
        self.label = label
        self.file = file
        self.text = text
        self.offset = offset
        self.references = references
        self.tree: tuple[ConfigNode, ConfigShape] | None = None
        self._lines: list[str] | None = None

    def __eq__(self, other: object) -> bool:
        """Whether both have the same text and name: a problem is the same when found twice."""
        if not isinstance(other, ConfigText):
            return NotImplemented
        return (self.label, self.file, self.text) == (other.label, other.file, other.text)

    def __hash__(self) -> int:
        return hash((self.label, self.file))

    def origin(self, line: int | None, column: int | None) -> ValueOrigin:
        """Return the origin at *line* and *column*, counted from 0."""
        if line is None or column is None:
            return ValueOrigin(self.label, self.file)
        text = None if self.text is None else ConfigLine(self, line)
        return ValueOrigin(self.label, self.file, line + 1, column + self.offset + 1, text)

    def line(self, number: int) -> str | None:
        """Return line *number* of the text, counted from 0, with YAML's line breaks."""
        if self.text is None:
            return None
        if self._lines is None:
            self._lines = re.split("\r\n|\r|\n|\x85|\u2028|\u2029", self.text)
        return self._lines[number] if number < len(self._lines) else ""


class ConfigLine(Record):
    """A line of a source, which can be shown; *number* is counted from 0."""

    source: ConfigText
    number: int

    def shown(self, column: int) -> tuple[str, int]:
        """Return the line with secrets masked, and where *column* (from 0) is in it."""
        from ffhost.config.masked_lines import mask_config_line

        return mask_config_line(self.source, self.number, column)


class ConfigNode:
    """One value: ``str``, a typed scalar, ``dict[str, Entry]`` or ``list[Node]``.

    Args:
        value: the value; a plain scalar is typed already
        text: a scalar as written, else None
        plain: whether a scalar was written without quotes
        use: the place of the alias through which the node is reached, or None
        end: line and column after a scalar; None: unknown, or no scalar
        size: nodes of the whole tree below, aliases expanded
        depth: levels below
    """

    __slots__ = (
        *("column", "depth", "end", "line", "plain", "size", "source", "text", "use", "value"),
    )

    def __init__(
        self,
        value: Any,
        source: ConfigText,
        line: int | None = None,
        column: int | None = None,
        *,
        text: str | None = None,
        plain: bool = False,
    ) -> None:
        self.value = value
        self.source = source
        self.line = line
        self.column = column
        self.text = text
        self.plain = plain
        self.use: tuple[ConfigText, int, int] | None = None
        self.end: tuple[int, int] | None = None
        self.size = 1
        self.depth = 0

    @property
    def origin(self) -> ValueOrigin:
        """Return where the node was written."""
        return self.source.origin(self.line, self.column)

    def used(self, use: tuple[ConfigText, int, int] | None) -> ConfigNode:
        """Return a copy that shares its children and is reached through an alias at *use*."""
        copy = self.copy()
        copy.use = use or self.use
        return copy

    def copy(self) -> ConfigNode:
        """Return a copy whose mapping or list can be changed; the children are shared."""
        value = self.value
        if isinstance(value, dict | list):
            value = value.copy()
        copy = ConfigNode(
            value, self.source, self.line, self.column, text=self.text, plain=self.plain
        )
        copy.use, copy.size, copy.depth = self.use, self.size, self.depth
        copy.end = self.end
        return copy


Entry: TypeAlias = tuple[ConfigNode, ConfigNode]
"""A key and its value."""


def read_plain_scalar(text: str) -> Any:
    """Return the value of a plain scalar by the core schema of YAML 1.2.

    YAML 1.1 is not followed where it surprises: ``on`` and ``yes`` are strings, ``1:30`` is not
    a number in base 60, and a number with a leading zero or underscores stays a string: it is
    not read as octal.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST_OF_NUMBER or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def walk_config_path(
    root: ConfigNode, path: PathKey
) -> Iterator[tuple[ConfigNode | None, ConfigNode]]:
    """Return (key, value) of each level from *root* along *path*, as far as it goes."""
    node, key = root, None
    yield None, root
    for step in path:
        if isinstance(node.value, dict) and step in node.value:
            key, node = node.value[step]
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            key, node = None, node.value[step]
        else:
            return
        yield key, node


def dotted_config_path(path: PathKey) -> str:
    """Write *path* as users write it: ``functions.hello.methods[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            quoted = step if re.fullmatch(r"[^.\[\]\"\s]+", step) else f'"{step}"'
            text += f".{quoted}" if text else quoted
    return text
