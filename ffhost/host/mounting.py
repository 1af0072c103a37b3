"""Mounting of a host on a router: which responder answers which path and method.

What the two fronts mount is decided here, once. A front only provides the responders: one that
calls a function, and one that replies at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import orjson

from ffhost.config.settings import EventsSettings
from ffhost.errors import MethodNotAllowed, NotFound
from ffhost.host.readiness import ready_state
from ffhost.host.service import Service
from ffhost.host.snapshot import Host
from ffhost.invocation.function import Function
from ffhost.web import cors, problems
from ffhost.web.messages import Message, Reply
from ffhost.web.routing import Responders, Router, pattern

OWN_PREFIX = "/_ffhost"
Responder: TypeAlias = Callable[..., Any]
MakeReply: TypeAlias = Callable[[Message, str], Reply | None]
"""Takes a message and its execution id; None passes the request on to the function."""

COMMON_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Responding(Protocol):
    """How a front makes responders."""

    def calling(self, function: Function) -> Responder:
        """Make a responder that calls *function*."""

    def replying(self, make: MakeReply, otherwise: Responder | None = None) -> Responder:
        """Make a responder that replies at once, or leaves the request to *otherwise*."""

    def delivering(self) -> Responder:
        """Make a responder that delivers events to the functions that want them."""


def build_router(host: Host, service: Service, front: Responding) -> Router:
    """Mount every function of *host*, the probes, and the answers for everything else."""
    missing = front.replying(_not_found)
    router = Router(missing)
    for group in _by_pattern(host).values():
        responders = _responders(group, front)
        router.mount(group[0].path, front, responders)
    alone = host.catch_all
    if alone is not None:
        if "/" not in {function.path for function in host.functions.values()}:
            router.mount("/", front, _responders([alone], front))
        for path in ("/favicon.ico", "/robots.txt"):
            router.pin(path, front, Responders({}, missing))
    if host.config.settings.events is not None:
        _mount_events(router, host.config.settings.events, front)
    _mount_probes(router, service, front, missing)
    return router


def _by_pattern(host: Host) -> dict[tuple[str | None, ...], list[Function]]:
    groups: dict[tuple[str | None, ...], list[Function]] = {}
    for function in host.functions.values():
        groups.setdefault(pattern(function.path), []).append(function)
    return groups


def _responders(group: list[Function], front: Responding) -> Responders:
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
    otherwise = everything or front.replying(_refuse_method(", ".join(sorted(by_method))))
    if any(function.settings.cors is not None for function in group) and not any(
        function.methods is not None and "OPTIONS" in function.methods for function in group
    ):
        by_method["OPTIONS"] = front.replying(_preflight(group), otherwise)
    return Responders(by_method, otherwise)


def _preflight(group: list[Function]) -> MakeReply:
    def make(message: Message, _execution_id: str) -> Reply | None:
        if not cors.is_preflight(message):
            return None
        asked = message.header("access-control-request-method")
        for function in group:
            if function.methods is None or asked in function.methods:
                if function.settings.cors is None:
                    break
                return cors.preflight(
                    function.settings.cors, function.methods or COMMON_METHODS, message
                )
        return None

    return make


def _not_found(_message: Message, execution_id: str) -> Reply:
    return problems.problem(NotFound("no function is served at this path"), execution_id)


def _refuse_method(allow: str) -> MakeReply:
    def make(message: Message, execution_id: str) -> Reply:
        error = MethodNotAllowed(
            f"{message.method} is not among the methods of this path", headers={"Allow": allow}
        )
        return problems.problem(error, execution_id)

    return make


def _mount_events(router: Router, settings: EventsSettings, front: Responding) -> None:
    from ffhost.host.event_answers import METHODS, handshake

    def answer(message: Message, execution_id: str) -> Reply:
        return handshake(settings, message, execution_id)

    responders = {"POST": front.delivering(), "OPTIONS": front.replying(answer)}
    refuse = front.replying(_refuse_method(METHODS))
    router.mount(settings.path, front, Responders(responders, refuse))


def _mount_probes(router: Router, service: Service, front: Responding, missing: Responder) -> None:
    def live(_message: Message, _execution_id: str) -> Reply:
        return _json(200, {"status": "live"})

    def ready(_message: Message, _execution_id: str) -> Reply:
        return _json(*ready_state(service))

    # No path below the prefix reaches a function, even if a function owns the root.
    router.mount(OWN_PREFIX, front, Responders({}, missing))
    refuse = front.replying(_refuse_method("GET, HEAD"))
    for name, make in (("live", live), ("ready", ready)):
        responder = front.replying(make)
        router.pin(
            f"{OWN_PREFIX}/{name}", front, Responders({"GET": responder, "HEAD": responder}, refuse)
        )


def _json(status: int, value: dict[str, Any]) -> Reply:
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    return Reply(status, headers, orjson.dumps(value) + b"\n")
