"""A reader of YAML into nodes, stricter than YAML 1.2 and bounded in size and depth.

It reads the parser's events instead of using a loader. So positions are kept, keys stay
strings, duplicate keys are found, and deep nesting or aliases cannot exhaust memory.
libyaml's parser is used where PyYAML was built with it; the pure one gives the same nodes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ffhost.config.diagnostics import ConfigProblem, nearest_known_word
from ffhost.config.nodes import ConfigNode, ConfigText, Entry, dotted_config_path, read_plain_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES = 1_000_000
"""Most nodes of one file with its aliases expanded: twice what ten thousand functions need."""
MAX_DEPTH = 64

# What is not allowed, and not all but what is: that would take ten times as long to compile.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_TAGS = "tag:yaml.org,2002:"


class YamlError(Exception):
    """The text cannot be read; holds the problem that stopped the reader."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_yaml(source: ConfigText, problems: list[ConfigProblem]) -> ConfigNode:
    """Read the one document of *source*; mistakes that do not stop the reader are appended.

    Raises:
        YamlError: the text is not YAML, or not YAML that is allowed here.
    """
    text = source.text or ""
    bad = _UNPRINTABLE.search(text)
    if bad is not None:
        line = text.count("\n", 0, bad.start())
        column = bad.start() - (text.rfind("\n", 0, bad.start()) + 1)
        raise YamlError(
            ConfigProblem(
                "",
                f"the character U+{ord(bad[0]):04X} is not allowed in YAML",
                source.origin(line, column),
                "remove it, or write it as an escape in double quotes",
            )
        )
    return _Reader(source, problems).read()


class _Reader:
    def __init__(self, source: ConfigText, problems: list[ConfigProblem]) -> None:
        self.source = source
        self.problems = problems
        self.anchors: dict[str, ConfigNode | None] = {}
        self.work = 0
        self.path: list[str] = []
        self.open: list[tuple[str, int, int]] = []
        self.events: Iterator[Any] = iter(())

    def read(self) -> ConfigNode:
        import yaml

        parser_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        parser = parser_class(self.source.text or "")
        self.events = iter(parser.get_event, None)
        try:
            return self.document()
        except yaml.MarkedYAMLError as error:
            raise YamlError(_syntax_problem(self.source, error, self.open)) from error
        except yaml.YAMLError as error:
            raise YamlError(ConfigProblem("", _UNFINISHED, self.source.origin(0, 0))) from error
        finally:
            parser.dispose()

    def fail(self, line: int, column: int, message: str, hint: str | None = None) -> YamlError:
        return YamlError(ConfigProblem("", message, self.source.origin(line, column), hint))

    def report(self, line: int, column: int, path: str, message: str, *notes: str) -> None:
        self.problems.append(
            ConfigProblem(path, message, self.source.origin(line, column), notes=notes)
        )

    def document(self) -> ConfigNode:
        root = None
        for event in self.events:
            kind = type(event).__name__
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                continue
            if kind == "DocumentStartEvent":
                if root is not None:
                    mark = event.start_mark
                    raise self.fail(
                        mark.line,
                        mark.column,
                        "a file can contain only one document",
                        "remove the '---', or write two files and give their folder",
                    )
                continue
            root = self.node(event, 0)
        return root or ConfigNode(None, self.source, 0, 0, text="", plain=True)

    def node(self, event: Any, depth: int) -> ConfigNode:
        kind = type(event).__name__
        mark = event.start_mark
        line, column = mark.line, mark.column
        if kind == "AliasEvent":
            return self.alias(event.anchor, line, column)
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None
        if kind == "ScalarEvent":
            node = self.scalar(event, line, column)
        else:
            if depth >= MAX_DEPTH:
                raise self.fail(line, column, _TOO_DEEP)
            if event.tag not in (None, "!", _TAGS + "map", _TAGS + "seq"):
                raise self._tag(event.tag, line, column)
            node = ConfigNode(None, self.source, line, column)
            if event.flow_style:
                self.open.append((kind, line, column))
            if kind == "MappingStartEvent":
                self.mapping(node, depth)
            else:
                self.sequence(node, depth)
            if event.flow_style:
                self.open.pop()
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def _tag(self, tag: str, line: int, column: int) -> YamlError:
        short = "!!" + tag.removeprefix(_TAGS) if tag.startswith(_TAGS) else tag
        return self.fail(
            line, column, f"the tag {short!r} is not supported", "remove it, or quote the string"
        )

    def scalar(self, event: Any, line: int, column: int) -> ConfigNode:
        text: str = event.value
        tag = event.tag
        plain = event.style in (None, "") and tag is None
        if not plain and tag not in (None, "!", _TAGS + "str"):
            raise self._tag(tag, line, column)
        value = read_plain_scalar(text) if plain else text
        node = ConfigNode(value, self.source, line, column, text=text, plain=plain)
        node.end = (event.end_mark.line, event.end_mark.column)
        return node

    def alias(self, name: str, line: int, column: int) -> ConfigNode:
        if name not in self.anchors:
            near = nearest_known_word(name, self.anchors)
            raise self.fail(
                line,
                column,
                f"no anchor '&{name}' before this alias",
                f"did you mean '*{near}'?" if near else "quote a string that begins with '*'",
            )
        anchored = self.anchors[name]
        if anchored is None:
            raise self.fail(line, column, f"the anchor '&{name}' contains itself")
        self.spend(1, line, column)
        return anchored.used((self.source, line, column))

    def spend(self, amount: int, line: int, column: int) -> None:
        self.work += amount
        if self.work > MAX_NODES:
            raise self.too_many(line, column)

    def too_many(self, line: int, column: int) -> YamlError:
        what = "aliases expand this file to" if self.work else "this file has"
        return self.fail(line, column, f"{what} more than {MAX_NODES:,} values")

    def grow(self, parent: ConfigNode, child: ConfigNode) -> None:
        parent.size += child.size
        if parent.depth <= child.depth:
            parent.depth = child.depth + 1
        if parent.size > MAX_NODES:
            line, column = (child.use or (None, child.line or 0, child.column or 0))[1:]
            raise self.too_many(line, column)
        if parent.depth > MAX_DEPTH:
            raise self.fail(parent.line or 0, parent.column or 0, _TOO_DEEP)

    def sequence(self, node: ConfigNode, depth: int) -> None:
        items: list[ConfigNode] = []
        node.value = items
        for event in self.events:
            if type(event).__name__ == "SequenceEndEvent":
                return
            items.append(self.node(event, depth + 1))
            self.grow(node, items[-1])

    def mapping(self, node: ConfigNode, depth: int) -> None:
        entries: dict[str, Entry] = {}
        node.value = entries
        merged: list[ConfigNode] = []
        for event in self.events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self.node(event, depth + 1)
            self.path.append(key.text or "")
            value = self.node(next(self.events), depth + 1)
            self.path.pop()
            if key.text is None:
                raise self.fail(
                    key.line or 0, key.column or 0, "a key must be a string on one line"
                )
            if key.text == "<<" and key.plain:
                merged.append(value)
                continue
            key.value = name = key.text
            if name in entries:
                first = entries[name][0]
                self.report(
                    key.line or 0,
                    key.column or 0,
                    dotted_config_path((*self.path, name)),
                    "duplicate key",
                    f"first defined on line {(first.line or 0) + 1}",
                )
                continue
            entries[name] = (key, value)
            self.grow(node, value)
        for each in merged:
            self.merge(node, each)

    def merge(self, node: ConfigNode, value: ConfigNode) -> None:
        """Append the entries of a merge key; the mapping's own entries override them."""
        mappings = value.value if isinstance(value.value, list) else [value]
        for each in mappings:
            line, column = (each.use or (None, each.line or 0, each.column or 0))[1:]
            if not isinstance(each.value, dict):
                raise self.fail(
                    line,
                    column,
                    "'<<' needs a mapping, or a list of mappings",
                    "write '<<: *name' with '&name' at a mapping",
                )
            self.spend(len(each.value) + 1, line, column)
            for name, (key, inner) in each.value.items():
                if name not in node.value:
                    node.value[name] = (key.used(each.use), inner.used(each.use))
                    self.grow(node, inner)


# ── syntax errors ─────────────────────────────────────────────────────────────


def _syntax_problem(
    source: ConfigText, error: Any, opened: list[tuple[str, int, int]]
) -> ConfigProblem:
    """Return a problem for what the parser rejects, in words that are the same for both parsers.

    *opened* are the brackets and braces that are open at that point, the innermost last.
    """
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    text = source.line(line) or ""
    message, hint = _explain(text, column, str(error.problem), str(error.context))
    start = error.context_mark
    place = (start.line, start.column) if start is not None else (line, column)
    if message == _UNFINISHED and opened:
        kind, *position = opened[-1]
        message = _OPEN_BRACKET if kind == "SequenceStartEvent" else _OPEN_BRACE
        place = (position[0], position[1])
    notes: tuple[str, ...] = ()
    if message in (_OPEN_BRACKET, _OPEN_BRACE, _OPEN_QUOTE):
        if place[0] < line and text:
            notes = (f"detected on line {line + 1}",)
        if place[0] < line or column >= len(text):
            line, column = place
    if message == _BAD_ESCAPE:
        column = max(text.rfind("\\", 0, column + 1), 0)
    if message == _STRAY_KEY:
        column = len(text) - len(text.lstrip())
    return ConfigProblem("", message, source.origin(line, column), hint, notes)


_QUOTE_OR_COMMENT = re.compile("['\"#]")
_OPENING = re.compile(r"[\[{]")
_UNFINISHED = "invalid YAML"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_OPEN_BRACKET = "a bracket is not closed, or a comma is missing"
_OPEN_BRACE = "a brace is not closed, or a comma is missing"
_OPEN_QUOTE = "a quote is not closed"
_BAD_ESCAPE = "invalid escape in double quotes"
_AFTER_QUOTE = ("text after a closing quote", "double a quote inside quotes: 'it''s'")
_STRAY_KEY = "unexpected key"


def _has_unquoted_reference(text: str) -> bool:
    """Whether ``${`` follows a bracket or a brace, with no quote or comment between them."""
    for part in _QUOTE_OR_COMMENT.split(text):
        opening = _OPENING.search(part)
        if opening is not None and "${" in part[opening.end() :]:
            return True
    return False


def _explain(text: str, column: int, problem: str, context: str) -> tuple[str, str | None]:
    """Return a message and a hint; *text* is the line, *column* the parser's position."""
    char = text[column : column + 1]
    indentation = text[: len(text) - len(text.lstrip())]
    if "\t" in indentation or char == "\t":
        return "a tab is not allowed here", "indent with spaces"
    if problem == "exceeded maximum nesting depth":  # PyYAML from 6.0.4 on has a limit of its own
        return _TOO_DEEP, None
    if "flow" in context:
        if _has_unquoted_reference(text):
            return (
                "'${' inside '[ ]' or '{ }' must be quoted",
                'write it as "${NAME}", or write the value in lines of its own',
            )
        if column and text[column - 1] in "'\"" and (char.isalnum() or char == "'"):
            return _AFTER_QUOTE
        return _UNFINISHED, None
    if "alias" in context:
        return "'*' begins an alias and needs a name", "quote a string that begins with '*'"
    if "anchor" in context:
        return "'&' begins an anchor and needs a name", "quote a string that begins with '&'"
    if "quoted scalar" in context:
        if "end of" in problem or "document" in problem:
            return _OPEN_QUOTE, None
        return (
            _BAD_ESCAPE,
            "write it in single quotes, or double the backslash",
        )
    if "mapping values" in problem:
        if text[:column].count(":") and char == ":":
            return "a second ': ' in one line", "quote a string that contains ': '"
        return (
            _STRAY_KEY,
            "check the indentation, and the space after ':' in the line before",
        )
    if "cannot start any token" in problem:
        return f"a value cannot begin with {char!r}", "quote it"
    if "block scalar" in context:
        return "text after '|' or '>'", "begin the text in the next line, indented"
    if "directive" in context or "directive" in problem or text.startswith("%"):
        return "a line cannot begin with '%'", None
    if "'" in text[:column] and text[:column].count("'") % 2 == 0:
        return _AFTER_QUOTE
    if "mapping" in context or "collection" in context or "sequence" in context:
        return (
            "the indentation matches neither the previous line nor the enclosing block",
            "indent the keys of one mapping, or the items of one list, alike",
        )
    return _UNFINISHED, None
