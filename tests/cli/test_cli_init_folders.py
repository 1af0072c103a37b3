"""``init --from-functions-framework``: which folders are found, and what installs ffhost then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ffhost.cli.scaffold.migrated_requirements import migrate_requirement_lines
from tests.commands import Ran, ffhost

DECORATED = "import functions_framework\n@functions_framework.http\ndef {0}(request): ...\n"


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def migrated(folder: Path, *sources: str) -> Ran:
    return ffhost("init", "--from-functions-framework", *sources, cwd=folder)


def test_projects_below_the_folder_are_found(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "services/resize/main.py": DECORATED.format("resize"),
            "services/resize/requirements.txt": "functions-framework==3.*\n",
            "services/deep/down/main.py": "def on_upload(event, context): ...\n",
            "services/deep/down/Procfile": "web: functions-framework --target=on_upload\n",
            "services/other/main.py": "def hello(request): ...\n",
            "tests/main.py": DECORATED.format("tested"),
            "venv/pyvenv.cfg": "",
            "venv/main.py": DECORATED.format("installed"),
            ".hidden/main.py": DECORATED.format("hidden"),
        },
    )
    ran = migrated(tmp_path, ".")
    assert ran.status == 0, ran.err
    written = yaml.safe_load((tmp_path / "functions.yaml").read_text())["functions"]
    assert {name: each["target"] for name, each in written.items()} == {
        "on_upload": "services/deep/down/main.py:on_upload",
        "resize": "services/resize/main.py:resize",
    }


def test_a_folder_that_is_a_project_itself_is_one_beside_those_below(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "main.py": DECORATED.format("top"),
            "requirements.txt": "functions-framework\n",
            "below/main.py": DECORATED.format("inner"),
        },
    )
    ran = migrated(tmp_path, ".")
    assert "top: main.py:top (decorated as http)" in ran.out
    assert "inner: below/main.py:inner (decorated as http)" in ran.out
    assert not (tmp_path / "below/requirements.txt").exists()  # that above names ffhost now
    assert (tmp_path / "requirements.txt").read_text() == "ffhost\n"


@pytest.mark.parametrize("command", [("--from-functions-framework", "."), ()])
def test_an_editor_gets_the_schema_of_what_init_writes(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    if command:
        lay_out(tmp_path, {"main.py": DECORATED.format("top")})
    ran = ffhost("init", *command, cwd=tmp_path)
    assert "wrote .ffhost/functions.schema.json\n" in ran.out
    first = (tmp_path / "functions.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=.ffhost/functions.schema.json"
    schema = json.loads((tmp_path / ".ffhost/functions.schema.json").read_text())
    assert "functions" in schema["properties"]


# What installs ffhost.


def replaced(folder: Path, files: dict[str, str], top: Path | None = None) -> list[str]:
    lay_out(folder, files)
    found = migrate_requirement_lines(folder, ["flask"], top or folder)
    return [each.replace(f"{folder}/", "") for each in found]


def test_dockerfiles_that_install_functions_framework_are_mended(tmp_path: Path) -> None:
    dockerfile = """\
FROM python:3.12
# functions-framework serves it
RUN pip install --no-cache-dir \\
      functions-framework==3.8.2 "flask>=3" && true
RUN ["pip", "install", "functions-framework"]
COPY functions-framework.whl ./
CMD ["functions-framework", "--target=hello"]
"""
    assert replaced(tmp_path, {"Dockerfile": dockerfile}) == [
        "Dockerfile:4: functions-framework replaced by 'ffhost[flask]'",
        "Dockerfile:5 names functions-framework; install 'ffhost[flask]' in its place",
        "Dockerfile:6 names functions-framework; install 'ffhost[flask]' in its place",
    ]
    mended = (tmp_path / "Dockerfile").read_text()
    wanted = dockerfile.replace("functions-framework==3.8.2", "'ffhost[flask]'")
    assert mended == wanted


def test_projects_of_uv_and_poetry_are_mended_and_their_locks_named(tmp_path: Path) -> None:
    project = '[project]\ndependencies = ["functions-framework>=3; python_version>\'3\'", "x"]\n'
    assert replaced(tmp_path, {"pyproject.toml": project, "uv.lock": ""}) == [
        "pyproject.toml: functions-framework replaced by 'ffhost[flask]'",
        "uv.lock is out of date now; run: uv lock",
    ]
    assert '"ffhost[flask]", "x"' in (tmp_path / "pyproject.toml").read_text()


def test_the_table_of_poetry_is_mended(tmp_path: Path) -> None:
    project = '[tool.poetry.dependencies]\nfunctions-framework = "^3.5"\nx = "*"\n'
    replaced(tmp_path, {"pyproject.toml": project})
    assert (tmp_path / "pyproject.toml").read_text() == (
        '[tool.poetry.dependencies]\nffhost = {version = "*", extras = ["flask"]}\nx = "*"\n'
    )


def test_a_file_that_requirements_name_is_mended(tmp_path: Path) -> None:
    files = {"requirements.txt": "-r base.txt\n", "base.txt": "\ufefffunctions-framework\nx\n"}
    assert replaced(tmp_path, files) == [
        "base.txt: 'functions-framework' replaced by 'ffhost[flask]'"
    ]
    assert (tmp_path / "base.txt").read_text() == "ffhost[flask]\nx\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, ["requirements.txt: 'ffhost[flask]' added"]),
        ({"requirements.txt": "requests"}, ["requirements.txt: 'ffhost[flask]' added"]),
        ({"requirements.txt": "ffhost>=0.1\n"}, []),
        ({"pyproject.toml": "[project]\ndependencies = ['ffhost']\n"}, []),
        (
            {"pyproject.toml": "[project]\nname = 'x'\n"},
            ["pyproject.toml does not name ffhost; run: uv add 'ffhost[flask]'"],
        ),
    ],
)
def test_ffhost_is_added_where_nothing_names_it(
    tmp_path: Path, files: dict[str, str], said: list[str]
) -> None:
    assert replaced(tmp_path, files) == said


def test_requirements_above_that_name_ffhost_are_enough(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("ffhost\n")
    assert replaced(tmp_path / "inner", {"inner/main.py": ""}, tmp_path) == []
