"""The address for agents: it answers the messages of MCP with the tools of one host.

It keeps nothing between two requests, so any worker can answer any of them. What a client
cancels is found by the session that ``initialize`` has named, and only in the worker that runs it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple

from ffhost import __version__
from ffhost.agents import rpc, versions
from ffhost.agents.origins import AgentOriginRule, serves_local_agents_only
from ffhost.agents.rpc import JsonRpcError, JsonRpcRequest
from ffhost.agents.tools import AgentTool
from ffhost.auth.principals import Principal
from ffhost.config.settings import CorsSettings
from ffhost.deploy.openapi import openapi_title_and_version
from ffhost.errors import CallError, UnsupportedMediaType
from ffhost.execution.executor import executor
from ffhost.host.agent_tools import ServedAgentTools
from ffhost.host.called_hosts import Take
from ffhost.host.list_changes import ToolListListeners, tool_list_changes
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.call import Call
from ffhost.web import cors
from ffhost.web.mediatypes import is_json
from ffhost.web.messages import HeaderList, Message, Reply

SESSION_FIELD: Final = "mcp-session-id"
_PASSED_ON: Final = ("traceparent", "tracestate", "x-cloud-trace-context", "user-agent")
_MESSAGE_CHARACTERS: Final = 1000
"""How much of a chunk is told as progress; the result has all of it."""
_AHEAD: Final = 32
"""How many chunks a function may be ahead of the client, as over HTTP."""

_JSON: Final = ("content-type", "application/json")
_EVENTS: Final = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
]
_STATUSES: Final = {
    rpc.PARSE_ERROR: 400,
    rpc.INVALID_REQUEST: 400,
    rpc.INVALID_PARAMS: 400,
    rpc.HEADER_MISMATCH: 400,
    rpc.UNSUPPORTED_VERSION: 400,
    rpc.METHOD_NOT_FOUND: 404,
}
"""Statuses of errors from 2026-07-28 on. Before, an error was a message like any other."""


class RunningToolCalls:
    """The calls that can be cancelled, in the worker that runs them; kept over reloads."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[str, rpc.Id], asyncio.Task[Any]] = {}


class _Sent(NamedTuple):
    """A request of an agent: the message of JSON-RPC, the HTTP request, its id, who sent it."""

    request: JsonRpcRequest
    message: Message
    identity: str
    principal: Principal | None

    @property
    def is_standalone(self) -> bool:
        return versions.is_standalone_mcp_request(self.message.headers, self.request)

    @property
    def key(self) -> tuple[str, rpc.Id] | None:
        session = self.message.header(SESSION_FIELD)
        return None if session is None or self.request.id is None else (session, self.request.id)


class AgentAddress:
    """Answers agents for one host.

    Args:
        host: whose functions are the tools
        service: what the process serves
        listens: whether clients can wait for changes of the list; each occupies a connection,
            and behind a WSGI server a thread
    """

    def __init__(self, host: Host, service: Service, *, listens: bool) -> None:
        settings = host.config.settings
        assert settings.mcp is not None
        self._host = host
        self._service = service
        self._listens = listens
        self._tools = ServedAgentTools(host)
        self._running = service.store.keep(RunningToolCalls, "", RunningToolCalls)
        local = serves_local_agents_only(settings.server.host)
        self._origins = AgentOriginRule(settings.mcp.allow_origins, local=local)
        self.cors: CorsSettings | None = None
        if settings.mcp.allow_origins:
            self.cors = CorsSettings(
                allow_origins=settings.mcp.allow_origins,
                allow_headers=["*"],
                expose_headers=[SESSION_FIELD],
            )
        self._answers: dict[str, Callable[[_Sent], Awaitable[dict[str, Any]]]] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": self._ping,
            "tools/list": self._list,
            "tools/call": self._call,
        }

    @property
    def methods(self) -> tuple[str, ...]:
        """Return the methods of HTTP that are answered."""
        return ("GET", "POST") if self._listens else ("POST",)

    def check(self, message: Message) -> None:
        """Check by its header fields whether a request may be a page's of another site.

        Raises:
            RequestError: it is, or it holds no JSON, which a page can send without asking
        """
        self._origins.check(message.headers)
        if message.method == "POST" and not is_json(message.header("content-type")):
            raise UnsupportedMediaType("expected a body with content type 'application/json'")

    def preflight(self, message: Message, _execution_id: str) -> Reply:
        """Answer a browser that asks whether it may connect."""
        if self.cors is None or not cors.is_preflight(message):
            return Reply(204, [("allow", ", ".join((*self.methods, "OPTIONS")))])
        return cors.answer_preflight(self.cors, self.methods, message)

    def permit(self, message: Message, reply: Reply) -> None:
        """Add to an answer what lets an allowed page read it."""
        if self.cors is not None:
            cors.permit_cross_origin(self.cors, message, reply)

    @staticmethod
    def ends_with_client(message: Message) -> bool:
        """Whether a client that leaves cancels its request; older ones send a message for that."""
        return versions.is_standalone_mcp_request(message.headers)

    async def answer(self, message: Message, identity: str, principal: Principal | None) -> Reply:
        """Answer a request. The chunks of a reply, if any, are an async iterator."""
        request: JsonRpcRequest | None = None
        try:
            if message.method == "GET":
                return self._listen(None)
            request = rpc.parse_json_rpc(message.body)
            versions.check_mcp_version(message.headers)
            if request is None:
                return Reply(202)
            sent = _Sent(request, message, identity, principal)
            if request.id is None:
                self._note(sent)
                return Reply(202)
            if sent.is_standalone:
                versions.check_mcp_fields(message.headers, request)
            return await self._answer(sent)
        except JsonRpcError as error:
            return self._refused(message, request, error)

    @staticmethod
    def _refused(message: Message, request: JsonRpcRequest | None, error: JsonRpcError) -> Reply:
        status = _STATUSES.get(error.code, 200)
        if request is not None and not versions.is_standalone_mcp_request(message.headers, request):
            status = 400 if error.code == rpc.UNSUPPORTED_VERSION else 200
        id = None if request is None else request.id
        return Reply(status, [_JSON], rpc.encode_json_rpc(rpc.json_rpc_error(id, error)))

    async def _answer(self, sent: _Sent) -> Reply:
        request = sent.request
        if request.method == "subscriptions/listen" and self._listens:
            return self._listen(request)
        answer = self._answers.get(request.method)
        if answer is None:
            raise JsonRpcError(rpc.METHOD_NOT_FOUND, f"there is no method {request.method!r}")
        token = request.meta.get("progressToken")
        takes_events = "text/event-stream" in (sent.message.header("accept") or "")
        if request.method == "tools/call" and takes_events and isinstance(token, str | int):
            call, tool = await self._made(sent)  # what is wrong with it is answered by a status
            return Reply(200, list(_EVENTS), chunks=self._progress(sent, call, tool, token))
        headers: HeaderList = [_JSON]
        if request.method == "initialize":
            headers.append((SESSION_FIELD, secrets.token_urlsafe(24)))
        return Reply(200, headers, rpc.encode_json_rpc(_answered(sent, await answer(sent))))

    # What is asked first.

    async def _initialize(self, sent: _Sent) -> dict[str, Any]:
        return {
            "protocolVersion": versions.agree_on_mcp_version(
                sent.request.params.get("protocolVersion")
            ),
            "capabilities": self._capabilities(),
            "serverInfo": self._server(),
        }

    async def _discover(self, _sent: _Sent) -> dict[str, Any]:
        return {
            "supportedVersions": list(versions.VERSIONS),
            "capabilities": self._capabilities(),
            **self._never_cached(),
            "_meta": {versions.SERVER_KEY: self._server()},
        }

    def _capabilities(self) -> dict[str, Any]:
        return {"tools": {"listChanged": self._listens}}

    def _server(self) -> dict[str, str]:
        title, _ = openapi_title_and_version(self._host.config)
        return {"name": "ffhost", "title": title, "version": __version__}

    def _never_cached(self) -> dict[str, Any]:
        scope = "public" if self._host.front_door is None else "private"
        return {"ttlMs": 0, "cacheScope": scope}

    async def _ping(self, _sent: _Sent) -> dict[str, Any]:
        return {}

    # Tools.

    async def _list(self, sent: _Sent) -> dict[str, Any]:
        await self._load()
        tools = self._tools.listed(sent.message, sent.principal)
        listed: dict[str, Any] = {"tools": [tool.definition for tool in tools]}
        return {**listed, **self._never_cached()} if sent.is_standalone else listed

    async def _load(self) -> None:
        if not self._tools.complete:
            await asyncio.wrap_future(executor.submit(self._tools.load))

    async def _call(self, sent: _Sent) -> dict[str, Any]:
        call, tool = await self._made(sent)
        return await self._result(sent, call, tool)

    async def _made(self, sent: _Sent) -> tuple[Call, AgentTool]:
        """Return the call of the function that a request asks for.

        Raises:
            JsonRpcError: there is no such tool, or none for this caller
        """
        await self._load()
        params, message = sent.request.params, sent.message
        name = params.get("name")
        found = self._tools.find(name, message, sent.principal)
        if found is None:
            raise JsonRpcError(rpc.INVALID_PARAMS, f"there is no tool {name!r}")
        tool, principal = found
        path, body = tool.request(params.get("arguments"))
        headers = {key: value for key in _PASSED_ON if (value := message.header(key)) is not None}
        headers |= {
            "host": message.headers.get("host", "localhost"),
            "content-type": "application/json",
            "content-length": str(len(body)),
            "function-execution-id": sent.identity,
        }
        request = Message(
            "POST",
            path,
            headers=headers,
            body=body,
            scheme=message.scheme,
            client=message.client,
            server=message.server,
        )
        call = Call(self._host.functions[tool.name], request, sent.identity)
        call.principal = principal
        return call, tool

    async def _result(
        self, sent: _Sent, call: Call, tool: AgentTool, take: Take | None = None
    ) -> dict[str, Any]:
        """Call the function; return the result of the tool.

        Raises:
            JsonRpcError: the client has cancelled it
        """
        calls = self._host.connect_calls()
        assert calls is not None
        task = asyncio.ensure_future(calls.call(call, take))
        key = sent.key
        if key is not None:
            self._running.tasks[key] = task
        try:
            answer = await task
        except CallError:
            text = f"the function failed while it streamed (execution id {sent.identity})"
            return {"content": [{"type": "text", "text": text}], "isError": True}
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise JsonRpcError(rpc.CANCELLED, "the request was cancelled") from None
        finally:
            if key is not None and self._running.tasks.get(key) is task:
                del self._running.tasks[key]
        return tool.result(answer.status, answer.headers, answer.body, sent.identity)

    async def _progress(
        self, sent: _Sent, call: Call, tool: AgentTool, token: str | int
    ) -> AsyncIterator[bytes]:
        """Yield an event for each chunk that the function yields, and one with the result."""
        queue: asyncio.Queue[bytes | dict[str, Any]] = asyncio.Queue(_AHEAD)

        async def work() -> None:
            try:
                result = await self._result(sent, call, tool, queue.put)
                await queue.put(_answered(sent, result))
            except JsonRpcError as error:
                await queue.put(rpc.json_rpc_error(sent.request.id, error))

        task = asyncio.ensure_future(work())
        count = 0
        try:
            while isinstance(found := await queue.get(), bytes):
                count += 1
                text = found.decode(errors="replace")[:_MESSAGE_CHARACTERS]
                told = {"progressToken": token, "progress": count, "message": text}
                yield rpc.json_rpc_as_event(
                    rpc.json_rpc_notification("notifications/progress", told)
                )
            yield rpc.json_rpc_as_event(found)
        finally:
            task.cancel()

    def _note(self, sent: _Sent) -> None:
        """Take note of a notification; one that cancels a call stops it."""
        session = sent.message.header(SESSION_FIELD)
        id = sent.request.params.get("requestId")
        if sent.request.method == "notifications/cancelled" and session is not None:
            task = self._running.tasks.get((session, id)) if isinstance(id, str | int) else None
            if task is not None:
                task.cancel()

    # Changes of the list.

    def _listen(self, request: JsonRpcRequest | None) -> Reply:
        """Return a stream of the changes of the list, for as long as the client wants.

        Raises:
            JsonRpcError: too many clients wait already
        """
        listeners = self._service.store.keep(ToolListListeners, "", ToolListListeners)
        return Reply(
            200, list(_EVENTS), chunks=tool_list_changes(self._service, listeners, request)
        )


def _answered(sent: _Sent, result: dict[str, Any]) -> dict[str, Any]:
    if sent.is_standalone:
        result = {"resultType": "complete", **result}
    return rpc.json_rpc_result(sent.request.id, result)
