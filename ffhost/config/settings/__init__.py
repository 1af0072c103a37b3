"""The models of ``functions.yaml``: every key, its type, its default and its description.

Knows the form of single values only. Where values come from, and whether two of them
contradict each other, is known to `ffhost.config`.

Numbers without a bound are infinite: ``unlimited`` becomes ``math.inf`` in every limit.
"""

from typing import Any, Literal

from ffhost.config.settings.function_settings import (
    CorsSettings,
    ExampleRequest,
    ExampleResponse,
    ExampleSettings,
    FunctionSettings,
    Signature,
)
from ffhost.config.settings.hook_settings import (
    BUILT_IN_HOOKS,
    FunctionTracingSettings,
    HookSettings,
    TracingSettings,
)
from ffhost.config.settings.host_settings import (
    AdminSettings,
    ConfigReloadSettings,
    DefaultSettings,
    Level,
    LoggingSettings,
    MetricsSettings,
    ServerSettings,
)
from ffhost.config.settings.names import NAME_PATTERN, RESERVED_PATH, FunctionName
from ffhost.config.settings.scalars import Secret, Text, Wrong, plain, shown
from ffhost.config.settings.section import Free, Section, as_plain, key, key_of, section

__all__ = [
    "BUILT_IN_HOOKS",
    "NAME_PATTERN",
    "RESERVED_PATH",
    "AdminSettings",
    "ConfigReloadSettings",
    "CorsSettings",
    "DefaultSettings",
    "ExampleRequest",
    "ExampleResponse",
    "ExampleSettings",
    "Free",
    "FunctionSettings",
    "FunctionTracingSettings",
    "HookSettings",
    "Level",
    "LoggingSettings",
    "MetricsSettings",
    "Secret",
    "Section",
    "ServerSettings",
    "Settings",
    "Signature",
    "TracingSettings",
    "Wrong",
    "as_plain",
    "completed",
    "key_of",
    "plain",
    "shown",
]


class Settings(Section):
    """Everything that ``functions.yaml`` can say."""

    version: Literal[1] = key(1, "Version", "Version of this format.", 1)
    server: ServerSettings = section(
        ServerSettings,
        "Server",
        "The listener and its workers; changes need a restart.",
        {"port": 8080},
    )
    admin: AdminSettings = section(
        AdminSettings,
        "Admin listener",
        "A listener of its own for metrics, function list and effective configuration.",
        {"enabled": True},
    )
    logging: LoggingSettings = section(
        LoggingSettings, "Logging", "What is logged, and how an entry looks.", {"level": "debug"}
    )
    tracing: TracingSettings = section(
        TracingSettings, "Tracing", "Hooks around every call.", {"enabled": True}
    )
    metrics: MetricsSettings = section(
        MetricsSettings,
        "Metrics",
        "Counting; acts while the admin listener is open.",
        {"enabled": False},
    )
    config_reload: ConfigReloadSettings = section(
        ConfigReloadSettings,
        "Configuration reload",
        "Applying changes of this file without a restart.",
        {"interval": "10s"},
    )
    env_file: Text | None = key(
        None,
        "Environment file",
        "A dotenv file, relative to this file; the environment wins over it.",
        ".env",
    )
    defaults: DefaultSettings = section(
        DefaultSettings,
        "Defaults",
        "Limits of every function that does not give its own.",
        {"timeout": "30s"},
    )
    functions: dict[FunctionName, FunctionSettings] = key(
        dict, "Functions", "The functions by name.", {"hello": {"target": "main.py:hello"}}
    )

    def function(self, name: str) -> FunctionSettings:
        """Give the settings of the function *name* with the host's limits filled in."""
        return self.functions[name].replaced(**self.limits(name))

    def limits(self, name: str) -> dict[str, Any]:
        """Give the limits that the function *name* has from the host, by key."""
        function, defaults = self.functions[name], self.defaults
        limits: dict[str, Any] = {
            key: getattr(defaults, key)
            for key in ("timeout", "concurrency", "queue", "queue_timeout")
            if getattr(function, key) is None
        }
        if function.max_body_size is None:
            limits["max_body_size"] = self.server.max_body_size
        if function.isolation == "process":
            limits["processes"] = function.processes or 1
            limits["concurrency"] = limits["processes"]
        return limits


def completed(values: dict[str, Any]) -> dict[str, Any]:
    """Give *values* with the defaults of functions that follow from their name and other keys."""
    functions = values.get("functions")
    if not isinstance(functions, dict):
        return values
    return {**values, "functions": {name: _completed(name, functions[name]) for name in functions}}


def _completed(name: Any, function: Any) -> Any:
    if not isinstance(function, dict):
        return function
    function = dict(function)
    if function.get("path") is None:
        function["path"] = f"/{name}"
    if function.get("on_load_error") == "unavailable":
        function.setdefault("required", False)
    return function
