"""Where a way's keys come from, and when to ask again. Nothing here waits or reads.

A source holds the newest keys and the plan for the next attempt; `ffhost.auth.key_fetcher` carries
it out. Keys are kept while the issuer is down, for as long as ``stale`` says.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeAlias

from ffhost.auth.jwks import TokenKeySet, TokenSecretSet, import_json_web_keys

Read: TypeAlias = Callable[[], bytes]
"""Return the text of a key set, or raise `KeysUnreadable`."""

REFRESH = 300.0
"""Seconds between two fetches of a set that works: keys that were revoked leave by then."""
FILE_REFRESH = 2.0
"""Seconds between two looks at a file, as for the configuration itself."""
UNKNOWN_KEY_INTERVAL = 10.0
"""Seconds that an unknown ``kid`` waits for the attempt before: anybody can make one up."""
RETRY_FIRST, RETRY_MOST = 1.0, 60.0
"""Seconds to the next attempt after a failed one; doubled each time."""
STALE = 24 * 3600.0


class KeysUnreadable(Exception):
    """Keys could not be read; the message says why, and holds nothing secret."""


class FixedKeys:
    """Keys that never change: secrets of the configuration."""

    def __init__(self, keys: TokenSecretSet) -> None:
        self.keys: TokenKeySet | None = keys
        self.known = True

    def ask(self, now: float) -> None:
        """Return at once: there is nobody to ask."""


class KeySource:
    """Keys that are fetched in the background.

    Args:
        name: what is read, for the log: a URL or a path
        read: reads the set; called by the fetcher's thread only
        refresh: seconds between two attempts while they succeed
        stale: seconds for which keys are kept while every attempt fails
        taking: called with the number of keys when a set is taken that is not the one before
        failing: called with the reason when attempts begin to fail
        noting: called with a text for each key that was dropped, once for each set
    """

    def __init__(
        self,
        name: str,
        read: Read,
        *,
        refresh: float = REFRESH,
        stale: float = STALE,
        taking: Callable[[int], None] = lambda count: None,
        failing: Callable[[str], None] = lambda reason: None,
        noting: Callable[[str], None] = lambda note: None,
    ) -> None:
        self.name = name
        self.keys: TokenKeySet | None = None
        self.known = False
        """Whether there have been keys at any time."""
        self.woken = threading.Event()
        self.due = 0.0
        self._read = read
        self._refresh = refresh
        self._stale = stale
        self._taking = taking
        self._failing = failing
        self._noting = noting
        self._text: bytes | None = None
        self._reason = ""
        self._attempted = -math.inf
        self._succeeded = -math.inf
        self._failures = 0

    def ask(self, now: float) -> None:
        """Ask for new keys, because a token names one that is not known."""
        due = max(now, self._attempted + UNKNOWN_KEY_INTERVAL)
        if due < self.due:
            self.due = due
            self.woken.set()

    def load(self, now: float) -> str:
        """Read the keys while the host loads; return what is wrong with them, or nothing."""
        try:
            self._take(self._read())
        except (KeysUnreadable, ValueError) as error:
            return str(error)
        self._succeeded = now
        return ""

    def attempt(self, now: float) -> None:
        """Read the keys once, and settle when to do so again."""
        self._attempted = now
        try:
            self._take(self._read())
        except (KeysUnreadable, ValueError) as error:
            self._fail(str(error), now)
        except Exception as error:  # the thread must outlive whatever an issuer sends
            self._fail(f"{type(error).__name__}: {error}", now)
        else:
            self._succeeded = now
            self._failures = 0
            self._reason = ""
            self.due = now + self._refresh

    def _take(self, text: bytes) -> None:
        if text == self._text:  # the same object: tokens that were verified by it stay so
            return
        keys, notes = import_json_web_keys(text)
        self.keys, self._text, self.known = keys, text, True
        self._taking(len(keys.keys))
        for note in notes:
            self._noting(note)

    def _fail(self, reason: str, now: float) -> None:
        self.due = now + min(RETRY_MOST, self._refresh, RETRY_FIRST * 2 ** min(self._failures, 10))
        self._failures += 1
        if self.keys is not None and now - self._succeeded >= self._stale:
            self.keys = self._text = None
            self._reason = ""
            reason += "; the keys are too old to be used any longer"
        if reason != self._reason:
            self._reason = reason
            self._failing(reason)
