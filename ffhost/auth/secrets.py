"""Secrets in memory: compared in constant time, never shown, never compared by accident."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


class AuthSecret:
    """The bytes of a key or of a signature that is expected.

    ``==`` raises: it stops at the first byte that differs, and so tells an attacker how many
    were right. The only comparison is `matches`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def matches(self, given: bytes) -> bool:
        """Whether *given* is the same, in a time that depends on lengths only."""
        return hmac.compare_digest(self._value, given)

    def reveal(self) -> bytes:
        """Return the bytes themselves, for signing and for sending."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are compared with matches(), not with ==")

    def __ne__(self, other: object) -> NoReturn:
        raise TypeError("secrets are compared with matches(), not with !=")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")

    def __repr__(self) -> str:
        return f"{type(self).__name__}('***')"


class HmacKey:
    """A key that signs with HMAC. Its inner state is made once, when it is loaded.

    Args:
        key: the key's bytes; not empty, since anybody could sign with an empty key
        algorithm: name of the hash, such as ``sha256``
    """

    __slots__ = ("_state",)

    def __init__(self, key: bytes, algorithm: str = "sha256") -> None:
        if not key:
            raise ValueError("the key must not be empty")
        self._state = hmac.new(key, digestmod=getattr(hashlib, algorithm))

    def digest(self, *parts: bytes) -> bytes:
        """Return the signature of *parts*, one after another."""
        state = self._state.copy()
        for part in parts:
            state.update(part)
        return state.digest()

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("keys are not compared")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "HmacKey('***')"
