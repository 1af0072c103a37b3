"""Trace hooks: the host's and one function's."""

from typing import ClassVar

from ffhost.config.settings.names import HookTarget
from ffhost.config.settings.scalars import Boolean
from ffhost.config.settings.section import Free, SettingsSection, setting_key

BUILT_IN_HOOKS = ("otel", "profile", "log")
"""Trace hooks that need no ``target``."""


class HookSettings(SettingsSection):
    """One trace hook."""

    free: ClassVar[frozenset[str]] = frozenset({"options"})

    target: HookTarget | None = setting_key(
        None,
        "Target",
        "The hook as module:function. The built-in hooks otel, profile and log need none.",
        "mycompany.hooks:audit",
    )
    enabled: Boolean = setting_key(True, "Switch", "Whether the hook runs.", True, False)
    options: Free = setting_key(
        dict,
        "Options",
        "Passed to the hook as its options. Values may be secrets: {from_file: PATH} or "
        "{from_env: NAME}.",
        {"endpoint": "http://collector:4318"},
    )


class TracingSettings(SettingsSection):
    """Hooks around every call."""

    enabled: Boolean = setting_key(False, "Switch", "Whether any trace hook runs.", True)
    hooks: dict[str, HookSettings] = setting_key(
        dict,
        "Hooks",
        "Hooks by name, run in this order.",
        {"otel": {"options": {"endpoint": "http://collector:4318"}}},
    )


class FunctionTracingSettings(SettingsSection):
    """Trace hooks of one function."""

    enabled: Boolean | None = setting_key(
        None,
        "Switch",
        "Whether trace hooks run around this function; default: as the host's.",
        False,
    )
    hooks: dict[str, HookSettings] = setting_key(
        dict,
        "Hooks",
        "Further hooks of this function, or other options of the host's hooks of that name.",
        {"audit": {"enabled": False}},
    )
