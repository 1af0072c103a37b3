"""Runs the corpus on functions-framework and on ffhost, and compares the answers.

The projects of the corpus bring tests of their own, which must pass on both.

    python -m tests.compat.harness                run both, compare, record nothing
    python -m tests.compat.harness --record       write the original's answers down as well
    python -m tests.compat.harness --page         write the table of docs/migrating.md anew
    python -m tests.compat.harness http_basics    only this file of the corpus

Exits with 1 if the answers differ otherwise than ``differences.yaml`` says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.compat import mounted, original, servers
from tests.compat.answers import Answer, differing, write_recorded
from tests.compat.cases import Case, all_cases
from tests.compat.differences import read_differences, unexplained
from tests.compat.page import write_page
from tests.compat.projects import PROJECTS, run_tests

OURS = [sys.executable, "-m", "ffhost", "serve"]
_AT_ONCE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.compat.harness")
    parser.add_argument("files", nargs="*", help="files of the corpus; all by default")
    parser.add_argument("--record", action="store_true", help="write the original's answers")
    parser.add_argument("--page", action="store_true", help="write docs/migrating.md's table")
    parser.add_argument("--only-original", action="store_true", help="do not run ffhost")
    options = parser.parse_args(arguments)
    cases = [each for each in all_cases() if not options.files or each.file in options.files]
    theirs = run(original.command(), cases)
    if options.record:
        write_recorded(theirs)
    if options.only_original:
        return 0
    ours = run(OURS, cases)
    failures = report(cases, theirs, ours, partial=bool(options.files))
    if not options.files or set(options.files) & {"flask_answers", "flask_surface"}:
        failures += report_tables(theirs, record=options.record)
    if not options.files:
        failures += report_projects()
    if options.page:
        write_page(cases, theirs, ours)
    return 1 if failures else 0


def run(command: Sequence[str], cases: Sequence[Case]) -> dict[str, Answer]:
    """Give the answers of one host to the whole corpus, by the keys of their requests."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = pool.map(lambda case: _answers(command, case), cases)
        return {
            case.key(index): answer
            for case, row in zip(cases, rows, strict=True)
            for index, answer in enumerate(row)
        }


def _answers(command: Sequence[str], case: Case) -> list[Answer]:
    try:
        return servers.answers_of(command, case, {"FFHOST_SERVER__DRAIN_DELAY": "0s"})
    except servers.NotStarted as error:
        print(error, file=sys.stderr)
        return [Answer(0, (), b"did not start") for _ in case.requests]


def report(
    cases: Sequence[Case],
    theirs: Mapping[str, Answer],
    ours: Mapping[str, Answer],
    *,
    partial: bool = False,
) -> int:
    """Print what nobody explains, and give the count."""
    differ = {key: differing(answer, ours[key]) for key, answer in theirs.items()}
    keys = [key for key, parts in differ.items() if parts]
    surprises = unexplained(keys, list(theirs), read_differences(), partial=partial)
    requests = {case.key(i): sent for case in cases for i, sent in enumerate(case.requests)}
    for surprise in surprises:
        print(f"\n{surprise}")
        if surprise.key in theirs:
            print(f"  {requests[surprise.key].line!r}\n  differs in {differ[surprise.key]}")
            print(f"  original: {theirs[surprise.key].to_json()}")
            print(f"  ffhost:   {ours[surprise.key].to_json()}")
    print(f"{len(theirs)} answers, {len(keys)} differ, {len(surprises)} unexplained")
    return len(surprises)


def report_tables(alone: Mapping[str, Answer], *, record: bool) -> int:
    """Print how the tables differ below a mount and with hooks, and return the count."""
    theirs = mounted.run(mounted=True, theirs=True)
    if record:
        write_recorded(theirs, mounted.RECORDED)
    wrong = mounted.compare(theirs, mounted.run(mounted=True))
    wrong += mounted.compare(theirs, mounted.run(mounted=True, hooks=True))
    wrong += mounted.compare(alone, mounted.run(mounted=False, hooks=True))
    print("\n".join([*wrong, f"{len(theirs)} answers below a mount, {len(wrong)} unexplained"]))
    return len(wrong)


def report_projects() -> int:
    """Print which projects' own tests fail on either host, and give their count."""
    failing = [
        output
        for python in (original.python(), sys.executable)
        for name in PROJECTS
        for output in [_tests_of(name, python)]
        if output
    ]
    print("\n".join([*failing, f"{len(PROJECTS)} projects on both hosts, {len(failing)} fail"]))
    return len(failing)


def _tests_of(name: str, python: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return run_tests(name, python, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
