"""What a newcomer sees in a terminal of 80 and of 100 columns, compared as a whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.terminal.newcomer import SCREENS, WIDTHS, walk


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("width", WIDTHS)
def test_a_newcomers_way_shows_the_screens_that_are_stored(tmp_path: Path, width: int) -> None:
    for name, screen in walk(tmp_path, width):
        assert screen == (SCREENS / f"{name}-{width}.txt").read_text(), name
