"""The unit tests of functions-framework's users pass with ffhost, as they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.compat.projects import PROJECTS, run_tests


@pytest.mark.parametrize("name", PROJECTS)
def test_the_tests_of_a_project_pass_unchanged(name: str, tmp_path: Path) -> None:
    assert run_tests(name, sys.executable, tmp_path) == ""
