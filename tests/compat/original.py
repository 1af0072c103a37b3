"""The original: functions-framework in a virtual environment of its own, never beside ffhost."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".compat-venv"
# Its own servers and request libraries; the cloudevents that it pins comes with it.
REQUIREMENTS = (
    "functions-framework==3.10.*",
    "gunicorn",
    "uvicorn-worker",
    "python-multipart",
    "pytest",
    "httpx",
)


def command() -> list[str]:
    """Give the command that starts it; installed at the first call."""
    script = PLACE / "bin" / "functions-framework"
    if not (PLACE / "bin" / "pytest").exists():
        print(f"installing functions-framework into {PLACE.name}", file=sys.stderr)
        venv.create(PLACE, with_pip=True)
        pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *REQUIREMENTS], check=True)
    return [str(script)]


def python() -> str:
    """Give the interpreter that it runs in."""
    command()
    return str(PLACE / "bin" / "python")
