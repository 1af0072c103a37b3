"""Functions as Falcon resources: read a request, call the function, write its reply."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import falcon.asgi

from ffhost.errors import RequestError
from ffhost.execution.channels import END, ChunkGroup, LoopWaiter, StreamChannel
from ffhost.execution.executor import executor
from ffhost.execution.file_body import FileBody
from ffhost.execution.loop_caller import AsyncCaller, LoopRunner
from ffhost.fronts.asgi_body import asgi_body_too_large, read_rest_of_asgi_body
from ffhost.fronts.asgi_request import (
    SEND,
    AsgiFrontRequest,
    AsgiScopeMessage,
    Receive,
    asgi_server_takes_files,
    asgi_server_takes_groups,
    send_asgi_reply,
)
from ffhost.fronts.replies import (
    UNSENT,
    Finish,
    Settle,
    complete_reply,
    make_reply_completer,
    make_reply_reporter,
)
from ffhost.host.mounting import MakeReply, Responder
from ffhost.host.named_call_fields import CALL_FIELDS, read_named_call_fields
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.ids import EXECUTION_ID_HEADER, choose_execution_id
from ffhost.signatures._falcon import write_falcon_reply
from ffhost.web import problems
from ffhost.web.forwarded import trust_forwarded
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.auth.principals import Principal
    from ffhost.host.agent_address import AgentAddress
    from ffhost.host.gate import HostGate

_CALL_FIELDS = frozenset(name.encode() for name in CALL_FIELDS)
_EXECUTION_ID_HEADER = EXECUTION_ID_HEADER.encode()


class AsgiResponders:
    """Makes the responders of one host."""

    def __init__(self, host: Host, service: Service, runner: LoopRunner) -> None:
        self._host = host
        self._service = service
        self._runner = runner
        self._believe = trust_forwarded(host.config.settings.server.trusted_proxies)
        self._limit = float(host.config.settings.server.max_body_size)

    def delivering(self) -> Responder:
        """Make a responder that delivers events to the functions that want them."""
        from ffhost.events.incoming_events import read_events
        from ffhost.fronts.inner_calls import FrontInnerCalls

        inner = FrontInnerCalls(self._host, self._service, self._runner)
        gate, open_calls = self._host.event_gate(), self._host.open_calls

        async def on_request(
            req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
        ) -> None:
            message = AsgiScopeMessage(req.scope, req.first_event.get("body", b""), params)
            identity = choose_execution_id(message.header(EXECUTION_ID_HEADER))
            open_calls.add(message)
            try:
                caller = await self._let_in(req, message, gate)
                received = read_events(message.headers, message.body, message.path)
                reply = await inner.deliver(received, message, identity, caller)
            except RequestError as error:
                reply = problems.problem_reply(error, identity)
            finally:
                open_calls.discard(message)
            complete_reply(reply, identity, self._service)
            write_falcon_reply(resp, reply)

        return on_request

    def serving_agents(self) -> tuple[Responder, AgentAddress]:
        """Make a responder for agents, and return the address that it serves."""
        from ffhost.fronts.agent_streams import AsgiAgentStream, until_client_left
        from ffhost.host.agent_address import AgentAddress

        address = AgentAddress(self._host, self._service, listens=True)
        gate, open_calls = self._host.mcp_gate(), self._host.open_calls

        async def on_request(
            req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
        ) -> None:
            message = AsgiScopeMessage(req.scope, req.first_event.get("body", b""), params)
            identity = choose_execution_id(message.header(EXECUTION_ID_HEADER))
            open_calls.add(message)
            try:
                address.check(message)
                caller = await self._let_in(req, message, gate)
                answer = address.answer(message, identity, caller)
                receive = cast("Receive", req.receive)
                ends = address.ends_with_client(message)
                reply = await (until_client_left(answer, receive) if ends else answer)
            except RequestError as error:
                reply = problems.problem_reply(error, identity)
            finally:
                open_calls.discard(message)
            address.permit(message, reply)
            complete_reply(reply, identity, self._service)
            write_falcon_reply(resp, reply)
            if reply.chunks is not None:
                resp.stream = cast(
                    "Any", AsgiAgentStream(reply.chunks, cast("Receive", req.receive))
                )

        return on_request, address

    async def _let_in(
        self, req: AsgiFrontRequest, message: AsgiScopeMessage, gate: HostGate | None
    ) -> Principal | None:
        """Return who calls an address of the host: ask its gate, and read the body."""
        judged = None if gate is None else gate.judge(message)
        await _read_whole(req, message, self._limit)
        caller = None if gate is None or judged is None else gate.confirm(message, judged)
        if self._believe is not None:
            self._believe(message)
        return caller

    def calling(self, function: Function) -> Responder:
        """Make a responder that calls *function*."""
        caller = self._caller_of(function)
        caller.takes_files = asgi_server_takes_files  # type: ignore[method-assign]
        resource = AsgiFunctionResource(
            caller,
            make_reply_completer(function, self._service),
            self._believe,
            # Another server may cancel a task when its client leaves.
            stay=self._service.managed or self._service.embedded,
        )
        resource.host = self._host
        gate = self._host.gate(function.name)
        return resource.on_request if gate is None else partial(resource.on_gated_request, gate)

    def _caller_of(self, function: Function) -> AsyncCaller:
        if not function.runs_early:
            return AsyncCaller(function, self._runner)
        from ffhost.execution.isolation.isolated_caller import IsolatedCaller

        return IsolatedCaller(function, self._runner)

    def working(self, make: MakeReply) -> Responder:
        """Make a responder as `replying` does, of what is made on a thread."""

        async def on_request(
            req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
        ) -> None:
            message = AsgiScopeMessage(req.scope, b"", params)
            identity = choose_execution_id(message.header(EXECUTION_ID_HEADER))
            reply = await asyncio.wrap_future(executor.submit(make, message, identity))
            assert reply is not None
            complete_reply(reply, identity, self._service)
            write_falcon_reply(resp, reply)

        return on_request

    def replying(self, make: MakeReply, otherwise: Responder | None = None) -> Responder:
        """Make a responder that replies at once, or leaves the request to *otherwise*."""

        async def on_request(
            req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
        ) -> None:
            message = AsgiScopeMessage(req.scope, b"", params)
            identity = choose_execution_id(message.header(EXECUTION_ID_HEADER))
            reply = make(message, identity)
            if reply is None:
                assert otherwise is not None
                await otherwise(req, resp, **params)
                return
            complete_reply(reply, identity, self._service)
            write_falcon_reply(resp, reply)

        return on_request


async def _read_whole(req: AsgiFrontRequest, message: AsgiScopeMessage, limit: float) -> None:
    """Read what the first event has not brought of the body of *message*."""
    event: Any = req.first_event
    if event.get("more_body"):
        message.body = await read_rest_of_asgi_body(req, message, limit)
    elif len(message.body) > limit:
        raise asgi_body_too_large(limit)


class AsgiFunctionResource:
    """One function as a Falcon resource.

    Attributes:
        host: kept for as long as its calls run, because they may call its other functions
    """

    host: Host

    def __init__(
        self,
        caller: AsyncCaller,
        finish: Finish,
        believe: Callable[[Message], None] | None,
        *,
        stay: bool,
    ) -> None:
        self._caller = caller
        self._runner = caller.runner
        self._answer = caller.staying(self._answer_late) if stay else caller.answer
        self._sending: set[asyncio.Task[None]] = set()
        self._finish = finish
        self._believe = believe
        self._settle = make_reply_reporter(caller.function)
        self._limit = caller.function.max_body_bytes

    async def on_request(
        self, req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
    ) -> None:
        """Answer one request: read it, call the function, write its reply."""
        event: Any = req.first_event
        message = AsgiScopeMessage(req.scope, event.get("body", b""), params)
        given = None
        by_function = False
        for name, value in req.scope["headers"]:
            if name == _EXECUTION_ID_HEADER:
                given = value.decode("latin-1")
            elif name in _CALL_FIELDS:
                by_function = True
        call = Call(self._caller.function, message, choose_execution_id(given))
        host = self.host
        host.requests += 1
        try:
            if event.get("more_body"):
                message.body = await read_rest_of_asgi_body(req, message, self._limit)
            elif len(message.body) > self._limit:
                raise asgi_body_too_large(self._limit)
            if self._believe is not None:
                self._believe(message)
                message.adopt()
            if by_function:
                reply = await self._answer_function(call)
            else:
                reply = await self._answer(call)
        except RequestError as error:
            call.refuse(error)
            reply = problems.problem_reply(error, call.execution_id)
        finally:
            host.requests -= 1
        self._finish(call, reply)
        write_falcon_reply(resp, reply)
        if call.channel is not None:
            self._stream(req, resp, call, reply)

    async def on_gated_request(
        self, gate: HostGate, req: AsgiFrontRequest, resp: falcon.asgi.Response, **params: str
    ) -> None:
        """Answer one request of a function with auth, as `on_request` does for public ones."""
        event: Any = req.first_event
        message = AsgiScopeMessage(req.scope, event.get("body", b""), params)
        identity = choose_execution_id(message.header(EXECUTION_ID_HEADER))
        call = Call(self._caller.function, message, identity)
        host = self.host
        host.requests += 1
        try:
            reply = await self._judge(gate, req, message, call)
        except RequestError as error:
            call.refuse(error)
            reply = problems.problem_reply(error, call.execution_id)
        finally:
            host.requests -= 1
        self._finish(call, reply)
        gate.keep(call, reply.status)
        write_falcon_reply(resp, reply)
        if call.channel is not None:
            self._stream(req, resp, call, reply)

    async def _judge(
        self, gate: HostGate, req: AsgiFrontRequest, message: AsgiScopeMessage, call: Call
    ) -> Reply:
        left = gate.enter(call)
        await _read_whole(req, message, self._limit)
        if left is not None:
            gate.check_body(call, left)
        if self._believe is not None:
            self._believe(message)
            message.adopt()
        reply = gate.repeated(call)
        if reply is None and message.has_any(CALL_FIELDS):
            return await self._answer_function(call)
        return reply or await self._answer(call)

    async def _answer_function(self, call: Call) -> Reply:
        """Answer a function of another host, which has less time and others that wait for it."""
        from ffhost.execution.nested_callers import NestedLoopCaller

        read_named_call_fields(call)
        return await NestedLoopCaller(self._caller.function, self._runner).answer(call)

    def _answer_late(self, call: Call, reply: Reply) -> None:
        """Send the 504 of a call that still holds the task of its request."""
        self._finish(call, reply)
        head = call.message.method == "HEAD"
        work = send_asgi_reply(cast("contextvars.Context", call.context)[SEND], reply, head=head)
        task = asyncio.get_running_loop().create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _stream(
        self, req: AsgiFrontRequest, resp: falcon.asgi.Response, call: Call, reply: Reply
    ) -> None:
        if req.method == "HEAD" or reply.status in (204, 304):
            self._caller.abandon(call)
            resp.stream = cast("Any", UNSENT)
            if self._settle is not None:
                self._settle(call, reply.status, 0)
        else:
            receive = cast("Receive", req.receive)
            chunks = AsgiReplyStream(
                self._caller, call, reply.status, receive, self._settle, self.host
            )
            resp.stream = cast("Any", chunks)  # Falcon knows bytes only


Chunk: TypeAlias = bytes | ChunkGroup | FileBody


class AsgiReplyStream:
    """The chunks of a streamed reply for Falcon, which closes it at the end."""

    def __init__(
        self,
        caller: AsyncCaller,
        call: Call,
        status: int,
        receive: Receive,
        settle: Settle | None,
        host: Host,
    ) -> None:
        self._caller = caller
        self._invocation = call
        self._status = status
        self._settle = settle
        self._host = host  # kept, because the function may call its other functions
        host.open_calls.add(call)
        self._sent_bytes = 0
        self._channel: StreamChannel = call.channel
        self._waiter = LoopWaiter()
        self._is_ours = asgi_server_takes_groups()
        self._watch: asyncio.Task[None] | None = None
        if not self._channel.has_file:  # the server stops sending it by itself
            # Not by the loop's task factory: the task is the host's own.
            loop = asyncio.get_running_loop()
            self._watch = asyncio.Task(self._watch_client(receive), loop=loop)

    async def _watch_client(self, receive: Receive) -> None:
        try:
            while (await receive())["type"] != "http.disconnect":
                continue
        except asyncio.CancelledError as error:
            # The future that was cancelled has the error, whose frames have the future and this
            # call: only the garbage collector would find them.
            error.__traceback__ = None
            return
        self._caller.abandon(self._invocation)

    def __aiter__(self) -> AsgiReplyStream:
        return self

    async def __anext__(self) -> Chunk:
        chunk: Chunk = await self._channel.get_async(self._waiter, everything=self._is_ours)
        if chunk is END:
            raise StopAsyncIteration
        self._sent_bytes += len(chunk)
        return chunk

    async def close(self) -> None:
        """Stop the function if the client left before the end."""
        if self._watch is not None:
            self._watch.cancel()
        self._caller.abandon(self._invocation)
        self._host.open_calls.discard(self._invocation)
        if self._settle is not None:
            self._settle(self._invocation, self._status, self._sent_bytes)
