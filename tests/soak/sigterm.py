"""SIGTERM while calls run that take two seconds: every one of them is answered."""

from __future__ import annotations

import signal
import threading
import time

from tests.soak.reports import Report, milliseconds
from tests.soak.servers import Server, Wrk, serving

CODE = """
import time
def hello(request): return "hello"
def slow(request):
    time.sleep(2)
    return "slow"
"""
DRAIN_SECONDS = 2.0
GRACE_SECONDS = 10.0
CONFIG = f"""
server: {{drain_delay: {DRAIN_SECONDS}s, graceful_timeout: {GRACE_SECONDS}s}}
logging: {{invocations: false}}
functions:
  hello: {{target: "main.py:hello", queue: unlimited}}
  slow: {{target: "main.py:slow"}}
"""
SLOW = 8


class Calls:
    """Slow calls that are under way, each on a connection of its own."""

    def __init__(self, server: Server) -> None:
        self.answers: list[str] = []
        self._server = server
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Send one more."""
        connection = self._server.connection()
        connection.connect()  # from here on it is accepted
        thread = threading.Thread(target=self._finish, args=(connection,))
        thread.start()
        self._threads.append(thread)

    def _finish(self, connection: object) -> None:
        try:
            connection.request("GET", "/slow")  # type: ignore[attr-defined]
            answer = connection.getresponse()  # type: ignore[attr-defined]
            self.answers.append(f"{answer.status} {answer.read().decode()}")
        except Exception as error:
            self.answers.append(repr(error))

    def join(self) -> int:
        """Wait for all; give how many were not answered as they should."""
        for thread in self._threads:
            thread.join()
        return sum(answer != "200 slow" for answer in self.answers)


def run(report: Report, quick: bool) -> None:
    """Do it ten times."""
    totals: dict[str, int] = {}
    times = []
    for _ in range(2 if quick else 10):
        with serving(CODE, CONFIG, "server.workers=2") as server:
            time.sleep(1.5)
            found, seconds = once(server)
        times.append(seconds)
        for name, number in found.items():
            totals[name] = totals.get(name, 0) + number
    rounds = len(times)
    report.say(
        f"{rounds} times; {totals.pop('slow calls')} slow calls, "
        f"{totals.pop('wrk requests')} requests of wrk on 16 connections"
    )
    for name, number in totals.items():
        report.expect(number == 0, f"{number} {name}")
    report.expect(
        max(times) <= DRAIN_SECONDS + GRACE_SECONDS, f"longest end {milliseconds(max(times))}"
    )


def once(server: Server) -> tuple[dict[str, int], float]:
    """Send SIGTERM once; give counts, and how long the end took."""
    wrk = Wrk(server, ["/hello"])
    calls = Calls(server)
    for _ in range(SLOW // 2):
        calls.begin()
    time.sleep(0.5)
    server.process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    refused = 0
    begun = SLOW // 2
    while time.monotonic() - started < DRAIN_SECONDS * 0.7:
        try:
            if begun < SLOW:
                calls.begin()
                begun += 1
            else:
                server.get("/hello")
        except OSError:
            refused += 1
        time.sleep(0.05)
    counts = wrk.stop()
    status = server.process.wait(60)
    ended = time.monotonic() - started
    return {
        "slow calls": begun,
        "wrk requests": counts["requests"],
        "slow calls not answered": calls.join(),
        "connections refused during drain_delay": refused,
        "socket errors of wrk": counts["socket errors"],
        "answers to wrk that are no 2xx": counts["not 2xx"],
        "exits with another status than 0": int(status != 0),
    }, ended
