"""What the figures were measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_OURS = ("ffhost", "falcon", "gunicorn", "uvicorn", "uvloop", "httptools", "pydantic")
_THEIRS = ("functions-framework", "flask", "starlette", "gunicorn", "uvicorn")


def describe(original: Path) -> dict[str, str]:
    """Say what machine this is and what runs on it; *original* is functions-framework's Python."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "ffhost": ", ".join(f"{name} {version(name)}" for name in _OURS),
        "functions-framework": ", ".join(_versions_there(original)),
        "wrk": _first_line(["wrk", "-v"]),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions_there(python: Path) -> list[str]:
    code = (
        "import sys; from importlib.metadata import version\n"
        "for name in sys.argv[1:]: print(name, version(name))"
    )
    output = subprocess.run([python, "-c", code, *_THEIRS], capture_output=True, text=True)
    return output.stdout.splitlines()


def _first_line(command: list[str]) -> str:
    output = subprocess.run(command, capture_output=True, text=True)
    return " ".join((output.stdout + output.stderr).splitlines()[0].split()[:2])
