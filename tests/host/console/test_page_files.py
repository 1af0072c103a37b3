"""The files of the console's pages: small, complete, and nothing in them that parses HTML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[3] / "ffhost" / "host" / "console" / "pages"
FILES = sorted(PAGES.iterdir())
SCRIPTS = [file for file in FILES if file.suffix == ".js"]
MOST_BYTES = 150 * 1024

PARSES_HTML = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
    r"|\beval\(|new Function\(|setHTML|javascript:"
)


def test_all_pages_together_are_small() -> None:
    assert sum(file.stat().st_size for file in FILES) < MOST_BYTES


def test_only_files_that_browsers_load_are_shipped() -> None:
    assert {file.suffix for file in FILES} == {".html", ".css", ".js", ".svg"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_foreign_host_is_named(file: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`]*", file.read_text()))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_script_parses_html_but_for_the_sandboxed_frame(file: Path) -> None:
    found = PARSES_HTML.findall(file.read_text())
    assert found == []
    assert ("srcdoc" in file.read_text()) == (file.name == "bodies.js")


def test_the_frame_for_answered_pages_may_do_nothing() -> None:
    assert 'h("iframe", { class: "preview", sandbox: "",' in (PAGES / "bodies.js").read_text()


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_every_import_of_a_module_is_exported_there(file: Path) -> None:
    for names, module in re.findall(r'import \{([^}]*)\} from "\./([^"]+)"', file.read_text()):
        exported = set(re.findall(r"^export (?:async )?(?:function|class|const|let) (\w+)",
                                  (PAGES / module).read_text(), re.MULTILINE))  # fmt: skip
        assert {name.strip() for name in names.split(",")} <= exported, module


def test_the_page_names_only_files_that_are_there_and_holds_no_script_or_style_itself() -> None:
    page = (PAGES / "index.html").read_text()
    named = re.findall(r'(?:src|href)="/console/HASH/([^"]+)"', page)
    assert {"app.js", "style.css", "icon.svg", "first.js"} <= set(named)
    assert all((PAGES / name).is_file() for name in named)
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page)
