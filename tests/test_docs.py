"""What the documents show works: their commands, their YAML, their links, the reference."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from ffhost.config import ConfigSources, load_config
from ffhost.config.reference import BEGIN, END, settings_reference
from tests.documents import PAGES, ROOT, blocks, read

SHOWN = [str(page.relative_to(ROOT)) for page in PAGES]
WITH_COMMANDS = [str(page.relative_to(ROOT)) for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path) -> None:
    read(ROOT / page, tmp_path)


@pytest.mark.parametrize("page", SHOWN)
def test_links_between_documents_lead_somewhere(page: str) -> None:
    folder, text = (ROOT / page).parent, (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text):
        assert (folder / target).exists(), f"{page}: {target}"


def configurations() -> list[tuple[str, str]]:
    """Find the YAML blocks that are configurations."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^```yaml\n(.*?)^```\n", text, re.DOTALL | re.MULTILINE):
            if re.search(r"^functions:", match[1], re.MULTILINE):
                line = text.count("\n", 0, match.start()) + 1
                found.append((f"{page.relative_to(ROOT)}:{line}", match[1]))
    return found


@pytest.mark.parametrize(("where", "text"), configurations())
def test_configurations_that_are_shown_are_right(where: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(text)
    names = set(re.findall(r"\$\{(\w+)\}|from_env: (\w+)", text))
    environ = {name: f"{name}-of-32-characters-or-more" for pair in names for name in pair if name}
    load_config(ConfigSources(environ=environ, cwd=tmp_path))


def test_the_reference_is_generated_from_the_models() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    shown = page.partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == settings_reference().strip(), "run 'make reference'"


def test_the_folders_of_the_migration_page_are_those_that_it_describes() -> None:
    page = (ROOT / "docs" / "migrating.md").read_text()
    assert (ROOT / "tests" / "pages" / "migrating" / "functions.yaml").read_text() in page


def test_the_drawings_are_those_that_are_drawn() -> None:
    found = {file.name: file.read_text() for file in (ROOT / "docs" / "pictures").glob("*.svg")}
    drawn = runpy.run_path(str(ROOT / "docs" / "drawings.py"))["pictures"]()
    assert {name: found[name] for name in drawn} == drawn, "run 'make reference'"


def test_the_picture_of_the_terminal_is_well_formed_and_loads_nothing() -> None:
    text = (ROOT / "docs" / "pictures" / "terminal.svg").read_text()
    ElementTree.fromstring(text)
    assert not re.search(r"(?:href=|url\()[\"']?https?:", text)


def test_every_example_is_in_the_gallery() -> None:
    page = (ROOT / "docs" / "examples.md").read_text()
    examples = {path.parent.name for path in ROOT.glob("examples/*/README.md")}
    assert set(re.findall(r"examples/([\w-]+)/README", page)) == examples


def test_every_page_is_in_the_navigation() -> None:
    site = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader=yaml.BaseLoader)
    listed = set(re.findall(r"[\w/-]+\.md", str(site["nav"])))
    assert listed == {
        str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
    }
