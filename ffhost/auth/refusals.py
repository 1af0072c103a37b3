"""Why a caller is refused, and what he is told. Nothing here logs.

The caller learns no more than RFC 6750 says: that credentials are needed, that they are not
valid, or that they do not suffice. The reason is for the log.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ffhost.errors import (
    Forbidden,
    RequestError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

MISSING = "no credentials"
"""The reason of a request that does not try to prove anything to a way."""
REALM = "ffhost"
KEYS_RETRY_AFTER = 5
"""Seconds after which to try again while there are no keys to judge a token by."""


class CallerRefusal(NamedTuple):
    """Why one way did not let a caller in.

    Attributes:
        status: 401, 403, 429 or 503
        reason: why, for the log; one of a fixed set of texts
        challenge: the way's part of ``WWW-Authenticate``, for 401 and 403
        retry_after: seconds, for 429 and 503
        way: name of the way
    """

    status: int
    reason: str
    challenge: str = ""
    retry_after: float = 0
    way: str = ""


_WEIGHTS = {429: 3, 503: 2, 403: 1, 401: 0}
"""Of several ways the one that came nearest to letting the caller in speaks."""


class DeniedCaller(NamedTuple):
    """A caller who may not call: the answer for him, and the refusal for the log."""

    error: RequestError
    refusal: CallerRefusal


def refuse_caller(refusals: Sequence[CallerRefusal]) -> DeniedCaller:
    """Return the answer for a caller whom none of the ways lets in."""
    chosen = max(refusals, key=lambda each: (_WEIGHTS[each.status], each.reason != MISSING))
    return DeniedCaller(_answer(chosen, refusals), chosen)


def _answer(chosen: CallerRefusal, refusals: Sequence[CallerRefusal]) -> RequestError:
    if chosen.status == 429:
        return TooManyRequests("too many calls with these credentials", headers=_later(chosen))
    if chosen.status == 503:
        return Unavailable("credentials cannot be checked at the moment", headers=_later(chosen))
    if chosen.status == 403:
        headers = {"www-authenticate": chosen.challenge}
        return Forbidden("the credentials do not allow this call", headers=headers)
    challenges = dict.fromkeys(each.challenge for each in refusals if each.challenge)
    headers = {"www-authenticate": ", ".join(challenges)}
    return Unauthenticated("valid credentials are required", headers=headers)


def _later(refusal: CallerRefusal) -> dict[str, str]:
    return {"retry-after": str(max(1, math.ceil(refusal.retry_after)))}
