"""Slots and the queue in front of them."""

from __future__ import annotations

from ffhost.invocation.slots import Slots, Ticket


def queued(slots: Slots, woken: list[str], name: str) -> Ticket:
    ticket = slots.enqueue(lambda: woken.append(name))
    assert ticket is not None
    return ticket


def test_slots_are_given_out_first_come_first_served() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    for name in "abc":
        queued(slots, woken, name)
    for _ in range(3):
        slots.release()
    assert woken == ["a", "b", "c"]
    assert slots.running == 1


def test_nobody_overtakes_those_who_wait() -> None:
    slots, woken = Slots(2, 10), list[str]()
    assert slots.try_acquire()
    assert slots.try_acquire()
    queued(slots, woken, "first")
    assert not slots.try_acquire()
    slots.release()
    assert woken == ["first"]
    assert not slots.try_acquire()


def test_a_full_queue_refuses_and_counts() -> None:
    slots, woken = Slots(1, 1), list[str]()
    assert slots.try_acquire()
    queued(slots, woken, "waiting")
    assert slots.enqueue(lambda: None) is None
    assert slots.rejected == 1


def test_who_leaves_the_queue_gets_no_slot() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    leaver = queued(slots, woken, "leaver")
    queued(slots, woken, "stayer")
    assert slots.leave(leaver)
    slots.release()
    assert woken == ["stayer"]


def test_a_slot_that_was_granted_meanwhile_cannot_be_left() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    ticket = queued(slots, woken, "late")
    slots.release()
    assert not slots.leave(ticket)
    slots.release()
    assert slots.running == 0


def test_more_slots_after_a_reload_let_those_who_wait_run() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    queued(slots, woken, "a")
    queued(slots, woken, "b")
    slots.resize(3, 10)
    assert woken == ["a", "b"]
    assert slots.running == 3


def test_fewer_slots_after_a_reload_take_effect_as_calls_end() -> None:
    slots, woken = Slots(3, 10), list[str]()
    for _ in range(3):
        assert slots.try_acquire()
    slots.resize(1, 10)
    queued(slots, woken, "patient")
    slots.release()
    slots.release()
    assert woken == []
    slots.release()
    assert woken == ["patient"]
