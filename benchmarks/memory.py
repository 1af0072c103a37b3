"""Fifty functions in one host, and in fifty processes: memory, and time to start.

Memory is the proportional set size: pages that processes share are counted once.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]

from benchmarks.environments import Pythons
from benchmarks.measuring import Row
from benchmarks.ratios import ratio
from benchmarks.servers import (
    FUNCTIONS,
    Server,
    ServerError,
    Side,
    ffhost,
    functions_framework,
)

COUNT = 50
TARGET = 1 / 28
_AT_ONCE = 5
"""How many of fifty processes are started together; all at once would be slower."""


def rows(pythons: Pythons, pairs: int) -> list[Row]:
    """Measure both sides *pairs* times; memory hardly wavers."""
    with tempfile.TemporaryDirectory(prefix="ffhost-bench-") as name:
        folder = Path(name)
        for number in range(COUNT):
            shutil.copy(FUNCTIONS / "main.py", folder / f"f{number}.py")
        sources = [str(folder / f"f{number}.py") for number in range(COUNT)]
        originals = [functions_framework("hello", source) for source in sources]
        ours, theirs = [], []
        try:
            for _ in range(pairs):
                ours.append(_measure([_host(sources)], folder / "ours", pythons))
                theirs.append(_measure(originals, folder / "theirs", pythons))
        except ServerError as error:
            return [Row("memory", f"{COUNT} functions", "", None, note=str(error))]
    against = f"one ffhost / {COUNT} functions-frameworks"
    return [
        Row(
            "memory",
            f"memory of {COUNT} functions",
            against,
            ratio([memory for memory, _ in ours], [memory for memory, _ in theirs]),
            f"{median(memory for memory, _ in ours):.0f} MiB",
            f"{median(memory for memory, _ in theirs):.0f} MiB",
            TARGET,
            less_is_better=True,
        ),
        Row(
            "memory-start",
            f"start of {COUNT} functions",
            against,
            ratio([seconds for _, seconds in ours], [seconds for _, seconds in theirs]),
            f"{median(seconds for _, seconds in ours):.1f} s",
            f"{median(seconds for _, seconds in theirs):.1f} s",
            less_is_better=True,
            note=f"functions-framework's started {_AT_ONCE} at a time",
        ),
    ]


def _host(sources: list[str]) -> Side:
    functions = {f"f{number}": {"target": f"{each}:hello"} for number, each in enumerate(sources)}
    return ffhost(functions, "/f0")


def _measure(sides: list[Side], folder: Path, pythons: Pythons) -> tuple[float, float]:
    """Give MiB and seconds."""
    begun = time.monotonic()
    with ExitStack() as stack:
        servers = []
        for first in range(0, len(sides), _AT_ONCE):
            started = [
                stack.enter_context(Server(side, folder / str(number), pythons))
                for number, side in enumerate(sides[first : first + _AT_ONCE], first)
            ]
            for server in started:
                server.wait()
            servers += started
        seconds = time.monotonic() - begun
        return sum(_mebibytes(server.process.pid) for server in servers), seconds


def _mebibytes(pid: int) -> float:
    tree = psutil.Process(pid)
    pages = sum(each.memory_full_info().pss for each in (tree, *tree.children(recursive=True)))
    return float(pages / 2**20)
