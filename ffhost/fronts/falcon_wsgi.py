"""The WSGI application, its Falcon app, and the resource of each function."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import quote

import falcon
import falcon.request

from ffhost.errors import RequestError
from ffhost.execution.blocking_caller import BlockingCaller
from ffhost.execution.shared_threads import background, pool
from ffhost.fronts.host_errors import answer_host_error
from ffhost.fronts.media_types import no_system_media_types
from ffhost.fronts.replies import (
    UNSENT,
    Finish,
    complete_reply,
    make_reply_completer,
    make_reply_reporter,
)
from ffhost.fronts.wsgi_body import Environ, read_wsgi_body
from ffhost.host.mounting import MakeReply, Responder, mount_host
from ffhost.host.named_call_fields import CALL_FIELDS, read_named_call_fields
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.invocation.ids import EXECUTION_ID_HEADER, choose_execution_id
from ffhost.signatures._falcon import rewrite_falcon_reply, write_falcon_reply
from ffhost.web import problems
from ffhost.web.forwarded import trust_forwarded
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.auth.principals import Principal
    from ffhost.execution.loop_caller import LoopRunner
    from ffhost.fronts.inner_calls import FrontInnerCalls
    from ffhost.host.agent_address import AgentAddress
    from ffhost.host.called_hosts import NamedCalls
    from ffhost.host.gate import HostGate

StartResponse: TypeAlias = Callable[..., Any]

_BY_FUNCTION = frozenset(f"HTTP_{name.upper().replace('-', '_')}" for name in CALL_FIELDS)
_EXECUTION_ID_KEY = "HTTP_" + EXECUTION_ID_HEADER.upper().replace("-", "_")
_START_RESPONSE = "ffhost.start_response"


class WsgiEnvironMessage(Message):
    """A request from a WSGI environ; rarely needed parts are read on access."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ, params: Mapping[str, str]) -> None:
        self._environ = environ
        self._headers = None  # type: ignore[assignment]
        self.method = environ["REQUEST_METHOD"]
        self.body = b""
        self.params = params
        self.scheme = environ["wsgi.url_scheme"]
        self.client = _client(environ)

    @property
    def path(self) -> str:  # type: ignore[override]
        """Return the path as received, or encoded again if the server does not pass it on."""
        raw: str | None = self._environ.get("RAW_URI") or self._environ.get("REQUEST_URI")
        if raw is None:
            decoded = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
            return quote(decoded.encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
        path = raw.partition("?")[0]
        if path[:1] != "/" and "://" in path:  # absolute form, RFC 9112 section 3.2.2
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        return path

    @property
    def query(self) -> str:  # type: ignore[override]
        """Return the query as received."""
        query: str = self._environ.get("QUERY_STRING", "")
        return query

    @property
    def root_path(self) -> str:  # type: ignore[override]
        """Return where the application is mounted."""
        path: str = self._environ.get("SCRIPT_NAME", "")
        return path.encode("latin-1").decode(errors="replace")

    @property
    def server(self) -> tuple[str, int | None] | None:  # type: ignore[override]
        """Return the server's own address."""
        port = str(self._environ.get("SERVER_PORT", ""))
        return self._environ["SERVER_NAME"], int(port) if port.isdecimal() else None

    @property
    def http_version(self) -> str:  # type: ignore[override]
        """Return the version of HTTP."""
        protocol: str = self._environ.get("SERVER_PROTOCOL", "HTTP/1.1")
        return protocol.rpartition("/")[2]

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the header fields by lower-case name, read at the first use."""
        if self._headers is None:
            headers = {
                key[5:].replace("_", "-").lower(): value
                for key, value in self._environ.items()
                if key.startswith("HTTP_")
            }
            for key, name in (
                ("CONTENT_TYPE", "content-type"),
                ("CONTENT_LENGTH", "content-length"),
            ):
                if self._environ.get(key):
                    headers[name] = self._environ[key]
            self._headers = headers
        return self._headers

    def add_field(self, name: str, value: str) -> None:
        """Add a header field to the message and its environ."""
        self._environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        self._headers = None  # type: ignore[assignment]

    def environ(self) -> Environ:
        """Return the WSGI environ."""
        return self._environ

    def adopt(self) -> None:
        """Write the client's address and scheme into the environ."""
        self._environ["wsgi.url_scheme"] = self.scheme
        if self.client is not None:
            self._environ["REMOTE_ADDR"] = self.client[0]


class WsgiFrontRequest(falcon.Request):
    """The part of a request that Falcon needs to route it.

    Functions get a request of their own, made from the message, so what Falcon's constructor
    reads would not be used.
    """

    def __init__(self, env: Environ, options: falcon.request.RequestOptions | None = None) -> None:
        self.env = env
        self.is_websocket = False
        self.method = env["REQUEST_METHOD"]
        path = env.get("PATH_INFO") or "/"
        self.path = path if path.isascii() else path.encode("latin-1").decode(errors="replace")


class FalconWsgiApp:
    """The stable WSGI application: it delegates to the Falcon app of the current host."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._started = False
        self._lock = threading.Lock()
        service.attach(self)
        # Under gunicorn with our module the service is started before any request.
        if not service.embedded and "ffhost.gunicorn" not in sys.modules:
            service.schedules.warn_of_waiting()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 has it."""
        if not self._started:
            try:
                self._start()
            except Exception as error:
                return self._refuse(error, environ, start_response)
        environ[_START_RESPONSE] = start_response
        return self._falcon(environ, start_response)

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self.service.start()
                self._started = True

    def _refuse(
        self, error: Exception, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer without Falcon that the host could not start; the next request tries again."""
        reply = answer_host_error(error, WsgiEnvironMessage(environ, {}), self.service)
        status = HTTPStatus(reply.status)
        length = ("Content-Length", str(len(reply.body)))
        start_response(f"{status.value} {status.phrase}", [*reply.headers, length])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else reply.body]

    def mount(self, host: Host) -> None:
        """Make the Falcon app of *host*."""
        if any(function.settings.schedules for function in host.functions.values()):
            self.service.schedules.run_with(lambda: wsgi_inner_calls(host, self.service))
        host.serve_calls(_make_calls)
        responding = _Responding(host, self.service)
        router = cast("Any", mount_host(host, self.service, responding))
        with no_system_media_types():
            app: falcon.App[Any, Any] = falcon.App(request_type=WsgiFrontRequest, router=router)
        app.resp_options.default_media_type = None  # type: ignore[assignment]
        for each in (Exception, falcon.HTTPError):
            app.add_error_handler(each, self._answer_error)
        self._falcon = app

    def _answer_error(
        self, req: WsgiFrontRequest, resp: falcon.Response, error: Exception, params: Any
    ) -> None:
        reply = answer_host_error(error, WsgiEnvironMessage(req.env, {}), self.service)
        rewrite_falcon_reply(resp, Reply(reply.status, [], reply.body))
        send_wsgi_reply(req, resp, reply)


def wsgi_inner_calls(host: Host, service: Service) -> FrontInnerCalls:
    """Make what calls the functions of *host* on the background loop."""
    from ffhost.fronts.inner_calls import FrontInnerCalls

    return FrontInnerCalls(host, service, wsgi_background_runner())


def _make_calls() -> NamedCalls:
    """Make what calls functions by name, when the first one is."""
    from ffhost.fronts.calls_by_name import FrontCallsByName

    return FrontCallsByName(wsgi_background_runner)


def wsgi_background_runner() -> LoopRunner:
    """Make what runs calls on the background loop and on threads."""
    from ffhost.execution.loop_caller import LoopRunner

    return LoopRunner(background.get(), pool)


class _Responding:
    """Makes the responders of one host."""

    def __init__(self, host: Host, service: Service) -> None:
        server = host.config.settings.server
        self._host = host
        self._service = service
        self._believe = trust_forwarded(server.trusted_proxies)
        self._read_seconds = float(server.read_timeout)
        self._limit = float(server.max_body_size)

    def delivering(self) -> Responder:
        """Make a responder that delivers events to the functions that want them."""
        from ffhost.events.incoming_events import read_events

        inner: FrontInnerCalls | None = None
        gate, open_calls = self._host.event_gate(), self._host.open_calls

        def on_request(req: WsgiFrontRequest, resp: falcon.Response, **params: str) -> None:
            nonlocal inner
            message = WsgiEnvironMessage(req.env, params)
            identity = choose_execution_id(req.env.get(_EXECUTION_ID_KEY))
            open_calls.add(message)
            try:
                caller = self._let_in(req, message, gate)
                received = read_events(message.headers, message.body, message.path)
                if inner is None:
                    inner = wsgi_inner_calls(self._host, self._service)
                reply = background.run(inner.deliver(received, message, identity, caller))
            except RequestError as error:
                reply = problems.problem_reply(error, identity)
            finally:
                open_calls.discard(message)
            complete_reply(reply, identity, self._service)
            send_wsgi_reply(req, resp, reply)

        return on_request

    def serving_agents(self) -> tuple[Responder, AgentAddress]:
        """Make a responder for agents, and return the address that it serves."""
        from ffhost.fronts.agent_streams import WsgiAgentStream
        from ffhost.host.agent_address import AgentAddress

        address = AgentAddress(self._host, self._service, listens=False)
        gate, open_calls = self._host.mcp_gate(), self._host.open_calls

        def on_request(req: WsgiFrontRequest, resp: falcon.Response, **params: str) -> None:
            message = WsgiEnvironMessage(req.env, params)
            identity = choose_execution_id(req.env.get(_EXECUTION_ID_KEY))
            open_calls.add(message)
            try:
                address.check(message)
                caller = self._let_in(req, message, gate)
                reply = background.run(address.answer(message, identity, caller))
            except RequestError as error:
                reply = problems.problem_reply(error, identity)
            finally:
                open_calls.discard(message)
            address.permit(message, reply)
            complete_reply(reply, identity, self._service)
            send_wsgi_reply(req, resp, reply)
            if reply.chunks is not None:
                resp.stream = WsgiAgentStream(reply.chunks, background.run)

        return on_request, address

    def _let_in(
        self, req: WsgiFrontRequest, message: WsgiEnvironMessage, gate: HostGate | None
    ) -> Principal | None:
        """Return who calls an address of the host: ask its gate, and read the body."""
        judged = None if gate is None else gate.judge(message)
        message.body = read_wsgi_body(req.env, self._limit, self._read_seconds)
        caller = None if gate is None or judged is None else gate.confirm(message, judged)
        if self._believe is not None:
            self._believe(message)
        return caller

    def calling(self, function: Function) -> Responder:
        """Make a responder that calls *function*."""
        caller = BlockingCaller(function, pool, background)
        finish = make_reply_completer(function, self._service)
        resource = WsgiFunctionResource(caller, finish, self._believe, self._read_seconds)
        resource.host = self._host
        gate = self._host.gate(function.name)
        return resource.on_request if gate is None else partial(resource.on_gated_request, gate)

    def working(self, make: MakeReply) -> Responder:
        """Make a responder as `replying` does: this thread may work as long as it takes."""
        return self.replying(make)

    def replying(self, make: MakeReply, otherwise: Responder | None = None) -> Responder:
        """Make a responder that replies at once, or leaves the request to *otherwise*."""

        def on_request(req: WsgiFrontRequest, resp: falcon.Response, **params: str) -> None:
            message = WsgiEnvironMessage(req.env, params)
            identity = choose_execution_id(req.env.get(_EXECUTION_ID_KEY))
            reply = make(message, identity)
            if reply is None:
                assert otherwise is not None
                otherwise(req, resp, **params)
                return
            complete_reply(reply, identity, self._service)
            send_wsgi_reply(req, resp, reply)

        return on_request


class WsgiFunctionResource:
    """One function as a Falcon resource.

    Attributes:
        host: kept for as long as its calls run, because they may call its other functions
    """

    host: Host

    def __init__(
        self,
        caller: BlockingCaller,
        finish: Finish,
        believe: Callable[[Message], None] | None,
        read_seconds: float,
    ) -> None:
        self._caller = caller
        self._finish = finish
        self._believe = believe
        self._read_seconds = read_seconds
        self._settle = make_reply_reporter(caller.function)
        self._limit = caller.function.max_body_bytes

    def on_request(self, req: WsgiFrontRequest, resp: falcon.Response, **params: str) -> None:
        """Answer one request: read it, call the function, write its reply."""
        environ = req.env
        message = WsgiEnvironMessage(environ, params)
        identity = choose_execution_id(environ.get(_EXECUTION_ID_KEY))
        call = Call(self._caller.function, message, identity)
        open_calls = self.host.open_calls
        open_calls.add(call)
        try:
            message.body = read_wsgi_body(environ, self._limit, self._read_seconds)
            if self._believe is not None:
                self._believe(message)
                message.adopt()
            if _BY_FUNCTION.isdisjoint(environ):
                reply = self._caller.answer(call)
            else:
                reply = self._answer_function(call)
        except RequestError as error:
            call.refuse(error)
            reply = problems.problem_reply(error, call.execution_id)
        finally:
            open_calls.discard(call)
        self._finish(call, reply)
        send_wsgi_reply(req, resp, reply)
        if call.channel is not None:
            self._stream(req, resp, call, reply)

    def on_gated_request(
        self, gate: HostGate, req: WsgiFrontRequest, resp: falcon.Response, **params: str
    ) -> None:
        """Answer one request of a function with auth, as `on_request` does for public ones."""
        message = WsgiEnvironMessage(req.env, params)
        identity = choose_execution_id(req.env.get(_EXECUTION_ID_KEY))
        call = Call(self._caller.function, message, identity)
        open_calls = self.host.open_calls
        open_calls.add(call)
        try:
            left = gate.enter(call)
            message.body = read_wsgi_body(req.env, self._limit, self._read_seconds)
            if left is not None:
                gate.check_body(call, left)
            if self._believe is not None:
                self._believe(message)
                message.adopt()
            reply = gate.repeated(call) or (
                self._caller.answer(call)
                if _BY_FUNCTION.isdisjoint(req.env)
                else self._answer_function(call)
            )
        except RequestError as error:
            call.refuse(error)
            reply = problems.problem_reply(error, call.execution_id)
        finally:
            open_calls.discard(call)
        self._finish(call, reply)
        gate.keep(call, reply.status)
        send_wsgi_reply(req, resp, reply)
        if call.channel is not None:
            self._stream(req, resp, call, reply)

    def _answer_function(self, call: Call) -> Reply:
        """Answer a function of another host, which has less time and others that wait for it."""
        from ffhost.execution.nested_callers import NestedThreadCaller

        read_named_call_fields(call)
        return NestedThreadCaller(self._caller.function, pool, background).answer(call)

    def _stream(
        self, req: WsgiFrontRequest, resp: falcon.Response, call: Call, reply: Reply
    ) -> None:
        stream = self._caller.chunks_of(call)
        self.host.open_calls.add(call)
        stream.on_close(partial(self._close, call, reply.status))
        if req.method == "HEAD" or reply.status in (204, 304):
            stream.close()
            resp.stream = UNSENT
        else:
            resp.stream = stream

    def _close(self, call: Call, status: int, sent_bytes: int) -> None:
        self.host.open_calls.discard(call)
        if self._settle is not None:
            self._settle(call, status, sent_bytes)


def _client(environ: Environ) -> tuple[str, int] | None:
    address = environ.get("REMOTE_ADDR")
    if not address:
        return None
    port = str(environ.get("REMOTE_PORT", ""))
    return address, int(port) if port.isdecimal() else 0


def send_wsgi_reply(req: WsgiFrontRequest, resp: falcon.Response, reply: Reply) -> None:
    """Write *reply* into Falcon's response; ``Connection: close`` is passed to the server.

    PEP 3333 forbids applications to set ``Connection``. gunicorn's response object has a
    method for it; other servers decide themselves.
    """
    fields = [(name, value) for name, value in reply.headers if name.lower() != "connection"]
    if len(fields) < len(reply.headers):
        reply.headers = fields
        start_response = req.env.get(_START_RESPONSE)
        force = getattr(getattr(start_response, "__self__", None), "force_close", None)
        if force is not None:
            force()
    write_falcon_reply(resp, reply)
