"""Problems of a configuration: what is wrong, where, and how it is shown.

Knows nothing of YAML, pydantic or terminals: the code that finds a mistake makes a `ConfigProblem`,
and the code that prints it chooses the format and the colours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ffhost._records import Record

if TYPE_CHECKING:
    from ffhost.config.nodes import ConfigLine

Format = Literal["text", "json", "github"]

_CONTROL = r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]"
_LINE_LIMIT = 160

_RED, _BLUE, _DIM, _BOLD, _PLAIN = "\x1b[31m", "\x1b[34m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


class ValueOrigin(Record):
    """Where a value came from.

    Args:
        label: for people: ``functions.yaml``, ``env PORT``, ``--port``, ``default``
        file: the file as the user named it, or None for everything else
        line: counted from 1, or None
        column: counted from 1, or None
        text: the source line, or what was given as variable or flag; None if it may not be shown
    """

    label: str
    file: Path | None = None
    line: int | None = None
    column: int | None = None
    text: str | ConfigLine | None = None

    @property
    def short(self) -> str:
        """Return ``functions.yaml:12`` where there is a line, else the label."""
        return self.label if self.line is None or self.file is None else f"{self.label}:{self.line}"

    @property
    def place(self) -> str:
        """Return ``functions.yaml:12:5`` where there is a position, else the label."""
        if self.file is None or self.line is None:
            return self.label
        return f"{self.label}:{self.line}:{self.column or 1}"


DEFAULT = ValueOrigin("default")
"""The origin of a default value."""


class ConfigProblem(Record):
    """One mistake: the dotted path of the value, what is wrong, and what to do.

    ``path`` is empty for a mistake that belongs to a file as a whole. ``notes`` are further
    lines, such as the other place that takes part in a contradiction. ``line`` is the line of
    user code that is at fault, such as ``main.py:3``; the first note shows its text.
    """

    path: str
    message: str
    origin: ValueOrigin | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()
    line: str | None = None

    def __str__(self) -> str:
        return redact_text(_headline(self))


def redact_text(text: str) -> str:
    """Return *text* with what is secret in URLs and PEM blocks masked."""
    from ffhost.config.mask import PLAIN

    return PLAIN.text(text)


def nearest_known_word(word: str, known: Iterable[str]) -> str | None:
    """Return the member of *known* that *word* was probably meant to be, or None."""
    from difflib import get_close_matches

    known = list(known)
    by_form = {re.sub(r"[-_ ]", "", each).lower(): each for each in known}
    same = by_form.get(re.sub(r"[-_ ]", "", word).lower())
    if same is not None:
        return same
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def show_config_problems(
    problems: Sequence[ConfigProblem], format: Format = "text", *, color: bool = False
) -> str:
    """Show *problems* in their order, ending with a newline.

    ``text`` is for people, ``json`` an array of records, ``github`` workflow annotations.
    """
    if format == "json":
        return (
            json.dumps(
                [config_problem_record(each) for each in problems], indent=2, ensure_ascii=False
            )
            + "\n"
        )
    if format == "github":
        return "".join(_annotation(each) + "\n" for each in problems)
    return "\n".join(_text(each, color) for each in problems)


def config_problem_record(problem: ConfigProblem) -> dict[str, Any]:
    """Return *problem* as a value that JSON can hold."""
    origin = problem.origin
    return {
        "path": problem.path,
        "message": redact_text(problem.message),
        "hint": None if problem.hint is None else redact_text(problem.hint),
        "notes": [redact_text(note) for note in problem.notes],
        "origin": None if origin is None else origin.label,
        "file": None if origin is None or origin.file is None else str(origin.file),
        "line": None if origin is None else origin.line,
        "column": None if origin is None else origin.column,
    }


def _headline(problem: ConfigProblem) -> str:
    parts = [problem.origin.place] if problem.origin else []
    return ": ".join([*parts, *filter(None, [problem.path]), problem.message])


def _text(problem: ConfigProblem, color: bool) -> str:
    def paint(code: str, text: str) -> str:
        return f"{code}{text}{_PLAIN}" if color else text

    place = paint(_BOLD, problem.origin.place) + ": " if problem.origin else ""
    path = paint(_BLUE, problem.path) + ": " if problem.path else ""
    lines = [f"{place}{path}{paint(_RED, _flat(problem.message))}"]
    lines += [f"    {line}" for line in _excerpt(problem.origin, paint)]
    lines += [f"  note: {_flat(note)}" for note in problem.notes]
    if problem.hint:
        lines.append(f"  {paint(_DIM, 'hint:')} {_flat(problem.hint)}")
    return "".join(redact_text(line) + "\n" for line in lines)


def _flat(text: str) -> str:
    return re.sub(_CONTROL, "�", text)


def _excerpt(origin: ValueOrigin | None, paint: Any) -> list[str]:
    """Return the source line and a line with a caret, cut around the caret if they are long."""
    if origin is None or origin.column is None or origin.text is None:
        return []
    column = origin.column - 1
    if isinstance(origin.text, str):
        line = origin.text
    else:
        line, column = origin.text.shown(column)
    column, line = len(_printable(line[:column])), _printable(line).rstrip()
    if not line.strip():
        return []
    start = max(0, column - _LINE_LIMIT // 2) if len(line) > _LINE_LIMIT else 0
    line = line[start : start + _LINE_LIMIT]
    return [line, " " * (column - start) + paint(_RED, "^")]


def _printable(line: str) -> str:
    return redact_text(re.sub(_CONTROL, "\ufffd", line).replace("\t", "→"))


def _annotation(problem: ConfigProblem) -> str:
    """Write a GitHub Actions workflow command, escaped as its toolkit does."""
    origin = problem.origin
    properties = []
    if origin is not None and origin.file is not None:
        properties.append(f"file={_escaped(str(origin.file), property=True)}")
        if origin.line is not None:
            properties += [f"line={origin.line}", f"col={origin.column or 1}"]
    properties.append("title=ffhost configuration")
    where = origin.label + ": " if origin is not None and origin.file is None else ""
    path = problem.path + ": " if problem.path else ""
    text = [where + path + problem.message, *problem.notes, *filter(None, [problem.hint])]
    return f"::error {','.join(properties)}::{_escaped(redact_text(chr(10).join(text)))}"


def _escaped(text: str, *, property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property else text
