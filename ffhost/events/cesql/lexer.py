"""A CESQL expression cut into words, numbers, strings and symbols."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from ffhost.events.cesql.faults import CesqlError

TokenKind: TypeAlias = Literal["word", "integer", "string", "symbol", "end"]

_SCANNER: Final = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<word>[A-Za-z0-9_]+)
    | (?P<symbol><>|!=|>=|<=|[-=<>+*/%(),])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)


class CesqlToken(NamedTuple):
    """``text`` is upper case for words, the content of a string, else what was written."""

    kind: TokenKind
    text: str
    start: int


def split_cesql_tokens(expression: str) -> list[CesqlToken]:
    """Return the tokens of *expression*; the last one is of the kind ``end``.

    Raises:
        CesqlError: kind ``parse``.
    """
    tokens: list[CesqlToken] = []
    position = 0
    while not tokens or tokens[-1].kind != "end":
        found = _SCANNER.match(expression, position)
        if found is None:
            raise _unreadable(expression, position)
        tokens.append(_token(found))
        position = found.end()
        if tokens[-1].kind == "string" and expression[position : position + 1] in ("'", '"'):
            # The grammar of other engines reads a doubled quote as two characters.
            raise CesqlError(
                "parse", "a quote inside a string is written with a backslash", False, position
            )
    return tokens


def _token(found: re.Match[str]) -> CesqlToken:
    kind = found.lastgroup
    assert kind is not None
    text, start = found[kind], found.start(kind)
    if kind == "string":
        return CesqlToken("string", text[1:-1].replace(f"\\{text[0]}", text[0]), start)
    if kind == "symbol":
        return CesqlToken("symbol", text, start)
    if kind == "end":
        return CesqlToken("end", "", start)
    if text.isdigit():
        return CesqlToken("integer", text, start)
    return CesqlToken("word", text.upper(), start)


def _unreadable(expression: str, position: int) -> CesqlError:
    while expression[position] in " \t\r\n":
        position += 1
    character = expression[position]
    problem = "the string has no end" if character in "'\"" else f"unexpected {character!r}"
    return CesqlError("parse", problem, False, position)
