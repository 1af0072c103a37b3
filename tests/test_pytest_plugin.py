"""The pytest plugin and the testing client, as user code has them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from ffhost.testing import client, make_cloud_event, pubsub_event
from tests.commands import project

ROOT = Path(__file__).parents[1]

TESTS = """
import pytest

def test_the_nearest_configuration_is_served(ffhost_client):
    assert ffhost_client.get("/hi").text == "hi none"

@pytest.mark.ffhost(sets=["functions.hi.config.to=Ada"], front="wsgi")
def test_a_marker_changes_it(ffhost_client):
    assert ffhost_client.get("/hi").text == "hi Ada"

class TestWithMarks:
    pytestmark = pytest.mark.ffhost(environ={"FFHOST_FUNCTIONS__HI__PATH": "/ho"})

    @pytest.mark.ffhost("functions.yaml")
    def test_markers_add_up(self, ffhost_client):
        assert ffhost_client.get("/ho").status == 200
"""


def test_the_fixture_serves_the_nearest_configuration_or_what_a_marker_says(
    tmp_path: Path,
) -> None:
    code = """
        import ffhost
        def hi(request):
            return "hi " + ffhost.current().config.get("to", "none")
    """
    project(tmp_path, "functions: {hi: {target: 'main.py:hi'}}", main=code)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_hi.py").write_text(TESTS)
    installed = entry_points(group="pytest11", name="ffhost")
    plugin = [] if installed else ["-p", "ffhost.pytest_plugin"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--strict-markers", *plugin],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout or ran.stdout.startswith("...")


def test_in_coroutines_a_client_takes_many_calls_at_once(tmp_path: Path) -> None:
    code = """
        import asyncio, ffhost
        arrived = []

        async def meet(request):
            arrived.append(1)
            while len(arrived) < 3:
                await asyncio.sleep(0)
            return "met"
    """
    project(tmp_path, "functions: {meet: {target: 'main.py:meet'}}", main=code)

    async def scenario() -> list[str]:
        async with client("functions.yaml", cwd=tmp_path) as host:
            calls = (host.request_async("GET", "/meet") for _ in range(3))
            return [answer.text for answer in await asyncio.gather(*calls)]

    assert asyncio.run(scenario()) == ["met"] * 3


def test_events_are_built_and_sent(tmp_path: Path) -> None:
    code = """
        import ffhost
        seen = []

        @ffhost.cloud_event
        def take(event):
            seen.append(event["type"])

        def show(request):
            return seen
    """
    config = "functions: {take: {target: 'main.py:take'}, show: {target: 'main.py:show'}}"
    project(tmp_path, config, main=code)
    with client("functions.yaml", cwd=tmp_path) as host:
        assert host.send("/take", make_cloud_event(type="t", source="/s")).status == 204
        assert host.send("/take", pubsub_event("x")).status == 204
        asyncio.run(host.send_async("/take", make_cloud_event(type="u", source="/s")))
        assert host.get("/show").json() == [
            "t",
            "google.cloud.pubsub.topic.v1.messagePublished",
            "u",
        ]
