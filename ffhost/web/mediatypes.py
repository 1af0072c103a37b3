"""Content types and other header values with parameters (RFC 9110, section 8.3)."""

from __future__ import annotations

import re
from urllib.parse import unquote

_PARAMETER = re.compile(r';\s*([\w!#$%&\'*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)')
_QUOTED = re.compile(r"\\([\"\\])")
_CHARSETS = {"ascii", "us-ascii", "utf-8", "iso-8859-1"}


def mimetype_of(content_type: str | None) -> str:
    """Return a content type in lower case, without parameters; empty if there is none."""
    return content_type.partition(";")[0].strip().lower() if content_type else ""


def is_json(content_type: str | None) -> bool:
    """Whether a content type is JSON: ``*/json`` or ``*/*+json``, whatever its parameters.

    So say the CloudEvents specification (JSON format, section 3.1) and the WHATWG's MIME types.
    """
    if content_type == "application/json":
        return True
    subtype = mimetype_of(content_type).rpartition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def parse_media_type_options(value: str) -> tuple[str, dict[str, str]]:
    """Split ``text/html; charset=utf-8`` into the word and its parameters.

    The word and the names of parameters are returned in lower case; ``name*`` of RFC 8187 wins over
    ``name``.
    """
    word, semicolon, _ = value.partition(";")
    options: dict[str, str] = {}
    if semicolon:
        for match in _PARAMETER.finditer(value, len(word)):
            text = match[2]
            if text[:1] == '"':
                text = _QUOTED.sub(r"\1", text[1:-1])
            options[match[1].lower()] = text
        for name in [name for name in options if name.endswith("*")]:
            charset, _, rest = options.pop(name).partition("'")
            _, quote, encoded = rest.partition("'")
            if quote and charset.lower() in _CHARSETS:
                options[name[:-1]] = unquote(encoded, charset, "replace")
    return word.strip().lower(), options
