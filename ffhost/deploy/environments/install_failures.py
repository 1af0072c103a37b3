"""What an installer says when it fails, in our words."""

from __future__ import annotations

import re
import sys

from ffhost.errors import FfhostError

_SHOWN_LINES = 6
_PYTHON = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
_KNOWN = (
    (
        r"requires a different Python|Requires-Python|requires-python|depends on Python|"
        r"does not satisfy Python",
        f"a package needs another version of Python; this one is {_PYTHON}",
    ),
    (
        r"Failed building wheel for ([\w.-]+)|Failed to build(?: installable wheels for)? "
        r"[`']?([\w.-]+)|[`']?([\w.-]+)[^\n]{0,40} has no wheels",
        f"there is no wheel of {{}} for {_PYTHON} on this machine, and it cannot be built here",
    ),
    (
        r"No matching distribution found for ([^\s]+)|Because ([\w.-]+) was not found|"
        r"there (?:is|are) no versions? of ([\w.=<>-]+)",
        f"there is no version of {{}} for {_PYTHON}",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies|unsatisfiable|incompatible",
        "its packages contradict each other, or what ffhost needs",
    ),
)


class EnvironmentInstallFailed(FfhostError):
    """An environment cannot be made.

    Attributes:
        notes: the last lines of what the installer said
    """

    def __init__(self, message: str, notes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.notes = notes


def explain_install_failure(output: str) -> EnvironmentInstallFailed:
    """Return the error for what an installer has said."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    notes = tuple(lines[-_SHOWN_LINES:])
    for pattern, message in _KNOWN:
        found = re.search(pattern, output)
        if found:
            name = next((each for each in found.groups() if each), "a package")
            return EnvironmentInstallFailed(message.format(name), notes)
    return EnvironmentInstallFailed("the installer failed", notes)
