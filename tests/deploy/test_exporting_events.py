"""Subscriptions and schedules in manifests: valid, and meaning the same as in the host."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config import ConfigSources, load_config
from ffhost.config.cron import CronExpression
from ffhost.deploy.manifests import ExportedManifests, ManifestOptions, export_manifests
from ffhost.deploy.manifests.kubernetes_cron import kubernetes_cron
from ffhost.errors import ConfigError
from ffhost.events.declared_subscriptions import compile_subscriptions
from tests.deploy.crd_check import faults
from tests.events.plain_filters import passes_all
from tests.fast_yaml import read_all

START = datetime(2026, 5, 1, tzinfo=UTC)
CONFIG = """
events: {broker: shop}
functions:
  plain:
    target: main.py:plain
    subscriptions: [{}]
  typed:
    target: main.py:typed
    subscriptions:
      - filters: [{exact: {type: a}}, {prefix: {source: /x}}]
      - filters: [{not: {suffix: {subject: .png}}}]
    delivery:
      {retry: 5, backoff: exponential, backoff_delay: 1500ms, timeout: 2m, dead_letter: "http://d"}
  deep:
    target: main.py:deep
    subscriptions:
      - filters:
          - any:
              - all: [{sql: "type = 'a' AND (EXISTS region OR urgent)"}, {not: {sql: "NOT 10"}}]
              - not: {any: [{cesql: "count > 6"}, {exact: {type: b}}]}
  nightly:
    target: main.py:nightly
    schedules:
      - {cron: "0 3 * * 7", timezone: Europe/Berlin, data: {days: 1}}
      - {cron: "@hourly", overlap: allow, missed: once}
      - {cron: "0 0 L * *"}
"""


def exported(folder: Path, platform: Any, text: str = CONFIG, **options: Any) -> ExportedManifests:
    (folder / "functions.yaml").write_text(text)
    sources = ConfigSources(environ={}, cwd=folder)
    values = {"name": "shop", "image": "shop:1", **options}
    return export_manifests(platform, load_config(sources), sources, ManifestOptions(**values))


def documents(found: ExportedManifests, kind: str) -> list[dict[str, Any]]:
    texts = [text for name, text in found.files.items() if name.endswith(".yaml")]
    every = [each for text in texts for each in read_all(text)]
    return [each for each in every if each.get("kind") == kind]


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("namespace", [None, "live"])
def test_triggers_and_ping_sources_are_what_knative_knows(
    tmp_path: Path, split: bool, namespace: str | None
) -> None:
    found = exported(tmp_path, "knative", split=split, namespace=namespace)
    objects = [*documents(found, "Trigger"), *documents(found, "PingSource")]
    assert len(objects) == 4 + 2
    assert [fault for each in objects for fault in faults(each)] == []
    services = {each["metadata"]["name"] for each in documents(found, "Service")}
    for each in objects:
        sink = each["spec"].get("subscriber") or each["spec"]["sink"]
        assert sink["ref"]["name"] in services


def test_the_check_sees_what_a_cluster_would_drop() -> None:
    trigger = {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "spec": {"broker": "b", "filters": [{"sql": "a"}], "delivery": {"retries": 5}},
    }
    assert faults(trigger) == [
        "spec.filters.0.sql: unknown field",
        "spec.delivery.retries: unknown field",
    ]


def test_delivery_is_written_in_knatives_words(tmp_path: Path) -> None:
    first = documents(exported(tmp_path, "knative"), "Trigger")[1]
    assert first["spec"]["broker"] == "shop"
    assert first["spec"]["delivery"] == {
        "retry": 5,
        "backoffPolicy": "exponential",
        "backoffDelay": "PT1.5S",
        "timeout": "PT120S",
        "deadLetterSink": {"uri": "http://d"},
    }


TEXTS = st.sampled_from(["a", "b", "/x", "/x/y", "cat.png", "true"])
EVENTS = st.builds(
    lambda required, more: {"id": "1", "specversion": "1.0", **required, **more},
    st.fixed_dictionaries({"type": TEXTS, "source": TEXTS}),
    st.fixed_dictionaries(
        {},
        optional={
            "subject": TEXTS,
            "region": TEXTS,
            "count": st.integers(0, 12),
            "urgent": st.booleans(),
        },
    ),
)


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("both")
    triggers = documents(exported(folder, "knative"), "Trigger")
    config = load_config(ConfigSources(environ={}, cwd=folder))
    table, problems = compile_subscriptions(config, config.settings.functions)
    assert problems == []
    return table, triggers


@given(EVENTS)
def test_the_triggers_reach_the_functions_that_the_host_calls(
    both_ways: tuple[Any, list[dict[str, Any]]], event: dict[str, Any]
) -> None:
    table, triggers = both_ways
    reached = {
        each["spec"]["subscriber"]["uri"].removeprefix("/")
        for each in triggers
        if passes_all(each["spec"].get("filters", []), event)
    }
    assert reached == set(table.match(event).functions)


def test_knative_knows_cesql_by_its_own_name_at_every_depth(tmp_path: Path) -> None:
    text = exported(tmp_path, "knative").files["triggers.yaml"]
    assert "sql:" not in text.replace("cesql:", "")
    assert text.count("cesql:") == 3


def test_a_ping_source_sends_what_the_host_would(tmp_path: Path) -> None:
    first, second = documents(exported(tmp_path, "knative"), "PingSource")
    assert first["spec"]["schedule"] == "0 3 * * 0"
    assert first["spec"]["timezone"] == "Europe/Berlin"
    assert (first["spec"]["contentType"], first["spec"]["data"]) == (
        "application/json",
        '{"days":1}',
    )
    assert second["spec"]["schedule"] == "0 * * * *"
    assert "data" not in second["spec"]


@pytest.mark.parametrize("split", [False, True])
def test_cron_jobs_are_valid_and_call_the_service(tmp_path: Path, split: bool) -> None:
    found = exported(tmp_path, "kubernetes", split=split)
    first, second = documents(found, "CronJob")
    for each in (first, second):
        kubernetes_validate.validate(each, "1.34", strict=True)
    assert first["spec"]["concurrencyPolicy"] == "Forbid"
    assert first["spec"]["startingDeadlineSeconds"] == 30
    assert first["spec"]["timeZone"] == "Europe/Berlin"
    assert second["spec"]["concurrencyPolicy"] == "Allow"
    assert "startingDeadlineSeconds" not in second["spec"]
    pod = first["spec"]["jobTemplate"]["spec"]["template"]
    command = pod["spec"]["containers"][0]["command"]
    assert command[:4] == ["ffhost", "invoke", "nightly", "--schedule"]
    services = {each["metadata"]["name"]: each for each in documents(found, "Service")}
    service = services[command[-1].removeprefix("http://")]
    # A pod that calls must not be one that is called.
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("platform", ["kubernetes", "knative", "cloudrun"])
def test_nothing_ticks_in_the_pods(tmp_path: Path, platform: str) -> None:
    found = exported(tmp_path, platform)
    kinds = {"kubernetes": "Deployment"}
    (workload,) = documents(found, kinds.get(platform, "Service"))[:1]
    container = workload["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "FFHOST_SCHEDULES__ENABLED", "value": "false"} in container["env"]


def test_without_schedules_no_variable_is_written(tmp_path: Path) -> None:
    found = exported(tmp_path, "kubernetes", "functions:\n  a: {target: 'main.py:a'}\n")
    assert "SCHEDULES" not in found.stream


def test_what_is_different_in_the_cluster_is_told(tmp_path: Path) -> None:
    notes = exported(tmp_path, "knative").notes
    assert notes == [
        "nightly: '0 3 * * 7' does not run there when daylight saving skips its time, and here "
        "right after the gap",
        "nightly: '0 0 L * *' is not exported: the cluster's cron does not know 'L'",
        "the Triggers belong to the Broker 'shop', which has to be there",
    ]


def test_a_door_that_the_cluster_cannot_pass_is_told(tmp_path: Path) -> None:
    text = (
        "auth: {ci: {keys: {ci: {from_env: CI_KEY}}}}\nfunctions:\n"
        "  a: {target: 'm.py:a', auth: ci, schedules: [{cron: '@hourly'}]}\n"
    )
    (tmp_path / "functions.yaml").write_text(text)
    sources = ConfigSources(environ={"CI_KEY": "k" * 40}, cwd=tmp_path)
    options = ManifestOptions(name="shop", image="shop:1")
    notes = export_manifests("kubernetes", load_config(sources), sources, options).notes
    assert notes == ["a has a door, which refuses the cluster's calls: they carry no keys"]


def test_filters_that_are_wrong_are_not_exported(tmp_path: Path) -> None:
    text = "functions:\n  a: {target: 'm.py:a', subscriptions: [{filters: [{sql: 'a +'}]}]}\n"
    with pytest.raises(ConfigError, match="not a CESQL expression"):
        exported(tmp_path, "knative", text)


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("0 3 * * 7", "0 3 * * 0"),
        ("0 3 * * 5-7", "0 3 * * 5,6,0"),
        ("0 3 * * 1,7", "0 3 * * 1,0"),
        ("0 3 * * 1-7/2", "0 3 * * 1,3,5,0"),
        ("0 3 * * mon-fri", "0 3 * * MON-FRI"),
        ("@daily", "0 0 * * *"),
    ],
)
def test_sunday_is_zero_there(cron: str, text: str) -> None:
    assert kubernetes_cron(cron, "UTC").text == text
    first = [next(CronExpression(each).times(START)) for each in (cron, text)]
    assert first[0] == first[1]


@pytest.mark.parametrize("cron", ["0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * MON#2"])
def test_what_the_cluster_cannot_say_is_left_out(cron: str) -> None:
    found = kubernetes_cron(cron, "UTC")
    assert found.text is None
    assert len(found.notes) == 1


def test_steps_of_days_mean_something_else_there() -> None:
    assert kubernetes_cron("0 0 */2 * MON", "UTC").notes == (
        "runs there on days that match either field, and here on those of both",
    )
    assert kubernetes_cron("0 0 */2 * *", "UTC").notes == ()
