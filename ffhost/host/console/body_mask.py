"""Masking of bodies: JSON, forms, parts of multipart forms, other text, and bytes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from email.message import Message as FieldReader
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from ffhost.config.mask import SecretMask
from ffhost.host.console.secret_texts import MASKED, ConsoleSecretTexts
from ffhost.host.console.text_mask import ConsoleTextMask

Places = list[list[str | int]]
"""Where something was masked."""

_PART_NAME = re.compile(r'(?:^|[;\s])name\*?="?([^";\r\n]*)', re.IGNORECASE)
_UNSAFE = "[]*:/@,!$()'~"
"""What of a masked value stays readable in a query."""


class MaskedConsoleBody(NamedTuple):
    """A body to show: one of the two is None, and both are for an empty one."""

    text: str | None = None
    base64: str | None = None
    places: tuple[tuple[str | int, ...], ...] = ()


class ConsoleBodyMask:
    """The rule for secrets, applied to bodies.

    Args:
        names: says which names hide values
        secrets: those that are known by their text
    """

    def __init__(self, names: SecretMask, secrets: ConsoleSecretTexts) -> None:
        self._names = names
        self._secrets = secrets
        self._text = ConsoleTextMask(names, secrets)

    def masked(
        self, data: bytes, headers: Mapping[str, str], *, cut: bool = False
    ) -> MaskedConsoleBody:
        """Return *data* masked.

        Args:
            headers: of the message, names in lower case
            cut: whether it is only the beginning of a body
        """
        if not data:
            return MaskedConsoleBody()
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            return MaskedConsoleBody(MASKED, None, (("body",),))  # nobody can look into it
        kind = FieldReader()
        kind["content-type"] = headers.get("content-type", "")
        text = _decoded(data, cut)
        if text is not None:
            shown, places = self._any_text(text, kind, cut)
            return MaskedConsoleBody(shown, None, places)
        return self._bytes(data, kind)

    def _any_text(
        self, text: str, kind: FieldReader, cut: bool
    ) -> tuple[str, tuple[tuple[str | int, ...], ...]]:
        content_type = kind.get_content_type() if kind["content-type"] else ""
        if not cut and text.lstrip()[:1] in ("{", "[", '"'):
            found = self._json(text)
            if found is not None:
                return found
        if content_type == "application/x-www-form-urlencoded":
            places: Places = []
            shown = self.query(text, places, "body")
            return shown, tuple(map(tuple, places))
        if content_type.startswith("multipart/"):
            shown = self._multipart(text, kind.get_boundary() or "")
        else:
            shown = self._text.masked(text)
        return shown, (() if shown == text else (("body",),))

    def _bytes(self, data: bytes, kind: FieldReader) -> MaskedConsoleBody:
        """Return what is not UTF-8 masked: as text where the message names another encoding."""
        charset = str(kind.get_param("charset", "") or "")
        safe = self._secrets.without_bytes(data)
        for coding in (charset, "latin-1"):
            try:
                text = safe.decode(coding)
                shown = self._any_text(text, kind, cut=True)[0].encode(coding)
                break
            except (LookupError, UnicodeError):
                continue
        places = () if shown == data else (("body",),)
        return MaskedConsoleBody(None, base64.b64encode(shown).decode(), places)

    # JSON

    def _json(self, text: str) -> tuple[str, tuple[tuple[str | int, ...], ...]] | None:
        """Return JSON masked, as it was written if nothing was; None if it is not JSON."""
        doubled = False

        def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal doubled
            found = dict(pairs)
            doubled = doubled or len(found) != len(pairs)
            return found

        places: Places = []
        try:
            value = json.loads(text, object_pairs_hook=mapping)
            shown = self.value(value, ["body"], places)
            if places or doubled:
                separators = (", ", ": ") if '": ' in text else (",", ":")
                text = json.dumps(shown, ensure_ascii=False, separators=separators)
        except RecursionError:
            return MASKED, (("body",),)
        except ValueError:
            return None
        return text, tuple(map(tuple, places))

    def value(
        self, value: Any, place: list[str | int], places: Places, *, hidden: bool = False
    ) -> Any:
        """Return plain data with what is secret in it masked; *places* gets where that is.

        Args:
            place: of *value*
            hidden: whether a name above it hides it
        """
        if isinstance(value, Mapping):
            return {
                self._key(str(name), place, places): self.value(
                    inner,
                    [*place, str(name)],
                    places,
                    hidden=hidden or self._names.hides(str(name)),
                )
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [
                self.value(each, [*place, index], places, hidden=hidden)
                for index, each in enumerate(value)
            ]
        shown = self._scalar(value, hidden)
        if shown is not value and shown != value:
            places.append([_safe(self._secrets, each) for each in place])
        return shown

    def _key(self, name: str, place: list[str | int], places: Places) -> str:
        shown = self._secrets.without(name)
        if shown != name:
            places.append([_safe(self._secrets, each) for each in place])
        return shown

    def _scalar(self, value: Any, hidden: bool) -> Any:
        if hidden:
            return None if value is None else MASKED
        if isinstance(value, str):
            return self._text.masked(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = repr(value)
            return value if self._secrets.without(text) == text else MASKED
        return value

    # Forms

    def query(self, text: str, places: Places, top: str = "query") -> str:
        """Return a query or an urlencoded form masked; *places* gets where that is."""
        return "&".join(self._pair(each, places, top) for each in text.split("&"))

    def _pair(self, text: str, places: Places, top: str) -> str:
        raw, equals, value = text.partition("=")
        name = unquote_plus(raw)
        shown_name = self._text.shown(name)
        place: list[str | int] = [top, shown_name]
        if shown_name != name:
            places.append(place)
            raw = quote_plus(shown_name, safe=_UNSAFE)
        if not value:
            return f"{raw}{equals}"
        decoded = unquote_plus(value)
        shown = MASKED if self._names.hides(name) else self._text.masked(decoded)
        # What is not UTF-8 is replaced when it is decoded, and may hide a secret's neighbours.
        safe = self._secrets.without(value)
        if shown == decoded and safe == value:
            return f"{raw}{equals}{value}"
        places.append(place)
        return f"{raw}{equals}{quote_plus(shown, safe=_UNSAFE)}"

    def _multipart(self, text: str, boundary: str) -> str:
        """Return a multipart body masked, part by part."""
        if not boundary:
            return self._text.masked(text)
        return f"--{boundary}".join(self._part(each) for each in text.split(f"--{boundary}"))

    def _part(self, part: str) -> str:
        head, gap, content = _split_head(part)
        name = _PART_NAME.search(head)
        shown_head = self._text.shown(head)
        if not content.strip():
            return shown_head + gap + content
        if name is not None and self._names.hides(unquote_plus(name[1])):
            end = content[len(content.rstrip("\r\n-")) :]
            return shown_head + gap + MASKED + end
        stripped = content.strip()
        found = self._json(stripped) if stripped[:1] in ("{", "[", '"') else None
        shown = self._text.masked(content) if found is None else content.replace(stripped, found[0])
        return shown_head + gap + shown


def _safe(secrets: ConsoleSecretTexts, step: str | int) -> str | int:
    return secrets.without(step) if isinstance(step, str) else step


def _split_head(part: str) -> tuple[str, str, str]:
    for gap in ("\r\n\r\n", "\n\n"):
        head, found, content = part.partition(gap)
        if found:
            return head, gap, content
    return part, "", ""


def _decoded(data: bytes, cut: bool) -> str | None:
    """Return *data* as UTF-8 text; None if it is something else."""
    for end in range(len(data), max(len(data) - (4 if cut else 1), 0), -1):
        try:
            return data[:end].decode()
        except UnicodeDecodeError:
            continue
    return None
