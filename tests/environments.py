"""Virtual environments whose packages are links to those that are installed where the tests run.

Run as a program, this module takes the commands that ffhost gives uv, and needs no registry.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from packaging.requirements import Requirement

INSTALLED = Path(sysconfig.get_paths()["purelib"])
NOT_LINKED = ("hypothesis", "_hypothesis", "pytest", "__editable")


def make(place: Path) -> None:
    """Make an environment without packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)


def packages_of(place: Path) -> Path:
    """Return the folder that the environment at *place* has its packages in."""
    return place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def link_packages(place: Path) -> None:
    """Link what is installed into the environment at *place*."""
    for each in INSTALLED.iterdir():
        if not each.name.startswith(NOT_LINKED) and each.suffix != ".pth":
            (packages_of(place) / each.name).symlink_to(each)


def install(place: Path, requirements: list[str]) -> None:
    """Link what is installed, and copy what another version is asked of, under that version."""
    link_packages(place)
    for line in requirements:
        wanted = Requirement(line)
        if not wanted.specifier.contains(version(wanted.name)):
            (pin,) = wanted.specifier
            _copy(place, wanted.name, pin.version)


def _copy(place: Path, name: str, wanted: str) -> None:
    copied = packages_of(place) / name
    copied.unlink()
    shutil.copytree(INSTALLED / name, copied)
    init = copied / "__init__.py"
    init.write_text(init.read_text().replace(f'"{version(name)}"', f'"{wanted}"'))


def put_uv(folder: Path) -> None:
    """Write a program ``uv`` into *folder* that is this module."""
    folder.mkdir()
    program = folder / "uv"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    program.chmod(0o755)


def main(command: str, *words: str) -> None:
    """Do what ``uv venv`` and ``uv pip install`` would do."""
    if command == "venv":
        make(Path(words[-1]))
        return
    python = words[words.index("--python") + 1]
    files = [Path(file) for word, file in pairwise(words) if word == "-r"]
    lines = [line for file in files for line in file.read_text().splitlines()]
    install(Path(os.path.dirname(python)).parent, [line for line in lines if line[:1].isalpha()])


if __name__ == "__main__":
    main(*sys.argv[1:])
