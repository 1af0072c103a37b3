"""What a call by name costs: within one host, and the same call over loopback HTTP.

The function that calls measures: one request makes many calls, one after the other.
"""

from __future__ import annotations

import tempfile
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.environments import Pythons
from benchmarks.measuring import Row
from benchmarks.ratios import ratio
from benchmarks.servers import FUNCTIONS, Server, ServerError, ffhost

_ALLOWED_SECONDS = 60e-6
_CALLS, _REMOTE_CALLS = 3_000, 300
_KINDS = {"plain": "plain to plain", "coroutine": "coroutine to coroutine"}
_NAMES = ("callee", "callee_async", *_KINDS)


def rows(pythons: Pythons, times: int) -> list[Row]:
    """Measure *times* times."""
    targets = {name: {"target": f"{FUNCTIONS}/calling.py:{name}"} for name in _NAMES}
    within = ffhost(targets, path="/plain", label="one host", server={"workers": 1})
    with tempfile.TemporaryDirectory(prefix="ffhost-bench-") as folder, ExitStack() as stack:
        one = stack.enter_context(Server(within, Path(folder, "one"), pythons))
        address = one.url.removesuffix("/plain")
        addresses = {f"FFHOST_FUNCTIONS__{n.upper()}__URL": f"{address}/{n}" for n in _NAMES[:2]}
        found = []
        for kind, title in _KINDS.items():
            alone = {**addresses, "FUNCTION_TARGET": kind}
            other = replace(within, environ=alone, label="over HTTP", path=f"/{kind}")
            two = stack.enter_context(Server(other, Path(folder, kind), pythons))
            try:
                one.wait()
                two.wait()
            except ServerError as error:
                return [Row("calls", "calls by name", "", None, note=str(error))]
            found += _compared(kind, title, f"{address}/{kind}", two.url, times)
        return found


def _compared(kind: str, title: str, near: str, far: str, times: int) -> list[Row]:
    ours, theirs = [], []
    for _ in range(times):
        ours.append(_seconds(near, _CALLS))
        theirs.append(_seconds(far, _REMOTE_CALLS))
    allowed = [_ALLOWED_SECONDS] * len(ours)
    return [
        Row(
            f"call-{kind}",
            f"a call by name, {title}",
            "time / that allowed",
            ratio(ours, allowed),
            _shown(median(ours)),
            _shown(_ALLOWED_SECONDS),
            target=1.0,
            less_is_better=True,
        ),
        Row(
            f"call-{kind}-http",
            f"the same, {title}",
            "one host / over loopback HTTP",
            ratio(ours, theirs),
            _shown(median(ours)),
            _shown(median(theirs)),
            less_is_better=True,
        ),
    ]


def _seconds(url: str, calls: int) -> float:
    with urllib.request.urlopen(f"{url}?calls={calls}", timeout=60) as answer:
        return float(answer.read())


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"
