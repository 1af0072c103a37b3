"""Masking of whole requests and answers, and of what else the console shows of a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from ffhost.config import LoadedConfig
from ffhost.config.leaves import hidden_config_texts
from ffhost.config.mask import SecretMask
from ffhost.host.console.body_mask import ConsoleBodyMask, Places
from ffhost.host.console.secret_texts import MASKED, ConsoleSecretTexts
from ffhost.host.console.text_mask import ConsoleTextMask

_KEPT_IN_PATHS = "/:@!$&'()*+,;=~[]"


class ConsoleMessageMask:
    """The rule for secrets, applied to what the console keeps.

    Args:
        names: says which names hide values
        secrets: texts that are never shown
        fields: further header fields that hold credentials, in lower case
    """

    def __init__(
        self, names: SecretMask, secrets: Iterable[str] = (), fields: Iterable[str] = ()
    ) -> None:
        known = ConsoleSecretTexts(secrets)
        self._names = names
        self._fields = frozenset(fields)
        self._text = ConsoleTextMask(names, known)
        self._body = ConsoleBodyMask(names, known)

    def request(
        self,
        method: str,
        path: str,
        query: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        cut: bool = False,
    ) -> tuple[dict[str, Any], Places]:
        """Return a request as the console shows it, and where something was masked."""
        places: Places = []
        shown_path = self.path(path)
        if shown_path != path:
            places.append(["path"])
        shown_query = self._body.query(query, places) if query else ""
        fields = [(name.lower(), value) for name, value in headers]
        request = {
            "method": method,
            "path": shown_path,
            "query": shown_query,
            "headers": self._headers(fields, places),
            **self._shown_body(body, dict(fields), places, cut),
        }
        return request, places

    def answer(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes, *, cut: bool = False
    ) -> dict[str, Any]:
        """Return an answer as the console shows it."""
        fields = [(name.lower(), value) for name, value in headers]
        return {
            "status": status,
            "headers": self._headers(fields, []),
            **self._shown_body(body, dict(fields), [], cut),
            "cut": cut,
        }

    def path(self, path: str) -> str:
        """Return the path of a request without secrets."""
        decoded = unquote(path)
        shown = self._text.masked(decoded)
        return path if shown == decoded else quote(shown, safe=_KEPT_IN_PATHS)

    def text(self, text: str) -> str:
        """Return a text of the log without secrets."""
        return self._text.shown(text)

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a log entry, or attributes of a span, without secrets."""
        return {self._text.shown(name): self._field(name, value) for name, value in fields.items()}

    def _field(self, name: str, value: Any) -> Any:
        if name in ("url.query", "http.query") and isinstance(value, str):
            return self._body.query(value, [])
        if isinstance(value, str) and not self._names.hides(name):
            return self._text.shown(value)
        (found,) = self._body.value({name: value}, [], []).values()
        return found

    def data(self, value: Any) -> Any:
        """Return plain data, such as an event, without secrets."""
        return self._body.value(value, [], [])

    def _headers(self, fields: list[tuple[str, str]], places: Places) -> list[list[str]]:
        found = []
        for name, value in fields:
            shown = MASKED if self._hides(name) else self._text.masked(value)
            if shown != value:
                places.append(["headers", name])
            found.append([self._text.shown(name), shown])
        return found

    def _hides(self, name: str) -> bool:
        return name in self._fields or self._names.hides(name)

    def _shown_body(
        self, body: bytes, headers: Mapping[str, str], places: Places, cut: bool
    ) -> dict[str, Any]:
        shown = self._body.masked(body, headers, cut=cut)
        places += map(list, shown.places)
        return {"body": shown.text, "body_base64": shown.base64}


def console_mask_of_config(
    config: LoadedConfig, secrets: Iterable[str] | None = None
) -> ConsoleMessageMask:
    """Return the rule with what a configuration declares.

    Args:
        secrets: texts that are never shown; None for those of the configuration
    """
    logging = config.settings.logging
    known = hidden_config_texts(config) if secrets is None else secrets
    return ConsoleMessageMask(
        SecretMask(logging.redact, logging.show), known, _credential_fields(config)
    )


def _credential_fields(config: LoadedConfig) -> set[str]:
    """Return the header fields in which callers send credentials."""
    fields = set()
    for way in config.settings.auth.values():
        for each in (way.header if way.keys is not None else None, _field(way.jwt)):
            if each:
                fields.add(each.lower())
        if way.webhook is not None and way.webhook.header:
            fields.add(way.webhook.header.lower())
    return fields


def _field(section: Any) -> str | None:
    found: str | None = getattr(section, "header", None)
    return found
