"""The alert rules and the dashboard of docs/monitoring: formats, names of metrics, what fires."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
PAGE = FOLDER.parent / "observability.md"
BOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
EXPRESSIONS = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)


@needs_promtool
@pytest.mark.parametrize("words", [("check", "alerts.yaml"), ("test", "alerts_test.yaml")])
def test_prometheus_takes_the_alert_rules_and_they_fire_when_they_should(
    words: tuple[str, str],
) -> None:
    _promtool(words[0], FOLDER / words[1])


@needs_promtool
def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": _filled_in(expression)}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    _promtool("check", file)


def _promtool(word: str, file: Path) -> None:
    done = subprocess.run(
        ["promtool", word, "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _filled_in(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m")


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *(rule["expr"] for rule in RULES)])
def test_only_metrics_are_asked_for_that_the_page_lists(expression: str) -> None:
    page = PAGE.read_text()
    named = re.findall(r"\b(?:ffhost|process)_[a-z_]+", expression)
    for name in named:
        assert f"`{re.sub('_bucket$', '', name)}`" in page, name
    assert named or expression.startswith("up{")


def test_every_alert_is_told_on_the_page() -> None:
    page = PAGE.read_text()
    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in page] == []


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_the_dashboard_asks_for_its_source_and_names_no_other() -> None:
    variables = [variable["name"] for variable in BOARD["templating"]["list"]]
    assert variables == ["datasource", "job", "function"]
    sources = {panel["datasource"]["uid"] for panel in BOARD["panels"] if "targets" in panel}
    assert sources == {"${datasource}"}
