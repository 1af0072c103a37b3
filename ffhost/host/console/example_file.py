"""An example added to a function in the text of ``functions.yaml``; all other text stays.

The parser tells where things are. What was written is checked by reading both texts: the new one
must hold the old values and the example, and nothing else.
"""

from __future__ import annotations

import textwrap
from typing import Any

import yaml

from ffhost.errors import Conflict
from ffhost.host.console.example_entry import console_example_in_brackets

_HINT = "add it by hand"


def with_console_example(text: str, function: str, item: str) -> tuple[str, int]:
    """Return *text* with an example added, and the line (from 1) where that begins.

    Args:
        item: the example as an item of a list in YAML, not indented

    Raises:
        Conflict: no place for it can be found
    """
    entry = _find(_find(yaml.compose(text, Loader=yaml.SafeLoader), "functions"), function)
    if not isinstance(entry, yaml.MappingNode):
        raise Conflict(f"{function} is not written as a mapping in this file; {_HINT}")
    if entry.flow_style and _is_alone_on_its_line(text, function, entry):
        text, entry = _as_block(text, function, entry)
    examples = _find(entry, "examples")
    if examples is None and entry.flow_style:
        edited, line = _between_brackets(
            text, entry, f"examples: {console_example_in_brackets(item)}"
        )
    elif examples is None:
        indent = " " * entry.value[0][0].start_mark.column
        added = f"{indent}examples:\n" + textwrap.indent(item, indent + "  ")
        edited, line = _after(text, entry, added)
        line += 1
    elif isinstance(examples, yaml.SequenceNode) and not examples.flow_style:
        added = textwrap.indent(item, " " * examples.start_mark.column)
        edited, line = _after(text, examples, added)
    elif isinstance(examples, yaml.SequenceNode):
        edited, line = _between_brackets(text, examples, console_example_in_brackets(item)[1:-1])
    else:
        raise Conflict(f"the examples of {function} are not written as a list; {_HINT}")
    if not _holds(text, edited, function, item):
        raise Conflict(f"no place for the example can be found in this file; {_HINT}")
    return edited, line


def _find(node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _after(text: str, node: Any, added: str) -> tuple[str, int]:
    """Insert lines after those of a block; return the number of the first one."""
    lines = text.splitlines(keepends=True)
    end = _last_line(lines, node) + 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    return "".join([*lines[:end], added, *lines[end:]]), end + 1


def _last_line(lines: list[str], node: Any) -> int:
    """Return the last line of a block that is not empty; comments below it are not its."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    mark = node.end_mark
    line: int = mark.line if mark.column else mark.line - 1
    line = min(max(line, node.start_mark.line), len(lines) - 1)
    while line > node.start_mark.line and not lines[line].strip():
        line -= 1
    return line


def _between_brackets(text: str, node: Any, added: str) -> tuple[str, int]:
    """Insert behind the last part of what is written in brackets or braces; return its line."""
    index = node.start_mark.index + 1
    if node.value:
        last = node.value[-1]
        index = (last[1] if isinstance(last, tuple) else last).end_mark.index
        added = f", {added}"
    return text[:index] + added + text[index:], text.count("\n", 0, index) + 1


def _is_alone_on_its_line(text: str, function: str, entry: Any) -> bool:
    """Whether a mapping in braces has one line, with nothing but its name before it."""
    start, end = entry.start_mark, entry.end_mark
    before = text[start.index - start.column : start.index].lstrip()
    return start.line == end.line and before.startswith((function, '"', "'"))


def _as_block(text: str, function: str, entry: Any) -> tuple[str, Any]:
    """Write a mapping in braces, alone on its line, as a block."""
    start, end = entry.start_mark, entry.end_mark
    before = text[start.index - start.column : start.index]
    indent = " " * (len(before) - len(before.lstrip()) + 2)
    rows = [
        f"\n{indent}{text[key.start_mark.index : value.end_mark.index]}"
        for key, value in entry.value
    ]
    comment, newline, after = text[end.index :].partition("\n")
    block = f"{before.rstrip()}{' ' + comment.strip() if comment.strip() else ''}{''.join(rows)}"
    edited = text[: start.index - start.column] + block + (newline or "\n") + after
    found = _find(_find(yaml.compose(edited, Loader=yaml.SafeLoader), "functions"), function)
    return edited, found


def _holds(before: str, after: str, function: str, item: str) -> bool:
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
        (example,) = yaml.safe_load(item)
        # A copy: what an alias shares with another function must not change.
        entry = dict(old["functions"][function])
        entry["examples"] = [*entry.get("examples", ()), example]
        old["functions"] = {**old["functions"], function: entry}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return False
    return bool(old == new)
