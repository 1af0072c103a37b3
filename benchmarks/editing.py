"""How long an edit takes until it is served by ``ffhost dev``: ``python -m benchmarks.editing``.

The aim is a median of 20 edits below a second, and at most 0.3 s above the time that the imports of
the function take alone; and the same after a syntax error and after an import that hangs.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.serving import free_port

_PATIENCE_SECONDS = 30
_LOOK_SECONDS = 0.005
_BODY = "\n\ndef hello(request):\n    return 'edit {number}'\n"
PROJECTS = {
    "a function": "",
    "flask and httpx": "import flask\nimport httpx\n",
}
"""What the projects import."""
_BROKEN = "def hello(request:\n"
_HANGING = "import time\ntime.sleep(60)\n"
BEFORE: dict[str, str | None] = {
    "edit": None,
    "after a syntax error": _BROKEN,
    "after a hang": _HANGING,
}
"""What was saved before the edit that is measured; None: an edit that is served."""
_LATER_SECONDS = 0.3
"""After how long what is broken is mended."""


class Project:
    """A function that ``ffhost dev`` serves, and edits of it."""

    def __init__(self, folder: Path, imports: str) -> None:
        self._file = folder / "main.py"
        self._imports = imports
        self._number = 0
        self.port = free_port()
        self.save()
        (folder / "functions.yaml").write_text("functions:\n  hello:\n    target: main.py:hello\n")

    def save(self, before: str = "") -> str:
        """Write the next version of the source, and return what it answers."""
        self._number += 1
        self._file.write_text(self._imports + before + _BODY.format(number=self._number))
        return f"edit {self._number}"

    def edit(self) -> float:
        """Edit the source; return the seconds until the answer is that of the new one."""
        wanted, begun = self.save(), time.perf_counter()
        self.wait(wanted)
        return time.perf_counter() - begun

    def wait(self, wanted: str) -> None:
        """Wait until the answer is *wanted*."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while self._answer() != wanted:
            assert time.monotonic() < give_up, f"never answered {wanted!r}"
            time.sleep(_LOOK_SECONDS)

    def _answer(self) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/hello", headers={"Connection": "close"})
            return connection.getresponse().read().decode()
        return None


def _environ() -> dict[str, str]:
    """Return the environment of a user: with compiled files."""
    return {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def developed(imports: str) -> Iterator[Project]:
    """Serve a project that begins with *imports* in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project(folder, imports)
        command = [sys.executable, "-m", "ffhost", "dev", "--port", str(project.port), "--quiet"]
        with (folder / "log.txt").open("w") as log:
            server = subprocess.Popen(command, cwd=folder, env=_environ(), stdout=log, stderr=log)
            try:
                project.wait("edit 1")
                time.sleep(1)
                yield project
            finally:
                server.terminate()
                server.wait(_PATIENCE_SECONDS)


def import_seconds(imports: str) -> float:
    """Return how long *imports* take in a process that has what ffhost's workers have."""
    code = f"import ffhost.asgi, time\nbegun = time.perf_counter()\n{imports}"
    code += "print(time.perf_counter() - begun)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=_environ(), capture_output=True, check=True)
    return float(run.stdout)


def measure(imports: str, edits: int) -> dict[str, list[float]]:
    """Return the seconds of edits, of fixes of broken sources and of the imports alone.

    They take turns, so that what else the machine does meets all of them alike.
    """
    found: dict[str, list[float]] = {"imports": [], **{kind: [] for kind in BEFORE}}
    with developed(imports) as project:
        for _ in range(edits):
            for kind, broken in BEFORE.items():
                if broken is not None:
                    project.save(broken)
                    time.sleep(_LATER_SECONDS)
                found[kind].append(project.edit())
            found["imports"].append(import_seconds(imports))
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=20)
    edits = parser.parse_args().edits
    print("project          imports  " + "  ".join(each.ljust(6) for each in BEFORE))
    for name, imports in PROJECTS.items():
        found = measure(imports, edits)
        cells = [
            f"{statistics.median(found[kind]):.2f} s".ljust(max(6, len(kind)))
            for kind in ("imports", *BEFORE)
        ]
        print(f"{name:<16} " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
