"""The definitions of a Python file, read without running it.

Decorators and re-exported functions are followed through imports, aliases and star imports
inside the folder; names from elsewhere are known by their dotted name only. A file is
parsed once for as long as it does not change.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ffhost.loading.targets.definitions import (
    Definition,
    OtherTargetDefinition,
    TargetDefinition,
    line_of_target_definition,
    read_other_target_definition,
    read_target_definition,
)

_DEPTH = 20
"""Imports that are followed one after another; more is a cycle."""


@dataclass(slots=True)
class TargetSourceFile:
    """One parsed file: its definitions by name, later ones winning, as when it is run.

    Use `find` for a target: it follows imports. ``functions`` are those that the file defines
    itself; ``imports`` holds the dotted names behind imported ones, which begin with ``/`` and
    a path for relative imports; ``stars`` are the modules of star imports.
    """

    file: Path
    root: Path
    names: dict[str, ast.AST] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    _functions: dict[str, TargetDefinition] = field(default_factory=dict)

    @property
    def functions(self) -> Mapping[str, TargetDefinition]:
        """Return the functions defined at the top level of the file, in order."""
        return {
            name: self._function(name, node)
            for name, node in self.names.items()
            if isinstance(node, Definition)
        }

    def find(
        self, name: str, depth: int = _DEPTH
    ) -> TargetDefinition | OtherTargetDefinition | None:
        """Find what the dotted *name* is, or None if the file does not define it."""
        head, _, rest = name.partition(".")
        node = self.names.get(head)
        if node is None or depth == 0:
            return self._find_by_star(name, depth)
        if head in self.imports:
            return self._find_imported(".".join(filter(None, [self.imports[head], rest])), depth)
        if rest:
            return OtherTargetDefinition("unknown", line_of_target_definition(node))
        if isinstance(node, Definition):
            return self._function(head, node)
        if isinstance(node, ast.Name) and node.id != head:
            return self._find_alias(node, depth)
        return read_other_target_definition(node)

    def resolve(self, dotted: str, depth: int = _DEPTH) -> str:
        """Follow the imports of *dotted*, a name used in the file, to where it is defined."""
        head, _, rest = dotted.partition(".")
        if head not in self.imports or depth == 0:
            return dotted
        full = ".".join(filter(None, [self.imports[head], rest]))
        split = self._locate(full)
        if split is None or not split[1]:
            return full.removeprefix("/")
        return split[0].resolve(split[1], depth - 1)

    def _function(self, name: str, node: Definition) -> TargetDefinition:
        found = self._functions.get(name)
        if found is None:
            found = self._functions[name] = read_target_definition(node, self.file, self.resolve)
        return found

    def _find_alias(self, node: ast.Name, depth: int) -> TargetDefinition | OtherTargetDefinition:
        """Find what a name stands for that was bound to another one, as that was then."""
        behind = self.names.get(node.id)
        unknown = OtherTargetDefinition("unknown", node.lineno)
        if behind is not None and line_of_target_definition(behind) > node.lineno:
            return unknown  # bound anew since then
        return self.find(node.id, depth - 1) or unknown

    def _find_imported(
        self, full: str, depth: int
    ) -> TargetDefinition | OtherTargetDefinition | None:
        split = self._locate(full)
        if split is None:
            return OtherTargetDefinition("unknown", 0)
        file, rest = split
        return file.find(rest, depth - 1) if rest else OtherTargetDefinition("module", 0)

    def _find_by_star(
        self, name: str, depth: int
    ) -> TargetDefinition | OtherTargetDefinition | None:
        outside = False
        for module in reversed(self.stars):
            split = self._locate(module)
            if split is None or split[1]:
                outside = True
            elif depth and (found := split[0].find(name, depth - 1)) is not None:
                return found
        if outside or "__getattr__" in self.names:
            return OtherTargetDefinition("unknown", 0)
        return None

    def _locate(self, full: str) -> tuple[TargetSourceFile, str] | None:
        """Split a dotted name into a file of the folder and a name within it.

        *full* begins with ``/`` and a path if it comes from a relative import.
        """
        if full.startswith("/"):
            folder, _, dotted = full.rpartition("/")
            return self._locate_below(folder, dotted)
        found = self._locate_below(str(self.root), full)
        if found is None and self.file.parent != self.root:
            return self._locate_below(str(self.file.parent), full)
        return found

    def _locate_below(self, folder: str, dotted: str) -> tuple[TargetSourceFile, str] | None:
        parts = dotted.split(".") if dotted else []
        for index, part in enumerate([*parts, ""]):
            package = os.path.join(folder, "__init__.py")
            if index and part and os.path.isfile(package):
                exporting = self._open(package)
                if part in exporting.names:
                    return exporting, ".".join(parts[index:])
            if part:
                file = os.path.join(folder, f"{part}.py")
                folder = os.path.join(folder, part)
                if os.path.isdir(folder):
                    continue
                if os.path.isfile(file):
                    return self._open(file), ".".join(parts[index + 1 :])
            if index and os.path.isfile(package):
                return self._open(package), ".".join(parts[index:])
            break
        return None

    def _open(self, file: str) -> TargetSourceFile:
        return inspect_target_source(Path(file), self.root)


_cache: dict[tuple[str, str], tuple[tuple[int, int], TargetSourceFile]] = {}


def inspect_target_source(file: Path, root: Path | None = None) -> TargetSourceFile:
    """Parse *file*; *root* is the folder that its absolute imports begin at (its own).

    Raises:
        SyntaxError: it is not Python; also for a wrong encoding
        OSError: it cannot be read
    """
    root = file.parent if root is None else root
    stat = os.stat(file)
    version = (stat.st_mtime_ns, stat.st_size)
    key = (str(file), str(root))
    known = _cache.get(key)
    if known is not None and known[0] == version:
        return known[1]
    source = TargetSourceFile(file, root)
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        if isinstance(error, SyntaxError) and error.filename is not None:
            raise
        # Null bytes: a ValueError in some releases of Python, without a file in others.
        raise SyntaxError(str(error), (str(file), 1, 1, "")) from error
    for node in _statements(tree.body):
        _note(source, node)
    _cache[key] = version, source
    return source


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Walk the statements that run when the module is imported, into ``if`` and ``try``."""
    for node in body:
        yield node
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(node, Definition | ast.ClassDef):
                yield from _statements(getattr(node, name, ()))
        for handler in getattr(node, "handlers", ()):
            yield from _statements(handler.body)
        for case in getattr(node, "cases", ()):
            yield from _statements(case.body)


def _note(source: TargetSourceFile, node: ast.stmt) -> None:
    if isinstance(node, Definition | ast.ClassDef):
        _bind(source, node.name, node)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name if alias.asname else alias.name.partition(".")[0]
            _bind(source, alias.asname or top, node, top)
    elif isinstance(node, ast.ImportFrom):
        module = _module_of(source, node)
        for alias in node.names:
            if alias.name == "*":
                source.stars.append(module)
            else:
                dotted = module + alias.name if module.endswith("/") else f"{module}.{alias.name}"
                _bind(source, alias.asname or alias.name, node, dotted)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for each in ast.walk(target):
                if isinstance(each, ast.Name):
                    _bind(source, each.id, node.value if each is target else each)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith):
        targets = [node.target] if isinstance(node, ast.For | ast.AsyncFor) else []
        targets += [each.optional_vars for each in getattr(node, "items", ()) if each.optional_vars]
        for each in (inner for target in targets for inner in ast.walk(target)):
            if isinstance(each, ast.Name):
                _bind(source, each.id, each)


def _bind(source: TargetSourceFile, name: str, node: ast.AST, imported: str | None = None) -> None:
    source.names[name] = node
    if imported is None:
        source.imports.pop(name, None)
    else:
        source.imports[name] = imported


def _module_of(source: TargetSourceFile, node: ast.ImportFrom) -> str:
    """Return the module of ``from … import``; of a relative one the path, from ``/`` on."""
    if not node.level:
        return node.module or ""
    folder = source.file.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    return f"{folder}/{node.module or ''}"
