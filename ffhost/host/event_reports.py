"""Log entries and metrics of the delivery of events."""

from __future__ import annotations

from collections.abc import Sequence

from ffhost.config import LoadedConfig
from ffhost.events.incoming_events import ReceivedEvent
from ffhost.events.subscriptions import SubscriptionFilterFailure
from ffhost.events.verdicts import EventVerdict
from ffhost.host.event_delivery import EventDeliveryResult
from ffhost.invocation.logger import get_logger
from ffhost.observability.metrics.event_counters import EventCounters, event_counts


class EventDeliveryLog:
    """Logs and counts the events that arrive at one host; see `EventDeliveryReports`."""

    def __init__(self, config: LoadedConfig) -> None:
        settings = config.settings
        self._tells_each = settings.logging.invocations
        counts = settings.admin.enabled and settings.metrics.enabled
        self._counts: EventCounters | None = event_counts if counts else None

    def routed(self, event: ReceivedEvent, functions: Sequence[str]) -> None:
        """Count *event* by what became of it."""
        if self._counts is not None:
            self._counts.received(str(event.attributes["type"]), matched=bool(functions))

    def filter_failed(self, event: ReceivedEvent, failed: SubscriptionFilterFailure) -> None:
        """Log which expression failed, and how."""
        get_logger("ffhost").warning(
            "event_filter_failed",
            function=failed.function,
            expression=failed.failure.expression,
            error=failed.failure.error.kind,
            reason=str(failed.failure.error),
            **_facts(event),
        )

    def ended(self, event: ReceivedEvent, verdict: EventVerdict) -> None:
        """Count the delivery to a function."""
        if self._counts is not None:
            self._counts.delivered(
                verdict.function, str(event.attributes["type"]), taken=verdict.taken
            )

    def dropped(self, event: ReceivedEvent, why: str) -> None:
        """Log that an event is not routed further."""
        get_logger("ffhost").error("event_dropped", reason=why, **_facts(event))

    def answered(
        self, results: Sequence[EventDeliveryResult], seconds: float, execution_id: str
    ) -> None:
        """Write the summary entry of each event that arrived."""
        if not self._tells_each:
            return
        log = get_logger("ffhost.events")
        for result in results:
            write = log.info if result.status < 300 else log.warning
            write(
                _message(result),
                **_facts(result.event),
                status=result.status,
                functions={each.function: each.outcome for each in result.verdicts},
                execution_id=execution_id,
                duration_seconds=round(seconds, 6),
            )


def _message(result: EventDeliveryResult) -> str:
    if not result.verdicts:
        return "event_unmatched"
    return "event_delivered" if result.status < 300 else "event_not_delivered"


def _facts(event: ReceivedEvent) -> dict[str, str]:
    attributes = event.attributes
    return {
        "event_id": str(attributes["id"]),
        "event_type": str(attributes["type"]),
        "event_source": str(attributes["source"]),
    }
