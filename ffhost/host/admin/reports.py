"""Reports on a service: its activity, functions, schedules and health. Pure values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ffhost import __version__
from ffhost.config.settings import plain_setting
from ffhost.execution.stuck_calls import stuck_calls
from ffhost.host.readiness import readiness_answer
from ffhost.host.service import Service
from ffhost.invocation.function import Function
from ffhost.observability.metrics.counters import OUTCOMES
from ffhost.observability.metrics.worker_totals import MetricsTotals, WorkerMetrics
from ffhost.observability.unmatched import unmatched_counts


def admin_worker_report(service: Service) -> WorkerMetrics:
    """Return the present activity of this worker."""
    worker = WorkerMetrics(
        phase=service.phase,
        revision=service.config.revision,
        reloads_good=service.reloads_good,
        reloads_bad=service.reloads_bad,
        last_reload=service.last_reload,
        reload_refused=service.reload_error is not None,
        unmatched=unmatched_counts.read(),
    )
    any_stuck = stuck_calls.count() > 0
    for name, function in service.host.functions.items():
        slots = function.slots
        if slots.running:
            worker.running[name] = slots.running
            if any_stuck and (stuck := stuck_calls.count(name)):
                worker.stuck[name] = stuck
        if slots.waiting:
            worker.waiting[name] = slots.waiting
        if slots.rejected:
            worker.refused[name] = slots.rejected
    return worker


def admin_functions_report(service: Service, totals: MetricsTotals) -> dict[str, Any]:
    """List the functions, with the numbers of all workers."""
    return {
        "revision": service.config.revision,
        "workers": totals.workers,
        "functions": [_function(service, each, totals) for each in service.host.functions.values()],
    }


def _function(service: Service, function: Function, totals: MetricsTotals) -> dict[str, Any]:
    name, settings = function.name, function.settings
    counted = totals.calls(name)
    return {
        "name": name,
        "status": _status(function, totals),
        "path": function.path,
        "methods": None if function.methods is None else sorted(function.methods),
        "signature": function.signature,
        "tool": settings.tool,
        "target": function.target,
        "file": getattr(function.module, "__file__", None),
        "declared": service.config.locate(("functions", name)).place,
        "load_seconds": function.load_seconds,
        "hooks": [hook.name for hook in function.hooks],
        "limits_per_worker": {
            key: plain_setting(getattr(settings, key))
            for key in ("timeout", "concurrency", "queue", "queue_timeout", "max_body_size")
        },
        "in_flight": totals.running.get(name, 0),
        "queued": totals.waiting.get(name, 0),
        "stuck": totals.stuck.get(name, 0),
        "refused": totals.refused.get(name, 0),
        "calls": dict(zip(OUTCOMES, counted, strict=True)) if counted else None,
    }


def _status(function: Function, totals: MetricsTotals) -> str:
    if function.load_error is not None:
        return "failed to load"
    if function.unavailable is not None:
        return "switched off"
    return "stuck calls" if totals.stuck.get(function.name) else "ok"


def admin_schedules_report(service: Service) -> dict[str, Any]:
    """List the schedules that run here, with the next time of each."""
    now = datetime.now(UTC)
    return {
        "enabled": service.config.settings.schedules.enabled,
        "ticks_in_this_worker": service.schedules.ticks_here,
        "schedules": [
            {
                "function": each.function,
                "index": each.index,
                "cron": each.times.text,
                "timezone": each.zone,
                "next": _written(next(each.times.times(now), None)),
            }
            for each in service.schedules.current()
        ],
    }


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def admin_health_report(service: Service, totals: MetricsTotals) -> tuple[dict[str, Any], int]:
    """Return the state of the service, and the status of the readiness probe."""
    status, ready = readiness_answer(service)
    functions = {}
    for name, function in service.host.functions.items():
        functions[name] = {"status": _status(function, totals)}
        if function.load_error is not None:
            functions[name]["problem"] = str(function.load_error)
    return {
        "status": ready["status"],
        "version": __version__,
        "revision": service.config.revision,
        "workers": totals.workers,
        "phases": totals.phases,
        "revisions": totals.revisions,
        "reloads": {
            "good": totals.reloads_good,
            "bad": totals.reloads_bad,
            "last_success": totals.last_reload,
            "refused": service.reload_error,
        },
        "functions": functions,
    }, status
