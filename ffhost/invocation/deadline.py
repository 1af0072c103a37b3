"""The deadline of a call, after which its caller gets 504. Only reads the clock."""

from __future__ import annotations

import time

from ffhost.config.units import UNLIMITED


class Deadline:
    """The deadline of one call.

    It can be paused, as in a debugger, and resumed with the time that was left.

    Attributes:
        at: when it passes, on the monotonic clock, in seconds; infinite until it is set
        passed: whether the caller was told 504 because of it; set once, by the runner
    """

    # Defaults and no constructor, which would cost every call a Python call.
    at: float = UNLIMITED
    passed = False
    _paused_at: float | None = None

    @property
    def remaining(self) -> float:
        """Return the seconds that are left, never below zero; unlimited while it is paused."""
        if self._paused_at is not None:
            return UNLIMITED
        return max(0.0, self.at - time.monotonic())

    @property
    def is_paused(self) -> bool:
        """Whether it is paused."""
        return self._paused_at is not None

    def pause(self) -> None:
        """Pause it; has no effect if it is paused."""
        if self._paused_at is None:
            self._paused_at = time.monotonic()

    def resume(self) -> None:
        """Continue with the time that was left when it was paused."""
        if self._paused_at is not None:
            self.at += time.monotonic() - self._paused_at
            self._paused_at = None
