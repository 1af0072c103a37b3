"""The schedules of a configuration with their next times, for ``ffhost functions``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from ffhost.cli.tables import align_table_columns
from ffhost.config import LoadedConfig
from ffhost.config.cron import cron_time_zone
from ffhost.host.schedule_plan import Schedule
from ffhost.host.schedules import function_schedules

_NEXT_TIMES = 3


def print_schedule_table(config: LoadedConfig, format: str) -> None:
    """Print every schedule, also those of functions that are switched off."""
    names = list(config.settings.functions) if config.single is None else [config.single]
    now = datetime.now(UTC)
    records = [_record(each, now) for name in names for each in function_schedules(config, name)]
    if format == "json":
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    heads = ("function", "index", "cron", "timezone", "overlap", "missed", "next")
    rows = [
        (*(str(record[head]) for head in heads[:-1]), ", ".join(record["next"]))
        for record in records
    ]
    click.echo(
        align_table_columns([heads, *rows]) if rows else "no function has a schedule\n", nl=False
    )
    if not config.settings.schedules.enabled:
        click.echo("\nnote: nothing runs by the clock here: schedules.enabled is false", err=True)


def _record(schedule: Schedule, now: datetime) -> dict[str, Any]:
    zone = cron_time_zone(schedule.zone)
    return {
        "function": schedule.function,
        "index": schedule.index,
        "cron": schedule.times.text,
        "timezone": schedule.zone,
        "overlap": schedule.overlap,
        "missed": schedule.missed,
        "next": [
            time.astimezone(zone).isoformat(timespec="minutes")
            for time in islice(schedule.times.times(now), _NEXT_TIMES)
        ],
    }
