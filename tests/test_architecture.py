"""Imports point one way, as docs/architecture.md lists the rooms."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import nodes, parsed

TOGETHER = "source trees"
ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ffhost"


DOORS_ABOVE = ("_lazy", "_records", "errors", "_library", "_file_locks", "_regular_files")
DOORS_BEHIND = {
    "asgi": "fronts",
    "wsgi": "fronts",
    "testing": "wsgi",
    "pytest_plugin": "testing",
    "gunicorn": "server",
}
"""Each door with what it stands behind."""


def rooms() -> list[str]:
    """Return the rooms in the order of the page."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    listed = text.partition("<!-- rooms -->")[2].partition("<!-- end of rooms -->")[0]
    return re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE)


def order() -> dict[str, float]:
    """Return the place of each room and door; imports go to smaller ones."""
    found = {name: float(place - len(DOORS_ABOVE)) for place, name in enumerate(DOORS_ABOVE)}
    found |= {name: float(place) for place, name in enumerate(rooms())}
    for door, room in DOORS_BEHIND.items():
        found[door] = found[room] + 0.25
    return found


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
    for_types = {
        id(inner)
        for node in nodes(file)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in nodes(file):
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


def test_the_list_is_short_and_names_every_module() -> None:
    assert len(rooms()) <= 15
    assert set(modules()) == set(order())


@pytest.mark.parametrize("module", modules())
def test_no_import_runs_upward(module: str) -> None:
    known = order()
    upward = [
        f"{file.relative_to(ROOT)}:{line}: imports {name}"
        for file in files_of(module)
        for line, name in imported(file)
        if name in known and name != module and known[name] >= known[module]
    ]
    assert upward == []


@pytest.mark.parametrize("module", ["web", "events", "invocation", "signatures"])
def test_the_core_knows_no_server_and_no_socket(module: str) -> None:
    foreign = {"socket", "asyncio.streams", "gunicorn", "uvicorn", "select", "selectors"}
    for file in files_of(module):
        for node in nodes(file):
            if isinstance(node, ast.Import):
                assert not foreign & {alias.name.split(".")[0] for alias in node.names}, file
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] not in foreign, file


def test_the_server_names_the_fronts_by_import_string_only() -> None:
    used = {name for file in files_of("server") for _, name in imported(file)}
    assert not used & {"asgi", "wsgi", "fronts"}


def names_inside_rooms() -> list[Path]:
    return [
        file
        for room in rooms()
        for file in files_of(room)
        if file.name not in ("__init__.py", "__main__.py")
    ]


def test_no_module_is_named_as_a_room_or_a_door() -> None:
    taken = {*rooms(), *DOORS_ABOVE, *DOORS_BEHIND}
    assert [file for file in names_inside_rooms() if file.stem in taken] == []


def test_no_two_modules_are_alike() -> None:
    count = Counter(file.stem for file in names_inside_rooms())
    assert {name for name, times in count.items() if times > 1} == set()


def test_no_module_is_named_for_an_activity() -> None:
    """Nouns; the few that end in -ing name a thing all the same."""
    things = {"routing", "mounting", "binding", "framing"}
    verbs = {file.stem for file in names_inside_rooms() if file.stem.endswith("ing")}
    assert verbs <= things


ONE_WORD = {
    "call": "ffhost.call",
    "cli": "the group of commands, as click has it",
    "client": "ffhost.testing.client",
    "current": "ffhost.current",
    "event": "ffhost.event",
    "http": "ffhost.http",
    "main": "what a console script calls",
    "typed": "ffhost.typed",
}
"""Functions of one word that are imported by their bare name, and why."""


def functions_imported_bare() -> Iterator[tuple[Path, str]]:
    """Yield each function of ours that another module imports, with the file that does."""
    files = sorted(PACKAGE.rglob("*.py"))
    functions = {
        (
            ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"),
            node.name,
        )
        for file in files
        for node in parsed(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for file in files:
        for node in nodes(file):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (node.module, alias.name) in functions:
                        yield file, alias.name


def test_a_function_that_is_imported_by_its_name_says_what_it_works_on() -> None:
    """A verb alone tells nothing where it is used: ``read_yaml``, not ``read``."""
    bare = [
        f"{file.relative_to(ROOT)}: {name}"
        for file, name in functions_imported_bare()
        if "_" not in name.strip("_") and name not in ONE_WORD
    ]
    assert bare == []
