"""Comparison of two configurations: ``ffhost plan OLD NEW``. Applies nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.leaves import ConfigLeaf, list_config_leaves, show_config_leaf
from ffhost.config.mask import HIDDEN
from ffhost.config.nodes import PathKey, dotted_config_path

RESTART = ("server", "admin", "console")
"""Sections that are read when the server starts; of the latter all but its door."""


_LIVE = ("admin", "auth")


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One value that differs.

    ``old`` and ``new`` are redacted texts, or None if the value is missing;
    ``live`` is whether a reload applies it.
    """

    path: str
    old: str | None
    new: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class ConfigPlan:
    """Functions added and removed (by name), and every value that changed."""

    old_revision: str
    new_revision: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    functions: dict[str, tuple[ConfigChange, ...]]
    host: tuple[ConfigChange, ...]

    @property
    def needs_restart(self) -> tuple[str, ...]:
        """Return the paths that a reload does not apply."""
        return tuple(each.path for each in self.host if not each.live)

    @property
    def empty(self) -> bool:
        """Whether the configurations are equal."""
        return not (self.added or self.removed or self.functions or self.host)


def plan_config_changes(old: LoadedConfig, new: LoadedConfig) -> ConfigPlan:
    """Compare two configurations, effective value by effective value."""
    mine, other = old.settings.functions, new.settings.functions
    functions: dict[str, list[ConfigChange]] = {}
    host: list[ConfigChange] = []
    for path, change in _changes(old, new):
        if path[0] != "functions":
            host.append(change)
        elif path[1] in mine and path[1] in other:
            functions.setdefault(str(path[1]), []).append(change)
    return ConfigPlan(
        old_revision=old.revision,
        new_revision=new.revision,
        added=tuple(name for name in other if name not in mine),
        removed=tuple(name for name in mine if name not in other),
        functions={name: tuple(changes) for name, changes in functions.items()},
        host=tuple(host),
    )


def changed_function_settings(old: LoadedConfig, new: LoadedConfig) -> list[str]:
    """Return the names of the functions that both have, with different settings.

    Unlike a plan it does not list the values: a reload of a thousand functions would have to
    compute fifty thousand of them.
    """
    mine, other = old.settings, new.settings
    both = sorted(mine.functions.keys() & other.functions.keys())
    return [name for name in both if mine.function(name) != other.function(name)]


def settings_needing_restart(old: LoadedConfig, new: LoadedConfig) -> list[str]:
    """Return the paths that differ and that a reload does not apply."""
    return [change.path for _, change in _changes(old, new, functions=False) if not change.live]


def _changes(
    old: LoadedConfig, new: LoadedConfig, *, functions: bool = True
) -> list[tuple[PathKey, ConfigChange]]:
    mine = {leaf.path: leaf for leaf in list_config_leaves(old, functions=functions)}
    other = {leaf.path: leaf for leaf in list_config_leaves(new, functions=functions)}
    found = []
    for path in [*mine, *(path for path in other if path not in mine)]:
        before, after = mine.get(path), other.get(path)
        if before and after and before.value == after.value:
            continue
        if (_is_empty(before) and after is None) or (before is None and _is_empty(after)):
            continue
        texts = _text(before), _text(after)
        if texts[0] == texts[1] == HIDDEN:
            texts = HIDDEN, f"{HIDDEN} (changed)"
        found.append(
            (
                path,
                ConfigChange(
                    dotted_config_path(path), *texts, live=path[0] not in RESTART or path == _LIVE
                ),
            )
        )
    return found


def _is_empty(leaf: ConfigLeaf | None) -> bool:
    """Whether *leaf* is a mapping or list without content: its content is listed instead."""
    return leaf is not None and leaf.value in ({}, [])


def _text(leaf: ConfigLeaf | None) -> str | None:
    return None if leaf is None else show_config_leaf(leaf.shown)


def show_config_plan(plan: ConfigPlan, format: str = "text", *, color: bool = False) -> str:
    """Show *plan* as ``text`` or ``json``, ending with a newline."""
    if format == "json":
        return json.dumps(_record(plan), indent=2, ensure_ascii=False) + "\n"

    def paint(code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if color else text

    if plan.empty:
        return f"nothing changes (revision {plan.new_revision})\n"
    lines = [f"revision {plan.old_revision} -> {plan.new_revision}"]
    lines += [paint(32, f"+ {name}") for name in plan.added]
    lines += [paint(31, f"- {name}") for name in plan.removed]
    for name, changes in plan.functions.items():
        lines.append(paint(33, f"~ {name}"))
        prefix = dotted_config_path(("functions", name)) + "."
        lines += [f"    {_line(each, prefix)}" for each in changes]
    if plan.host:
        lines.append(paint(33, "~ host"))
        lines += [f"    {_line(each, '')}" for each in plan.host]
    if plan.needs_restart:
        lines.append(f"needs a restart: {', '.join(plan.needs_restart)}")
    return "\n".join(lines) + "\n"


def _line(change: ConfigChange, prefix: str) -> str:
    old = "-" if change.old is None else change.old
    new = "-" if change.new is None else change.new
    when = "live" if change.live else "needs a restart"
    return f"{change.path.removeprefix(prefix)}: {old} -> {new} ({when})"


def _record(plan: ConfigPlan) -> dict[str, Any]:
    return {**asdict(plan), "needs_restart": list(plan.needs_restart)}
