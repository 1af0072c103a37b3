"""What is done at a function's door, for both fronts: judging, logging, deliveries seen before.

It comes before a slot is taken; for tokens and keys before the body is read. A public function
has no gate.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ffhost.auth.doors import AwaitingBody, Door
from ffhost.auth.principals import Principal
from ffhost.auth.refusals import Denied
from ffhost.invocation.call import Call
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.host.front_door import AuthState

SMALL_BODY = 64 * 1024
"""Bytes of a refused body that the server may read and drop. After a larger one the connection
is closed: to keep it, everything would have to be read first."""


class Gate:
    """The door of one function.

    Args:
        function: the function's name
        door: what opens it
        state: what the process knows of callers
    """

    def __init__(self, function: str, door: Door, state: AuthState) -> None:
        self._function = function
        self._door = door
        self._state = state

    def enter(self, call: Call) -> AwaitingBody | None:
        """Check the header fields of *call*; return what is left to judge by its body, or None.

        Raises:
            RequestError: the caller may not call
        """
        result = self._door.check(call.message.headers, time.time())
        if isinstance(result, AwaitingBody):
            return result
        self._settle(call, result, unread=True)
        return None

    def check_body(self, call: Call, awaiting: AwaitingBody) -> None:
        """Check the body of *call*, which is here.

        Raises:
            RequestError: the caller may not call
        """
        self._settle(call, awaiting.check_body(call.message.body), unread=False)

    def _settle(self, call: Call, result: Principal | Denied, *, unread: bool) -> None:
        if isinstance(result, Principal):
            call.principal = result
            return
        call.denied = True
        self._state.reports.report(result.refusal, self._function, time.time())
        if unread and is_long(call.message):
            result.error.headers["Connection"] = "close"
        raise result.error

    def repeated(self, call: Call) -> Reply | None:
        """Return the answer to a delivery that was taken before, or None for any other call."""
        principal: Principal | None = call.principal
        if principal is None or principal.delivery is None:
            return None
        if not self._state.deliveries(principal.way).taken(self._function, principal):
            return None
        call.repeat()
        return Reply(200)

    def keep(self, call: Call, status: int) -> None:
        """Remember the delivery of a *call* that was answered with 2xx."""
        principal: Principal | None = call.principal
        if principal is not None and principal.delivery is not None and 200 <= status < 300:
            self._state.deliveries(principal.way).take(self._function, principal)


def is_long(message: Message) -> bool:
    """Whether the body of *message* may be longer than the server should read for nothing."""
    if message.header("transfer-encoding") is not None:
        return True
    length = message.header("content-length")
    return length is not None and length.isdecimal() and int(length) > SMALL_BODY
