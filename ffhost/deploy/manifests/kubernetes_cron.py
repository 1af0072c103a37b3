"""Cron expressions as Kubernetes and Knative read them, which is not quite as Debian does."""

from __future__ import annotations

from typing import Final, NamedTuple

from ffhost.config.cron import WORDS

DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class KubernetesCron(NamedTuple):
    """An expression for the cluster, None if it cannot be said there; and what is different."""

    text: str | None
    notes: tuple[str, ...] = ()


def kubernetes_cron(text: str, zone: str) -> KubernetesCron:
    """Translate the expression *text*, and name what the cluster's cron does otherwise."""
    fields = WORDS.get(text.strip().lower(), text).upper().split()
    minute, hour, day, month, weekday = fields
    # No name of a day has an L.
    missing = [word for word in ("L", "#") if word in day + weekday]
    if missing:
        return KubernetesCron(
            None, (f"is not exported: the cluster's cron does not know {missing[0]!r}",)
        )
    notes = []
    stepped = [each for each in (day, weekday) if each.startswith("*/")]
    if stepped and "*" not in (day, weekday):
        notes.append("runs there on days that match either field, and here on those of both")
    if zone.upper() != "UTC" and not (minute.startswith("*") or hour.startswith("*")):
        notes.append(
            "does not run there when daylight saving skips its time, and here right after the gap"
        )
    return KubernetesCron(" ".join((minute, hour, day, month, _sundays(weekday))), tuple(notes))


def _sundays(weekday: str) -> str:
    """Write Sunday as 0: the cluster's cron does not know 7."""
    return ",".join(_sunday(term) for term in weekday.split(","))


def _sunday(term: str) -> str:
    span, slash, step = term.partition("/")
    first, dash, last = span.partition("-")
    if last == "7":
        start = DAYS.index(first) if first in DAYS else int(first)
        days = [str(day % 7) for day in range(start, 8, int(step) if slash else 1)]
        return ",".join(days)
    return f"0{slash}{step}" if first == "7" and not dash else term
