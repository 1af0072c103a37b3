"""Subscriptions and schedules as objects of the cluster: Triggers, PingSources, CronJobs.

What the host does on one machine, Knative's Broker and the cluster's clock do for all pods:
there the host itself neither routes nor ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from ffhost.config.settings import DeliverySettings, FunctionSettings, ScheduleSettings
from ffhost.config.units import Duration
from ffhost.deploy.manifests import pods
from ffhost.deploy.manifests.kubernetes_cron import kubernetes_cron
from ffhost.deploy.manifests.manifest_yaml import manifest_as_yaml
from ffhost.deploy.manifests.object_names import kubernetes_object_name
from ffhost.deploy.manifests.workloads import ManifestOptions, ManifestValues

SWITCH: Final = "FFHOST_SCHEDULES__ENABLED"
"""Switches the ticking of a host off."""
LONGEST_CRON_JOB: Final = 52
"""The name of a job of a CronJob has eleven characters more."""
_STARTING_DEADLINE_SECONDS: Final = 30
"""How late a run may begin where missed times are skipped; the host's own grace."""

Metadata = Callable[[ManifestOptions, str, str], dict[str, Any]]


def knative_sinks(
    options: ManifestOptions, described: ManifestValues, service: Callable[[str], str]
) -> Mapping[str, Any]:
    """Return where each function is reached: its Knative Service, and its path."""
    return {
        name: {
            "ref": {
                "apiVersion": "serving.knative.dev/v1",
                "kind": "Service",
                "name": service(name),
                **({"namespace": options.namespace} if options.namespace else {}),
            },
            "uri": function.path,
        }
        for name, function in described.settings.functions.items()
    }


def knative_triggers(
    described: ManifestValues,
    options: ManifestOptions,
    sinks: Mapping[str, Any],
    metadata: Metadata,
) -> Iterator[str]:
    """Write a Trigger for each subscription."""
    events = described.settings.events
    broker = "default" if events is None else events.broker
    for name, function in described.settings.functions.items():
        for index, subscription in enumerate(function.subscriptions):
            spec: dict[str, Any] = {"broker": broker, "subscriber": sinks[name]}
            if subscription.filters:
                spec["filters"] = [_as_knative(each) for each in subscription.filters]
            if function.delivery is not None:
                spec["delivery"] = _delivery(function.delivery)
            called = kubernetes_object_name(options.name, f"{name}-{index}")
            yield manifest_as_yaml(
                {
                    "apiVersion": "eventing.knative.dev/v1",
                    "kind": "Trigger",
                    "metadata": metadata(options, called, name),
                    "spec": spec,
                }
            )


def _as_knative(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in Knative's words: ``sql`` is ``cesql`` there, at every depth."""
    ((dialect, value),) = source.items()
    if dialect in ("all", "any"):
        return {dialect: [_as_knative(each) for each in value]}
    if dialect == "not":
        return {dialect: _as_knative(value)}
    return {"cesql" if dialect == "sql" else dialect: value}


def _delivery(settings: DeliverySettings) -> dict[str, Any]:
    values = {
        "retry": settings.retry,
        "backoffPolicy": settings.backoff,
        "backoffDelay": _iso(settings.backoff_delay),
        "timeout": _iso(settings.timeout),
        "deadLetterSink": {"uri": settings.dead_letter} if settings.dead_letter else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _iso(duration: Duration | None) -> str | None:
    """Write a duration as ISO 8601 does."""
    return None if duration is None else f"PT{float(duration):g}S"


def knative_ping_sources(
    described: ManifestValues,
    options: ManifestOptions,
    sinks: Mapping[str, Any],
    metadata: Metadata,
) -> Iterator[str]:
    """Write a PingSource for each schedule that the cluster's cron can say."""
    for name, index, schedule, cron in _schedules(described):
        spec: dict[str, Any] = {"schedule": cron, "timezone": schedule.timezone}
        if schedule.data is not None:
            spec["contentType"] = "application/json"
            spec["data"] = orjson.dumps(schedule.data).decode()
        yield manifest_as_yaml(
            {
                "apiVersion": "sources.knative.dev/v1",
                "kind": "PingSource",
                "metadata": metadata(
                    options, kubernetes_object_name(options.name, f"{name}-{index}"), name
                ),
                "spec": {**spec, "sink": sinks[name]},
            }
        )


def kubernetes_cron_jobs(
    described: ManifestValues,
    options: ManifestOptions,
    service: Callable[[str], str],
    metadata: Callable[[ManifestOptions, str], dict[str, Any]],
) -> Iterator[str]:
    """Write a CronJob for each schedule; its pod calls the Service of the function."""
    labels = {"app.kubernetes.io/name": kubernetes_object_name(options.name, "schedules")}
    for name, index, schedule, cron in _schedules(described):
        called = kubernetes_object_name(options.name, f"{name}-{index}", LONGEST_CRON_JOB)
        spec: dict[str, Any] = {
            "schedule": cron,
            "timeZone": "Etc/UTC" if schedule.timezone.upper() == "UTC" else schedule.timezone,
            "concurrencyPolicy": "Forbid" if schedule.overlap == "skip" else "Allow",
            "jobTemplate": {
                "spec": {
                    # The next time is another try.
                    "backoffLimit": 0,
                    "template": {
                        # Not the labels of the app: its Service must not send calls here.
                        "metadata": {"labels": labels},
                        "spec": _caller(described, options, name, index, service(name)),
                    },
                }
            },
        }
        if schedule.missed == "skip":
            spec["startingDeadlineSeconds"] = _STARTING_DEADLINE_SECONDS
        yield manifest_as_yaml(
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {**metadata(options, called), "labels": labels},
                "spec": spec,
            }
        )


def _caller(
    described: ManifestValues, options: ManifestOptions, name: str, index: int, service: str
) -> dict[str, Any]:
    found, mounts = pods.pod_volumes(described, options.name)
    arguments = ["--schedule", "--index", str(index), "--remote", f"http://{service}"]
    container: dict[str, Any] = {
        "name": "ffhost",
        "image": options.image,
        "command": ["ffhost", "invoke", name, *arguments],
        "env": pods.pod_environment(described, None),
    }
    secret = pods.pod_environment_secret(described, options.name)
    if secret:
        container["envFrom"] = secret
    container |= {
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": pods.container_security(),
        "volumeMounts": mounts,
    }
    return {
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": found,
    }


def _schedules(described: ManifestValues) -> Iterator[tuple[str, int, ScheduleSettings, str]]:
    """Yield the schedules that the cluster's cron can say, in its words."""
    for name, function in described.settings.functions.items():
        for index, schedule in enumerate(function.schedules):
            cron = kubernetes_cron(schedule.cron, schedule.timezone).text
            if cron is not None and function.enabled:
                yield name, index, schedule, cron


def cluster_event_notes(described: ManifestValues, platform: str) -> Iterator[str]:
    """Return what is different in the cluster, or cannot be written there."""
    settings = described.settings
    for name, function in settings.functions.items():
        for schedule in function.schedules:
            for note in kubernetes_cron(schedule.cron, schedule.timezone).notes:
                yield f"{name}: '{schedule.cron}' {note}"
        yield from _notes_of(name, function, settings.defaults.auth, platform)
    if platform == "knative" and any(each.subscriptions for each in settings.functions.values()):
        broker = "default" if settings.events is None else settings.events.broker
        yield f"the Triggers belong to the Broker {broker!r}, which has to be there"


def _notes_of(
    name: str, function: FunctionSettings, default_auth: list[str], platform: str
) -> Iterator[str]:
    ways = function.auth or default_auth
    if ways != ["public"] and (function.schedules or function.subscriptions):
        yield f"{name} has a door, which refuses the cluster's calls: they carry no keys"
    if "{" in function.path and (function.schedules or function.subscriptions):
        yield f"{name} has parameters in its path, which no event or schedule can fill in"
    if platform == "knative" and function.delivery is not None and not function.subscriptions:
        yield f"{name} has delivery settings and no subscription: they are not exported"
    if platform == "knative" and function.signature == "event" and function.schedules:
        yield f"{name} takes no CloudEvent of a PingSource: make it a cloudevent function"
    if platform == "cloudrun" and function.schedules:
        yield f"{name} has schedules, which do not run there: use Cloud Scheduler"
