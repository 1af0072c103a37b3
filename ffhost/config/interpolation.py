"""Replacement of ``${NAME}`` in values.

Works on one text at a time; knows neither YAML nor where the variables come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\})?"
)


class MissingVariable(ValueError):
    """A variable that is not set and has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {name!r} is not set")
        self.name = name


def interpolate_variables(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in *text*; ``$${`` becomes ``${``.

    The default also replaces an empty variable, as in a shell. The value of a variable is not
    interpolated again.

    Raises:
        Missing: a variable is not set and has no default.
        ValueError: a ``${`` does not begin a valid reference.
    """

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            raise ValueError("'${' begins a reference such as ${NAME} or ${NAME:-default}")
        found = variables.get(name)
        if default is not None:
            return found or default
        if found is None:
            raise MissingVariable(name)
        return found

    return _REFERENCE.sub(value, text)
