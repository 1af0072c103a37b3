"""Numbers: what is counted, how workers' numbers add up, and how they are shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ffhost.host.admin.pages import AdminPages
from ffhost.observability.metrics.counters import DURATIONS, LAGS, OUTCOMES
from ffhost.observability.metrics.totals_files import (
    MetricsStorage,
    metrics_folder_of,
    remove_metrics_files,
)
from ffhost.observability.metrics.worker_totals import (
    MetricsSnapshot,
    ProcessMetrics,
    WorkerMetrics,
    add_up_metrics,
)
from ffhost.testing import Client
from ffhost.web.messages import Message
from tests.conftest import Serve
from tests.serving import Running, eventually, server

Samples = dict[tuple[Any, ...], float]


def samples(text: str) -> Samples:
    """Read Prometheus' text: (name, label values in the order of their names) to value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(host: Client, accept: str = "") -> Samples:
    admin = host.service_admin  # type: ignore[attr-defined]
    reply = admin.answer(Message("GET", "/metrics", headers={"accept": accept}))
    assert reply.status == 200
    return samples(reply.body.decode())


CODE = """
import time

def fine(request):
    return "fine"

async def coroutine(request):
    return "fine", 404

def crash(request):
    raise ValueError

def slow(request):
    time.sleep(0.4)

def on_event(event):
    pass
"""

CONFIG = """
logging: {invocations: false}
admin: {enabled: true}
functions:
  m-fine: {target: "main.py:fine"}
  m-coroutine: {target: "main.py:coroutine"}
  m-crash: {target: "main.py:crash"}
  m-slow: {target: "main.py:slow", timeout: 50ms, concurrency: 1, queue: 1, queue_timeout: 50ms}
  m-off: {target: "main.py:fine", enabled: false}
  m-event: {target: "main.py:on_event", signature: cloudevent}
"""


def watched(host: Client) -> Client:
    """Give *host* with pages of its own, as its admin listener would have."""
    host.service_admin = AdminPages(host.service)  # type: ignore[attr-defined]
    return host


def test_calls_are_counted_by_function_signature_and_outcome(serve: Serve) -> None:
    host = watched(serve(CODE, CONFIG))
    before = scrape(host)
    paths = ["/m-fine"] * 3 + ["/m-coroutine", "/m-crash", "/m-slow", "/m-slow", "/m-off"]
    for path in [*paths, "/nowhere", "/_ffhost/live"]:
        host.get(path)
    after = scrape(host)
    counted = {
        key[1:]: value - before.get(key, 0)
        for key, value in after.items()
        if key[0] == "ffhost_calls_total" and value != before.get(key, 0)
    }
    assert counted == {
        ("m-fine", "ok", "http"): 3,
        ("m-coroutine", "client_error", "http"): 1,
        ("m-crash", "crash", "http"): 1,
        ("m-slow", "timeout", "http"): 1,
        ("m-slow", "rejected", "http"): 1,
        ("m-off", "rejected", "http"): 1,
    }
    assert after["ffhost_calls_refused_total", "m-slow"] == 1
    assert after["ffhost_calls_in_flight", "m-slow"] == 1


def test_durations_fall_into_buckets_that_add_up(serve: Serve) -> None:
    host = watched(serve(CODE, CONFIG))
    before = scrape(host)
    host.get("/m-slow")
    after = scrape(host)

    def grown(*key: str) -> float:
        return after[key] - before.get(key, 0)

    name = "ffhost_call_duration_seconds"
    assert grown(f"{name}_bucket", "m-slow", "0.025") == 0
    assert grown(f"{name}_bucket", "m-slow", "2.5") == 1
    assert grown(f"{name}_bucket", "m-slow", "+Inf") == grown(f"{name}_count", "m-slow") == 1
    assert 0.05 <= grown(f"{name}_sum", "m-slow") < 2.5


def test_the_age_of_events_is_measured(serve: Serve) -> None:
    host = watched(serve(CODE, CONFIG))
    before = scrape(host)
    sent = datetime.now(UTC) - timedelta(seconds=30)
    for time_ in (sent.isoformat(), None, (sent + timedelta(hours=1)).isoformat()):
        headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
        if time_ is not None:
            headers["ce-time"] = time_
        assert host.post("/m-event", headers=headers).status == 204
    after = scrape(host)

    def grown(*key: str) -> float:
        return after[key] - before.get(key, 0)

    name = "ffhost_event_lag_seconds"
    assert grown(f"{name}_count", "m-event") == 2
    assert grown(f"{name}_bucket", "m-event", "0.1") == 1  # a clock that is ahead
    assert grown(f"{name}_bucket", "m-event", "60.0") == 2
    assert 29 < grown(f"{name}_sum", "m-event") < 60


def test_reloads_and_revisions_are_told(serve: Serve, tmp_path: Path) -> None:
    host = watched(serve(CODE, CONFIG))
    file = tmp_path / "functions.yaml"
    first = host.service.config.revision
    assert scrape(host)["ffhost_config_info", first] == 1
    file.write_text(CONFIG + "  again: {target: 'main.py:fine'}\n")
    assert host.service.reload()
    found = scrape(host)
    assert found["ffhost_config_reloads_total", "good"] == 1
    assert found["ffhost_config_last_reload_successful",] == 1
    stamp = found["ffhost_config_last_reload_success_timestamp_seconds",]
    assert abs(stamp - time.time()) < 60
    assert ("ffhost_config_info", first) not in found
    file.write_text("functions: {}\n")
    assert not host.service.reload()
    found = scrape(host)
    assert found["ffhost_config_reloads_total", "bad"] == 1
    assert found["ffhost_config_last_reload_successful",] == 0
    assert found["ffhost_config_last_reload_success_timestamp_seconds",] == stamp


def test_the_process_and_the_build_are_told(serve: Serve) -> None:
    from ffhost import __version__

    found = scrape(watched(serve(CODE, CONFIG)))
    assert found["ffhost_workers",] == 1
    assert found["process_resident_memory_bytes",] > 1_000_000
    assert found["process_open_fds",] > 2
    assert found["process_cpu_seconds_total",] > 0
    assert [key for key in found if key[0] == "ffhost_build_info"] == [
        ("ffhost_build_info", sys.version.split()[0], __version__)
    ]


def test_openmetrics_is_written_for_who_asks_for_it(serve: Serve) -> None:
    host = watched(serve(CODE, CONFIG))
    admin = host.service_admin  # type: ignore[attr-defined]
    accept = "application/openmetrics-text; version=1.0.0"
    reply = admin.answer(Message("GET", "/metrics", headers={"accept": accept}))
    assert reply.header("content-type").startswith("application/openmetrics-text")
    assert reply.body.endswith(b"# EOF\n")


def test_no_label_grows_with_what_callers_send(serve: Serve) -> None:
    host = watched(serve(CODE, CONFIG))
    host.get("/m-fine/warm")
    before = set(scrape(host))
    for number in range(20):
        headers = {"function-execution-id": str(number), "user-agent": str(number)}
        host.request("GET", f"/m-fine/{number}?q={number}", headers=headers)
    assert set(scrape(host)) == before


# Adding up


def snapshot(pid: int, ok: int, **worker: Any) -> MetricsSnapshot:
    durations, lags = [ok] + [0] * len(DURATIONS), [0] * (len(LAGS) + 1)
    outcomes = [ok] + [0] * (len(OUTCOMES) - 1)
    counts = [["f", "http", outcomes, durations, ok / 2, lags, 0.0]]
    return MetricsSnapshot(
        pid, False, counts, WorkerMetrics(**worker), ProcessMetrics(cpu_seconds=1.0, threads=2)
    )


def ended() -> int:
    """Give the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_workers_counted_outlives_them_and_what_they_do_does_not(tmp_path: Path) -> None:
    storage = MetricsStorage(tmp_path / "shared")
    gone = snapshot(ended(), 3, running={"f": 5}, revision="old", refused={"f": 1})
    (storage.folder / "1-1.json").write_bytes(gone.encode())
    storage.write(snapshot(os.getpid(), 4, running={"f": 1}, revision="new"))
    totals = add_up_metrics(storage.read())
    assert (totals.workers, totals.calls("f")[0]) == (1, 7)
    assert (totals.running, totals.revisions) == ({"f": 1}, {"new": 1})
    assert (totals.refused, totals.process.cpu_seconds) == ({"f": 1}, 2.0)


def test_files_of_the_past_are_folded_and_counted_once(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    MetricsStorage(folder)
    for generation in range(1, 4):
        for number in range(3):
            worker = snapshot(ended() if number == 0 else 0, 1)
            worker.ended = number != 0
            (folder / f"{generation}-{number}.json").write_bytes(worker.encode())
        storage = MetricsStorage(folder)
        assert list(folder.glob("*.json")) == []
        assert add_up_metrics(storage.read()).calls("f")[0] == 3 * generation


def test_a_worker_that_dies_while_it_folds_counts_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    MetricsStorage(folder)
    worker = snapshot(1, 5)
    worker.ended = True
    (folder / "1-1.json").write_bytes(worker.encode())
    MetricsStorage(folder)
    # As if it had been killed before it removed the file.
    (folder / "1-1.json").write_bytes(worker.encode())
    assert add_up_metrics(MetricsStorage(folder).read()).calls("f")[0] == 5


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shared").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        MetricsStorage(tmp_path / "shared")


def test_removing_takes_what_dead_masters_have_left() -> None:
    mine = metrics_folder_of(os.getpid())
    dead = mine.with_name(f"ffhost-metrics-{ended()}-12345")
    for folder in (mine, dead):
        MetricsStorage(folder)
    remove_metrics_files(os.getpid())
    assert not mine.exists()
    assert not dead.exists()


# Two workers


def admin_text(running: Running, path: str) -> str:
    with urllib.request.urlopen(running.urls()[1] + path, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_the_numbers_of_two_workers_add_up_also_when_one_is_replaced(tmp_path: Path) -> None:
    sets = ("server.workers=2", "admin.enabled=true", "admin.port=0")
    with server(tmp_path, *sets) as running:
        running.urls()
        made = 0

        def call(count: int) -> None:
            nonlocal made
            with ThreadPoolExecutor(4) as threads:
                assert set(threads.map(lambda _: running.get("/hello"), range(count))) == {"hello"}
            made += count

        def counted() -> float:
            found = samples(admin_text(running, "/metrics"))
            return found.get(("ffhost_calls_total", "hello", "ok", "http"), 0)

        call(60)
        eventually(lambda: counted() == made, "all calls are counted")
        before = running.workers()
        assert len(before) == 2
        ended = before.pop()
        os.kill(ended, signal.SIGTERM)
        eventually(lambda: len(running.workers() - {ended}) == 2, "replaced")
        assert running.process.poll() is None, running.output + running.errors
        call(60)
        eventually(lambda: counted() == made, "all calls are counted after the replacement")
        eventually(
            lambda: samples(admin_text(running, "/metrics"))["ffhost_workers",] == 2, "two live"
        )
        assert counted() == made
        folder = metrics_folder_of(running.process.pid)
        assert folder.exists()
        running.send(signal.SIGINT)
        assert running.wait() == 0
        assert not folder.exists()
