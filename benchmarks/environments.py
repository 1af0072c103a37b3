"""Virtual environments for the sides, each with what their users install."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent.parent
_ORIGINAL = ("functions-framework==3.10.*", "pydantic>=2.7,<3")
"""pydantic is for the typed case only."""
_USER = ("-c", str(_ROOT / "constraints.txt"), "-e", f"{_ROOT}[flask]")


_OTHERS = ("granian==2.*", "uvicorn==0.54.*", "uvloop", "httptools")


class Pythons(NamedTuple):
    """The Pythons of the environments.

    Args:
        original: with functions-framework
        user: with ffhost and Flask; the environment for development, in which most cases run,
            also has what uvicorn and structlog import because it happens to be there
        others: with servers that show what is possible
    """

    original: Path
    user: Path
    others: Path


def install(folder: Path) -> Pythons:
    """Install them below *folder*, unless that was done."""
    return Pythons(
        _environment(folder / "original", "functions-framework", _ORIGINAL),
        _environment(folder / "user", "ffhost as users have it", _USER),
        _environment(folder / "others", "other servers", _OTHERS),
    )


def _environment(folder: Path, name: str, requirements: Sequence[str]) -> Path:
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing {name} into {folder.parent.name}/{folder.name}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *requirements], check=True)
    stamp.write_text(wanted)
    return python
