"""The models of ``functions.yaml``: every key, its type, its default and its description.

Knows the form of single values only. Where values come from, and whether two of them
contradict each other, is known to `ffhost.config`.

Numbers without a bound are infinite: ``unlimited`` becomes ``math.inf`` in every limit.
"""

from typing import Any, Literal

from ffhost.config.settings.address_settings import McpSettings, OpenapiSettings
from ffhost.config.settings.auth_settings import (
    JwtSettings,
    WayName,
    WaySettings,
    WebhookSettings,
)
from ffhost.config.settings.event_settings import (
    DeliverySettings,
    EventsSettings,
    ScheduleSettings,
    SchedulesSettings,
    SubscriptionSettings,
)
from ffhost.config.settings.function_settings import (
    EVENT_OR_TYPED,
    SIGNATURES,
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
    ConsoleSettings,
    DefaultSettings,
    Level,
    LoggingSettings,
    MetricsSettings,
    ServerSettings,
)
from ffhost.config.settings.names import NAME_PATTERN, RESERVED_PATH, FunctionName
from ffhost.config.settings.scalars import (
    InvalidSetting,
    SecretSetting,
    Text,
    plain_setting,
    show_setting,
)
from ffhost.config.settings.section import (
    Free,
    SettingsSection,
    plain_section,
    setting_key,
    setting_key_of,
    settings_section,
)

__all__ = [
    "BUILT_IN_HOOKS",
    "EVENT_OR_TYPED",
    "NAME_PATTERN",
    "RESERVED_PATH",
    "SIGNATURES",
    "AdminSettings",
    "ConfigReloadSettings",
    "ConsoleSettings",
    "CorsSettings",
    "DefaultSettings",
    "DeliverySettings",
    "EventsSettings",
    "ExampleRequest",
    "ExampleResponse",
    "ExampleSettings",
    "Free",
    "FunctionSettings",
    "FunctionTracingSettings",
    "HookSettings",
    "InvalidSetting",
    "JwtSettings",
    "Level",
    "LoggingSettings",
    "McpSettings",
    "MetricsSettings",
    "OpenapiSettings",
    "ScheduleSettings",
    "SchedulesSettings",
    "SecretSetting",
    "ServerSettings",
    "Settings",
    "SettingsSection",
    "Signature",
    "SubscriptionSettings",
    "TracingSettings",
    "WaySettings",
    "WebhookSettings",
    "complete_settings",
    "plain_section",
    "plain_setting",
    "setting_key_of",
    "show_setting",
]


class Settings(SettingsSection):
    """Everything that ``functions.yaml`` can say."""

    version: Literal[1] = setting_key(1, "Version", "Version of this format.", 1)
    server: ServerSettings = settings_section(
        ServerSettings,
        "Server",
        "The listener and its workers; changes need a restart.",
        {"port": 8080},
    )
    admin: AdminSettings = settings_section(
        AdminSettings,
        "Admin listener",
        "A listener of its own for metrics, function list and effective configuration.",
        {"enabled": True},
    )
    console: ConsoleSettings = settings_section(
        ConsoleSettings,
        "Console",
        "The page for people on the admin listener.",
        {"enabled": True, "capture": True},
    )
    logging: LoggingSettings = settings_section(
        LoggingSettings, "Logging", "What is logged, and how an entry looks.", {"level": "debug"}
    )
    tracing: TracingSettings = settings_section(
        TracingSettings, "Tracing", "Hooks around every call.", {"enabled": True}
    )
    metrics: MetricsSettings = settings_section(
        MetricsSettings,
        "Metrics",
        "Counting of calls, while the admin listener is open.",
        {"enabled": False},
    )
    config_reload: ConfigReloadSettings = settings_section(
        ConfigReloadSettings,
        "Configuration reload",
        "Applying changes of this file without a restart.",
        {"interval": "10s"},
    )
    env_file: Text | None = setting_key(
        None,
        "Environment file",
        "A dotenv file, relative to this file; the environment wins over it.",
        ".env",
    )
    defaults: DefaultSettings = settings_section(
        DefaultSettings,
        "Defaults",
        "Limits of every function that does not set its own.",
        {"timeout": "30s"},
    )
    events: EventsSettings | None = setting_key(
        None,
        "Events",
        "One address for every event. Default: none.",
        {"path": "/events"},
    )
    mcp: McpSettings | None = setting_key(
        None,
        "Tools for agents",
        "One address for agents, which offers the functions with tool: true. Default: none.",
        {"path": "/mcp"},
    )
    openapi: OpenapiSettings | None = setting_key(
        None,
        "API document",
        "The OpenAPI document on the public port. Default: none.",
        {"path": "/openapi.json"},
    )
    schedules: SchedulesSettings = settings_section(
        SchedulesSettings, "Schedules", "Functions that run by the clock.", {"enabled": False}
    )
    auth: dict[WayName, WaySettings] = setting_key(
        dict,
        "Front door",
        "Ways to authenticate callers, by name. Functions, defaults and admin name those that open "
        "them.",
        {"staff": {"jwt": {"issuer": "https://id.example.com", "audience": "orders"}}},
    )
    functions: dict[FunctionName, FunctionSettings] = setting_key(
        dict, "Functions", "The functions by name.", {"hello": {"target": "main.py:hello"}}
    )

    @property
    def has_console(self) -> bool:
        """Whether the admin listener is open and serves the console."""
        return self.admin.enabled and self.console.enabled

    @property
    def events_auth(self) -> list[str]:
        """Return the ways that open the address for events."""
        written = None if self.events is None else self.events.auth
        return self.defaults.auth if written is None else written

    @property
    def mcp_auth(self) -> list[str]:
        """Return the ways that open the address for agents."""
        written = None if self.mcp is None else self.mcp.auth
        return self.defaults.auth if written is None else written

    def function(self, name: str) -> FunctionSettings:
        """Return the settings of the function *name* with the host's limits filled in."""
        return self.with_limits(self.functions[name])

    def with_limits(self, function: FunctionSettings) -> FunctionSettings:
        """Return *function* with the host's limits where it has none of its own."""
        defaults = self.defaults
        limits: dict[str, Any] = {
            key: getattr(defaults, key)
            for key in ("timeout", "concurrency", "queue", "queue_timeout", "auth", "request")
            if getattr(function, key) is None
        }
        if function.max_body_size is None:
            limits["max_body_size"] = self.server.max_body_size
        if function.isolation == "process":
            limits["processes"] = function.processes or 1
            limits["concurrency"] = limits["processes"]
        return function.replaced(**limits)


def complete_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with the defaults of functions that follow from their name and other keys."""
    if "auth" in values:
        values = {**values, "auth": _with_secrets(values["auth"])}
    functions = values.get("functions")
    if not isinstance(functions, dict):
        return values
    return {**values, "functions": {name: _completed(name, functions[name]) for name in functions}}


def _with_secrets(ways: Any) -> Any:
    """Return *ways* with every key and secret wrapped as a `SecretSetting`."""
    if not isinstance(ways, dict):
        return ways
    return {name: _way_with_secrets(way) for name, way in ways.items()}


def _way_with_secrets(way: Any) -> Any:
    if not isinstance(way, dict):
        return way
    way = dict(way)
    for kind in ("jwt", "webhook"):
        if isinstance(way.get(kind), dict) and "secret" in way[kind]:
            way[kind] = {**way[kind], "secret": _secret(way[kind]["secret"])}
    if isinstance(way.get("keys"), dict):
        way["keys"] = {name: _secret(entry) for name, entry in way["keys"].items()}
    return way


def _secret(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _secret(each) if name == "key" else each for name, each in value.items()}
    if isinstance(value, list):
        return [_secret(each) for each in value]
    return SecretSetting(value) if isinstance(value, str) else value


def _completed(name: Any, function: Any) -> Any:
    if not isinstance(function, dict):
        return function
    function = dict(function)
    if function.get("path") is None:
        function["path"] = f"/{name}"
    if function.get("on_load_error") == "unavailable":
        function.setdefault("required", False)
    return function
