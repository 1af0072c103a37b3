"""Composition of a call: decode, call, encode, and error handling.

Nothing here waits, reads a socket or knows Falcon. Everything that can be decided when a
function is loaded is decided in `make_call_runner`. The result takes a call, returns a reply and
never raises. The sync and the async form differ only in ``await``.
"""

from __future__ import annotations

import asyncio

from ffhost.execution.failures import CallFailures
from ffhost.invocation.call import Call
from ffhost.invocation.current import CURRENT
from ffhost.invocation.function import Run
from ffhost.signatures import Codec
from ffhost.web.messages import Reply


def make_call_runner(codec: Codec, failures: CallFailures) -> Run:
    """Make one callable of a function's codec and its error handling."""
    decode, invoke, encode = codec.decode, codec.call, codec.encode
    set_current = CURRENT.set

    def run(call: Call) -> Reply:
        set_current(call)
        try:
            return encode(invoke(*decode(call.message)))
        except BaseException as error:
            handler = failures.handler_for(error)
            if handler is None:
                return failures.reply(call, error)
            caught = error
        try:
            return codec.encode_handled(handler(caught))
        except BaseException as error:
            return failures.reply(call, error)

    async def run_async(call: Call) -> Reply:
        set_current(call)
        try:
            return encode(await invoke(*decode(call.message)))
        except BaseException as error:
            handler = failures.handler_for(error)
            if handler is None:
                return failures.reply(call, error)
            caught = error
        try:
            result = handler(caught)
            return codec.encode_handled(await result if asyncio.iscoroutine(result) else result)
        except BaseException as error:
            return failures.reply(call, error)

    return run_async if codec.is_async else run
