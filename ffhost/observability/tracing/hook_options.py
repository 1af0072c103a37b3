"""The options of the built-in hooks, by name. Imports none of what the hooks need.

They are pydantic's models, as the options of a user's own hook are: a host without built-in
hooks never imports this module.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ffhost.config.settings.scalars import Boolean, Count, Span
from ffhost.config.units import Duration


def hook_option(default: Any, title: str, description: str, *examples: Any, **rules: Any) -> Any:
    """Describe an option. A callable default makes a new value each time."""
    rules["default_factory" if callable(default) else "default"] = default
    return Field(title=title, description=description, examples=list(examples), **rules)


class HookOptions(BaseModel):
    """What the options of all built-in hooks have in common."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True, hide_input_in_errors=True
    )


class OtelHookOptions(HookOptions):
    """Options of ``otel``."""

    exporter: Literal["otlp", "console", "none"] = hook_option(
        "otlp",
        "Exporter",
        "OTLP over HTTP, JSON on stdout, or no export: trace ids in logs, context passed on.",
        "otlp",
        "console",
    )
    endpoint: str | None = hook_option(
        None,
        "Endpoint",
        "The collector; without a path, /v1/traces is added. Default: as the "
        "environment variables OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and "
        "OTEL_EXPORTER_OTLP_ENDPOINT say, else http://localhost:4318.",
        "http://collector:4318",
    )
    headers: dict[str, str] = hook_option(
        dict, "Headers", "Header fields for the collector.", {"authorization": "Bearer ..."}
    )
    timeout: Span = hook_option(Duration(10), "Timeout", "How long one export may take.", "10s")
    interval: Span = hook_option(
        Duration(5), "Interval", "How often spans are sent.", "5s", "500ms"
    )
    sampling: Annotated[float, Field(ge=0, le=1)] = hook_option(
        1.0,
        "Sampling ratio",
        "Share of the traces begun here that are recorded; a caller's decision is kept. "
        "The only option that a function may give another value.",
        0.1,
        1.0,
    )
    service_name: str | None = hook_option(
        None,
        "Service name",
        "Default: OTEL_SERVICE_NAME, K_SERVICE or ffhost.",
        "shop",
    )
    resource: dict[str, str] = hook_option(
        dict, "Resource", "Further attributes of the resource.", {"deployment.environment": "prod"}
    )
    trust_callers: Boolean = hook_option(
        True,
        "Trust callers",
        "Whether the trace of a caller is continued. If not, it is linked.",
        False,
    )
    flush_timeout: Span = hook_option(
        Duration(3), "Flush timeout", "How long the last spans may take at the end.", "3s"
    )


class ProfileHookOptions(HookOptions):
    """Options of ``profile``. At least one of ``token`` and ``longer_than`` is needed."""

    token: str | None = hook_option(
        None,
        "Token",
        "Calls that carry it in the header are profiled.",
        {"from_env": "PROFILE_TOKEN"},
        min_length=1,
    )
    header: str = hook_option("x-ffhost-profile", "Header", "The header that carries the token.")
    longer_than: Span | None = hook_option(
        None,
        "Duration",
        "Calls that took longer are kept. All calls are profiled then, which slows them.",
        "2s",
    )
    folder: str = hook_option(
        "profiles", "Folder", "Where the HTML files go, relative to this file.", "profiles"
    )
    keep: Count = hook_option(100, "Files kept", "Older files of the folder are removed.", 100)
    interval: Span = hook_option(Duration(0.001), "Interval", "Time between two samples.", "1ms")


class LogHookOptions(HookOptions):
    """The hook ``log`` has no options."""
