"""Runs the soak runs that are named, or all of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.soak import chaos, events, graph, leak, neighbour, reload, sigterm
from tests.soak.reports import Report

RUNS: dict[str, Callable[[Report, bool], None]] = {
    "neighbour": neighbour.run,
    "chaos": chaos.run,
    "sigterm": sigterm.run,
    "leak": leak.run,
    "reload": reload.run,
    "events": events.run,
    "graph": graph.run,
}


def main() -> int:
    """Run, print, and tell whether everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in RUNS]
    if unknown:
        parser.error(f"there is no run {unknown[0]!r}; there are {', '.join(RUNS)}")
    held = True
    for name in options.names or RUNS:
        report = Report(name)
        started = time.monotonic()
        RUNS[name](report, options.quick)
        report.end(time.monotonic() - started)
        held = held and report.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
