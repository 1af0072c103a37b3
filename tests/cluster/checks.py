"""What ``make cluster`` checks beyond ``make test``; each check says what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cluster.dockerfile_steps import Stage
from tests.documents import PAGES, ROOT, blocks, read
from tests.image import image, served

OVERLAYS = ROOT / "examples" / "kubernetes" / "overlays"
MARKED = [page for page in PAGES if any(each.marked == "make cluster" for each in blocks(page))]
CUSTOM = ("HTTPRoute", "ReferenceGrant", "ServiceMonitor")
FFHOST = Path(sys.executable).parent / "ffhost"

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed (Debian: kubernetes-client)"
)


def docker_runs() -> bool:
    """Say whether a Docker daemon answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def kustomize(folder: Path) -> list[dict[str, Any]]:
    """Build *folder* with kubectl."""
    built = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


def check(manifests: list[dict[str, Any]]) -> None:
    """Fail if one is not valid."""
    for each in manifests:
        if each["kind"] not in CUSTOM:
            kubernetes_validate.validate(each, "1.34", strict=True)


@needs_kubectl
@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_overlays_build_and_are_valid(overlay: str) -> None:
    manifests = kustomize(OVERLAYS / overlay)
    check(manifests)
    assert {each["metadata"]["namespace"] for each in manifests} == {overlay}
    assert len(manifests) == 6


@needs_kubectl
@pytest.mark.parametrize("example", ["quickstart", "pipeline", "kubernetes", "isolation"])
@pytest.mark.parametrize("options", [[], ["--split"]], ids=["together", "split"])
def test_exported_folders_build_and_are_valid(
    example: str, options: list[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    command = [str(FFHOST), "export", "kubernetes", "--out", out, *options]
    subprocess.run(command, cwd=ROOT / "examples" / example, check=True, capture_output=True)
    check(kustomize(tmp_path / "out"))


@pytest.mark.parametrize("example", ["migration", "kubernetes", "pipeline"])
def test_hadolint_finds_nothing_in_a_dockerfile(example: str, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "hadolint"
    if not program.exists():
        pytest.skip("hadolint is not installed: pip install -e '.[cluster]'")
    command = [str(FFHOST), "build", "--out", str(tmp_path / "build")]
    subprocess.run(command, cwd=ROOT / "examples" / example, check=True, capture_output=True)
    linted = subprocess.run(
        [str(program), str(tmp_path / "build" / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in MARKED])
def test_the_commands_of_a_page_work(page: str, tmp_path: Path) -> None:
    without = [
        name
        for name, there in (("kubectl", shutil.which("kubectl")), ("docker", docker_runs()))
        if not there
    ]
    read(ROOT / page, tmp_path, cluster=True, without=without)
    if without:
        pytest.skip(f"done but for the commands of {', '.join(without)}, which cannot be used here")


def test_a_built_app_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "migration", tmp_path / "app")
    subprocess.run([str(FFHOST), "build"], cwd=tmp_path / "app", check=True, capture_output=True)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/pip"), "install", "-q", "-c", str(ROOT / "constraints.txt")]
    for installed in ([str(ROOT)], ["-r", "build/requirements.txt"]):
        subprocess.run([*pip, *installed], cwd=tmp_path / "app", check=True)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, 0o755)
    with image(tmp_path / "app" / "build") as found, served(found, venv / "bin") as running:
        assert running.get("/?name=Ada") == (200, '{"greeting":"Hello, Ada!"}\n')
        status, output = running.stop()
        assert status == 0, output


CODE = """
import humanize
import functions_framework
from shop import words

@functions_framework.http
def hello(request):
    return words.greet(humanize.intcomma(1234567))
"""
UV_PROJECT = """
[project]
name = "shop"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["humanize", "functions-framework==3.8.2"]
[dependency-groups]
dev = ["toml"]
"""
POETRY_PROJECT = """
[tool.poetry]
name = "shop"
version = "0.1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "^3.11"
humanize = "^4"
functions-framework = "3.8.2"
[tool.poetry.group.dev.dependencies]
toml = "*"
"""


def _mirror() -> str:
    """Return the source that poetry needs where ``PIP_INDEX_URL`` names another index."""
    url = os.environ.get("PIP_INDEX_URL")
    return f'[[tool.poetry.source]]\nname = "mirror"\nurl = "{url}"\n' if url else ""


@pytest.mark.parametrize("tool", ["uv", "poetry"])
def test_the_steps_of_the_image_install_a_locked_project(tool: str, tmp_path: Path) -> None:
    project, links, tools = tmp_path / "project", tmp_path / "links", tmp_path / "tools"
    (project / "src" / "shop").mkdir(parents=True)
    (project / "src" / "shop" / "__init__.py").touch()
    (project / "src" / "shop" / "main.py").write_text(CODE)
    (project / "src" / "shop" / "words.py").write_text("def greet(n): return f'hello {n}'\n")
    text = UV_PROJECT if tool == "uv" else POETRY_PROJECT + _mirror()
    (project / "pyproject.toml").write_text(text)
    (project / "functions.yaml").write_text("functions:\n  hello: {target: 'shop.main:hello'}\n")
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    subprocess.run([str(tools / "bin/pip"), "install", "-q", tool], check=True)
    subprocess.run([str(tools / "bin" / tool), "lock"], cwd=project, check=True)
    subprocess.run([str(FFHOST), "build"], cwd=project, check=True, capture_output=True)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(links), str(ROOT)]
    subprocess.run(wheel, check=True)
    stage = Stage(project / "build", tmp_path / "image", {"PIP_FIND_LINKS": str(links)})
    stage.run()
    installed = subprocess.run(
        [str(stage.venv / "bin/pip"), "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = {line.partition("==")[0].lower() for line in installed.splitlines()}
    assert {"humanize", "ffhost", "flask"} <= names
    assert names.isdisjoint({"functions-framework", "toml", "shop", tool})
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, 0o755)
    with image(project / "build") as found, served(found, stage.venv / "bin") as running:
        assert running.get("/hello") == (200, "hello 1,234,567")
        assert running.stop()[0] == 0
