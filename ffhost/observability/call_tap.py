"""Where calls are handed to whoever shows them: the console, while it is open.

Functions are composed before anybody looks. What is installed here gets each call when its
outcome is known; nothing is kept while nothing is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ffhost.invocation.call import Call
from ffhost.invocation.outcome import Outcome

Take: TypeAlias = Callable[[Call, Outcome], None]


class CallTap:
    """Hands calls on.

    Attributes:
        take: gets each call that has its outcome; None: nobody does
    """

    def __init__(self) -> None:
        self.take: Take | None = None

    def observe(self, call: Call, outcome: Outcome) -> None:
        """Report *call* to whoever takes it."""
        if self.take is not None:
            self.take(call, outcome)


call_tap = CallTap()
"""The one of this process."""
