"""The command itself: what is said about mistakes, help, completion, and what is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ffhost.cli import COMMANDS
from tests.commands import ffhost, project

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["chekc"],
            "ffhost: no such command 'chekc'; did you mean 'check'?\n"
            "  hint: 'ffhost --help' lists the commands\n",
        ),
        (
            ["zzz"],
            "ffhost: no such command 'zzz'\n  hint: 'ffhost --help' lists the commands\n",
        ),
        (
            ["check", "--frmat", "json"],
            "ffhost check: no such option '--frmat'; did you mean '--format'?\n"
            "  hint: 'ffhost check --help' shows how it is used\n",
        ),
        (
            ["check", "--format", "xml"],
            "ffhost check: invalid value for '--format': 'xml' is not one of 'text', 'json', "
            "'github'\n  hint: 'ffhost check --help' shows how it is used\n",
        ),
        (
            ["plan", "a.yaml"],
            "ffhost plan: missing argument 'NEW'\n"
            "  hint: 'ffhost plan --help' shows how it is used\n",
        ),
    ],
)
def test_a_mistyped_command_line_says_what_was_meant(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert ffhost(*arguments, cwd=tmp_path) == (2, "", message)


@pytest.mark.parametrize("command", ["check", "config", "functions", "invoke", "test", "openapi"])
def test_without_a_configuration_the_user_is_told_how_to_begin(
    tmp_path: Path, command: str
) -> None:
    assert ffhost(command, cwd=tmp_path) == (
        2,
        "",
        "functions.yaml: no such file\n"
        "  hint: 'ffhost init' writes one; or name a file with -c, or a function with --target\n",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(tmp_path: Path, command: str) -> None:
    ran = ffhost(command, "--help", cwd=tmp_path)
    assert ran.status == 0
    assert f"ffhost {command}" in ran.out
    assert "Examples:" in ran.out


def test_help_lists_the_commands_and_the_exit_statuses(tmp_path: Path) -> None:
    ran = ffhost("--help", cwd=tmp_path)
    assert all(f"  {command} " in ran.out for command in COMMANDS)
    assert "Exit statuses:\n    0  success\n    1  " in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(tmp_path: Path, shell: str) -> None:
    ran = ffhost("completion", shell, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert f"_FFHOST_COMPLETE={shell}_complete" in ran.out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ffhost pl", "plain,plan"),
        ("ffhost check --no", "plain,--no-import"),
        ("ffhost invoke gr", "plain,greet"),
        ("ffhost test f", "plain,farewell"),
    ],
)
def test_commands_options_and_functions_are_completed(
    tmp_path: Path, words: str, found: str
) -> None:
    project(tmp_path, "functions: {greet: {target: 'm.py:g'}, farewell: {target: 'm.py:f'}}")
    environ = {
        "_FFHOST_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    assert ffhost(cwd=tmp_path, environ=environ).out.strip() == found


def test_serve_and_help_import_no_other_command() -> None:
    code = (
        "import sys, json, ffhost.cli.commands.serve;"
        "from ffhost.cli import cli;"
        "cli.main(['--help'], standalone_mode=False);"
        "print(json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(json.loads(ran.stdout.splitlines()[-1]))
    ours = {name for name in imported if name.startswith("ffhost.cli.")}
    assert ours <= {
        "ffhost.cli.commands",
        "ffhost.cli.commands.serve",
        "ffhost.cli.options",
        "ffhost.cli.banner",
    }
    assert not imported & {
        "ffhost.testing",
        "ffhost.events",
        "pytest",
        "ffhost.loading.targets.source",
    }


def test_the_version_is_printed(tmp_path: Path) -> None:
    import ffhost as package

    assert ffhost("--version", cwd=tmp_path).out == f"ffhost {package.__version__}\n"
