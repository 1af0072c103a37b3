"""`ffhost.Response`: what an http function returns to set more than a body.

It holds what the function set; the signature turns it into a `Reply`. Nothing here knows
requests or servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias
from urllib.parse import quote

from ffhost.errors import ResultError

HeaderSource: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""Header fields: names to a value or a list of values, or pairs."""

# RFC 6265, section 4.1.1: what a cookie's value may hold as it is.
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class ResponseHeaders(MutableMapping[str, str]):
    """Header fields of a response: by name in any case, in order, several to a name."""

    __slots__ = ("_fields",)

    def __init__(self, source: HeaderSource | None = None) -> None:
        self._fields: list[tuple[str, str]] = list(checked_header_fields(source))

    def __getitem__(self, name: str) -> str:
        name = name.lower()
        for key, value in self._fields:
            if key.lower() == name:
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._drop(name)
        self.add(name, value)

    def __delitem__(self, name: str) -> None:
        if not self._drop(name):
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._fields))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._fields})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self._fields)

    def __repr__(self) -> str:
        return f"ResponseHeaders({[name for name, _ in self._fields]!r})"

    def add(self, name: str, value: Any) -> None:
        """Add a field beside those of the same name."""
        self._fields.append(check_header_field(name, value))

    def getlist(self, name: str) -> list[str]:
        """Return all values of *name*."""
        name = name.lower()
        return [value for key, value in self._fields if key.lower() == name]

    def fields(self) -> list[tuple[str, str]]:
        """Return every field line in the order of sending, as (name, value)."""
        return list(self._fields)

    def _drop(self, name: str) -> bool:
        name = name.lower()
        before = len(self._fields)
        self._fields = [field for field in self._fields if field[0].lower() != name]
        return len(self._fields) != before


class Response:
    """A response of an HTTP function, with everything that it may set.

    Args:
        body: what an HTTP function may return alone, such as str, bytes, dict, list or a
            generator
        status: HTTP status, 200 to 999
        headers: a mapping of names to a value or a list of values, or (name, value) pairs;
            None for none
        content_type: None for the type that fits the body: ``text/html; charset=utf-8`` for
            str and bytes, ``application/json`` for dict and list

    Raises:
        ResultError: a header field cannot be sent (RFC 9110, section 5.5)

    Example:
        >>> response = ffhost.Response({"id": 7}, status=201, headers={"Location": "/orders/7"})
        >>> response.headers["location"]
        '/orders/7'
        >>> response.set_cookie("seen", "yes", max_age=3600, httponly=True)
        >>> response.headers.getlist("set-cookie")
        ['seen=yes; Max-Age=3600; HttpOnly; Path=/']

    Since 0.1.
    """

    def __init__(
        self,
        body: Any = b"",
        status: int = 200,
        headers: HeaderSource | None = None,
        content_type: str | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = ResponseHeaders(headers)
        if content_type is not None:
            self.headers["Content-Type"] = content_type

    @property
    def content_type(self) -> str | None:
        """The content type that was set, or None."""
        return self.headers.get("content-type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["Content-Type"] = value

    def set_cookie(
        self,
        name: str,
        value: str = "",
        *,
        max_age: timedelta | int | None = None,
        expires: datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
    ) -> None:
        """Add a ``Set-Cookie`` field (RFC 6265).

        Args:
            name: a token (RFC 9110)
            value: characters that a cookie cannot hold are percent-encoded
            max_age: seconds, or a timedelta; None for a cookie of the session
            expires: a moment, in UTC if it has no zone; None for no date
            path: where the cookie is sent back; None for the path of the request
            domain: None for the host of the request
            secure: whether it is sent over HTTPS only
            httponly: whether scripts cannot read it
            samesite: ``Strict``, ``Lax`` or ``None`` as text; None to leave it out

        Raises:
            ResultError: a part cannot be sent in a cookie
        """
        if not name or not _TOKEN.issuperset(name):
            raise ResultError(f"{name!r} is not a valid cookie name")
        parts = [f"{name}={quote(value, safe=_COOKIE_SAFE)}"]
        if domain is not None:
            parts.append(f"Domain={_attribute(domain.lstrip('.'))}")
        if expires is not None:
            parts.append(f"Expires={http_date(expires)}")
        if max_age is not None:
            seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
            parts.append(f"Max-Age={int(seconds)}")
        if secure:
            parts.append("Secure")
        if httponly:
            parts.append("HttpOnly")
        if path is not None:
            parts.append(f"Path={_attribute(path)}")
        if samesite is not None:
            if samesite.title() not in ("Strict", "Lax", "None"):
                raise ResultError(f"samesite must be 'Strict', 'Lax' or 'None', not {samesite!r}")
            parts.append(f"SameSite={samesite.title()}")
        self.headers.add("Set-Cookie", "; ".join(parts))

    def delete_cookie(
        self, name: str, *, path: str | None = "/", domain: str | None = None
    ) -> None:
        """Ask the client to forget a cookie.

        Args:
            name: the cookie
            path: the path that it was set with
            domain: the domain that it was set with

        Raises:
            ResultError: a part cannot be sent in a cookie
        """
        past = datetime.fromtimestamp(0, UTC)
        self.set_cookie(name, max_age=0, expires=past, path=path, domain=domain)


def http_date(moment: datetime) -> str:
    """Write *moment* as HTTP does (RFC 9110, section 5.6.7); without a zone it is UTC."""
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return format_datetime(zoned, usegmt=True)


def checked_header_fields(source: HeaderSource | None) -> Iterator[tuple[str, str]]:
    """Yield the checked header fields of *source*, one for each field line.

    Raises:
        ResultError: *source* does not hold header fields, or one cannot be sent
    """
    if source is None:
        return
    if isinstance(source, ResponseHeaders):
        yield from source.fields()
        return
    pairs = source.items() if hasattr(source, "items") else source
    try:
        for name, value in pairs:
            if isinstance(value, (list, tuple)):
                for each in value:
                    yield check_header_field(name, each)
            else:
                yield check_header_field(name, value)
    except (TypeError, ValueError) as error:
        raise ResultError(
            f"headers must be a dictionary or a list of pairs, not {type(source).__name__}"
        ) from error


def check_header_field(name: Any, value: Any) -> tuple[str, str]:
    """Check one header field (RFC 9110, section 5.5).

    A line break in a value would let its author write further fields or a whole answer.

    Raises:
        ResultError: the name is not a token, or the value has characters that cannot be sent
    """
    if not isinstance(name, str) or not name or not _TOKEN.issuperset(name):
        raise ResultError(f"{name!r} is not a valid header name")
    text = value if isinstance(value, str) else _header_text(name, value)
    if not text.isprintable():  # the quick answer for nearly all values
        if any(character in text for character in "\r\n\0"):
            raise ResultError(f"the value of the header {name!r} contains a line break")
        if any(ord(character) < 32 and character != "\t" for character in text):
            raise ResultError(f"the value of the header {name!r} contains a control character")
    if not text.isascii():
        try:
            text.encode("latin-1")
        except UnicodeEncodeError as error:
            raise ResultError(
                f"the value of the header {name!r} contains characters outside latin-1; encode them"
            ) from error
    return name, text


def _header_text(name: str, value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return value.decode("latin-1")
    if value is None:
        raise ResultError(f"the value of the header {name!r} is None")
    return str(value)


def _attribute(text: str) -> str:
    if ";" in text or not text.isprintable():
        raise ResultError(f"{text!r} cannot be sent in a cookie")
    return text
