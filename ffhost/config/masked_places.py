"""Places of a configuration, and whether what stands there is masked.

Of our own keys the models say which hold secrets. Where any keys are allowed (``config``,
``env``, options of hooks, header fields, ``x-``), names decide: see `ffhost.config.mask`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ffhost._records import Record
from ffhost.config.known_keys import ConfigShape, settings_shape
from ffhost.config.mask import SecretMask
from ffhost.config.nodes import ConfigNode, PathKey, walk_config_path

_REFERENCE = re.compile(r"(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+")
_NAMED_ELSEWHERE = ("from_env", "from_file")
"""Keys of which the value names where a secret is."""


class ConfigPlace(Record):
    """A place in a configuration.

    Args:
        shape: what is allowed there; None: anything
        hidden: whether values there are masked
        depth: levels below the key that hides them, if one of ours does
    """

    shape: ConfigShape | None
    hidden: bool = False
    depth: int = 0

    def below(self, step: str | int, mask: SecretMask) -> ConfigPlace:
        """Return the place *step* below this one."""
        shape = self.shape
        if isinstance(step, int):
            return self._replace(shape=shape.item if shape and shape.kind == "list" else shape)
        if self.hidden:
            # the first level below is the name of a secret
            shown = shape is not None and self.depth > 0 and step in shape.shown
            return ConfigPlace(shape, not shown, self.depth + 1)
        inner = None if shape is None else shape.child(step)
        if shape is None or inner is None or shape.kind == "free":
            return ConfigPlace(inner, mask.hides(step))
        if step.startswith("x-"):
            return ConfigPlace(None, mask.hides(step))
        if inner.secrets and inner.kind != "free":  # one of many values by name
            return ConfigPlace(inner, mask.hides(step))
        return ConfigPlace(inner, inner.all_secret)


def root_config_place() -> ConfigPlace:
    """Return the place of a whole configuration."""
    return ConfigPlace(settings_shape())


def is_masked_in_config(path: PathKey, mask: SecretMask) -> bool:
    """Whether the value at *path* is masked."""
    place = root_config_place()
    for step in path:
        place = place.below(step, mask)
    return place.hidden


def masked_config_nodes(
    root: ConfigNode, place: ConfigPlace, mask: SecretMask
) -> Iterator[tuple[PathKey, ConfigNode]]:
    """Yield the scalars below *root* that are masked, each block once for each kind of place."""
    yield from _hidden((), root, place, mask, set())


def _hidden(
    path: PathKey,
    node: ConfigNode,
    place: ConfigPlace,
    mask: SecretMask,
    seen: set[tuple[int, int, bool, int]],
) -> Iterator[tuple[PathKey, ConfigNode]]:
    if node.text is not None:
        if place.hidden and node.text and not _REFERENCE.fullmatch(node.text):
            yield path, node
        return
    visit = (id(node.value), id(place.shape), place.hidden, place.depth)
    if not isinstance(node.value, dict | list) or visit in seen:
        return
    seen.add(visit)
    if isinstance(node.value, list):
        for index, each in enumerate(node.value):
            yield from _hidden((*path, index), each, place.below(index, mask), mask, seen)
        return
    for name, (_, inner) in node.value.items():
        if not (name in _NAMED_ELSEWHERE and inner.text is not None):
            yield from _hidden((*path, name), inner, place.below(name, mask), mask, seen)


def mask_of_config(root: ConfigNode) -> SecretMask:
    """Return the rule with the names that ``logging`` adds in a tree, valid or not."""
    return SecretMask(_names(root, "redact"), _names(root, "show"))


def _names(root: ConfigNode, key: str) -> Iterator[str]:
    path = ("logging", key)
    levels = list(walk_config_path(root, path))
    found = levels[-1][1].value if len(levels) > len(path) else None
    for each in found if isinstance(found, list) else ():
        if isinstance(each.value, str):
            yield each.value
