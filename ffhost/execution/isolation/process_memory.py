"""The memory of a process and of all that it has started.

What is resident and not a file's, or swapped, counts. Address space would include what is only
reserved, such as the stacks of threads. After a fork both processes show the pages that they share,
so the sum is a first look, which is cheap. Only above the limit the proportional size
decides, which counts a shared page once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

_FIRST_LOOK = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
_EXACT = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")


def isolated_process_bytes_above(keeper: int, limit: int) -> int:
    """Return how much memory the children of *keeper* use, with theirs; 0 if not above *limit*."""
    pids = list(_below(keeper))
    if _sum(pids, "status", _FIRST_LOOK) <= limit:
        return 0
    exact = _sum(pids, "smaps_rollup", _EXACT)
    return exact if exact > limit else 0


def _below(pid: int) -> Iterator[int]:
    """Yield the descendants of *pid*, each child of each thread."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield int(child)
            yield from _below(int(child))


def _sum(pids: Iterable[int], file: str, counted: tuple[bytes, ...]) -> int:
    """Return the sum of the *counted* lines in *file* of each process."""
    return sum(
        int(line.split()[1]) * 1024
        for pid in pids
        for line in _read(f"/proc/{pid}/{file}").split(b"\n")
        if line.startswith(counted)
    )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""
