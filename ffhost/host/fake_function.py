"""A fake in the place of a function, for tests: what it returns becomes an answer."""

from __future__ import annotations

import asyncio
import inspect
import json as jsonlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ffhost.errors import RequestError
from ffhost.events.binding import decoder_for
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import UNSET, Wanted
from ffhost.host.named_calls import answer_of_error
from ffhost.invocation.call import Call
from ffhost.web import problems


@dataclass(frozen=True)
class MadeCall:
    """One call by name that a function made, as a test sees it.

    Args:
        caller: the function that called
        name: the function that it wanted
        value: what a typed function was to get, else the body of JSON; None for neither
        body: the body as it was given; None for none
        event: the CloudEvent; None for none
        headers: further header fields, as they were given
        method: as it was given; None for the default
        path: as it was given
        answer: what came back; None while a fake is asked for it

    Example:
        >>> def price(call):
        ...     return {"cents": 100 * call.value["amount"]}
        >>> price(MadeCall("order", "price", {"amount": 2}, None, None, {}, None, "", None))
        {'cents': 200}

    Since 0.2.
    """

    caller: str
    name: str
    value: Any
    body: bytes | str | None
    event: Any
    headers: Mapping[str, str]
    method: str | None
    path: str
    answer: CallAnswer | None = None


def made_call(wanted: Wanted, caller: Call, answer: CallAnswer | None) -> MadeCall:
    """Return the record of a call."""
    value = wanted.json if wanted.value is UNSET else wanted.value
    body, event = wanted.body, wanted.event
    if wanted.written is not None:
        assert isinstance(body, bytes)
        if wanted.written == "event":
            event, body = decoder_for()(wanted.headers, body, ""), None
        else:
            value, body = jsonlib.loads(body), None
    return MadeCall(
        caller.function.name,
        wanted.name,
        None if value is UNSET else value,
        body,
        event,
        wanted.headers,
        wanted.method,
        wanted.path,
        answer,
    )


class FakeFunction:
    """Answers calls by name.

    Args:
        fake: what is answered, or a plain or coroutine function that takes a `MadeCall` and
            returns it: a `CallAnswer`, text, bytes, ``(body, status)``, None, or a value for JSON
    """

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def answer(self, wanted: Wanted, caller: Call) -> CallAnswer:
        """Return the answer to a call from a thread."""
        return asyncio.run(self.answer_async(wanted, caller))

    async def answer_async(self, wanted: Wanted, caller: Call) -> CallAnswer:
        """Return the answer to a call from a coroutine."""
        result = self._fake
        try:
            if callable(result):
                result = result(made_call(wanted, caller, None))
            if inspect.isawaitable(result):
                result = await result
        except RequestError as error:
            return answer_of_error(error, caller.execution_id)
        except Exception:
            reply = problems.crash(caller.execution_id)
            return CallAnswer(reply.status, dict(reply.headers), reply.body)
        return _as_answer(result)


def _as_answer(result: Any) -> CallAnswer:
    if isinstance(result, CallAnswer):
        return result
    status = 200
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], int):
        result, status = result
    if result is None:
        return CallAnswer(204 if status == 200 else status)
    if isinstance(result, bytes):
        return CallAnswer(status, {"content-type": "application/octet-stream"}, result)
    if isinstance(result, str):
        return CallAnswer(status, {"content-type": "text/plain; charset=utf-8"}, result.encode())
    _, headers, body = Wanted("", json=result).request()
    return CallAnswer(status, headers, body)
