"""Masking of free text: ``key=value``, ``key: value``, elements of XML, URLs, known secrets.

In free text nobody knows where a value ends, so too much is masked rather than too little.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from ffhost.config.mask import SecretMask
from ffhost.host.console.secret_texts import MASKED, ConsoleSecretTexts

_NAME = re.compile(
    r"""(?<![\w%.\-])(\\*["']?)([\w%.\-]++(?:\[[^\]\s]*\])*+)(\\*["']?)\s*+([:=]+>?)[ \t]*+"""
)
"""A name and what follows it, up to its value."""
_EXCEPTION = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Warning)")
"""What a message of Python follows, as in ``KeyError: 'tea'``: the name hides nothing."""
_UNQUOTED = re.compile(r"[^\s&]*")
_LINE = re.compile(r"[^\r\n]*")
_ELEMENT = re.compile(r"<([\w.\-]++(?::[\w.\-]++)?)(?:\s[^<>]*+)?>")


class ConsoleTextMask:
    """The rule for secrets, applied to text.

    Args:
        names: says which names hide what follows them
        secrets: those that are known by their text
    """

    def __init__(self, names: SecretMask, secrets: ConsoleSecretTexts) -> None:
        self._names = names
        self._secrets = secrets

    def masked(self, text: str) -> str:
        """Return *text* with what is secret in it masked."""
        text = self.shown(text)
        if "<" in text:
            text = self._without_elements(text)
        return self._without_pairs(text) if "=" in text or ":" in text else text

    def shown(self, text: str) -> str:
        """Return *text* as the log shows it, and without the secrets of the configuration."""
        return self._names.text(self._secrets.without(text))

    def _without_pairs(self, text: str) -> str:
        parts, done = [], 0
        for match in _NAME.finditer(text):
            if match.start() < done or not self._hides(match[2], match[4]):
                continue
            start, end = match.end(), self._end_of_value(text, match.end(), match[4])
            if text[start:end].strip():
                parts += [text[done:start], MASKED]
                done = end
        return "".join([*parts, text[done:]])

    def _hides(self, name: str, separator: str) -> bool:
        if separator == ":" and _EXCEPTION.fullmatch(name):
            return False
        return self._names.hides(unquote_plus(name))

    @staticmethod
    def _end_of_value(text: str, start: int, separator: str) -> int:
        first = text[start : start + 1]
        if first in ("{", "["):
            return len(text)
        if first in ('"', "'"):
            end = re.compile(rf"(?:[^{first}\\]|\\.)*{first}", re.DOTALL).match(text, start + 1)
            return len(text) if end is None else end.end()
        until = _LINE if ":" in separator or first == "\\" else _UNQUOTED
        end = until.match(text, start)
        assert end is not None
        return end.end()

    def _without_elements(self, text: str) -> str:
        parts, done = [], 0
        for match in _ELEMENT.finditer(text):
            name = match[1].rpartition(":")[2]
            if match.start() < done or not self._names.hides(name):
                continue
            end = text.find(f"</{match[1]}", match.end())
            end = len(text) if end < 0 else end
            parts += [text[done : match.end()], MASKED]
            done = end
        return "".join([*parts, text[done:]])
