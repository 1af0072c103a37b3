"""The door of a function: the ways that open it, any one of which will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ffhost.auth.principals import Principal
from ffhost.auth.refusals import CallerRefusal, DeniedCaller, refuse_caller
from ffhost.auth.ways import AuthWay, BodyCheck, WayAwaitingBody


class DoorAwaitingBody:
    """A request that may be let in once its body has been read: a signature covers it."""

    __slots__ = ("_checks", "_refusals")

    def __init__(self, checks: Sequence[BodyCheck], refusals: Sequence[CallerRefusal]) -> None:
        self._checks = checks
        self._refusals = refusals

    def check_body(self, body: bytes) -> Principal | DeniedCaller:
        """Check the whole body."""
        refusals = list(self._refusals)
        for check in self._checks:
            result = check(body)
            if isinstance(result, Principal):
                return result
            refusals.append(result)
        return refuse_caller(refusals)


Admission: TypeAlias = Principal | DeniedCaller | DoorAwaitingBody


class Door:
    """The ways of one function, in the order of the configuration."""

    def __init__(self, ways: Sequence[AuthWay]) -> None:
        if not ways:
            raise ValueError("a door needs a way")
        self.ways = tuple(ways)

    def check(self, headers: Mapping[str, str], now: float) -> Admission:
        """Check a request by its header fields (lower-case names) at the time *now*."""
        refusals: list[CallerRefusal] = []
        checks: list[BodyCheck] = []
        for way in self.ways:
            result = way.check(headers, now)
            if isinstance(result, Principal):
                return result
            if isinstance(result, WayAwaitingBody):
                checks.append(result.finish)
            else:
                refusals.append(result)
        return DoorAwaitingBody(checks, refusals) if checks else refuse_caller(refusals)
