"""The page on observability: complete, and true where it shows code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from ffhost.config.settings import (
    AdminSettings,
    FunctionTracingSettings,
    HookSettings,
    LoggingSettings,
    MetricsSettings,
    SettingsSection,
    TracingSettings,
)
from ffhost.observability.metrics.counters import OUTCOMES
from ffhost.observability.metrics.exposition import render_metrics
from ffhost.observability.metrics.worker_totals import MetricsTotals
from ffhost.observability.tracing.hook_options import (
    LogHookOptions,
    OtelHookOptions,
    ProfileHookOptions,
)
from ffhost.testing import client

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
ROWS = set(re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE))


def names(model: Any) -> list[str]:
    """Name the keys of a section, or the options of a hook."""
    if issubclass(model, SettingsSection):
        return [each.name for each in fields(model)]
    return list(model.model_fields)


@pytest.mark.parametrize(
    ("prefix", "model"),
    [
        ("logging.", LoggingSettings),
        ("tracing.", TracingSettings),
        ("tracing.hooks.NAME.", HookSettings),
        ("functions.X.tracing.", FunctionTracingSettings),
        ("admin.", AdminSettings),
        ("metrics.", MetricsSettings),
        ("", OtelHookOptions),
        ("", ProfileHookOptions),
        ("", LogHookOptions),
    ],
)
def test_every_switch_is_documented(prefix: str, model: Any) -> None:
    assert {f"{prefix}{name}" for name in names(model)} <= ROWS


def test_no_switch_is_documented_that_is_not_there() -> None:
    known = {
        f"{prefix}{name}"
        for prefix, model in (
            ("logging.", LoggingSettings),
            ("tracing.", TracingSettings),
            ("tracing.hooks.NAME.", HookSettings),
            ("functions.X.tracing.", FunctionTracingSettings),
            ("admin.", AdminSettings),
            ("metrics.", MetricsSettings),
        )
        for name in names(model)
    }
    assert {row for row in ROWS if re.match(r"[a-z]+\.", row)} <= known


def test_every_metric_and_outcome_is_documented() -> None:
    _, text = render_metrics(MetricsTotals(last_reload=1.0))
    named = set(re.findall(r"^# TYPE (\w+)", text.decode(), re.MULTILINE))
    assert named <= set(re.findall(r"`((?:ffhost|process)_\w+)`", PAGE))
    assert set(OUTCOMES) <= ROWS


def test_the_hook_of_the_page_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (config,) = (
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
        if block.startswith("tracing:")
    )
    del config["tracing"]["hooks"]["otel"]
    config["logging"] = {"invocations": False}
    (tmp_path / "mycompany").mkdir()
    (tmp_path / "mycompany" / "hooks.py").write_text(code)
    functions = "def resize(request):\n    return 'r'\n\ndef ping(request):\n    return 'p'\n"
    (tmp_path / "main.py").write_text(functions)
    (tmp_path / "functions.yaml").write_text(yaml.safe_dump(config))
    with client("functions.yaml", cwd=tmp_path) as host:
        assert (host.get("/resize").text, host.get("/ping").text) == ("r", "p")
        hooks = {name: len(each.hooks) for name, each in host.service.host.functions.items()}
    assert hooks == {"resize": 1, "ping": 0}
