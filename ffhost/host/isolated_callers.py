"""Calls by name from functions with ``isolation: process``: their host makes them."""

from __future__ import annotations

from typing import Any, cast

import orjson

from ffhost.errors import CallError
from ffhost.execution.isolation.asking_process import AskingConnection
from ffhost.execution.isolation.frames import Frame
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import Wanted
from ffhost.host.named_calls import call_from
from ffhost.invocation.call import Call


class HostOfProcess:
    """The host, as the functions of an isolated process see it.

    Args:
        connection: leads to it
    """

    def __init__(self, connection: AskingConnection) -> None:
        self._connection = connection

    async def call(self, wanted: Wanted, _caller: Call) -> CallAnswer:
        """Call from a coroutine and return the answer.

        Raises:
            CallError: as for `ffhost.call`
        """
        return _answer_in(await self._connection.call_async(*_asked(wanted)))

    def call_sync(self, wanted: Wanted, _caller: Call) -> CallAnswer:
        """Call from a thread and return the answer.

        Raises:
            CallError: as for `ffhost.call`
        """
        return _answer_in(self._connection.call(*_asked(wanted)))


def _asked(wanted: Wanted) -> tuple[bytes, bytes]:
    """Return the head and the body that describe a call."""
    method, headers, body = wanted.request()
    head = {"name": wanted.name, "given": wanted.given, "method": method, "path": wanted.path}
    return orjson.dumps({**head, "headers": headers}), body


def _answer_in(frame: Frame) -> CallAnswer:
    told = frame.trusted_head()
    if len(told) == 1:
        raise CallError(told[0])
    status, headers = told
    return CallAnswer(status, headers, frame.body)


async def answer(caller: Call, head: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Make the call that a process has asked for, and return status, header fields and body.

    Args:
        caller: the call of the isolated function

    Raises:
        CallError: as for `ffhost.call`
        ValueError, TypeError, KeyError: the head describes no call
    """
    given = head["given"]
    wanted = Wanted(
        str(head["name"]),
        body=None if given is None else body,
        headers={str(name): str(value) for name, value in head["headers"].items()},
        method=str(head["method"]),
        path=str(head["path"]),
        written=None if given == "body" else given,
    )
    found = await call_from(caller, wanted)
    return found.status, cast("dict[str, str]", found.headers), found.body
