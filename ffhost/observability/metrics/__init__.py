"""Metrics: plain numbers in each worker, copied into files that any worker can add up.

A call costs a lock and a few additions. prometheus-client gives the format only, and is
imported when somebody asks: its own multiprocess mode would cost a third of the throughput.

Labels are names of functions, signatures and outcomes. Never a path, an id or a pid, so the
number of series is bounded by the configuration.

Knows nothing of servers, hosts or runners: a callable passed to `MetricsPublisher` returns the
present state of the worker.
"""

from __future__ import annotations

from ffhost.observability.metrics.counters import CallCounters, call_counters_of

__all__ = ["CallCounters", "call_counters_of"]
