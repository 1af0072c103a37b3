"""Small projects with unit tests of their own, in the manner of functions-framework's users.

``projects/NAME`` holds a ``main.py`` and a ``test_main.py`` that run on either host. They are
copied before they run, so that nothing of this repository is beside them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.compat.cases import HERE

FOLDER = HERE / "projects"
PROJECTS = sorted(each.name for each in FOLDER.iterdir() if (each / "test_main.py").is_file())


def run_tests(name: str, python: str, into: Path) -> str:
    """Run the tests of the project *name* with *python*; return the output if any fails."""
    folder = into / name
    shutil.copytree(FOLDER / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    ran = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)],
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            "PATH": os.pathsep.join((os.path.dirname(python), os.environ["PATH"])),
            "FFHOST_SERVER__DRAIN_DELAY": "0s",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if ran.returncode == 0 else f"{name}:\n{ran.stdout}{ran.stderr}"
