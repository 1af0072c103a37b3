"""Where spans that have ended are handed to whoever shows them: the console, while it is open.

Spans may be switched on by a reload, long after somebody has begun to look, so both sides meet
here. Nothing here imports OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class SpanTap:
    """Hands spans on.

    Attributes:
        take: gets each span that has ended; None: nobody does
    """

    def __init__(self) -> None:
        self.take: Callable[[Any], None] | None = None
        self._attach: Callable[[], None] | None = None

    def open(self, take: Callable[[Any], None]) -> None:
        """Send spans to *take* from now on."""
        self.take = take
        self._attach_now()

    def attach_by(self, attach: Callable[[], None]) -> None:
        """Call *attach* once, when somebody takes spans: a foreign provider has to be asked."""
        self._attach = attach
        self._attach_now()

    def _attach_now(self) -> None:
        if self.take is not None and self._attach is not None:
            attach, self._attach = self._attach, None
            attach()


span_tap = SpanTap()
"""The one of this process."""
