"""Send nearly right messages to two servers, and show how they read them in different ways."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz.two_servers import SETS, SOURCE, Address, Result, compare
from tests.serving import Running, gunicorn, server

MESSAGES = 50_000
_STEP = 5_000
_THREADS = ("--threads", "40")
"""More than messages at once: half a head keeps a thread of gthread for good."""


@contextmanager
def both(ours: Path, theirs: Path) -> Iterator[tuple[Running, Running]]:
    """Run our server and gunicorn's, each in a folder of its own."""
    with (
        server(ours, *SETS, source=SOURCE, functions="seen") as one,
        gunicorn(theirs, *SETS, source=SOURCE, functions="seen", options=_THREADS) as other,
    ):
        assert (one.get("/seen"), other.get("/seen")) == ("seen", "seen")
        yield one, other


def run(ours: Address, theirs: Address, numbers: range) -> Result:
    """Compare the two for the messages of *numbers*."""
    return asyncio.run(compare(ours, theirs, numbers))


def main(arguments: list[str]) -> int:
    """Compare them, show what was found, and return the exit status."""
    first, count = (int(each) for each in arguments) if arguments else (0, MESSAGES)
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        both(Path(one), Path(other)) as (ours, theirs),
    ):
        total = Result(0, {}, [])
        begun = time.monotonic()
        for start in range(first, first + count, _STEP):
            numbers = range(start, min(start + _STEP, first + count))
            total = total.with_more(run(ours.address, theirs.address, numbers))
        errors = ours.entries("host_error")
    print(f"{count} messages in {time.monotonic() - begun:.0f} s: {total.agreed} read alike")
    for rule, times in sorted(total.explained.items(), key=lambda each: -each[1]):
        print(f"{times:7} explained: {rule}")
    print(f"{len(total.disagreements):7} not explained, {len(errors)} errors in ours")
    print(*total.disagreements, *errors, sep="\n")
    return 1 if total.disagreements or errors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
