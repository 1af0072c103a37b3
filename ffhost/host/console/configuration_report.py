"""The configuration as the console shows it: values, problems, and what a reload would change."""

from __future__ import annotations

from typing import Any

from ffhost.config import LoadedConfig, attempt_config
from ffhost.config.changes import ConfigChange, ConfigPlan, plan_config_changes
from ffhost.config.diagnostics import DEFAULT, show_config_problems
from ffhost.config.leaves import list_config_leaves, show_config_leaf
from ffhost.config.nodes import dotted_config_path
from ffhost.host.service import Service

Shown = dict[str, Any]


def console_configuration_report(service: Service) -> Shown:
    """Return the values that are served, and how the files on the disk differ from them."""
    config = service.config
    found = attempt_config(service.sources())
    problems = service.reload_error
    if found.config is None:
        problems = show_config_problems(found.problems)
    return {
        "revision": config.revision,
        "values": [_value(config, each) for each in list_config_leaves(config)],
        "problems": problems,
        "plan": [] if found.config is None else _rows(plan_config_changes(config, found.config)),
    }


def _value(config: LoadedConfig, leaf: Any) -> Shown:
    place = None if leaf.origin == DEFAULT.label else config.locate(leaf.path).place
    return {
        "path": dotted_config_path(leaf.path),
        "value": show_config_leaf(leaf.shown),
        "origin": leaf.origin,
        "place": place,
    }


def _rows(changes: ConfigPlan) -> list[Shown]:
    rows = [_whole("added", name) for name in changes.added]
    rows += [_whole("removed", name) for name in changes.removed]
    for each in changes.functions.values():
        rows += map(_row, each)
    return [*rows, *map(_row, changes.host)]


def _whole(kind: str, name: str) -> Shown:
    path = dotted_config_path(("functions", name))
    return {"kind": kind, "path": path, "from": None, "to": None, "effect": "live"}


def _row(change: ConfigChange) -> Shown:
    kind = "added" if change.old is None else "removed" if change.new is None else "changed"
    return {
        "kind": kind,
        "path": change.path,
        "from": change.old,
        "to": change.new,
        "effect": "live" if change.live else "needs a restart",
    }
