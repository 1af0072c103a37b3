"""What contributors are told works: hooks, templates, links and the targets that pages name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ffhost.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = ["CONTRIBUTING.md", "SECURITY.md", "docs/releasing.md", "README.md", "CHANGELOG.md"]
TARGETS = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def hooks() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return loaded


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    folder = (ROOT / page).parent
    missing = [
        target
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text)
        if not (folder / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES[:3])
def test_every_make_target_of_a_page_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    named = {
        target
        for words in re.findall(r"`make ([a-z ]+)`|^make ([a-z ]+)$", text, re.MULTILINE)
        for target in "".join(words).split()
    }
    assert named - TARGETS == set()


@pytest.mark.parametrize("page", PAGES[:1])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`((?:ffhost|tests|docs)/[\w./-]+)`", (ROOT / page).read_text())
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_our_hook_checks_a_project(tmp_path: Path) -> None:
    (hook,) = hooks()
    program, *arguments = shlex.split(hook["entry"])
    assert program == "ffhost"
    assert arguments[0] in COMMANDS
    (tmp_path / "main.py").write_text("import not_installed\n\ndef hello(request): ...\n")
    (tmp_path / "functions.yaml").write_text("functions: {hello: {target: main.py:hello}}\n")
    assert run(arguments, tmp_path) == 0
    (tmp_path / "functions.yaml").write_text("functions: {hello: {target: main.py:helo}}\n")
    assert run(arguments, tmp_path) == 2


def run(arguments: list[str], folder: Path) -> int:
    command = [sys.executable, "-m", "ffhost", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_our_own_hooks_run_tools_that_make_installs() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in local["hooks"]:
        assert re.match(r"\.venv/bin/(ruff|mypy|ffhost)\b", hook["entry"]), hook["id"]


@pytest.mark.parametrize("template", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md")))
def test_an_issue_template_has_a_head_that_can_be_read(template: Path) -> None:
    _, head, body = template.read_text().split("---\n", 2)
    assert {"name", "about"} <= set(yaml.safe_load(head))
    assert body.strip()
