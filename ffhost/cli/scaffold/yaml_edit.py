"""A function added to the text of a functions.yaml; all other text stays as it is.

The parser tells where the mapping of functions ends. What is inserted is checked by reading
both texts: the new one must hold the old values and the new entry, and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from ffhost.cli.exit_messages import CommandFailed


def insert_scaffolded_entry(text: str, name: str, entry: dict[str, Any], written: str) -> str:
    """Add the function *name* at the end of ``functions``.

    Args:
        entry: its values
        written: the same as lines of YAML, indented by two, beginning with the name

    Raises:
        CommandFailed: no place for the entry can be found in the file
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    functions = _functions(root)
    if functions is None:
        edited = _append_section(text, written)
    elif not functions.value:
        edited = _in_empty(text, root, written)
    elif functions.flow_style:
        edited = _in_braces(text, functions, name, entry)
    else:
        edited = _in_block(text, functions, written)
    if not _holds(text, edited, name, entry):
        raise CommandFailed(
            "no place for the new entry can be found in this file", f"add it by hand:\n\n{written}"
        )
    return edited


def _functions(root: Any) -> Any:
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        raise CommandFailed("the file holds no mapping", "begin it with 'functions:'")
    return next((value for key, value in root.value if key.value == "functions"), None)


def _append_section(text: str, written: str) -> str:
    separator = "" if not text or text.endswith("\n") else "\n"
    blank = "\n" if text.strip() else ""
    return f"{text}{separator}{blank}functions:\n{written}"


def _in_block(text: str, functions: Any, written: str) -> str:
    """Insert after the last line of the last entry, with a blank line if other entries have one."""
    lines = text.splitlines(keepends=True)
    keys = [key.start_mark for key, _ in functions.value]
    indent = keys[0].column
    end = _last_line(lines, functions, indent) + 1
    spaced = len(keys) < 2 or any(not lines[mark.line - 1].strip() for mark in keys[1:])
    entry = _indented(written, indent)
    if lines[end - 1][-1:] != "\n":
        lines[end - 1] += "\n"
    return "".join([*lines[:end], "\n" if spaced else "", entry, *lines[end:]])


def _last_line(lines: list[str], functions: Any, indent: int) -> int:
    """Return the last line of the block; comments indented like its entries belong to it."""
    mark = functions.value[-1][1].end_mark
    end: int = min(mark.line, len(lines) - 1)
    if mark.column == 0 or mark.line >= len(lines):
        end = min(mark.line, len(lines)) - 1
    while end > 0 and not _belongs(lines[end], indent):
        end -= 1
    following = end + 1
    while following < len(lines) and not lines[following].strip():
        following += 1
    if following < len(lines) and lines[following].lstrip().startswith("#"):
        depth = len(lines[following]) - len(lines[following].lstrip())
        return following if depth >= indent else end
    return end


def _belongs(line: str, indent: int) -> bool:
    depth = len(line) - len(line.lstrip())
    return bool(line.strip()) and (depth >= indent)


def _indented(written: str, indent: int) -> str:
    """Indent *written*, whose lines are indented by two, by *indent*."""
    return "".join(
        f"{' ' * indent}{line[2:]}" if line.strip() else line
        for line in written.splitlines(keepends=True)
    )


def _in_braces(text: str, functions: Any, name: str, entry: dict[str, Any]) -> str:
    end = functions.end_mark.index - 1
    before = text[:end].rstrip()
    comma = "" if before.endswith(",") else ","
    flow = json.dumps(entry, ensure_ascii=False)
    return f"{before}{comma} {name}: {flow}{text[len(before) : end]}{text[end:]}"


def _in_empty(text: str, root: Any, written: str) -> str:
    """Fill ``functions:`` or ``functions: {}``."""
    key, value = next(pair for pair in root.value if pair[0].value == "functions")
    colon, end = text.index(":", key.end_mark.index) + 1, value.end_mark.index
    rest = text[end:] if isinstance(value, yaml.MappingNode) else text[colon:]
    line, newline, after = rest.partition("\n")
    return f"{text[:colon]}{line.rstrip()}{newline or chr(10)}{written}{after}"


def _holds(before: str, after: str, name: str, entry: dict[str, Any]) -> bool:
    try:
        old = yaml.load(before, Loader=yaml.SafeLoader) or {}
        new = yaml.load(after, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    functions = dict(old.get("functions") or {})
    if list(new.get("functions") or ()) != [*functions, name]:
        return False
    return bool(new == {**old, "functions": {**functions, name: entry}})
