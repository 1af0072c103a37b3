"""Small projects with unit tests of their own, in the manner of functions-framework's users.

``projects/NAME`` holds a ``main.py`` and a ``test_main.py`` that run on either host. They are
copied before they run, so that nothing of this repository is beside them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.compat.cases import HERE
from tests.forking import Python

FOLDER = HERE / "projects"
PROJECTS = sorted(each.name for each in FOLDER.iterdir() if (each / "test_main.py").is_file())


def run_tests(name: str, python: str, into: Path) -> str:
    """Run the tests of the project *name* with *python*; return the output if any fails."""
    folder = into / name
    shutil.copytree(FOLDER / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "PATH": os.pathsep.join((os.path.dirname(python), os.environ["PATH"])),
        "FFHOST_SERVER__DRAIN_DELAY": "0s",
    }
    output = into / f"{name}.txt"
    if python == sys.executable:
        status = Python(command, folder, environ, output, output).wait()
    else:
        with output.open("w") as file:
            status = subprocess.run(
                [python, *command], cwd=folder, env=environ, stdout=file, stderr=file, check=False
            ).returncode
    return "" if status == 0 else f"{name}:\n{output.read_text()}"
