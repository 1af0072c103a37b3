"""Calls of functions by other functions, by name: `ffhost.call` and `ffhost.call_sync`.

Within one host there is no network: the callee's slots, queue, deadline, hooks, metrics and
summary entry hold as if the call had come by HTTP. A function that is served elsewhere is called
by HTTP at its ``url``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.units import UNLIMITED
from ffhost.errors import CallError, LoopDetected, RequestError
from ffhost.execution.threads import PoolThread
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import NO_FIELDS, UNSET, NamedCallRequest, make_named_call_message
from ffhost.host.called_hosts import NamedCalls, OuterNamedCalls
from ffhost.host.named_call_fields import CHAIN_LIMIT
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call, NestedCall
from ffhost.invocation.current import CURRENT
from ffhost.web import problems

if TYPE_CHECKING:
    from ffhost.host.snapshot import Host

outer: OuterNamedCalls | None = None
"""What makes the calls in the process of an isolated function."""


@overload
async def call(
    name: str,
    value: Any = ...,
    *,
    json: Any = ...,
    body: bytes | str | None = ...,
    event: Any = ...,
    headers: Mapping[str, str] | None = ...,
    method: str | None = ...,
    path: str = ...,
    stream: Literal[False] = ...,
) -> CallAnswer: ...


@overload
async def call(
    name: str,
    value: Any = ...,
    *,
    json: Any = ...,
    body: bytes | str | None = ...,
    event: Any = ...,
    headers: Mapping[str, str] | None = ...,
    method: str | None = ...,
    path: str = ...,
    stream: Literal[True],
) -> AsyncStreamedAnswer: ...


async def call(
    name: str,
    value: Any = UNSET,
    *,
    json: Any = UNSET,
    body: bytes | str | None = None,
    event: Any = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    path: str = "",
    stream: bool = False,
) -> CallAnswer | AsyncStreamedAnswer:
    """Call another function by its name, from a coroutine function.

    The callee's deadline is the nearer of its own and what the caller has left. Its execution id
    is the caller's. Cancelling the caller cancels the callee.

    Args:
        name: key of the function in the configuration
        value: for a typed function: what it takes, a model, a dataclass or a dictionary
        json: body of JSON for an http function
        body: body as it is, instead of *json*
        event: CloudEvent for a function that takes events
        headers: further header fields
        method: POST if there is a body, else GET
        path: what follows the function's own path, such as ``/7?size=2``; of a function whose
            path has parameters the whole path
        stream: whether to return once the head of the answer is there, and not to wait for its
            body

    Returns:
        The `CallAnswer`, also of a refusal, a crash or a timeout; an `AsyncStreamedAnswer` if
        *stream* is true.

    Raises:
        CallError: there is no such function, the caller may not call it, it cannot be reached,
            it failed in the middle of a stream, or no function is being called here

    Example:
        >>> @ffhost.http
        ... async def order(request):
        ...     answer = await ffhost.call("price", json={"item": "tea"})
        ...     return {"price": answer.raise_for_status().json()}

    Since 0.2.
    """
    wanted = NamedCallRequest(
        name, value, json, body, event, headers or NO_FIELDS, method, path, None, stream
    )
    return await make_named_call(_caller(), wanted)


@overload
def call_sync(
    name: str,
    value: Any = ...,
    *,
    json: Any = ...,
    body: bytes | str | None = ...,
    event: Any = ...,
    headers: Mapping[str, str] | None = ...,
    method: str | None = ...,
    path: str = ...,
    stream: Literal[False] = ...,
) -> CallAnswer: ...


@overload
def call_sync(
    name: str,
    value: Any = ...,
    *,
    json: Any = ...,
    body: bytes | str | None = ...,
    event: Any = ...,
    headers: Mapping[str, str] | None = ...,
    method: str | None = ...,
    path: str = ...,
    stream: Literal[True],
) -> StreamedAnswer: ...


def call_sync(
    name: str,
    value: Any = UNSET,
    *,
    json: Any = UNSET,
    body: bytes | str | None = None,
    event: Any = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    path: str = "",
    stream: bool = False,
) -> CallAnswer | StreamedAnswer:
    """Call another function by its name, from a plain function; see `call`.

    Args:
        name: key of the function in the configuration
        value: for a typed function: what it takes
        json: body of JSON for an http function
        body: body as it is, instead of *json*
        event: CloudEvent for a function that takes events
        headers: further header fields
        method: POST if there is a body, else GET
        path: what follows the function's own path
        stream: whether to return once the head of the answer is there

    Returns:
        The `CallAnswer`, also of a refusal, a crash or a timeout; a `StreamedAnswer` if *stream*
        is true.

    Raises:
        CallError: as for `call`; and in a coroutine function, which must not wait like this

    Example:
        >>> @ffhost.http
        ... def order(request):
        ...     return {"price": ffhost.call_sync("price", json={"item": "tea"}).json()}

    Since 0.2.
    """
    # `get_running_loop` raises where there is none, which takes six times as long.
    if asyncio._get_running_loop() is not None:
        raise CallError("call_sync would block the event loop; write 'await ffhost.call(...)'")
    wanted = NamedCallRequest(
        name, value, json, body, event, headers or NO_FIELDS, method, path, None, stream
    )
    caller = CURRENT.get() or _caller()
    if outer is not None:
        answer = outer.call_sync(wanted, caller)
    else:
        host = _host_of(caller)
        made = _made(wanted, caller, host)
        if isinstance(made, _Elsewhere):
            answer = made.plain()
        else:
            calls: NamedCalls = host.calls  # type: ignore[assignment]
            job = caller.job  # held as `HostCode` holds it, which takes three Python calls more
            leave = partial(calls.leave_sync, made)
            thread = job if job.__class__ is PoolThread and job.hold(caller, leave) else None
            try:
                answer = calls.open_sync(made)
                if not stream and answer.__class__ is not CallAnswer:
                    answer = answer.whole()  # type: ignore[union-attr]
            finally:
                if thread is not None:
                    thread.resume()
        if host.on_call is not None:
            host.on_call(wanted, caller, answer)
    if not stream:
        return answer
    streamed = StreamedAnswer.of(answer)
    streamed.keep_with(caller)
    return streamed


async def make_named_call(
    caller: Call, wanted: NamedCallRequest
) -> CallAnswer | AsyncStreamedAnswer:
    """Make the call that *caller* wants, from a coroutine.

    Raises:
        CallError: as for `call`
    """
    if outer is not None:
        answer = await outer.call(wanted, caller)
    else:
        host = _host_of(caller)
        made = _made(wanted, caller, host)
        if isinstance(made, _Elsewhere):
            answer = await made.awaited()
        else:
            calls: NamedCalls = host.calls  # type: ignore[assignment]
            answer = await (calls.open(made) if wanted.stream else calls.call(made))
        if host.on_call is not None:
            host.on_call(wanted, caller, answer)
    if not wanted.stream:
        return answer
    streamed = AsyncStreamedAnswer.of(answer)
    streamed.keep_with(caller)
    return streamed


class _Elsewhere(NamedTuple):
    """How a call that does not reach a function of this host is made: in a thread, or awaited."""

    plain: Callable[[], CallAnswer | StreamedAnswer]
    awaited: Callable[[], Awaitable[CallAnswer | AsyncStreamedAnswer]]


def _made(wanted: NamedCallRequest, caller: Call, host: Host) -> Call | _Elsewhere:
    """Make the call of a function of this host, or say how else it is made.

    That is by a test's replacement, or over HTTP.

    Raises:
        CallError: as for `call`
    """
    name = wanted.name
    if host.replacements and name in host.replacements:
        fake = host.replacements[name]
        return _Elsewhere(
            partial(fake.answer, wanted, caller), partial(fake.answer_async, wanted, caller)
        )
    calling = caller.function
    allowed = calling.settings.calls
    if allowed is not None and name not in allowed:
        raise CallError(
            f"{calling.name} may not call {name!r}; its 'calls' are {', '.join(allowed) or 'none'}"
        )
    chain = (*caller.chain, calling.name)
    if len(chain) > CHAIN_LIMIT:
        return _answered(LoopDetected(f"more than {CHAIN_LIMIT} calls wait for each other"))
    function = host.functions.get(name)
    if function is None:
        _check_elsewhere(name, host)
        from ffhost.host.remote_calls import (
            call_function_of_remote_host,
            call_function_of_remote_host_sync,
        )

        told = (wanted, host.config.settings.function(name), caller)
        return _Elsewhere(
            partial(call_function_of_remote_host_sync, *told),
            partial(call_function_of_remote_host, *told),
        )
    message = make_named_call_message(wanted, function, caller)
    call = NestedCall(function, message, caller.execution_id)
    call.caller = calling.name
    call.chain = chain
    call.ends_at = UNLIMITED if caller.deadline is None else caller.deadline.at
    if caller.principal is not None:
        call.principal = caller.principal
    return call


def _answered(error: RequestError) -> _Elsewhere:
    answer = named_call_answer_of_error(error)

    async def awaited() -> CallAnswer:
        return answer

    return _Elsewhere(lambda: answer, awaited)


def _caller() -> Call:
    """Return the call that this code runs in."""
    caller = CURRENT.get()
    if caller is None:
        raise CallError("functions are called by name from functions; none is being called here")
    return caller


def _host_of(caller: Call) -> Host:
    host: Host | None = caller.function.home.host()
    if host is None or (host.calls is None and host.connect_calls() is None):
        raise CallError(f"the host of {caller.function.name} has ended")
    return host


def set_outer_named_calls(host: OuterNamedCalls) -> None:
    """Set what makes all calls of this process, which serves an isolated function."""
    global outer
    outer = host


def _check_elsewhere(name: str, host: Host) -> None:
    settings = host.config.settings.functions.get(name)
    if settings is None:
        near = nearest_known_word(name, host.config.settings.functions)
        raise CallError(
            f"there is no function {name!r}" + (f"; did you mean {near!r}?" if near else "")
        )
    if settings.url is None:
        raise CallError(
            f"{name!r} is not served by this host; set functions.{name}.url to where it is, or "
            f"name it in the caller's 'calls' if you use ffhost invoke"
        )


def named_call_seconds_left(caller: Call) -> float | None:
    """Return what *caller* has left until its deadline; None without one."""
    if caller.deadline is None or caller.deadline.at == UNLIMITED:
        return None
    return max(0.0, caller.deadline.at - time.monotonic())


def named_call_answer_of_error(error: Any, execution_id: str | None = None) -> CallAnswer:
    """Return the answer that *error*, a `RequestError`, has over HTTP."""
    reply = problems.problem_reply(error, execution_id)
    return CallAnswer(
        reply.status, {key.lower(): value for key, value in reply.headers}, reply.body
    )
