"""The functions, and the manifests that were made of their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ffhost.config import ConfigSources, load_config
from ffhost.deploy.manifests import ManifestOptions, export_manifests
from ffhost.testing import client

EXAMPLE = Path(__file__).parents[1]


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLE / path).read_text())
    return document


def test_the_functions_answer() -> None:
    with client(EXAMPLE / "functions.yaml") as host:
        assert host.get("/greet?name=Ada").text == "Hello, Ada!\n"
        answer = host.post("/volume", json={"width": 2, "height": 3, "depth": 4})
        assert answer.json() == {"cubic_metres": 24.0}


def test_the_base_is_what_export_writes() -> None:
    sources = ConfigSources(cwd=EXAMPLE)
    options = ManifestOptions("greetings", "greetings:1")
    files = export_manifests("kubernetes", load_config(sources), sources, options).files
    assert files == {path.name: path.read_text() for path in (EXAMPLE / "base").glob("*.yaml")}


@pytest.mark.parametrize("path", [f"base/{name}.yaml" for name in ("deployment", "configmap")])
def test_manifests_are_valid(path: str) -> None:
    kubernetes_validate.validate(read(path), "1.34", strict=True)


def test_the_configuration_of_staging_is_a_configuration(tmp_path: Path) -> None:
    config = read("overlays/staging/configmap.yaml")
    (tmp_path / "functions.yaml").write_text(config["data"]["functions.yaml"])
    (tmp_path / "main.py").write_text((EXAMPLE / "main.py").read_text())
    with client(tmp_path / "functions.yaml") as host:
        assert host.get("/greet").text == "Hello from staging, world!\n"


def test_the_variables_of_production_fit_the_configuration() -> None:
    patch = read("overlays/production/environment.yaml")
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    environ = {each["name"]: each["value"] for each in container["env"]}
    config = load_config(ConfigSources(environ=environ, cwd=EXAMPLE))
    assert config.settings.functions["volume"].concurrency == 32
