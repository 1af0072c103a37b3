"""What ``serve --debug`` and ``ffhost dev`` switch on unless the configuration says otherwise."""

from __future__ import annotations

from typing import Any

from ffhost.config.contradictions import config_opens_admin_to_others
from ffhost.config.layers import put_config_value
from ffhost.config.nodes import ConfigNode, ConfigText, PathKey, walk_config_path

_PORT = 9901


def apply_development_defaults(root: ConfigNode) -> ConfigNode:
    """Return *root* with the console open, and the admin listener that serves it.

    What is written wins. The console stays off where other machines would reach it without
    credentials.
    """
    enabled = _written(root, ("console", "enabled")), _written(root, ("admin", "enabled"))
    if not all(each in (None, True) for each in enabled):
        return root
    if config_opens_admin_to_others(_written(root, ("admin", "host")) or "localhost", _auth(root)):
        return root
    wanted: dict[PathKey, Any] = {
        ("admin", "enabled"): True,
        ("console", "enabled"): True,
        ("console", "capture"): True,
    }
    if _written(root, ("server", "port")) == _PORT:
        wanted["admin", "port"] = 0
    for path, value in wanted.items():
        if _written(root, path) is None:
            root = put_config_value(root, path, _node(value))
    return root


def _node(value: Any) -> ConfigNode:
    text = "true" if value is True else str(value)
    return ConfigNode(value, ConfigText("--debug", text=text), 0, 0, text=text)


def _written(root: ConfigNode, path: PathKey) -> Any:
    """Return the value at *path* as it is written; None if there is none."""
    levels = list(walk_config_path(root, path))
    return levels[-1][1].value if len(levels) > len(path) else None


def _auth(root: ConfigNode) -> Any:
    found = _written(root, ("admin", "auth"))
    return [each.value for each in found] if isinstance(found, list) else found
