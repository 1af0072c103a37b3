"""Who calls: the result of a check, as user code sees it."""

from __future__ import annotations

import json
from typing import Any, NoReturn


class Principal:
    """Who made a call, and how that was proved. It can be read but not changed.

    `Invocation.principal` is one for calls of functions that are not public.

    Args:
        name: who it is: a token's ``sub``, the name of a key, or the name of a webhook's way
        way: name of the way under ``auth:`` that was passed
        payload: the claims as JSON
        delivery: signed id of a standard webhook, the same when it is repeated; None for others

    Example:
        >>> caller = ffhost.Principal("ada", "staff", b'{"sub": "ada", "role": "admin"}')
        >>> caller.name, caller.claims["role"]
        ('ada', 'admin')

    Since 0.2.
    """

    __slots__ = ("_claims", "_payload", "delivery", "name", "way")

    name: str
    way: str
    delivery: str | None
    _claims: dict[str, Any] | None
    _payload: bytes

    def __init__(
        self, name: str, way: str, payload: bytes = b"{}", delivery: str | None = None
    ) -> None:
        # Kept as text: parsed only for those who ask, and a call can change only its own copy.
        put = object.__setattr__
        put(self, "name", name)
        put(self, "way", way)
        put(self, "delivery", delivery)
        put(self, "_payload", payload)
        put(self, "_claims", None)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the token; of a webhook its ``id`` and ``timestamp``, where it has them."""
        claims = self._claims
        if claims is None:
            claims = json.loads(self._payload)
            object.__setattr__(self, "_claims", claims)
        return claims

    def as_texts(self) -> list[str | None]:
        """Return what `of_texts` makes the same principal of."""
        return [self.name, self.way, self._payload.decode(), self.delivery]

    @classmethod
    def of_texts(cls, texts: list[str | None]) -> Principal:
        """Make the principal that `as_texts` has taken apart."""
        name, way, payload, delivery = texts
        return cls(name or "", way or "", (payload or "{}").encode(), delivery)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"cannot assign to {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Principal):
            return NotImplemented
        return (self.name, self.way, self.claims) == (other.name, other.way, other.claims)

    def __hash__(self) -> int:
        return hash((self.name, self.way))

    def __reduce__(self) -> tuple[Any, ...]:
        return Principal, (self.name, self.way, self._payload, self.delivery)

    def __repr__(self) -> str:
        return f"Principal({self.name!r}, way={self.way!r})"
