"""Every example: its tests pass, its configuration is right, and its README's commands work."""

from __future__ import annotations

import os
import re
import shlex
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.commands import ffhost
from tests.forking import Python

ROOT = Path(__file__).parents[1]
ENVIRON = {
    "WEBHOOK_SECRET": "development",
    "TOKEN_SECRET": "development-development-development",
    "CI_KEY": "key-of-ci-for-development",
    "BILLING_KEY": "key-of-billing-for-development",
    "HOOK_SECRET": "development",
    "PARTNER_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/functions.yaml"))
TESTED = [name for name in EXAMPLES if (ROOT / "examples" / name / "tests").is_dir()]
WITH_README = [name for name in EXAMPLES if (ROOT / "examples" / name / "README.md").exists()]
TRIED = ("check", "config", "convert", "functions", "invoke", "openapi", "route", "test")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_configuration_of_an_example_is_right(example: str) -> None:
    folder = ROOT / "examples" / example
    # What it installs is tested in tests/deploy: it takes a minute.
    imports = not (folder / "old" / "requirements.txt").exists()
    for arguments in [["check"]] * imports + [["check", "--no-import"]]:
        ran = ffhost(*arguments, cwd=folder, environ=ENVIRON)
        assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize("example", TESTED)
def test_the_tests_of_an_example_pass(example: str, tmp_path: Path) -> None:
    installed = entry_points(group="pytest11", name="ffhost")
    plugin = [] if installed else ["-p", "ffhost.pytest_plugin"]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "tests"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    output = tmp_path / "output.txt"
    ran = Python(command, ROOT / "examples" / example, environ, output, output)
    assert ran.wait() == 0, output.read_text()


def commands(readme: str) -> list[list[str]]:
    """Give the ``ffhost`` commands of a README that need neither a server nor another program."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", readme, re.DOTALL):
        for line in re.findall(r"^\$ ffhost (.*)$", block, re.MULTILINE):
            words = shlex.split(line)
            if words[0] in TRIED and not {"|", "&", ">", "--remote"} & set(words):
                found.append(words)
    return found


@pytest.mark.parametrize("example", WITH_README)
def test_the_commands_of_a_readme_work(example: str) -> None:
    folder = ROOT / "examples" / example
    tried = commands((folder / "README.md").read_text())
    for words in tried:
        ran = ffhost(*words, cwd=folder, environ=ENVIRON)
        assert ran.status == 0, f"ffhost {shlex.join(words)}\n{ran.out}{ran.err}"
