"""A recursive descent over the tokens of a CESQL expression.

From what binds most tightly: ``NOT`` and ``-``; ``LIKE``, ``IN``; ``* / %``; ``+ -``;
comparisons; ``AND``, ``OR``, ``XOR``. The last three have no order among them: the text of
the specification and the grammar of its engines disagree, so a mixture needs parentheses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ffhost.events.cesql import operators
from ffhost.events.cesql.casts import LOWEST, is_cesql_integer
from ffhost.events.cesql.faults import CesqlError
from ffhost.events.cesql.lexer import CesqlToken, split_cesql_tokens
from ffhost.events.cesql.operators import CesqlNode

DEPTH_LIMIT: Final = 50
"""How deeply an expression may nest.

Reading one takes nine Python frames for each level, of the thousand that there are.
"""

_RESERVED: Final = frozenset({"AND", "OR", "XOR", "NOT", "LIKE", "IN", "EXISTS", "TRUE", "FALSE"})
_LOGIC: Final[dict[str, Callable[[Sequence[CesqlNode]], CesqlNode]]] = {
    "AND": operators.cesql_and,
    "OR": operators.cesql_or,
    "XOR": operators.cesql_xor,
}
_COMPARISONS: Final = ("=", "!=", "<>", ">=", "<=", "<", ">")


def parse_cesql(expression: str) -> CesqlNode:
    """Parse *expression* to a node that can be evaluated.

    Raises:
        CesqlError: kind ``parse``.
    """
    grammar = _Grammar(split_cesql_tokens(expression))
    root = grammar.logic()
    if grammar.here.kind != "end":
        raise grammar.unexpected()
    return root


class _Grammar:
    def __init__(self, tokens: list[CesqlToken]) -> None:
        self._tokens = tokens
        self._next = 0
        self._nesting = 0

    @property
    def here(self) -> CesqlToken:
        return self._tokens[self._next]

    def unexpected(self) -> CesqlError:
        token = self.here
        what = "the expression ends too early" if token.kind == "end" else None
        return self._fault(what or f"unexpected {token.text!r}", token)

    def logic(self) -> CesqlNode:
        self._nesting += 1
        if self._nesting > DEPTH_LIMIT:
            raise self._fault("nested too deeply", self.here)
        parts, joined_by = [self._comparison()], ""
        while (word := self._take_word(*_LOGIC)) is not None:
            if joined_by not in ("", word):
                raise self._fault(
                    f"{joined_by} beside {word} needs parentheses", self._tokens[self._next - 1]
                )
            joined_by = word
            parts.append(self._comparison())
        self._nesting -= 1
        return self._checked(_LOGIC[joined_by](parts)) if joined_by else parts[0]

    def _comparison(self) -> CesqlNode:
        return self._chain(_COMPARISONS, self._sum, operators.cesql_comparison)

    def _sum(self) -> CesqlNode:
        return self._chain(("+", "-"), self._product, operators.cesql_arithmetic)

    def _product(self) -> CesqlNode:
        return self._chain(("*", "/", "%"), self._membership, operators.cesql_arithmetic)

    def _chain(
        self,
        symbols: Sequence[str],
        operand: Callable[[], CesqlNode],
        make: Callable[[str, CesqlNode, CesqlNode], CesqlNode],
    ) -> CesqlNode:
        left = operand()
        while (symbol := self._take_symbol(*symbols)) is not None:
            left = self._checked(make(symbol, left, operand()))
        return left

    def _membership(self) -> CesqlNode:
        node = self._unary()
        while True:
            opposed = self._take_word("NOT") is not None
            word = self._take_word("LIKE", "IN")
            if word is None and opposed:
                raise self.unexpected()
            if word is None:
                return node
            if word == "LIKE":
                node = operators.cesql_like(node, self._take("string").text)
            else:
                node = operators.cesql_in(node, self._arguments(at_least=1))
            node = self._checked(operators.cesql_opposite(node) if opposed else node)

    def _unary(self) -> CesqlNode:
        """Read prefixes without recursion: there may be many of them."""
        prefixes: list[str] = []
        while True:
            if self._take_word("NOT"):
                prefixes.append("NOT")
            elif self._take_symbol("-"):
                prefixes.append("-")
            else:
                break
        if prefixes[-1:] == ["-"] and self.here.kind == "integer":
            prefixes.pop()
            node = self._integer(-1)
        else:
            node = self._primary()
        for prefix in reversed(prefixes):
            node = self._checked(
                operators.cesql_minus(node) if prefix == "-" else operators.cesql_not(node)
            )
        return node

    def _primary(self) -> CesqlNode:
        token = self.here
        if token.kind == "integer":
            return self._integer(1)
        if token.kind == "string":
            return operators.cesql_literal(self._take("string").text)
        if self._take_symbol("("):
            node = self.logic()
            self._expect(")")
            return node
        if self._take_symbol("+") and self.here.kind == "integer":
            return self._integer(1)
        if token.kind == "word":
            return self._word()
        raise self.unexpected()

    def _word(self) -> CesqlNode:
        if self._take_word("EXISTS"):
            return operators.cesql_exists(self._identifier())
        if (word := self._take_word("TRUE", "FALSE")) is not None:
            return operators.cesql_literal(word == "TRUE")
        following = self._tokens[self._next + 1]
        if following.kind == "symbol" and following.text == "(":
            return self._checked(operators.cesql_call(self._function(), self._arguments()))
        return operators.cesql_attribute(self._identifier())

    def _integer(self, sign: int) -> CesqlNode:
        token = self._take("integer")
        number = sign * int(token.text) if len(token.text) <= 20 else LOWEST - 1
        if not is_cesql_integer(number):
            raise self._fault(f"{token.text[:40]} does not fit into 32 bits", token)
        return operators.cesql_literal(number)

    def _identifier(self) -> str:
        token = self.here
        if token.text in _RESERVED or "_" in token.text:
            raise self.unexpected()
        return self._take("word").text.lower()

    def _function(self) -> str:
        token = self.here
        if token.text in _RESERVED or not token.text.replace("_", "").isalpha():
            raise self.unexpected()
        return self._take("word").text

    def _arguments(self, at_least: int = 0) -> list[CesqlNode]:
        self._expect("(")
        nodes: list[CesqlNode] = []
        if at_least == 0 and self._take_symbol(")"):
            return nodes
        while not nodes or self._take_symbol(","):
            nodes.append(self.logic())
        self._expect(")")
        return nodes

    def _take(self, kind: str) -> CesqlToken:
        token = self.here
        if token.kind != kind:
            raise self.unexpected()
        self._next += 1
        return token

    def _take_word(self, *words: str) -> str | None:
        return self._take_text("word", words)

    def _take_symbol(self, *symbols: str) -> str | None:
        return self._take_text("symbol", symbols)

    def _take_text(self, kind: str, texts: Sequence[str]) -> str | None:
        token = self.here
        if token.kind != kind or token.text not in texts:
            return None
        self._next += 1
        return token.text

    def _expect(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise self.unexpected()

    def _checked(self, node: CesqlNode) -> CesqlNode:
        if node.depth > DEPTH_LIMIT:
            raise self._fault("nested too deeply", self.here)
        return node

    def _fault(self, message: str, token: CesqlToken) -> CesqlError:
        return CesqlError("parse", message, False, token.start)
