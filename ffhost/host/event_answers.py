"""Answers of the address for events: to a delivery, and to the handshake before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ffhost.config.settings import EventsSettings
from ffhost.events.verdicts import event_retry_after, worst_event_status
from ffhost.host.event_delivery import EventDeliveryResult
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

METHODS = "OPTIONS, POST"


def answer_event_delivery(
    results: Sequence[EventDeliveryResult], is_batch: bool, identity: str
) -> Reply:
    """Return the answer to the sender: 204, or the worst status with a line per function."""
    status = worst_event_status(result.status for result in results)
    if status == 204:
        return Reply(204)
    verdicts = [verdict for result in results for verdict in result.verdicts]
    failed = sum(not each.taken for each in verdicts)
    return problems.problem_with_status(
        status,
        "Event not delivered",
        f"{failed} of {len(verdicts)} functions failed to process their event",
        identity,
        members={"events": _by_index(results)} if is_batch else _lines(results[0]),
        headers=event_retry_after(verdicts, status),
    )


def _by_index(results: Sequence[EventDeliveryResult]) -> list[dict[str, Any]]:
    return [
        {"index": index, "status": result.status, **_lines(result)}
        for index, result in enumerate(results)
    ]


def _lines(result: EventDeliveryResult) -> dict[str, Any]:
    return {"functions": [each.as_json() for each in result.verdicts]}


def answer_event_handshake(settings: EventsSettings, message: Message, identity: str) -> Reply:
    """Answer the handshake of "HTTP 1.1 Web Hooks for Event Delivery", section 4.

    A sender asks whether it may deliver here, and how often. There is no rate limit: the
    concurrency limits of the functions apply.
    """
    origin = message.header("webhook-request-origin")
    headers = [("allow", METHODS)]
    if origin is None:
        return Reply(204, headers)
    if "*" not in settings.allow_origins and not _is_allowed(origin, settings.allow_origins):
        detail = "this sender may not deliver events here"
        return problems.problem_with_status(403, "Forbidden", detail, identity)
    headers.append(("webhook-allowed-origin", origin))
    if message.header("webhook-request-rate") is not None:
        headers.append(("webhook-allowed-rate", "*"))
    return Reply(200, headers)


def _is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    # Names of the domain name system: their case does not count (RFC 4343).
    return origin.lower() in [each.lower() for each in allowed]
