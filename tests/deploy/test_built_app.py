"""A built app runs as in its image: read-only, not as root, configured by a ConfigMap.

It runs on the packages of this environment; ``make cluster`` makes it one of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.deploy.app import build_app
from tests.image import NOBODY, Image, image, served
from tests.serving import eventually

CODE = """
import os
import ffhost

def hello(request):
    return ffhost.current().config["greeting"]

def write(request):
    tried = {}
    for folder in (os.getcwd(), os.environ["TMPDIR"]):
        try:
            open(os.path.join(folder, "written"), "w").close()
            tried[folder] = "written"
        except OSError as error:
            tried[folder] = error.strerror
    return {"tried": list(tried.values()), "user": os.geteuid()}
"""
CONFIG = """
config_reload: {interval: 100ms}
server: {drain_delay: 0s}
functions:
  hello: {target: 'main.py:hello', config: {greeting: one}}
  write: {target: 'main.py:write'}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "main.py").write_text(CODE)
    (folder / "functions.yaml").write_text(CONFIG)
    given = ConfigSources(cwd=folder)
    build_app(load_config(given), given, folder / "build")
    with image(folder / "build") as found:
        yield found


def test_an_app_runs_read_only_and_not_as_root_by_its_procfile(app: Image) -> None:
    with served(app, Path(sys.executable).parent) as running:
        assert running.get("/hello") == (200, "one")
        status, body = running.get("/write")
        assert status == 200
        user = NOBODY if os.geteuid() == 0 else os.geteuid()
        tried = ["Permission denied", "written"]
        assert json.loads(body) == {"tried": tried, "user": user}
        status, output = running.stop()
        assert status == 0, output
        assert "error" not in output


def test_a_change_of_the_mounted_config_map_arrives_without_a_restart(app: Image) -> None:
    app.mount_config_map("first", CONFIG.replace("one", "two"))
    with served(app, Path(sys.executable).parent) as running:
        assert running.get("/hello") == (200, "two")
        app.mount_config_map("second", CONFIG.replace("one", "three"))
        eventually(lambda: running.get("/hello") == (200, "three"), "the change")
        assert running.stop()[0] == 0
