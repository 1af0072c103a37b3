"""The public API explains itself, its examples work, and the pages made from it are up to date."""

from __future__ import annotations

import doctest
import inspect
import runpy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import ffhost

ROOT = Path(__file__).parent.parent
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))

PUBLIC = [
    (module, name) for module in GENERATE["MODULES"] for name in GENERATE["public_names"](module)
]
WITHOUT_EXAMPLE = {"ffhost.errors"}
"""Modules whose classes are shown by the example of the class above them."""


def documented(module: str, name: str) -> Any:
    return GENERATE["documented_of"](getattr(import_module(module), name))


def members() -> Iterator[tuple[str, Any]]:
    """Return every public function, class, method and property by its name."""
    for module, name in PUBLIC:
        value = documented(module, name)
        yield f"{module}.{name}", value
        if inspect.isclass(value):
            for member, each in GENERATE["public_members"](value):
                yield f"{module}.{name}.{member}", each


MEMBERS = dict(members())


@pytest.mark.parametrize("page", ["reference.md", "cli.md"])
def test_a_generated_page_is_up_to_date(page: str) -> None:
    path = ROOT / "docs" / page
    assert path.read_text() == GENERATE["pages"]()[path], "run make reference"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_public_name_says_since_when(module: str, name: str) -> None:
    assert "\n\nSince 0." in (inspect.getdoc(documented(module, name)) or "")


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_public_name_has_an_example(module: str, name: str) -> None:
    text = inspect.getdoc(documented(module, name)) or ""
    assert module in WITHOUT_EXAMPLE or "\nExample:\n    >>> " in text


@pytest.mark.parametrize("name", MEMBERS)
def test_every_public_method_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(MEMBERS[name])


def arguments(value: Any) -> list[str]:
    """Return the names that a caller may pass."""
    if inspect.isclass(value) and "__init__" not in vars(value):
        return []
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return []
    return [name for name in inspect.signature(value).parameters if name != "self"]


@pytest.mark.parametrize("name", [name for name in MEMBERS if arguments(MEMBERS[name])])
def test_every_argument_is_explained(name: str) -> None:
    given = arguments(MEMBERS[name])
    text = inspect.getdoc(MEMBERS[name]) or ""
    assert [each for each in given if f"\n    {each}: " not in text] == []


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_examples_do_what_they_show(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "examples" / "quickstart")
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = {"ffhost": ffhost, **vars(import_module("ffhost.testing"))}
    names |= {each: getattr(import_module(module), each) for _, each in PUBLIC if _ == module}
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    for found in finder.find(documented(module, name), name, module=False, globs=dict(names)):
        report: list[str] = []
        runner.run(found, out=report.append)
        assert runner.failures == 0, "".join(report)
