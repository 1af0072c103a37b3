"""A configuration as rows: every value with its path, redacted.

Secrets are never shown: texts are redacted, and raw values are used for comparison only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import DEFAULT
from ffhost.config.mask import HIDDEN, SecretMask
from ffhost.config.masked_places import is_masked_in_config
from ffhost.config.nodes import PathKey
from ffhost.config.settings import SecretSetting, SettingsSection, plain_setting, setting_key_of

_INHERITED = {
    "timeout": ("defaults", "timeout"),
    "concurrency": ("defaults", "concurrency"),
    "queue": ("defaults", "queue"),
    "queue_timeout": ("defaults", "queue_timeout"),
    "max_body_size": ("server", "max_body_size"),
    "auth": ("defaults", "auth"),
}


@dataclass(frozen=True, slots=True)
class ConfigLeaf:
    """One value: its path, the value itself, the value as shown, and its origin's label."""

    path: PathKey
    value: Any
    shown: Any
    origin: str


def list_config_leaves(loaded: LoadedConfig, *, functions: bool = True) -> Iterator[ConfigLeaf]:
    """Return every effective value in the order of the models; functions as they were written.

    A secret is hidden in every text that contains it.

    Args:
        functions: False leaves the functions out, secrets and all
    """
    found = list(_all(loaded, loaded.settings.functions if functions else ()))
    long = _secrets(found)
    logging = loaded.settings.logging
    mask = SecretMask(logging.redact, logging.show)
    for leaf in found:
        hidden = long and any(secret in str(leaf.value) for secret in long)
        yield replace(leaf, shown=HIDDEN if hidden else _shown(leaf.path, leaf.value, mask))


_SHORTEST_SECRET = 4
"""A shorter secret would also be found in unrelated values."""


def declared_config_secrets(loaded: LoadedConfig) -> set[str]:
    """Return the secrets that the configuration declares."""
    return _secrets(_all(loaded, loaded.settings.functions))


def hidden_config_texts(loaded: LoadedConfig) -> set[str]:
    """Return every text of the configuration that is never shown, declared as a secret or not.

    The values of ``env_file`` are judged by their names.
    """
    logging = loaded.settings.logging
    mask = SecretMask(logging.redact, logging.show)
    hidden = {value for name, value in loaded.env_file_values.items() if mask.hides(name)}
    for leaf in _all(loaded, loaded.settings.functions):
        is_masked = is_masked_in_config(leaf.path, mask)
        hidden |= {
            str(each)
            for each in _scalars(leaf.value)
            if isinstance(each, SecretSetting) or (is_masked and isinstance(each, str))
        }
    return {text for text in hidden if len(text) >= _SHORTEST_SECRET}


def _secrets(found: Iterable[ConfigLeaf]) -> set[str]:
    values = (each for leaf in found for each in _scalars(leaf.value))
    secrets = {str(each) for each in values if isinstance(each, SecretSetting)}
    return {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}


def _scalars(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _all(loaded: LoadedConfig, functions: Iterable[str]) -> Iterator[ConfigLeaf]:
    for name, value in _items(loaded.settings):
        if name != "functions":
            yield from _leaves(loaded, (name,), value)
    for name in functions:
        yield from _function(loaded, name)


def _function(loaded: LoadedConfig, name: str) -> Iterator[ConfigLeaf]:
    function = loaded.settings.function(name)
    isolated = function.isolation == "process"
    for key, value in _items(function):
        path = ("functions", name, key)
        inherited = _INHERITED.get(key)
        if isolated and key == "concurrency":
            continue  # 'processes' is shown instead
        if inherited and getattr(loaded.settings.functions[name], key) is None:
            yield _leaf(loaded, path, value, inherited)
        else:
            yield from _leaves(loaded, path, value)


def _items(section: SettingsSection) -> Iterator[tuple[str, Any]]:
    for each in fields(section):
        yield setting_key_of(each.name), getattr(section, each.name)


def _leaves(loaded: LoadedConfig, path: PathKey, value: Any) -> Iterator[ConfigLeaf]:
    if isinstance(value, SettingsSection):
        for name, inner in _items(value):
            yield from _leaves(loaded, (*path, name), inner)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(loaded, (*path, str(name)), inner)
    elif isinstance(value, list) and any(
        isinstance(each, SettingsSection | dict | list) for each in value
    ):
        for index, inner in enumerate(value):
            yield from _leaves(loaded, (*path, index), inner)
    else:
        yield _leaf(loaded, path, value, path)


def _leaf(loaded: LoadedConfig, path: PathKey, value: Any, given_at: PathKey) -> ConfigLeaf:
    origin = loaded.origins.get(given_at, DEFAULT)
    return ConfigLeaf(path, value, value, origin.short)


def _shown(path: PathKey, value: Any, mask: SecretMask) -> Any:
    empty = value is None or value == {} or value == []
    if isinstance(value, SecretSetting) or (not empty and is_masked_in_config(path, mask)):
        return HIDDEN
    if isinstance(value, list):
        return [_shown(path, each, mask) for each in value]
    return mask.text(value) if isinstance(value, str) else plain_setting(value)


def show_config_leaf(value: Any) -> str:
    """Write a shown value on one line, as it would be written in the file."""
    if value is None:
        return "-"
    if value == HIDDEN:
        return HIDDEN
    if isinstance(value, str) and re.fullmatch(r"[^\s\"'#,\[\]{}&*!|>%@`-][^\n\"#]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)
