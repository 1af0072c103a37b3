"""Imports point one way, as docs/architecture.md lists the modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ffhost"


def layers() -> dict[str, int]:
    """Give each module its line in the list."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    listed = text.partition("<!-- layers -->")[2].partition("<!-- end of layers -->")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", listed, re.MULTILINE)
    return {name: line for line, row in enumerate(rows) for name in re.findall(r"`(\w+)`", row)}


def modules() -> list[str]:
    return sorted(
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file())
        and path.stem not in ("__init__", "__main__")
    )


def files_of(module: str) -> list[Path]:
    folder = PACKAGE / module
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{module}.py"]


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Give line and module of every import of ours, wherever in the file; not of type checkers."""
    tree = ast.parse(file.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
            if node.module == "ffhost":
                names = [f"ffhost.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{file}:{node.lineno}: relative import")
        else:
            continue
        for name in names:
            if name.startswith("ffhost."):
                yield node.lineno, name.split(".")[1]


def test_every_module_is_listed() -> None:
    assert set(modules()) <= set(layers())


@pytest.mark.parametrize("module", modules())
def test_no_import_runs_upward(module: str) -> None:
    known = layers()
    upward = [
        f"{file.relative_to(ROOT)}:{line}: imports {name}"
        for file in files_of(module)
        for line, name in imported(file)
        if name in known and name != module and known[name] >= known[module]
    ]
    assert upward == []


@pytest.mark.parametrize(
    "module", ["limits", "invocation", "signatures", "events", "routing", "requests", "problems"]
)
def test_the_core_knows_no_server_and_no_socket(module: str) -> None:
    foreign = {"socket", "asyncio.streams", "gunicorn", "uvicorn", "select", "selectors"}
    for file in files_of(module):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert not foreign & {alias.name.split(".")[0] for alias in node.names}, file
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] not in foreign, file


def test_the_server_names_the_fronts_by_import_string_only() -> None:
    used = {name for file in files_of("server") for _, name in imported(file)}
    assert not used & {"asgi", "wsgi", "mounting", "fronting"}
