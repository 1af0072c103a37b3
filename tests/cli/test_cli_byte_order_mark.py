"""Files that begin with a byte order mark, as editors on Windows write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import ffhost

MARK = "\ufeff"
FILES = {
    "functions.yaml": "env_file: app.env\nfunctions:\n"
    "  hello: {target: 'main.py:hello', config: {k: '${KEY}'}}\n",
    "app.env": "KEY=1\n",
    "main.py": "import functions_framework\nfrom near import text\n\n"
    "@functions_framework.http\ndef hello(request): return text\n",
    "near.py": "text = 'hello'\n",
    "requirements.txt": "functions-framework==3.*\nrequests\n",
    "Dockerfile": "FROM python:3.12\nENV A=1\nRUN pip install functions-framework\n",
    "pyproject.toml": "[project]\nname = 'shop'\ndependencies = ['requests']\n",
    "event.json": '{"a": 1}\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(MARK + text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["check", "check --no-import", "functions", "config", "build", "export compose", "openapi"],
)
def test_no_command_stumbles_over_a_byte_order_mark(folder: Path, command: str) -> None:
    ran = ffhost(*command.split(), cwd=folder)
    assert (ran.status, MARK in ran.out + ran.err) == (0, False), ran.err


def test_what_is_copied_and_called_has_no_mark(folder: Path) -> None:
    assert ffhost("invoke", "hello", "--data", "@event.json", cwd=folder).out == "hello\n"
    (folder / "requirements.txt").unlink()
    assert ffhost("build", cwd=folder).status == 0
    lines = (folder / "build/requirements.txt").read_text().splitlines()
    assert lines[2:] == ["requests  # pyproject.toml", "ffhost==0.1.0"]


def test_a_project_with_marks_is_migrated(folder: Path) -> None:
    (folder / "functions.yaml").unlink()
    ran = ffhost("init", "--from-functions-framework", ".", cwd=folder)
    assert "requirements.txt: 'functions-framework==3.*' replaced by 'ffhost'" in ran.out
    assert (folder / "Dockerfile").read_text().startswith("FROM python")
    assert ffhost("new", "second", cwd=folder).status == 0
    assert ffhost("invoke", "hello", cwd=folder).out == "hello\n"
