"""Calls by name of functions that are served elsewhere, by HTTP. Needs the extra ``calls``."""

from __future__ import annotations

import asyncio
import weakref
from functools import cache
from types import ModuleType
from typing import Any

from ffhost.config.settings import FunctionSettings
from ffhost.errors import CallError
from ffhost.host.call_answer import CallAnswer
from ffhost.host.call_request import CHAIN_FIELD, DEADLINE_FIELD, Wanted, chain_of, trace_fields
from ffhost.host.named_calls import seconds_left
from ffhost.invocation.call import Call

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()


async def call_remote(wanted: Wanted, settings: FunctionSettings, caller: Call) -> CallAnswer:
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
        return _answer(await client.request(**_request(wanted, settings, caller)))
    except httpx.HTTPError as error:
        return _failed(wanted, settings, error, httpx)


def call_remote_sync(wanted: Wanted, settings: FunctionSettings, caller: Call) -> CallAnswer:
    """Call a function at its ``url`` from a thread.

    Raises:
        CallError: it cannot be reached
    """
    httpx = _httpx()
    try:
        return _answer(_sync_client().request(**_request(wanted, settings, caller)))
    except httpx.HTTPError as error:
        return _failed(wanted, settings, error, httpx)


def _request(wanted: Wanted, settings: FunctionSettings, caller: Call) -> dict[str, Any]:
    method, headers, body = wanted.request()
    headers |= trace_fields(caller)
    headers |= {name.lower(): str(value) for name, value in settings.call_headers.items()}
    headers[CHAIN_FIELD] = ", ".join(chain_of(caller))
    left = seconds_left(caller)
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
    wanted: Wanted, settings: FunctionSettings, error: Exception, httpx: ModuleType
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
