"""Parser of dotenv files: variables with their lines. Opens no file and expands no value."""

from __future__ import annotations

import re

from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.nodes import ConfigText

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(
    r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:\#.*)?""", re.VERBOSE
)
_COMMENT = re.compile(r"(?:^|\s)#")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read_dotenv(source: ConfigText, problems: list[ConfigProblem]) -> dict[str, tuple[str, int]]:
    """Return the value and the line (counted from 0) of each name in ``NAME=value`` lines.

    A value may stand in single quotes (as it is) or double quotes (``\\n``, ``\\t``, ``\\"``
    and ``\\\\`` are escapes); elsewhere `` #`` begins a comment. Nothing is expanded.
    """
    variables: dict[str, tuple[str, int]] = {}
    for number, line in enumerate((source.text or "").split("\n")):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            name, value = _assignment(line)
            if name in variables:
                first = variables[name][1] + 1
                raise ValueError(f"{name} is set twice, first on line {first}")
        except ValueError as error:
            place = ConfigText(source.label, file=source.file).origin(number, 0)
            problems.append(ConfigProblem("", str(error), place, "write NAME=value"))
            continue
        variables[name] = (value, number)
    return variables


def _assignment(line: str) -> tuple[str, str]:
    before, equals, after = line.partition("=")
    words, value = before.split(), after.strip()
    if len(words) == 2 and words[0] == "export":
        del words[0]
    if not equals or len(words) > 1:
        raise ValueError("expected NAME=value")
    name = "".join(words)
    if not _NAME.fullmatch(name):
        raise ValueError("a name consists of letters, digits and underscores")
    if value[:1] not in ("'", '"'):
        comment = _COMMENT.search(value)
        return name, value[: comment.start()].rstrip() if comment else value
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        raise ValueError(f"the value of {name} has a quote that is not closed on the same line")
    if quoted["single"] is not None:
        return name, quoted["single"]
    unescaped = re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), quoted["double"])
    return name, unescaped
