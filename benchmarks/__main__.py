"""The command: ``python -m benchmarks [--quick] [--case NAME ...]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import calls, environments, load, loading, machine, memory, plot, report
from benchmarks.cases import cases
from benchmarks.environments import Pythons
from benchmarks.measuring import Row, measure

_HERE = Path(__file__).parent
_VENV = _HERE.parent / ".bench-venv"
_SPECIAL = ("calls", "memory", "loading")
_PAIRS, _QUICK_PAIRS, _SECONDS = 12, 3, 1


def main() -> int:
    """Measure what is asked for; give the exit status."""
    options = _options()
    known = [case.name for case in cases()] + list(_SPECIAL)
    if options.list:
        print("\n".join(known))
        return 0
    unknown = sorted(set(options.case) - set(known))
    if unknown:
        print(f"no case {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        load.check_wrk()
    except load.LoadError as error:
        print(error, file=sys.stderr)
        return 1
    pythons = environments.install(_VENV)
    pairs = options.pairs or (_QUICK_PAIRS if options.quick else _PAIRS)
    rows = _run(set(options.case or known), pythons, pairs, options.seconds)
    settings = f"{pairs} pairs of {options.seconds} s"
    plot.write(options.output.with_suffix(".svg"), rows)
    plot_name = options.output.with_suffix(".svg").name
    report.write(options.output, rows, machine.describe(pythons.original), settings, plot_name)
    print(f"written: {options.output}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_PAIRS} pairs each")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--list", action="store_true", help="show the names of the cases")
    parser.add_argument("--pairs", type=int, help=f"pairs of each case ({_PAIRS})")
    parser.add_argument("--seconds", type=int, default=_SECONDS, help="of one measurement (1)")
    parser.add_argument("--output", type=Path, default=_HERE / "results.md", help="the table")
    return parser.parse_args()


def _run(wanted: set[str], pythons: Pythons, pairs: int, seconds: int) -> list[Row]:
    rows: list[Row] = []
    begun = time.monotonic()

    def show(row: Row) -> None:
        rows.append(row)
        found = row.ratio
        figure = row.note[-300:] if found is None else f"{found.median:.2f}"
        quartiles = "" if found is None else f" ({found.low:.2f} to {found.high:.2f})"
        print(
            f"{time.monotonic() - begun:5.0f} s  {row.title}: {figure}{quartiles}  "
            f"[{row.ours} / {row.theirs}]",
            flush=True,
        )

    for case in cases():
        if case.name in wanted:
            show(measure(case, pythons, pairs, seconds))
    if "calls" in wanted:
        for row in calls.rows(pythons, pairs):
            show(row)
    if "loading" in wanted:
        for row in loading.rows(pairs):
            show(row)
    if "memory" in wanted:
        for row in memory.rows(pythons, max(1, pairs // 4)):
            show(row)
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
