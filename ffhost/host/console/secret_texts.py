"""Finds secrets that are known by their text, however they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import AnyStr
from urllib.parse import quote, quote_plus

MASKED = "[masked]"
"""What stands in the place of a secret."""


class ConsoleSecretTexts:
    """The secrets that a configuration declares.

    Args:
        secrets: their texts; empty ones are ignored
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {each for each in secrets if each}
        written = {form for each in known for form in _written(each)}
        coded = {form.encode("utf-8", "surrogatepass") for form in written}
        coded |= {
            each.encode(coding, "surrogatepass")
            for each in known
            for coding in ("utf-16-le", "utf-16-be")
        }
        self._text = None if not known else re.compile("|".join(_patterns(written)))
        self._bytes = None if not known else re.compile(b"|".join(_patterns(coded)))

    def without(self, text: str) -> str:
        """Return *text* with every secret in it masked."""
        return text if self._text is None else self._text.sub(MASKED, text)

    def without_bytes(self, data: bytes) -> bytes:
        """Return *data* with every secret in it masked, also where it is written in UTF-16."""
        return data if self._bytes is None else self._bytes.sub(MASKED.encode(), data)


def _patterns(forms: Iterable[AnyStr]) -> list[AnyStr]:
    """Return what finds each of *forms*, the longest first."""
    return [re.escape(each) for each in sorted(forms, key=lambda each: (-len(each), each))]


def _written(secret: str) -> set[str]:
    """Return how a secret may be written: as it is, in JSON, in a URL."""
    forms = {secret}
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        forms |= {escaped, escaped.replace("/", "\\/")}
    try:
        coded = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    except UnicodeEncodeError:  # a lone surrogate cannot stand in a URL
        return forms
    coded.add(secret.encode().decode("latin-1"))  # how a header field with UTF-8 is read
    lower = {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), each) for each in coded}
    return forms | coded | lower
