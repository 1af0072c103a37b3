"""Clocks that run only while something can expire, on a loop whose time the test sets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ffhost.config.units import UNLIMITED
from ffhost.execution.timeouts import Timeouts
from ffhost.server.idle_clients import IdleClients
from ffhost.server.unread_answers import (
    UnreadSocketAnswers,
    taken_socket_bytes,
    unsent_socket_bytes,
)
from tests.serving import eventually


class SetLoop(asyncio.AbstractEventLoop):
    """A loop of which only time and timers are used."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Any, *_args: Any, **_named: Any) -> Any:
        self.timers.append((self.now + delay, callback))
        return object()

    def run_until(self, end: float) -> None:
        while self.timers and min(self.timers)[0] <= end:
            self.timers.sort(key=lambda timer: timer[0])
            self.now, callback = self.timers.pop(0)
            callback()
        self.now = end


class Client:
    """A connection whose unsent bytes the test sets."""

    def __init__(self, unsent: int) -> None:
        self.unsent = unsent
        self.transport = self
        self.file: Any = None
        self.found: list[Any] = []
        self.socket: socket.socket | None = None

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, _name: str) -> socket.socket | None:
        return self.socket

    def on_all_taken(self) -> None:
        self.found.append("all")

    def on_nothing_taken(self, unsent: int) -> None:
        self.found.append(unsent)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 5)), max_size=30))
def test_each_expires_when_its_time_is_over_and_no_timer_is_left(
    steps: list[tuple[str, bool, int]],
) -> None:
    loop = SetLoop()
    expired: list[tuple[str, float]] = []
    clocks: Timeouts[str] = Timeouts(loop, 3.0, lambda name: expired.append((name, loop.now)))
    running: dict[str, float] = {}
    due: list[tuple[str, float]] = []
    for name, starts, pause in steps:
        if starts:
            clocks.start(name)
            running[name] = loop.now + 3.0
        else:
            clocks.stop(name)
            running.pop(name, None)
        now = loop.now + pause
        due += [(name, end) for name, end in running.items() if end <= now]
        running = {name: end for name, end in running.items() if end > now}
        loop.run_until(now)
        assert len(loop.timers) <= 1
    due += list(running.items())
    loop.run_until(1000)
    assert [name for name, _ in sorted(due)] == [name for name, _ in sorted(expired)]
    for (_, end), (_, at) in zip(sorted(due), sorted(expired), strict=True):
        assert abs(end - at) < 0.01
    assert (loop.timers, len(clocks)) == ([], 0)


class Kept:
    """A connection that is kept alive."""

    def __init__(self, loop: SetLoop) -> None:
        self.loop = loop
        self.is_idle = False
        self.idle_since = 0.0
        self.closed: list[float] = []

    def begin(self, clients: IdleClients) -> None:
        self.is_idle = True
        self.idle_since = self.loop.now
        if not clients.is_watched:
            clients.watch()

    def on_idle_too_long(self) -> None:
        self.closed.append(self.loop.now)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 5)), max_size=30))
def test_an_idle_client_is_closed_in_time_once_and_no_timer_is_left(
    steps: list[tuple[int, bool, int]],
) -> None:
    loop = SetLoop()
    clients = IdleClients(loop, 3.25)
    kept = [Kept(loop) for _ in range(3)]
    clients.clients.update(kept)
    due: list[tuple[int, float]] = []
    ends: dict[int, float] = {}
    for place, begins, pause in steps:
        if begins:
            kept[place].begin(clients)
            ends[place] = loop.now + 3.25
        else:
            kept[place].is_idle = False
            ends.pop(place, None)
        now = loop.now + pause
        due += [(place, end) for place, end in ends.items() if end <= now]
        ends = {place: end for place, end in ends.items() if end > now}
        loop.run_until(now)
        assert len(loop.timers) <= 1
    due += list(ends.items())
    loop.run_until(1000)
    closed = [(place, at) for place, each in enumerate(kept) for at in each.closed]
    assert len(closed) == len(due)
    for (place, end), (closed_place, at) in zip(sorted(due), sorted(closed), strict=True):
        assert place == closed_place
        assert -0.01 < at - end < 0.1
    assert loop.timers == []


def test_a_clock_without_a_limit_has_no_timer() -> None:
    loop = SetLoop()
    Kept(loop).begin(IdleClients(loop, UNLIMITED))
    Timeouts[str](loop, UNLIMITED, print).start("a")
    UnreadSocketAnswers(loop, UNLIMITED).watch(Client(5))
    assert loop.timers == []


def test_a_client_that_takes_nothing_is_given_up() -> None:
    loop = SetLoop()
    client = Client(100)
    answers = UnreadSocketAnswers(loop, 8.0)
    answers.watch(client)
    loop.run_until(8)
    assert client.found == []
    loop.run_until(10)
    assert (client.found, len(answers), loop.timers) == ([100], 0, [])


def test_a_client_that_takes_a_byte_now_and_then_is_not() -> None:
    loop = SetLoop()
    client = Client(10)
    answers = UnreadSocketAnswers(loop, 8.0)
    answers.watch(client)
    for second in range(7, 70, 7):
        loop.run_until(second)
        client.unsent -= 1
    assert client.found == []
    client.unsent = 0
    loop.run_until(80)
    assert (client.found, loop.timers) == (["all"], [])


def test_a_client_of_a_file_is_judged_by_what_it_takes() -> None:
    loop = SetLoop()
    client = Client(100)
    client.file = SimpleNamespace(sent=100)
    answers = UnreadSocketAnswers(loop, 8.0)
    answers.watch(client)
    for second in range(7, 70, 7):
        loop.run_until(second)
        client.file.sent += 1  # the kernel's buffer is always full
    client.unsent = 0  # the disk is slow, not the client
    loop.run_until(90)
    assert client.found == []
    client.unsent = 100
    loop.run_until(110)
    assert client.found == [100]


def test_a_client_that_takes_less_than_is_written_is_not_given_up() -> None:
    loop = SetLoop()
    client = Client(100)
    answers = UnreadSocketAnswers(loop, 8.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        client.socket, _ = listening.accept()
    with theirs, client.socket as ours:
        answers.watch(client)
        for second in range(7, 70, 7):
            loop.run_until(second)
            client.unsent += 10
            before = taken_socket_bytes(ours)
            ours.sendall(b"x")
            eventually(lambda: taken_socket_bytes(ours) > before, "acknowledged")  # noqa: B023
        assert client.found == []
        loop.run_until(90)
        assert client.found == [client.unsent]


def test_a_socket_that_is_closed_or_no_tcp_has_taken_nothing() -> None:
    client = Client(0)
    client.socket, other = socket.socketpair()
    other.close()
    with client.socket:
        assert taken_socket_bytes(client.socket) == 0
    assert taken_socket_bytes(None) == 0


def test_nothing_is_unsent_in_a_transport_without_a_socket() -> None:
    assert unsent_socket_bytes(Client(7)) == 7
