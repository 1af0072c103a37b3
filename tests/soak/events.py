"""Many events, many subscriptions, functions that fail, and a sender that repeats.

Sixty functions with 200 subscriptions are served by one worker. Events that are not answered with
2xx are sent again, and the configuration is reloaded every second. In the end every function must
have taken each of its events at least once, none of the others, and hardly any twice.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ffhost.config import ConfigSources, load_config
from ffhost.events.declared_subscriptions import compile_subscriptions
from ffhost.events.subscriptions import SubscriptionTable
from tests.serving import eventually, server
from tests.soak.reports import Report

SENDERS = 24
SUBSCRIPTIONS = 200
PLAIN, FLAKY, SLOW, DYING = 48, 8, 3, 1
CODE = """
import asyncio, os, random, threading
import ffhost

TAKEN = []
FILE = "taken-by-processes"

@ffhost.cloud_event
def plain(event):
    TAKEN.append((ffhost.current().function_name, event["id"]))

@ffhost.cloud_event
def flaky(event):
    if random.random() < 0.02:
        raise ValueError("as told")
    TAKEN.append((ffhost.current().function_name, event["id"]))

@ffhost.cloud_event
async def slow(event):
    if random.random() < 0.005:
        await asyncio.sleep(5)
    TAKEN.append((ffhost.current().function_name, event["id"]))

@ffhost.cloud_event
def dying(event):
    if random.random() < 0.02:
        os._exit(1)
    with open(FILE, "a") as file:
        file.write(f"dying0 {event['id']}\\n")

def taken(request):
    return {"taken": TAKEN}
"""


def names() -> list[str]:
    kinds = [("plain", PLAIN), ("flaky", FLAKY), ("slow", SLOW), ("dying", DYING)]
    return [f"{kind}{number}" for kind, count in kinds for number in range(count)]


def configuration(seed: random.Random, revision: int = 0) -> str:
    lines = [
        "server: {port: 0, host: 127.0.0.1, drain_delay: 0s}",
        f"events: {{remember: {600 + revision}s}}",
        "logging: {invocations: false, levels: {ffhost: info}}",
        "config_reload: {interval: 200ms}",
        "functions:",
        "  taken: {target: 'main.py:taken'}",
    ]
    own: dict[str, list[str]] = {name: [] for name in names()}
    others = [name for name in own if not name.startswith("dying")]
    for number in range(SUBSCRIPTIONS):
        kind = f"com.example.t{number % 100}"
        filters = seed.choice(
            [
                [{"exact": {"type": kind}}],
                [{"exact": {"type": kind}}, {"prefix": {"source": "/a"}}],
                [{"any": [{"exact": {"type": kind}}, {"suffix": {"subject": f"{number}.x"}}]}],
                [{"sql": f"type = '{kind}' AND (EXISTS region OR LENGTH(subject) > 3)"}],
                [{"all": [{"exact": {"type": kind}}, {"not": {"exact": {"source": "/b"}}}]}],
            ]
        )
        own[seed.choice(others)].append(json.dumps({"filters": filters}))
    own["dying0"] = [json.dumps({"filters": [{"suffix": {"subject": "77.x"}}]})]
    for name, subscriptions in own.items():
        more = ""
        if name.startswith("slow"):
            more = "timeout: 300ms, "
        if name.startswith("dying"):
            more = "isolation: process, processes: 2, timeout: 20s, "
        target = name.rstrip("0123456789")
        lines.append(
            f"  {name}: {{target: 'main.py:{target}', {more}queue: 1000, queue_timeout: 60s, "
            f"subscriptions: [{', '.join(subscriptions)}]}}"
        )
    return "\n".join(lines) + "\n"


def event(seed: random.Random, number: int) -> dict[str, Any]:
    found = {
        "specversion": "1.0",
        "id": str(number),
        "source": seed.choice(["/a/1", "/a/2", "/b"]),
        "type": f"com.example.t{seed.randrange(120)}",
        "subject": f"{seed.randrange(1000)}.x",
    }
    return {**found, "region": "eu"} if seed.random() < 0.3 else found


class Sender:
    """Sends events over one connection after the other, and repeats those that failed."""

    def __init__(self, address: tuple[str, int], events: list[dict[str, Any]]) -> None:
        self._address = address
        self._left = iter(events)
        self.statuses: Counter[int] = Counter()
        self.repeated = 0
        self.most = 0

    async def run(self) -> None:
        await asyncio.gather(*(self._send_all() for _ in range(SENDERS)))

    async def _send_all(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        for each in self._left:
            for attempt in range(1, 100):
                status = await self._send(reader, writer, json.dumps(each).encode())
                self.statuses[status] += 1
                if status < 300:
                    break
                self.repeated += 1
                self.most = max(self.most, attempt)
                await asyncio.sleep(0.02)
            else:
                raise AssertionError(f"never taken: {each}")
        writer.close()

    @staticmethod
    async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
        head = (
            "POST /events HTTP/1.1\r\nhost: a\r\n"
            f"content-type: application/cloudevents+json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = 0
        for line in answer.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        await reader.readexactly(length)
        return int(answer.split()[1])


async def reload_every_second(file: Path, written: list[str]) -> None:
    for revision in range(1, 10_000):
        await asyncio.sleep(1)
        text = configuration(random.Random(7), revision)
        await asyncio.to_thread(file.write_text, text)
        written.append(text)


async def send(sender: Sender, file: Path) -> int:
    written: list[str] = []
    reloading = asyncio.create_task(reload_every_second(file, written))
    await sender.run()
    reloading.cancel()
    return len(written)


def judge(
    report: Report,
    table: SubscriptionTable,
    events: list[dict[str, Any]],
    taken: list[tuple[str, str]],
) -> None:
    counted = Counter(taken)
    wanted = {(function, each["id"]) for each in events for function in table.match(each).functions}
    missing, strange = wanted - counted.keys(), counted.keys() - wanted
    again = sum(counted.values()) - len(counted)
    report.say(f"{len(wanted)} deliveries are wanted, {len(taken)} were taken")
    report.expect(not missing, f"{len(missing)} deliveries are missing")
    report.expect(not strange, f"{len(strange)} deliveries went astray")
    report.expect(again <= len(wanted) / 1000, f"{again} were taken again")


def run(report: Report, quick: bool) -> None:
    """Send, repeat, reload, and count."""
    seed = random.Random(11)
    events = [event(seed, number) for number in range(10_000 if quick else 100_000)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder, source=CODE, functions="taken") as running:
            file = folder / "functions.yaml"
            running.urls()
            file.write_text(configuration(random.Random(7)))
            eventually(lambda: running.entries("config_reloaded"), "the subscriptions are served")
            config = load_config(ConfigSources(cwd=folder, environ={}))
            table, _ = compile_subscriptions(config, config.settings.functions)
            sender = Sender(running.address, events)
            begun = time.monotonic()
            reloads = asyncio.run(send(sender, file))
            seconds = time.monotonic() - begun
            report.say(f"{len(events)} events in {seconds:.0f} s, {reloads} reloads meanwhile")
            report.say(
                f"answers by status: {dict(sender.statuses)}, tries of one: {sender.most + 1}"
            )
            taken = [tuple(each) for each in json.loads(running.get("/taken"))["taken"]]
        file = folder / "taken-by-processes"
        lines = file.read_text().splitlines() if file.exists() else []
        judge(report, table, events, [*taken, *(tuple(line.split()) for line in lines)])
