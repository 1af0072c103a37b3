"""What ``ffhost build`` writes is installed and served, with real uv, poetry and pip.

Slow, and needs a package index: ``IMAGE_STEPS=1`` runs it. Without docker, each step of the
Dockerfile is run by hand in a fresh environment. ``PACKAGE_INDEX`` is the address of an index for
poetry, if it cannot use its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import ffhost
from tests.deploy.image_steps import Image
from tests.serving import eventually, free_port

pytestmark = pytest.mark.skipif(
    not os.environ.get("IMAGE_STEPS"), reason="slow: set IMAGE_STEPS=1 to run it"
)
_OF_INSTALLERS = ("PIP_", "UV_", "POETRY_", "SSL_", "REQUESTS_")
ROOT = Path(__file__).parents[2]
CODE = "import humanize\n\n\ndef hello(request):\n    return humanize.intcomma(1234567)\n"
CONFIG = "functions:\n  hello: {target: 'main.py:hello'}\n"
PYPROJECT = """[project]
name = "shop"
version = "1.0"
requires-python = ">=3.10"
dependencies = ["humanize<5"]
"""


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command of this test; return what it wrote."""
    ran = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, f"{words}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with uv and poetry, as a user has them; its programs."""
    folder = tmp_path_factory.mktemp("tools")
    run(sys.executable, "-m", "venv", ".", cwd=folder)
    run(folder / "bin/pip", "install", "-q", "uv", "poetry", "pip-tools", cwd=folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this version of ffhost, which no index has yet."""
    folder = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
    return folder


def of_uv(folder: Path, tools: Path) -> str:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    run(tools / "uv", "lock", cwd=folder)
    return "uv sync"


def of_poetry(folder: Path, tools: Path) -> str:
    index = os.environ.get("PACKAGE_INDEX")
    source = f'[[tool.poetry.source]]\nname = "index"\nurl = "{index}"\npriority = "primary"\n'
    (folder / "pyproject.toml").write_text(PYPROJECT + (source if index else ""))
    run(tools / "poetry", "lock", "--no-interaction", cwd=folder)
    return "poetry install"


def of_pip_with_hashes(folder: Path, tools: Path) -> str:
    (folder / "requirements.in").write_text("humanize<5\n")
    words = ("-q", "--generate-hashes", "--no-emit-find-links", "--no-emit-index-url")
    run(tools / "pip-compile", *words, "requirements.in", cwd=folder)
    return "--require-hashes -r requirements-app.txt"


@pytest.mark.parametrize("prepare", [of_uv, of_poetry, of_pip_with_hashes])
def test_the_image_of_a_project_is_built_and_serves(
    tmp_path: Path, tools: Path, wheels: Path, prepare: Callable[[Path, Path], str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text(CODE)
    (project / "functions.yaml").write_text(CONFIG)
    step = prepare(project, tools)
    assert ffhost("build", cwd=project).status == 0
    indexes = {name: value for name, value in os.environ.items() if name.startswith(_OF_INSTALLERS)}
    links = f"{indexes.get('PIP_FIND_LINKS', '')} {wheels}".strip()
    image = Image(tmp_path / "image", project / "build", {**indexes, "PIP_FIND_LINKS": links})
    image.build()
    assert any(step in command for command in image.commands), image.commands
    assert answer(image) == "1,234,567"


def answer(image: Image) -> str:
    """Serve the image as its CMD says; return what its function answers."""
    port = free_port()
    with subprocess.Popen(
        image.serve, cwd=image.here("/app"), env={**image.environ, "PORT": str(port)}
    ) as server:
        try:
            return eventually(lambda: _get(f"http://127.0.0.1:{port}/hello"), "it serves")
        finally:
            server.terminate()


def _get(url: str) -> str | None:
    with suppress(OSError):
        text: str = urllib.request.urlopen(url, timeout=5).read().decode()
        return text
    return None
