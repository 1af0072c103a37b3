"""Runs the pairs: both servers stand side by side and are asked in turn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import discarding, fixed_rate
from benchmarks.cases import Case
from benchmarks.environments import Pythons
from benchmarks.load import LoadError, Request, requests_per_second
from benchmarks.ratios import Ratio, ratio
from benchmarks.servers import Server, ServerError, Side

_WARM_UP_SECONDS = 1
_PAIRS_OF_A_PROCESS = 4
"""After so many both servers are started anew: where a process lies in memory, and how its
hashes fall, moves all its figures by some percent, and would pass for a result."""


@dataclass(frozen=True)
class Row:
    """One measured row of the table.

    Args:
        ratio: None if it could not be measured
        ours: median of what is measured of our side, for orientation
        note: what went wrong, or what is to be said
    """

    name: str
    title: str
    against: str
    ratio: Ratio | None
    ours: str = ""
    theirs: str = ""
    target: float | None = None
    aim: float | None = None
    less_is_better: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None or self.ratio is None:
            return None
        if self.less_is_better:
            return self.ratio.median <= self.target
        return self.ratio.median >= self.target


def measure(case: Case, pythons: Pythons, pairs: int, seconds: int) -> Row:
    """Measure one case; a server that does not work makes a row that says so."""
    against = f"{case.ours.label} / {case.theirs.label}"
    take = _MEASURES[case.measure]
    with tempfile.TemporaryDirectory(prefix="ffhost-bench-") as folder:
        try:
            ours, theirs = take(case, Path(folder), pythons, pairs, seconds)
        except (LoadError, ServerError) as error:
            return Row(case.name, case.title, against, None, target=case.target, note=str(error))
    shown = _SHOWN[case.measure]
    return Row(
        case.name,
        case.title,
        against,
        ratio(ours, theirs),
        shown(median(ours)),
        shown(median(theirs)),
        case.target,
        case.aim,
        case.less_is_better,
    )


def _per_second(calls: float) -> str:
    return f"{calls:,.0f}/s"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"


def _throughputs(
    case: Case, folder: Path, pythons: Pythons, pairs: int, seconds: int
) -> tuple[list[float], list[float]]:
    figures: tuple[list[float], list[float]] = ([], [])
    for done in range(0, pairs, _PAIRS_OF_A_PROCESS):
        with (
            Server(case.ours, folder / "ours", pythons) as ours,
            Server(case.theirs, folder / "theirs", pythons) as theirs,
        ):
            for server in (ours, theirs):
                _await(server, case.request)
                _rate(server, case.request, _WARM_UP_SECONDS)
            for _ in range(min(_PAIRS_OF_A_PROCESS, pairs - done)):
                for server, found in zip((ours, theirs), figures, strict=True):
                    found.append(_rate(server, case.request, seconds))
    return figures


def _rate(server: Server, request: Request, seconds: int) -> float:
    if not request.large:
        return requests_per_second(server.url, request, seconds)
    answers = discarding.ask(server.url, request.connections, seconds)
    return answers.count / answers.seconds


def _await(server: Server, request: Request) -> None:
    server.wait(request.body.encode() * request.repeat, request.headers)


def _starts(
    case: Case, folder: Path, pythons: Pythons, pairs: int, _seconds: int
) -> tuple[list[float], list[float]]:
    for side in (case.ours, case.theirs):  # so that byte code is cached
        _start_once(side, folder, pythons)
    found = [
        (_start_once(case.ours, folder, pythons), _start_once(case.theirs, folder, pythons))
        for _ in range(pairs)
    ]
    return [ours for ours, _ in found], [theirs for _, theirs in found]


def _start_once(side: Side, folder: Path, pythons: Pythons) -> float:
    with Server(side, folder / "start", pythons) as server:
        return server.wait()


def _costs(
    case: Case, folder: Path, pythons: Pythons, pairs: int, seconds: int
) -> tuple[list[float], list[float]]:
    """Measure calls at a fixed rate: processor time, or how long all but one in a hundred take."""

    def look(server: Server) -> float:
        cost = fixed_rate.measure(server.url, server.process.pid, seconds * _CALM)
        return float(getattr(cost, case.measure))

    return _alternately(case, folder, pythons, pairs, look)


def _idle(
    case: Case, folder: Path, pythons: Pythons, pairs: int, seconds: int
) -> tuple[list[float], list[float]]:
    """Measure the processor time of a second in which nobody asks."""

    def look(server: Server) -> float:
        before = fixed_rate.processor_seconds(server.process.pid)
        time.sleep(seconds * _IDLE)
        after = fixed_rate.processor_seconds(server.process.pid)
        # The system counts in hundredths of a second: less than one is taken for half of one.
        return max(after - before, 0.005) / (seconds * _IDLE)

    return _alternately(case, folder, pythons, pairs, look)


def _burdens(
    case: Case, folder: Path, pythons: Pythons, pairs: int, seconds: int
) -> tuple[list[float], list[float]]:
    """Measure the processor time of large answers while as many are asked for as come."""

    def look(server: Server) -> float:
        before = fixed_rate.processor_seconds(server.process.pid)
        answers = discarding.ask(server.url, case.request.connections, seconds)
        return (fixed_rate.processor_seconds(server.process.pid) - before) / answers.count

    return _alternately(case, folder, pythons, pairs, look)


def _alternately(
    case: Case, folder: Path, pythons: Pythons, pairs: int, look: Callable[[Server], float]
) -> tuple[list[float], list[float]]:
    figures: tuple[list[float], list[float]] = ([], [])
    with (
        Server(case.ours, folder / "ours", pythons) as ours,
        Server(case.theirs, folder / "theirs", pythons) as theirs,
    ):
        for server in (ours, theirs):
            _await(server, case.request)
            if case.request.large:
                _rate(server, case.request, _WARM_UP_SECONDS)
            else:
                fixed_rate.measure(server.url, server.process.pid, _WARM_UP_SECONDS)
        for _ in range(pairs):
            for server, found in zip((ours, theirs), figures, strict=True):
                found.append(look(server))
    return figures


_CALM, _IDLE = 4, 20
"""How many times as long as a measurement by wrk these take: a hundredth of a second counts."""
_MEASURES = {
    "throughput": _throughputs,
    "start": _starts,
    "processor": _costs,
    "p50": _costs,
    "p99": _costs,
    "idle": _idle,
    "burden": _burdens,
}
_SHOWN = {
    "throughput": _per_second,
    "start": _milliseconds,
    "processor": _microseconds,
    "p50": _microseconds,
    "p99": _microseconds,
    "idle": _microseconds,
    "burden": _microseconds,
}
