"""The use that a function makes of the path of its request, read from its source.

Alone in functions-framework a function sees ``/`` and what is below; below a mount it sees the
mount as well, unless ``strip_path: true`` takes it away.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_PATHS = frozenset({"path", "full_path", "view_args", "script_root", "root_path", "url_root"})
_CALLS = frozenset({"full_dispatch_request", "url_for", "wsgi_app"})
_KEYS = frozenset({"PATH_INFO", "SCRIPT_NAME", "path", "root_path"})
_REQUESTS = frozenset({"request", "req"})

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def find_path_use_to_migrate(file: Path, name: str) -> tuple[int, str] | None:
    """Return line and text of the first place where the function *name* looks at the path.

    Functions of the same file that it uses count too. None if there is no such place, and for a
    file that cannot be parsed.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8-sig"))
    except (OSError, SyntaxError, ValueError):
        return None
    functions = {each.name: each for each in tree.body if isinstance(each, Definition)}
    hits = sorted(
        (node.lineno, ast.unparse(node))
        for function in _reached(name, functions)
        for node in _uses(function)
    )
    return hits[0] if hits else None


def _reached(name: str, functions: dict[str, Definition]) -> list[Definition]:
    found: list[Definition] = []
    waiting = [name]
    while waiting:
        function = functions.get(waiting.pop())
        if function is None or function in found:
            continue
        found.append(function)
        waiting += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    return found


def _uses(function: Definition) -> Iterator[ast.Attribute | ast.Subscript]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    requests = _REQUESTS | {arguments[0].arg if arguments else "request"}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            if node.attr in _CALLS or (node.attr in _PATHS and _is_of(node.value, requests)):
                yield node
        elif isinstance(node, ast.Subscript) and _is_path_key(node) and _is_of(node, requests):
            yield node


def _is_path_key(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Constant) and node.slice.value in _KEYS


def _is_of(node: ast.expr, requests: frozenset[str]) -> bool:
    """Whether *node* is a request, or its ``url``, ``environ`` or ``scope``."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and _is_of(node.value, requests)
    if isinstance(node, ast.Attribute):
        known = node.attr in ("url", "environ", "scope", "request")
        return known and (node.attr == "request" or _is_of(node.value, requests))
    return isinstance(node, ast.Name) and node.id in requests
