"""Log entries of a service about its configuration, and its logging settings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.errors import StartupError
from ffhost.invocation.logger import get_logger

OWN_SERVER = frozenset(
    {
        "host",
        "port",
        "workers",
        "keepalive",
        "drain_delay",
        "graceful_timeout",
        "stall_timeout",
    }
)
"""Settings of the block ``server`` that only ffhost's own server applies."""


def effective_log_settings(config: LoadedConfig) -> Any:
    """Return the ``logging`` block; a format that nobody wrote is left to the stream."""
    settings = config.settings.logging
    if "format" in settings.written:
        return settings
    return settings.replaced(format=None)


def log_ignored_settings(config: LoadedConfig) -> None:
    """Warn about settings for ffhost's own server if another one runs."""
    settings = config.settings
    ignored = [f"server.{name}" for name in sorted(settings.server.written & OWN_SERVER)]
    if settings.admin.enabled:
        ignored.append("admin.enabled")
    if settings.console.enabled:
        ignored.append("console.enabled")
    if ignored:
        get_logger("ffhost").warning(
            "settings_are_ignored",
            settings=ignored,
            reason="another server runs this process; use ffhost serve, or gunicorn with "
            "-c python:ffhost.gunicorn",
        )


def log_waiting_schedules() -> None:
    """Warn that schedules begin with the first request behind somebody else's WSGI server."""
    get_logger("ffhost").warning(
        "schedules_wait",
        reason="behind this server the host starts with its first request; nothing runs by the "
        "clock until then",
        hint="use ffhost serve, or gunicorn with -c python:ffhost.gunicorn",
    )


def log_files_never_updated(paths: Iterable[Path]) -> None:
    """Warn of files that Kubernetes never updates."""
    for path in paths:
        get_logger("ffhost").warning(
            "config_is_never_updated",
            path=str(path),
            reason="it is mounted with subPath; mount the ConfigMap whole",
        )


def log_refused_reload(error: StartupError) -> None:
    """Log why a configuration was rejected."""
    problems: Iterable[Any] = getattr(error, "problems", ())
    get_logger("ffhost").error(
        "config_reload_failed",
        reason="the current configuration is kept",
        problems=[str(problem) for problem in problems] or [str(error)],
    )


def log_reload(previous: LoadedConfig, config: LoadedConfig) -> None:
    """Log what a new configuration changes, and what it cannot change without a restart."""
    from ffhost.config.changes import changed_function_settings, settings_needing_restart

    log = get_logger("ffhost")
    old, new = previous.settings.functions, config.settings.functions
    log.info(
        "config_reloaded",
        revision=config.revision,
        previous_revision=previous.revision,
        added=[name for name in new if name not in old],
        removed=[name for name in old if name not in new],
        changed=changed_function_settings(previous, config),
    )
    restart = settings_needing_restart(previous, config)
    if restart:
        log.warning("config_needs_restart", settings=restart)
