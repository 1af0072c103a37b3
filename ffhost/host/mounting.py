"""Mounting of a host on a router: which responder answers which path and method.

What the two fronts mount is decided here, once. A front only provides the responders: one that
calls a function, and one that replies at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import orjson

from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.settings import EventsSettings
from ffhost.errors import MethodNotAllowed, NotFound, RequestError
from ffhost.host.own_addresses import console_url
from ffhost.host.readiness import readiness_answer
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.function import Function
from ffhost.observability.unmatched import UnmatchedRequestLog
from ffhost.web import cors, problems
from ffhost.web.messages import Message, Reply
from ffhost.web.routing import PathRouter, RouteResponders, path_pattern

if TYPE_CHECKING:
    from ffhost.host.agent_address import AgentAddress

OWN_PREFIX = "/_ffhost"
Responder: TypeAlias = Callable[..., Any]
MakeReply: TypeAlias = Callable[[Message, str], Reply | None]
"""Takes a message and its execution id; None passes the request on to the function."""

COMMON_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class MountedResponders(Protocol):
    """How a front makes responders."""

    def calling(self, function: Function) -> Responder:
        """Make a responder that calls *function*."""

    def replying(self, make: MakeReply, otherwise: Responder | None = None) -> Responder:
        """Make a responder that replies at once, or leaves the request to *otherwise*."""

    def serving_agents(self) -> tuple[Responder, AgentAddress]:
        """Make a responder for agents, and return the address that it serves."""

    def working(self, make: MakeReply) -> Responder:
        """Make a responder as `replying` does, of what may take long to make."""

    def delivering(self) -> Responder:
        """Make a responder that delivers events to the functions that want them."""


def mount_host(host: Host, service: Service, front: MountedResponders) -> PathRouter:
    """Mount every function of *host*, the probes, and the answers for everything else."""
    refusals = _Refusals(host, console_url(service.store, host.config.settings))
    missing = front.replying(refusals.not_found)
    router = PathRouter(missing)
    for group in _by_pattern(host).values():
        responders = _responders(group, front, refusals)
        router.mount(group[0].path, front, responders)
    alone = host.catch_all
    if alone is not None:
        if "/" not in {function.path for function in host.functions.values()}:
            router.mount("/", front, _responders([alone], front, refusals))
        for path in ("/favicon.ico", "/robots.txt"):
            router.pin(path, front, RouteResponders({}, missing))
    if host.config.settings.events is not None:
        _mount_events(router, host.config.settings.events, front, refusals)
    if host.config.settings.mcp is not None:
        _mount_agents(router, host.config.settings.mcp.path, front, refusals)
    if host.config.settings.openapi is not None:
        _mount_document(router, host, service, front, refusals)
    _mount_probes(router, service, front, refusals, missing)
    return router


def _by_pattern(host: Host) -> dict[tuple[str | None, ...], list[Function]]:
    groups: dict[tuple[str | None, ...], list[Function]] = {}
    for function in host.functions.values():
        groups.setdefault(path_pattern(function.path), []).append(function)
    return groups


def _responders(
    group: list[Function], front: MountedResponders, refusals: _Refusals
) -> RouteResponders:
    """Return the responders of functions that share a path with different methods."""
    by_method: dict[str, Responder] = {}
    everything: Responder | None = None
    for function in group:
        responder = front.calling(function)
        if function.methods is None:
            everything = responder
            continue
        by_method.update(dict.fromkeys(function.methods, responder))
        if "GET" in function.methods:
            by_method.setdefault("HEAD", responder)
    allow = ", ".join(sorted(by_method))
    rules = next((each.settings.cors for each in group if each.settings.cors is not None), None)
    otherwise = everything or front.replying(refusals.of_method(allow, rules))
    if rules is not None and not any(
        function.methods is not None and "OPTIONS" in function.methods for function in group
    ):
        by_method["OPTIONS"] = front.replying(_preflight(group), otherwise)
    return RouteResponders(by_method, otherwise)


def _preflight(group: list[Function]) -> MakeReply:
    def make(message: Message, _execution_id: str) -> Reply | None:
        if not cors.is_preflight(message):
            return None
        asked = message.header("access-control-request-method")
        for function in group:
            if function.methods is None or asked in function.methods:
                if function.settings.cors is None:
                    break
                return cors.answer_preflight(
                    function.settings.cors, function.methods or COMMON_METHODS, message
                )
        return None

    return make


_MOST_NAMED = 10
"""Most paths that an answer names while debugging."""


class _Refusals:
    """Answers for requests that match no function: no such path, or not with this method."""

    def __init__(self, host: Host, console: str | None) -> None:
        self._console = console
        self._reports = UnmatchedRequestLog(host.config)
        debug = host.config.settings.server.debug
        self._paths = [each.path for each in host.functions.values()] if debug else []

    def not_found(self, message: Message, execution_id: str) -> Reply:
        """Answer a request for a path that nothing is served at."""
        detail = "no function is served at this path"
        near = nearest_known_word(message.path, self._paths)
        if near is not None:
            detail += f"; did you mean {near}?"
        elif self._paths:
            more = ", ..." if len(self._paths) > _MOST_NAMED else ""
            detail += f"; there are {', '.join(self._paths[:_MOST_NAMED])}{more}"
        if self._console is not None:
            detail += f"; see what is served at {self._console}"
        return self._reply(message, NotFound(detail), execution_id)

    def of_method(self, allow: str, rules: cors.CorsRules | None = None) -> MakeReply:
        """Return the answer for methods that are not among those of a path.

        Args:
            allow: the methods that are, as the header field ``Allow`` has them
            rules: which pages may read the answer; None if the path has no CORS
        """

        def make(message: Message, execution_id: str) -> Reply:
            error = MethodNotAllowed(
                f"{message.method} is not among the methods of this path", headers={"Allow": allow}
            )
            reply = self._reply(message, error, execution_id)
            if rules is not None:
                cors.permit_cross_origin(rules, message, reply)
            return reply

        return make

    def _reply(self, message: Message, error: RequestError, execution_id: str) -> Reply:
        reply = problems.problem_reply(error, execution_id)
        self._reports.report(message, reply.status, execution_id)
        return reply


def _mount_events(
    router: PathRouter, settings: EventsSettings, front: MountedResponders, refusals: _Refusals
) -> None:
    from ffhost.host.event_answers import METHODS, answer_event_handshake

    def answer(message: Message, execution_id: str) -> Reply:
        return answer_event_handshake(settings, message, execution_id)

    responders = {"POST": front.delivering(), "OPTIONS": front.replying(answer)}
    refuse = front.replying(refusals.of_method(METHODS))
    router.mount(settings.path, front, RouteResponders(responders, refuse))


def _mount_agents(
    router: PathRouter, path: str, front: MountedResponders, refusals: _Refusals
) -> None:
    responder, address = front.serving_agents()
    by_method = dict.fromkeys(address.methods, responder)
    if address.cors is not None:
        by_method["OPTIONS"] = front.replying(address.preflight)
    refuse = front.replying(refusals.of_method(", ".join(address.methods)))
    router.pin(path, front, RouteResponders(by_method, refuse))


def _mount_document(
    router: PathRouter, host: Host, service: Service, front: MountedResponders, refusals: _Refusals
) -> None:
    from ffhost.host.api_document import ServedApiDocument

    kept = service.store.keep(ServedApiDocument, "", ServedApiDocument)

    def answer(_message: Message, _execution_id: str) -> Reply:
        return kept.reply(host)

    settings = host.config.settings.openapi
    assert settings is not None
    responder = front.working(answer)
    refuse = front.replying(refusals.of_method("GET, HEAD"))
    router.pin(settings.path, front, RouteResponders({"GET": responder, "HEAD": responder}, refuse))


def _mount_probes(
    router: PathRouter,
    service: Service,
    front: MountedResponders,
    refusals: _Refusals,
    missing: Responder,
) -> None:
    def live(_message: Message, _execution_id: str) -> Reply:
        return _json(200, {"status": "live"})

    def ready(_message: Message, _execution_id: str) -> Reply:
        return _json(*readiness_answer(service))

    # No path below the prefix reaches a function, even if a function owns the root.
    router.mount(OWN_PREFIX, front, RouteResponders({}, missing))
    refuse = front.replying(refusals.of_method("GET, HEAD"))
    for name, make in (("live", live), ("ready", ready)):
        responder = front.replying(make)
        router.pin(
            f"{OWN_PREFIX}/{name}",
            front,
            RouteResponders({"GET": responder, "HEAD": responder}, refuse),
        )


def _json(status: int, value: dict[str, Any]) -> Reply:
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    return Reply(status, headers, orjson.dumps(value) + b"\n")
