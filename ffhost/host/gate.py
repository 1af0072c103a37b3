"""The authentication gate of a function, for both fronts: checks, logging, repeated deliveries.

It is passed before a slot is taken, and for tokens and keys before the body is read. A public
function has no gate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ffhost.auth.doors import Door, DoorAwaitingBody
from ffhost.auth.principals import Principal
from ffhost.auth.refusals import DeniedCaller
from ffhost.auth.ways import Result
from ffhost.errors import RequestError
from ffhost.invocation.call import Call
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.host.host_doors import HostAuthState

SMALL_BODY = 64 * 1024
"""Bytes of a refused body that the server may read and drop. After a larger one the connection
is closed: to keep it, everything would have to be read first."""


class HostGate:
    """The authentication gate of one function, or of an address of the host itself.

    Args:
        name: of the function, for the log
        door: what opens it
        state: what the process knows of callers
    """

    def __init__(self, name: str, door: Door, state: HostAuthState) -> None:
        self._name = name
        self._door = door
        self._state = state

    def judge(self, message: Message) -> Principal | DoorAwaitingBody:
        """Check the header fields of *message*; a signature still waits for the body.

        Raises:
            RequestError: the caller may not call
        """
        result = self._door.check(message.headers, time.time())
        if isinstance(result, DeniedCaller):
            if is_body_too_long_for_gate(message):
                result.error.headers["Connection"] = "close"
            raise self._reported(result)
        return result

    def confirm(self, message: Message, judged: Principal | DoorAwaitingBody) -> Principal:
        """Return who calls, by the body of *message* where a signature covers it.

        Raises:
            RequestError: the caller may not call
        """
        if isinstance(judged, Principal):
            return judged
        result = judged.check_body(message.body)
        if isinstance(result, DeniedCaller):
            raise self._reported(result)
        return result

    def admitted(
        self, message: Message, principal: Principal | None, judged: dict[str, Result]
    ) -> Principal | None:
        """Return who may call as *message* shows, or None; refusals are not logged.

        Args:
            message: the request
            principal: who it was from at another door, by a way that may open this one, too
            judged: what ways have said of the request already; what they say is added
        """
        for way in self._door.ways:
            if principal is not None and principal.way == way.name:
                return principal
            if way.name not in judged:
                judged[way.name] = way.check(message.headers, time.time())
            found = judged[way.name]
            if isinstance(found, Principal):
                return found
        return None

    def enter(self, call: Call) -> DoorAwaitingBody | None:
        """Check the header fields of *call*; return what remains to be checked, or None.

        Raises:
            RequestError: the caller may not call
        """
        with _marked(call):
            judged = self.judge(call.message)
        if isinstance(judged, DoorAwaitingBody):
            return judged
        call.principal = judged
        return None

    def check_body(self, call: Call, awaiting: DoorAwaitingBody) -> None:
        """Check the body of *call*, which was read.

        Raises:
            RequestError: the caller may not call
        """
        with _marked(call):
            call.principal = self.confirm(call.message, awaiting)

    def _reported(self, denied: DeniedCaller) -> RequestError:
        self._state.reports.report(denied.refusal, self._name, time.time())
        return denied.error

    def repeated(self, call: Call) -> Reply | None:
        """Return the answer to a delivery that was processed before, or None for any other call."""
        principal: Principal | None = call.principal
        if principal is None or principal.delivery is None:
            return None
        if not self._state.deliveries(principal.way).taken(self._name, principal):
            return None
        call.repeat()
        return Reply(200)

    def keep(self, call: Call, status: int) -> None:
        """Remember the delivery of a *call* that was answered with 2xx."""
        principal: Principal | None = call.principal
        if principal is not None and principal.delivery is not None and 200 <= status < 300:
            self._state.deliveries(principal.way).take(self._name, principal)


@contextmanager
def _marked(call: Call) -> Iterator[None]:
    try:
        yield
    except RequestError:
        call.denied = True
        raise


def is_body_too_long_for_gate(message: Message) -> bool:
    """Whether the unread body of *message* may be too long to read and discard."""
    if message.header("transfer-encoding") is not None:
        return True
    length = message.header("content-length")
    return length is not None and length.isdecimal() and int(length) > SMALL_BODY
