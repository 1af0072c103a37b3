"""Calls by name of functions that are served elsewhere, by HTTP. Needs the extra ``calls``."""

from __future__ import annotations

import asyncio
import weakref
from functools import cache
from types import ModuleType
from typing import Any, Final

from ffhost.config.settings import FunctionSettings
from ffhost.errors import CallError
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import NamedCallRequest, set_named_call_trace_fields
from ffhost.host.named_call_fields import CHAIN_FIELD, DEADLINE_FIELD, named_call_chain
from ffhost.host.named_calls import named_call_seconds_left
from ffhost.host.remote_streams import RemoteHostLoopStream, RemoteHostThreadStream
from ffhost.host.streamed_answer import AsyncStreamedAnswer, StreamedAnswer
from ffhost.invocation.call import Call

_FIRST_ERROR: Final = 400
_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()


async def call_function_of_remote_host(
    wanted: NamedCallRequest, settings: FunctionSettings, caller: Call
) -> CallAnswer | AsyncStreamedAnswer:
    """Call a function at its ``url`` from a coroutine.

    Raises:
        CallError: it cannot be reached
    """
    httpx = _httpx()
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = httpx.AsyncClient(timeout=None)
    try:
        request = client.build_request(**_request(wanted, settings, caller))
        response = await client.send(request, stream=wanted.stream)
        if not wanted.stream:
            return _answer(response)
        if response.status_code >= _FIRST_ERROR:
            await response.aread()
            return _answer(response)
    except httpx.HTTPError as error:
        return _failed(wanted, settings, error, httpx)
    stream = RemoteHostLoopStream(response, caller, loop)
    return AsyncStreamedAnswer(response.status_code, dict(response.headers), stream)


def call_function_of_remote_host_sync(
    wanted: NamedCallRequest, settings: FunctionSettings, caller: Call
) -> CallAnswer | StreamedAnswer:
    """Call a function at its ``url`` from a thread.

    Raises:
        CallError: it cannot be reached
    """
    httpx = _httpx()
    client = _sync_client()
    try:
        request = client.build_request(**_request(wanted, settings, caller))
        response = client.send(request, stream=wanted.stream)
        if not wanted.stream:
            return _answer(response)
        if response.status_code >= _FIRST_ERROR:
            response.read()
            return _answer(response)
    except httpx.HTTPError as error:
        return _failed(wanted, settings, error, httpx)
    stream = RemoteHostThreadStream(response, caller)
    return StreamedAnswer(response.status_code, dict(response.headers), stream)


def _request(wanted: NamedCallRequest, settings: FunctionSettings, caller: Call) -> dict[str, Any]:
    method, headers, body = wanted.request()
    set_named_call_trace_fields(headers, caller)
    headers |= {name.lower(): str(value) for name, value in settings.call_headers.items()}
    headers[CHAIN_FIELD] = ", ".join(named_call_chain(caller))
    left = named_call_seconds_left(caller)
    if left is not None:
        headers[DEADLINE_FIELD] = str(int(left * 1000))
    return {
        "method": method,
        "url": str(settings.url).rstrip("/") + wanted.path,
        "headers": headers,
        "content": body,
        "timeout": left,
    }


def _answer(response: Any) -> CallAnswer:
    return CallAnswer(response.status_code, dict(response.headers), response.content)


def _failed(
    wanted: NamedCallRequest, settings: FunctionSettings, error: Exception, httpx: ModuleType
) -> CallAnswer:
    if isinstance(error, httpx.TimeoutException):
        return CallAnswer(504)
    raise CallError(
        f"{wanted.name!r} cannot be reached at {settings.url}: {type(error).__name__}"
    ) from error


@cache
def _sync_client() -> Any:
    return _httpx().Client(timeout=None)


def _httpx() -> ModuleType:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise CallError(
            "calls of functions that are served elsewhere need httpx; install ffhost[calls]"
        ) from error
    return httpx
