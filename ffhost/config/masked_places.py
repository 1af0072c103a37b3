"""Places of a configuration, and whether what stands there is masked.

Of our own keys the models say which hold secrets. Where any keys are allowed (``config``,
``env``, options of hooks, header fields, ``x-``), names decide: see `ffhost.config.mask`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ffhost.config.known_keys import Shape, settings_shape
from ffhost.config.mask import Mask
from ffhost.config.nodes import Node, PathKey, walk_to

NAMED_ELSEWHERE = ("from_env", "from_file")
"""Keys of which the value names where a secret is."""


class Place(NamedTuple):
    """A place in a configuration.

    Args:
        shape: what is allowed there; None: anything
        hidden: whether values there are masked
        depth: levels below the key that hides them, if one of ours does
    """

    shape: Shape | None
    hidden: bool = False
    depth: int = 0

    def below(self, step: str | int, mask: Mask) -> Place:
        """Return the place *step* below this one."""
        shape = self.shape
        if isinstance(step, int):
            return self._replace(shape=shape.item if shape and shape.kind == "list" else shape)
        if self.hidden:
            # the first level below is the name of a secret
            shown = shape is not None and self.depth > 0 and step in shape.shown
            return Place(shape, not shown, self.depth + 1)
        inner = None if shape is None else shape.child(step)
        if shape is None or inner is None or shape.kind == "free":
            return Place(inner, mask.hides(step))
        if step.startswith("x-"):
            return Place(None, mask.hides(step))
        if inner.secrets and inner.kind != "free":  # one of many values by name
            return Place(inner, mask.hides(step))
        return Place(inner, inner.all_secret)


def root_place() -> Place:
    """Return the place of a whole configuration."""
    return Place(settings_shape())


def is_hidden(path: PathKey, mask: Mask) -> bool:
    """Whether the value at *path* is masked."""
    place = root_place()
    for step in path:
        place = place.below(step, mask)
    return place.hidden


def mask_of(root: Node) -> Mask:
    """Return the rule with the names that ``logging`` adds in a tree, valid or not."""
    return Mask(_names(root, "redact"), _names(root, "show"))


def _names(root: Node, key: str) -> Iterator[str]:
    path = ("logging", key)
    levels = list(walk_to(root, path))
    found = levels[-1][1].value if len(levels) > len(path) else None
    for each in found if isinstance(found, list) else ():
        if isinstance(each.value, str):
            yield each.value
