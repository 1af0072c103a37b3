"""How long an edit takes until it is served by ``ffhost dev``: ``python -m benchmarks.editing``.

The aim is a median of 20 edits below a second, and at most 0.3 s above the time that the imports of
the function take alone; and the same after a syntax error and after an import that hangs.
"""

from __future__ import annotations

import argparse
import http.client
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


@contextmanager
def developed(imports: str) -> Iterator[Project]:
    """Serve a project that begins with *imports* in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project(folder, imports)
        command = [sys.executable, "-m", "ffhost", "dev", "--port", str(project.port), "--quiet"]
        with (folder / "log.txt").open("w") as log:
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            try:
                project.wait("edit 1")
                time.sleep(1)
                yield project
            finally:
                server.terminate()
                server.wait(_PATIENCE_SECONDS)


def import_seconds(imports: str, *, runs: int = 5) -> float:
    """Return how long *imports* take in a process that has what ffhost's workers have."""
    code = f"import ffhost.asgi, time\nbegun = time.perf_counter()\n{imports}"
    code += "print(time.perf_counter() - begun)"
    taken = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(runs)
    ]
    return statistics.median(taken)


def measure(imports: str, edits: int) -> dict[str, float]:
    """Return the medians in seconds, of edits and of fixes of broken sources."""
    with developed(imports) as project:
        found = {"edit": statistics.median(project.edit() for _ in range(edits))}
        for name, broken in (("after a syntax error", _BROKEN), ("after a hang", _HANGING)):
            taken = []
            for _ in range(max(1, edits // 4)):
                project.save(broken)
                time.sleep(0.3)
                taken.append(project.edit())
            found[name] = statistics.median(taken)
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=20)
    edits = parser.parse_args().edits
    print("project          imports  edit   after a syntax error  after a hang")
    for name, imports in PROJECTS.items():
        found = measure(imports, edits)
        cells = [f"{found[key]:.2f} s" for key in ("edit", "after a syntax error", "after a hang")]
        alone = f"{import_seconds(imports):.2f} s"
        print(f"{name:<16} {alone:<8} {cells[0]:<6} {cells[1]:<21} {cells[2]}", flush=True)


if __name__ == "__main__":
    main()
