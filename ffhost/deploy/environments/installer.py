"""Making environments: by uv where it is found, else by venv and pip.

Makers at the same time wait for each other by a lock beside the environment. A record is
written last, so an environment without one is incomplete and is made anew.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ffhost import _file_locks
from ffhost.config.watched_requirements import FOLDER, MADE
from ffhost.deploy.environments.install_failures import (
    EnvironmentInstallFailed,
    explain_install_failure,
)
from ffhost.deploy.environments.needed_environment import NeededEnvironment


def make_virtual_environment(needed: NeededEnvironment, installer: str | None = None) -> bool:
    """Make an environment unless it is complete; return whether it was made.

    Args:
        installer: ``uv`` or ``pip``; None for uv where it is found

    Raises:
        EnvironmentInstallFailed: it cannot be made
    """
    if needed.state() is None:
        return False
    folder = needed.place.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{needed.place}.lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise EnvironmentInstallFailed(f"{folder} cannot be written: {error.strerror}") from error
    try:
        _file_locks.lock_file(lock)
        if needed.state() is None:  # another process has made it meanwhile
            return False
        _make(needed, installer or ("uv" if shutil.which("uv") else "pip"))
        _write_made(folder)
        return True
    finally:
        os.close(lock)


def _make(needed: NeededEnvironment, installer: str) -> None:
    shutil.rmtree(needed.place, ignore_errors=True)
    with suppress(OSError):
        (needed.place.parents[1] / ".gitignore").write_text("*\n")
    if installer == "uv":
        _run(["uv", "venv", "-q", "--python", sys.executable, str(needed.place)])
        install = ["uv", "pip", "install", "-q", "--python", str(needed.python)]
    else:
        mine = find_spec("pip") is not None  # spares one in each environment, and its start
        pip = [sys.executable, "-m", "pip", "--python", str(needed.python)]
        without = ["--without-pip"] if mine else []
        _run([sys.executable, "-m", "venv", *without, str(needed.place)])
        install = pip if mine else [str(needed.python), "-m", "pip"]
        install += ["install", "-q", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory(prefix="ffhost-") as folder:
        for name, text in needed.texts.items():
            Path(folder, name).write_text(text)
        Path(folder, "ours.txt").write_text("\n".join(needed.ours) + "\n")
        files = [word for each in needed.given for word in ("-r", each)]
        if needed.hashed:  # ours have none
            _run([*install, "--require-hashes", *files], folder)
            files = []
        _run([*install, *files, "-r", "ours.txt"], folder)
    record = {
        "python": platform.python_version(),
        "installer": installer,
        "requirements": list(needed.files),
        "extras": list(needed.extras),
    }
    needed.record.write_text(json.dumps(record, indent=2) + "\n")


def _run(command: list[str], folder: str | None = None) -> None:
    """Run a step of the installation.

    Raises:
        EnvironmentInstallFailed: it failed
    """
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise EnvironmentInstallFailed(
            f"{command[0]} cannot be started: {error.strerror}"
        ) from error
    if ran.returncode:
        raise explain_install_failure(ran.stdout)


def prune_virtual_environments(base: Path, needed: Iterable[NeededEnvironment]) -> list[str]:
    """Remove the environments below *base* that are not *needed*, and return their names."""
    folder = Path(os.path.abspath(base)) / FOLDER
    kept = {each.place.name for each in needed}
    removed = []
    for place in sorted(folder.glob("py*")):
        if place.is_dir() and place.name not in kept:
            shutil.rmtree(place, ignore_errors=True)
            Path(f"{place}.lock").unlink(missing_ok=True)
            removed.append(place.name)
    if removed:
        _write_made(folder)
    return removed


def _write_made(folder: Path) -> None:
    """List what is complete in one file; hosts watch it."""
    names = sorted(each.parent.name for each in folder.glob("py*/ffhost.json"))
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
        file.write("".join(f"{name}\n" for name in names))
    os.chmod(file.name, 0o644)
    os.replace(file.name, folder / MADE)
