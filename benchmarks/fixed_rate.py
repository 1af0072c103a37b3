"""A client with a fixed rate: what a call costs a server that has little to do, and its time.

``wrk`` asks as fast as it can, and a server that is always busy is never woken. Most servers
wait for their next call.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from benchmarks.load import LoadError

RATE = 500
_CONNECTIONS = 8


class Cost(NamedTuple):
    """What was measured; times are in seconds."""

    processor: float
    p50: float
    p99: float


def processor_seconds(pid: int) -> float:
    """Sum up the processor time of a process and its children."""
    tree = psutil.Process(pid)
    times = [each.cpu_times() for each in (tree, *tree.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def measure(url: str, pid: int, seconds: float) -> Cost:
    """Ask *url* at the rate, over connections that stay open, one call after the other.

    Raises:
        LoadError: an answer was no 2xx
    """
    where = urlsplit(url)
    request = f"GET {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    address = (where.hostname or "", where.port or 80)
    calls = int(RATE * seconds)
    taken: list[float] = []
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(address, timeout=10))
            for _ in range(_CONNECTIONS)
        ]
        before, begun = processor_seconds(pid), time.perf_counter()
        for number in range(calls):
            due = begun + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            asked = time.perf_counter()
            _ask(clients[number % _CONNECTIONS], request)
            taken.append(time.perf_counter() - asked)
        processor = (processor_seconds(pid) - before) / calls
    hundredths = quantiles(taken, n=100)
    return Cost(processor, hundredths[49], hundredths[98])


def _ask(client: socket.socket, request: bytes) -> None:
    client.sendall(request)
    answer = client.recv(65536)
    if not answer.startswith(b"HTTP/1.1 2"):
        raise LoadError(f"the answer was {answer[:60]!r}")
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
