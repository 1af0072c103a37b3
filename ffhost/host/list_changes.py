"""Telling agents that the list of tools has changed, which a reload can do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from ffhost.agents import rpc, versions
from ffhost.agents.rpc import JsonRpcError, JsonRpcRequest
from ffhost.execution.executor import executor
from ffhost.host.agent_tools import ServedAgentTools
from ffhost.host.service import Service
from ffhost.host.snapshot import Host

LOOK_SECONDS: Final = 0.5
"""How often a listener looks for another host, and whether the worker drains."""
_SIGN_SECONDS: Final = 15.0
"""How often a silent stream is written to: proxies close those that say nothing."""
MOST_LISTENERS: Final = 100
"""Clients that listen at once in a worker; each keeps a connection open."""


class ToolListListeners:
    """The number of clients that listen; kept over reloads."""

    def __init__(self) -> None:
        self.count = 0


def tool_list_changes(
    service: Service, listeners: ToolListListeners, request: JsonRpcRequest | None
) -> AsyncIterator[bytes]:
    """Return events that tell of changes, until the worker drains.

    Args:
        service: what the process serves
        listeners: who else listens
        request: ``subscriptions/listen``; None for the older way, a GET

    Raises:
        JsonRpcError: too many clients listen
    """
    if listeners.count >= MOST_LISTENERS:
        raise JsonRpcError(rpc.INTERNAL_ERROR, "too many clients listen already")
    return _changes(service, listeners, request)


async def _changes(
    service: Service, listeners: ToolListListeners, request: JsonRpcRequest | None
) -> AsyncIterator[bytes]:
    meta = {} if request is None else {"_meta": {versions.SUBSCRIPTION_KEY: request.id}}
    wanted = request is None or _wants_tools(request)
    listeners.count += 1
    try:
        if request is not None:
            honored = {"toolsListChanged": True} if wanted else {}
            acknowledged = {"notifications": honored, **meta}
            method = "notifications/subscriptions/acknowledged"
            yield rpc.json_rpc_as_event(rpc.json_rpc_notification(method, acknowledged))
        else:
            yield b": listening\n\n"
        host, known = service.host, await _definitions(service.host)
        written = time.monotonic()
        while not service.draining:
            await asyncio.sleep(LOOK_SECONDS)
            if service.host is not host:
                before, host = known, service.host
                known = await _definitions(host)
                if wanted and known != before:
                    yield rpc.json_rpc_as_event(
                        rpc.json_rpc_notification("notifications/tools/list_changed", meta)
                    )
                    written = time.monotonic()
            if time.monotonic() - written > _SIGN_SECONDS:
                yield b": \n\n"
                written = time.monotonic()
        if request is not None:
            yield rpc.json_rpc_as_event(
                rpc.json_rpc_result(request.id, {"resultType": "complete", **meta})
            )
    finally:
        listeners.count -= 1


def _wants_tools(request: JsonRpcRequest) -> bool:
    wanted = request.params.get("notifications")
    return isinstance(wanted, dict) and wanted.get("toolsListChanged") is True


async def _definitions(host: Host) -> list[Any]:
    """Return the tools of *host*, and who may call them."""
    tools = ServedAgentTools(host)
    await asyncio.wrap_future(executor.submit(tools.load))
    return [(tool.definition, host.functions[tool.name].settings.auth) for tool in tools.all()]
