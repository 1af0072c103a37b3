"""Named values of a query or a form, several to a name. Nothing here knows requests.

`Fields` looks up like Flask's multi-dict, because functions that move here do. It is a
plain dictionary of the first values, so that it can be returned as JSON, unpacked
and copied without surprises.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NoReturn, TypeVar, overload
from urllib.parse import quote, unquote_to_bytes

from ffhost.errors import BadRequest, ContentTooLarge, FieldError

V = TypeVar("V")
D = TypeVar("D")
T = TypeVar("T")

MAX_URLENCODED_FIELDS = 10_000
"""Most fields of one urlencoded form or query; more are refused with 413.

Django takes 1,000 and PHP 1,000. Ten times as many take some milliseconds to read.
"""


class MissingField(BadRequest, KeyError):
    """A function asked for a field with ``[name]`` that the request does not have.

    It is a `KeyError` for code that handles that, and 400 where nobody does, as in Flask.
    """

    def __str__(self) -> str:
        return self.detail


class Fields(dict[str, V], Generic[V]):
    """Values by name, in the order in which names first appeared; read only.

    ``fields[name]`` and ``get`` give the first value of a name, ``getlist`` all of them.
    """

    __slots__ = ("_lists", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, V]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._lists: dict[str, list[V]] | None = None
        super().__init__(self._pairs)
        if len(self) != len(self._pairs):  # a dictionary keeps the last value of a name
            super().update(reversed(self._pairs))

    def __missing__(self, name: str) -> NoReturn:
        raise MissingField(
            f"the request has no field {name!r}", errors=[FieldError(str(name), "is missing")]
        )

    @overload  # type: ignore[override]
    def get(self, name: str) -> V | None: ...
    @overload
    def get(self, name: str, default: D) -> V | D: ...
    @overload
    def get(self, name: str, *, type: Callable[[V], T]) -> T | None: ...
    @overload
    def get(self, name: str, default: D, type: Callable[[V], T]) -> T | D: ...
    def get(self, name: str, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """Return the first value of *name*, through *type* if given.

        *default* stands in for a missing name and for a value that *type* refuses with
        ValueError or TypeError.
        """
        value = super().get(name, default)
        if type is None or name not in self:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    @overload
    def getlist(self, name: str) -> list[V]: ...
    @overload
    def getlist(self, name: str, type: Callable[[V], T]) -> list[T]: ...
    def getlist(self, name: str, type: Callable[[V], Any] | None = None) -> list[Any]:
        """Return all values of *name* in order; those that *type* refuses are left out."""
        if self._lists is None:  # a search for each name would take quadratic time
            self._lists = dict(self.lists())
        values: list[Any] = list(self._lists.get(name, ()))
        if type is None:
            return values
        kept = []
        for value in values:
            try:
                kept.append(type(value))
            except (ValueError, TypeError):
                continue
        return kept

    def items(self, multi: bool = False) -> Any:
        """Return the names with their first values, or every pair if *multi*."""
        return iter(self._pairs) if multi else super().items()

    def lists(self) -> Iterator[tuple[str, list[V]]]:
        """Return the names with all their values."""
        found: dict[str, list[V]] = {}
        for name, value in self._pairs:
            found.setdefault(name, []).append(value)
        return iter(found.items())

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """Return a plain dictionary of first values, or of lists if not *flat*."""
        return dict(self) if flat else dict(self.lists())

    def copy(self) -> dict[str, V]:
        """Return a plain dictionary of first values that may be changed."""
        return dict(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._pairs,))

    def _read_only(self, *arguments: Any, **named: Any) -> NoReturn:
        raise TypeError("the fields of a request cannot be changed; change a copy()")

    __setitem__ = __delitem__ = __ior__ = _read_only
    clear = pop = popitem = setdefault = update = _read_only


class HeaderView(Mapping[str, str]):
    """Header fields by name in any case, over a mapping of lower-case names; read only."""

    __slots__ = ("_lower",)

    def __init__(self, lower: Mapping[str, str]) -> None:
        self._lower = lower

    def __getitem__(self, name: str) -> str:
        try:
            return self._lower[name.lower()]
        except KeyError:
            raise MissingField(
                f"the request has no header {name!r}", errors=[FieldError(name, "is missing")]
            ) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._lower

    def __iter__(self) -> Iterator[str]:
        return (name.title() for name in self._lower)

    def __len__(self) -> int:
        return len(self._lower)

    def __repr__(self) -> str:
        # Names only: values hold cookies and tokens, and this ends in logs.
        return f"HeaderView({list(self)!r})"

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: D) -> str | D: ...
    @overload
    def get(self, name: str, *, type: Callable[[str], T]) -> T | None: ...
    @overload
    def get(self, name: str, default: D, type: Callable[[str], T]) -> T | D: ...
    def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:
        """Return the value of *name*, through *type* if given; see `Fields.get`."""
        value = self._lower.get(name.lower())
        if value is None:
            return default
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def getlist(self, name: str) -> list[str]:
        """Return the value of *name* as a list of one, or an empty list."""
        value = self._lower.get(name.lower())
        return [] if value is None else [value]


def parse_urlencoded(text: str) -> list[tuple[str, str]]:
    """Read ``a=1&b=2``, as sent in queries and forms, its bytes given as latin-1.

    Blank values are kept. Bytes that are not UTF-8 stay percent-encoded, as in Flask.

    Raises:
        ContentTooLarge: there are more than `MAX_URLENCODED_FIELDS` fields
    """
    if not text:
        return []
    if text.count("&") >= MAX_URLENCODED_FIELDS:
        raise ContentTooLarge(f"more than {MAX_URLENCODED_FIELDS} fields")
    pairs = [
        (name, value)
        for name, _, value in (part.partition("=") for part in text.split("&") if part)
    ]
    if "%" in text or "+" in text or not text.isascii():
        return [(_unquote(name), _unquote(value)) for name, value in pairs]
    return pairs


def _unquote(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    # Servers hand over the bytes of a query as latin-1; what they mean is UTF-8.
    return unquote_to_bytes(text.encode("latin-1", "replace")).decode(errors=_KEEP_ENCODED)


def _percent_encode(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return quote(error.object[error.start : error.end], safe=""), error.end


_KEEP_ENCODED = "ffhost.percent"
codecs.register_error(_KEEP_ENCODED, _percent_encode)
