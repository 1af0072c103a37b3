"""Which versions of libraries the tests run with: `make oldest` has others than `make test`."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement


def is_installed(requirement: str) -> bool:
    """Whether the installed version is one that *requirement* allows, such as ``flask>=3.1``."""
    wanted = Requirement(requirement)
    return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
