"""Profiles: names of an entry's fields for different log systems. Nothing here writes.

Inside ffhost every entry has the names of the default profile. A profile is a function that
converts such an entry into the one that is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[dict[str, Any]], dict[str, Any]]

TRACE_FIELD = "logging.googleapis.com/trace"
SPAN_FIELD = "logging.googleapis.com/spanId"
SAMPLED_FIELD = "logging.googleapis.com/trace_sampled"
LABELS_FIELD = "logging.googleapis.com/labels"

ECS_VERSION = "8.11.0"

_GCP_NAMES = {
    "timestamp": "time",
    "trace_id": TRACE_FIELD,
    "span_id": SPAN_FIELD,
    "trace_sampled": SAMPLED_FIELD,
    "exception": "stack_trace",
}
_ECS_NAMES = {
    "timestamp": "@timestamp",
    "severity": "log.level",
    "logger": "log.logger",
    "function": "faas.name",
    "execution_id": "faas.execution",
    "trace_id": "trace.id",
    "span_id": "span.id",
    "config_revision": "labels.config_revision",
    "exception": "error.stack_trace",
    "exception_type": "error.type",
    "exception_message": "error.message",
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
    "outcome": "event.outcome",
    "duration_seconds": "event.duration",
    "request_bytes": "http.request.body.bytes",
    "response_bytes": "http.response.body.bytes",
    "principal": "user.name",
}


def log_field_names(*names: str) -> frozenset[str]:
    """Return the fields *names* as they are called in any profile."""
    found = set(names)
    for profile in (_GCP_NAMES, _ECS_NAMES):
        found |= {profile[name] for name in names if name in profile}
    return frozenset(found)


_SUCCESS = ("ok", "duplicate")


def log_profile_named(profile: str, environ: Mapping[str, str]) -> Shape:
    """Return the shape named *profile*: ``default``, ``gcp`` or ``ecs``.

    The ``gcp`` shape names a trace in full if ``GOOGLE_CLOUD_PROJECT`` is set.
    """
    if profile == "gcp":
        project = environ.get("GOOGLE_CLOUD_PROJECT", "")
        return lambda entry: gcp_log_profile(entry, project)
    return ecs_log_profile if profile == "ecs" else default_log_profile


def default_log_profile(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry unchanged."""
    return entry


def gcp_log_profile(entry: dict[str, Any], project: str = "") -> dict[str, Any]:
    """Return the entry with the field names of Google Cloud Logging.

    https://cloud.google.com/logging/docs/structured-logging
    """
    shaped = _renamed(entry, _GCP_NAMES)
    if TRACE_FIELD in shaped:
        shaped[TRACE_FIELD] = gcp_trace_name(shaped[TRACE_FIELD], project)
    execution_id = shaped.pop("execution_id", None)
    if execution_id is not None:
        labels = shaped.get(LABELS_FIELD)
        known = labels if isinstance(labels, dict) else {}
        shaped[LABELS_FIELD] = {**known, "execution_id": execution_id}
    return shaped


def ecs_log_profile(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with the field names of the Elastic Common Schema.

    https://www.elastic.co/guide/en/ecs-logging/overview/current/intro.html
    """
    shaped = _renamed(entry, _ECS_NAMES)
    shaped["ecs.version"] = ECS_VERSION
    shaped["log.level"] = str(shaped.get("log.level", "info")).lower()
    if "duration_seconds" in entry:
        shaped["event.duration"] = ecs_nanoseconds(entry["duration_seconds"])
    if "outcome" in entry:
        shaped["event.outcome"] = "success" if entry["outcome"] in _SUCCESS else "failure"
        shaped["labels.outcome"] = entry["outcome"]
    return shaped


def gcp_trace_name(trace_id: Any, project: str) -> Any:
    """Return the resource name of a trace, or the id alone where the project is unknown."""
    return f"projects/{project}/traces/{trace_id}" if project else trace_id


def ecs_nanoseconds(seconds: Any) -> Any:
    """Return whole nanoseconds, the unit of ``event.duration``; leave what is not a number."""
    return round(seconds * 1e9) if isinstance(seconds, int | float) else seconds


def _renamed(entry: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in entry.items()}
