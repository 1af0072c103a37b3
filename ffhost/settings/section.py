"""What every mapping of ``functions.yaml`` has in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

Free = dict[str, Any]
"""A mapping whose keys are the user's own; ``x-`` keys are data there."""


def key(default: Any, title: str, description: str, *examples: Any, **rules: Any) -> Any:
    """Describe a key. A callable default makes a new value each time."""
    if callable(default):
        rules["default_factory"] = default
    else:
        rules["default"] = default
    return Field(title=title, description=description, examples=list(examples), **rules)


def section(title: str, description: str, *examples: Any) -> Any:
    """Describe a key that holds a section; one that is not written has its defaults.

    The default is validated instead of made by the section's class, because a class that is
    never called on its own needs no validator of its own: that saves a third of the start.
    """
    return key({}, title, description, *examples, validate_default=True)


class Section(BaseModel):
    """A mapping with known keys. Keys that begin with ``x-`` are dropped before it is made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )
    free: ClassVar[frozenset[str]] = frozenset()
    """Keys below which everything is the user's own."""
