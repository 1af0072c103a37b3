"""The table: Markdown for readers, JSON for the next run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Row
from benchmarks.ratios import Ratio
from benchmarks.servers import THREADS, WORKERS

_INTRODUCTION = """\
# Results

Ratios of our figure to the other's: the median of all pairs, and their quartiles. A pair is
two measurements right after each other, so that what else the machine does meets both. The
figures of the two sides are there for orientation only. Both had {workers} worker, and {threads}
threads where the server has threads; unless a row says otherwise, ours had
`metrics.enabled: false` and `logging.invocations: false`. What each row measures is in
`cases.py`; how to read it, and what follows from it, in `docs/performance.md`.
"""


def write(
    file: Path, rows: Sequence[Row], versions: Mapping[str, str], settings: str, plot: str
) -> None:
    """Write the table, with the quartiles of the run before beside it if that is known."""
    data = file.with_suffix(".json")
    before = _ratios_of(data)
    lines = [
        _INTRODUCTION.format(workers=WORKERS, threads=THREADS),
        f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {settings}",
        *(f"- {name}: {value}" for name, value in versions.items()),
        "",
        f"![Ratios and targets]({plot})",
        "",
        "| what | ours / theirs | ratio | quartiles | target | reached | figures | run before |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(row, before.get(row.name)) for row in rows),
        "",
        *_notes(rows),
    ]
    file.write_text("\n".join(lines).rstrip() + "\n")
    found = {row.name: asdict(row.ratio) for row in rows if row.ratio is not None}
    known = {name: asdict(each) for name, each in before.items()}
    data.write_text(json.dumps({**known, **found}, indent=1) + "\n")


def _ratios_of(file: Path) -> dict[str, Ratio]:
    if not file.exists():
        return {}
    return {name: Ratio(**each) for name, each in json.loads(file.read_text()).items()}


def _line(row: Row, before: Ratio | None) -> str:
    found = row.ratio
    cells = [
        row.title,
        row.against,
        "-" if found is None else f"**{_number(found.median)}**",
        "-" if found is None else f"{_number(found.low)} to {_number(found.high)}",
        _target(row),
        {True: "yes", False: "no", None: ""}[row.reached],
        f"{row.ours} / {row.theirs}" if row.ours else "not measured",
        _before(found, before),
    ]
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    word = "at most" if row.less_is_better else "at least"
    aim = "" if row.aim is None else f", aim {row.aim:g}"
    return f"{word} {row.target:g}{aim}"


def _before(found: Ratio | None, before: Ratio | None) -> str:
    if found is None or before is None:
        return ""
    agrees = "agrees" if found.overlaps(before) else "differs"
    return f"{_number(before.low)} to {_number(before.high)}, {agrees}"


def _notes(rows: Sequence[Row]) -> list[str]:
    said = [f"- {row.title}: {' '.join(row.note.split())[:400]}" for row in rows if row.note]
    return ["Notes:", "", *said] if said else []
