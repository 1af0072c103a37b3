"""What it takes to load one more function of a module, in counts that do not depend on the machine.

Each question is asked once for all functions of a module: where its file is, what the file says,
what the module is. Of a function only what is its own is looked at, such as its parameters.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import pytest

from ffhost.config import ConfigSources, LoadedConfig, load_config
from ffhost.host.snapshot import make_host
from ffhost.host.store import ReloadStore

T = TypeVar("T")
FEW, MANY = 20, 60
PYTHON_CALLS = 210, 140
"""Most calls of Python functions for one function more, when it is loaded and when only a limit of
it changes; 188 and 123 were counted on Python 3.11."""
OF_FILES = {"stat", "lstat", "open", "open_code", "listdir", "scandir", "readlink", "getcwd"}
"""Functions in C that look at files."""

counted_twice = pytest.mark.skipif(
    sys.gettrace() is not None or sys.getprofile() is not None, reason="something else counts"
)


def written(folder: Path, count: int, timeout: str) -> LoadedConfig:
    names = [f"f{number}" for number in range(count)]
    lines = [f"  {name}: {{target: 'many.py:{name}', timeout: {timeout}}}" for name in names]
    source = "".join(f"def {name}(request):\n    return __name__\n\n" for name in names)
    folder.mkdir(exist_ok=True)
    (folder / "many.py").write_text(source)
    (folder / "functions.yaml").write_text("\n".join(["functions:", *lines, ""]))
    return load_config(ConfigSources(environ={}, cwd=folder))


def counting(what: Callable[[], T]) -> tuple[T, Counter[str]]:
    """Run *what*, and count the calls of Python functions and the looks at files."""
    counts: Counter[str] = Counter()

    def count(_frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            counts["calls"] += 1
        elif event == "c_call" and called.__name__ in OF_FILES:
            counts["files"] += 1

    sys.setprofile(count)
    try:
        return what(), counts
    finally:
        sys.setprofile(None)


def counts_of(folder: Path, count: int) -> tuple[Counter[str], Counter[str]]:
    """Load *count* functions, and reload them with another timeout; return what both took."""
    store = ReloadStore()
    config = written(folder, count, "10s")
    host, loading = counting(lambda: make_host(config, store))
    changed = written(folder, count, "20s")
    again, reloading = counting(lambda: make_host(changed, store, host))
    assert {each.timeout_seconds for each in again.functions.values()} == {20}
    return loading, reloading


@counted_twice
def test_one_function_more_of_a_module_is_cheap_and_looks_at_no_file(tmp_path: Path) -> None:
    counts_of(tmp_path / "first", 1)  # imports what loading needs
    few, many = counts_of(tmp_path / "few", FEW), counts_of(tmp_path / "many", MANY)
    for less, more, most in zip(few, many, PYTHON_CALLS, strict=True):
        assert more["files"] == less["files"] > 0
        assert (more["calls"] - less["calls"]) / (MANY - FEW) < most
