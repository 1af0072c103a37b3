"""Trace hooks: the host's and one function's."""

from typing import ClassVar

from ffhost.config.settings.names import HookTarget
from ffhost.config.settings.scalars import Boolean
from ffhost.config.settings.section import Free, Section, key

BUILT_IN_HOOKS = ("otel", "profile", "log")
"""Trace hooks that need no ``target``."""


class HookSettings(Section):
    """One trace hook."""

    free: ClassVar[frozenset[str]] = frozenset({"options"})

    target: HookTarget | None = key(
        None,
        "Target",
        "The hook as module:function. The built-in hooks otel, profile and log need none.",
        "mycompany.hooks:audit",
    )
    enabled: Boolean = key(True, "Switch", "Whether the hook runs.", True, False)
    options: Free = key(
        dict,
        "Options",
        "Passed to the hook as its options. Values may be secrets: {from_file: PATH} or "
        "{from_env: NAME}.",
        {"endpoint": "http://collector:4318"},
    )


class TracingSettings(Section):
    """Hooks around every call."""

    enabled: Boolean = key(False, "Switch", "Whether any trace hook runs.", True)
    hooks: dict[str, HookSettings] = key(
        dict,
        "Hooks",
        "Hooks by name, run in this order.",
        {"otel": {"options": {"endpoint": "http://collector:4318"}}},
    )


class FunctionTracingSettings(Section):
    """Trace hooks of one function."""

    enabled: Boolean | None = key(
        None,
        "Switch",
        "Whether trace hooks run around this function; default: as the host's.",
        False,
    )
    hooks: dict[str, HookSettings] = key(
        dict,
        "Hooks",
        "Further hooks of this function, or other options of the host's hooks of that name.",
        {"audit": {"enabled": False}},
    )
