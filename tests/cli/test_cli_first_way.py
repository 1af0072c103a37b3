"""From an empty folder to manifests for every platform, without the value of a secret."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.commands import ffhost

UNSEEN = "note: not set here, and not looked at: API_KEY, BUCKET\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    assert ffhost("init", cwd=folder).status == 0
    file = folder / "functions.yaml"
    target = "    target: main.py:hello\n"
    added = "    config: {key: {from_env: API_KEY}, where: '${BUCKET}'}\n"
    file.write_text(file.read_text().replace(target, target + added))
    ran = ffhost("build", cwd=folder)
    assert (ran.status, ran.err) == (0, UNSEEN)
    return folder


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        ("kubernetes", ()),
        ("kubernetes", ("--split",)),
        ("knative", ()),
        ("knative", ("--split",)),
        ("cloudrun", ()),
        ("compose", ()),
    ],
)
def test_every_platform_is_exported_to(
    folder: Path, platform: str, options: tuple[str, ...]
) -> None:
    out = f"{platform}{len(options)}"
    ran = ffhost("export", platform, "--out", out, *options, cwd=folder)
    assert (ran.status, ran.err.replace(UNSEEN, "")) == (0, "")
    listed = folder / out / "kustomization.yaml"
    if listed.exists():
        resources = yaml.safe_load(listed.read_text())["resources"]
        assert all((folder / out / each).is_file() for each in resources)
        if shutil.which("kubectl"):
            command = ["kubectl", "kustomize", str(folder / out)]
            subprocess.run(command, check=True, capture_output=True)


def test_what_compose_refers_to_is_there(folder: Path) -> None:
    assert ffhost("export", "compose", "--out", ".", cwd=folder).status == 0
    text = (folder / "compose.yaml").read_text()
    (service,) = yaml.safe_load(text)["services"].values()
    assert (folder / service["build"]["context"] / "Dockerfile").is_file()
    for volume in service["volumes"]:
        assert (folder / volume.partition(":")[0] / "functions.yaml").is_file()
    assert (folder / ".env.example").read_text() == "API_KEY=\nBUCKET=\n"
    assert service["environment"]["API_KEY"] == "${API_KEY:?}"
