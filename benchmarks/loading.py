"""How long it takes to load 1,000 functions of one module, and to reload them.

Run as a module it does that once and prints the seconds: each measurement is a process of
its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.measuring import Row
from benchmarks.ratios import ratio
from benchmarks.servers import FUNCTIONS

COUNT = 1_000
_TARGETS = {"load": 0.4, "reload": 0.3}


def rows(times: int) -> list[Row]:
    """Measure *times* times."""
    found = [_once() for _ in range(times)]
    rows = []
    for what, allowed in _TARGETS.items():
        seconds = [each[what] for each in found]
        rows.append(
            Row(
                what,
                f"{what} {COUNT:,} functions",
                "seconds / those allowed",
                ratio(seconds, [allowed] * len(seconds)),
                f"{median(seconds):.2f} s",
                f"{allowed} s",
                target=1.0,
                less_is_better=True,
            )
        )
    return rows


def _once() -> dict[str, float]:
    environ = {key: value for key, value in os.environ.items() if key[:6] != "FFHOST"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.loading"],
        cwd=FUNCTIONS.parent.parent,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(output.stdout)
    return found


def _write(file: Path, timeout: str) -> None:
    names = [f"f{number}" for number in range(COUNT)]
    module = file.with_name("many.py")
    if not module.exists():
        module.write_text("".join(f"def {name}(request):\n    return 'x'\n\n" for name in names))
    lines = [f"  {name}: {{target: 'many.py:{name}', timeout: {timeout}}}" for name in names]
    file.write_text("\n".join(["version: 1", "functions:", *lines, ""]))


def main() -> None:
    """Load and reload once, and print the seconds of both as JSON."""
    from ffhost.config import ConfigSources
    from ffhost.host.service import Service
    from ffhost.wsgi import create_app

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "functions.yaml"
        _write(file, "10s")
        service = Service(
            ConfigSources(config=str(file), environ={}, cwd=Path(folder)), embedded=True
        )
        begun = time.perf_counter()
        create_app(service)
        loaded = time.perf_counter()
        service.start()
        _write(file, "20s")  # every function changes
        reloading = time.perf_counter()
        service.reload()
        seconds = {"load": loaded - begun, "reload": time.perf_counter() - reloading}
        assert service.host.functions["f1"].timeout_seconds == 20
    print(json.dumps(seconds), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
