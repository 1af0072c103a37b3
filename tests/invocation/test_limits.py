"""Slots and the queue in front of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ffhost.config.units import UNLIMITED
from ffhost.invocation.slots import Slots, SlotTicket


def queued(slots: Slots, woken: list[str], name: str) -> SlotTicket:
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
    tickets = [queued(slots, woken, "a"), queued(slots, woken, "b")]
    slots.resize(3, 10)
    assert woken == ["a", "b"]
    assert [ticket.granted for ticket in tickets] == [True, True]
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


def test_a_slot_that_is_free_by_now_is_granted_without_a_wait() -> None:
    slots, woken = Slots(1, 0), list[str]()
    ticket = queued(slots, woken, "quick")
    assert (ticket.granted, slots.running, slots.waiting, woken) == (True, 1, 0, [])
    assert slots.enqueue(lambda: None) is None


def test_who_gave_up_waiting_counts_as_refused_and_cannot_leave_twice() -> None:
    slots, woken = Slots(1, 1), list[str]()
    assert slots.try_acquire()
    ticket = queued(slots, woken, "leaver")
    assert not ticket.granted
    assert slots.waiting == 1
    assert slots.leave(ticket)
    assert (slots.waiting, slots.rejected) == (0, 1)
    queued(slots, woken, "another")
    assert slots.enqueue(lambda: None) is None
    assert slots.rejected == 2


def test_a_promised_ticket_waits_for_one_slot_and_no_other() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    early, other = queued(slots, woken, "early"), queued(slots, woken, "other")
    assert not slots.promise(other)
    assert slots.promise(early)
    assert slots.waiting == 2
    slots.grant(early)  # the call before it has ended, and its slot is released in a moment
    slots.release()
    assert (early.granted, other.granted, slots.running, slots.waiting) == (True, False, 1, 1)
    slots.release()
    assert other.granted


def test_tickets_that_are_promised_nothing_any_more_are_the_first_that_wait() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    a, b, _c = (queued(slots, woken, name) for name in "abc")
    assert slots.promise(a)
    assert slots.promise(b)
    slots.release()
    assert woken == ["c"]
    slots.restore([a, b])
    slots.release()
    slots.release()
    assert woken == ["c", "a", "b"]


def test_a_free_slot_is_granted_to_what_is_restored() -> None:
    slots, woken = Slots(1, 10), list[str]()
    assert slots.try_acquire()
    early = queued(slots, woken, "early")
    assert slots.promise(early)
    slots.release()
    assert not woken
    slots.restore([early])
    assert (woken, slots.running, slots.waiting) == (["early"], 1, 0)


def test_who_is_promised_a_slot_at_once_counts_as_waiting() -> None:
    slots = Slots(1, 2)
    assert not slots.join_promised()  # a slot is free
    assert slots.try_acquire()
    assert [slots.join_promised() for _ in range(3)] == [True, True, False]
    assert slots.waiting == 2
    assert slots.enqueue(lambda: None) is None


def test_nobody_is_promised_a_slot_before_those_who_wait() -> None:
    slots = Slots(1, 10)
    assert slots.try_acquire()
    queued(slots, [], "first")
    assert not slots.join_promised()


def test_without_limits_every_call_runs_at_once() -> None:
    slots = Slots()
    assert all(slots.try_acquire() for _ in range(1000))
    assert (slots.concurrency, slots.queue) == (UNLIMITED, UNLIMITED)


@given(
    st.integers(1, 3),
    st.integers(0, 3),
    st.lists(st.sampled_from(["take", "queue", "leave", "release", "resize"]), max_size=40),
    st.data(),
)
def test_slots_do_what_a_list_of_calls_would(
    concurrency: int, queue: int, steps: list[str], data: st.DataObject
) -> None:
    """Compare with a model: how many run, who waits in which order, how many were refused."""
    slots, woken = Slots(concurrency, queue), list[int]()
    running, waiting, refused = 0, list[tuple[int, SlotTicket]](), 0
    granted: list[int] = []
    for number, step in enumerate(steps):
        if step == "take":
            free = running < concurrency
            assert slots.try_acquire() is free
            running += free
        elif step == "queue":
            ticket = slots.enqueue(lambda number=number: woken.append(number))
            if running < concurrency:
                assert ticket is not None
                assert ticket.granted
                running += 1
            elif len(waiting) < queue:
                assert ticket is not None
                assert not ticket.granted
                waiting.append((number, ticket))
            else:
                assert ticket is None
                refused += 1
        elif step == "leave" and waiting:
            leaver = data.draw(st.sampled_from(waiting))
            assert slots.leave(leaver[1])
            waiting.remove(leaver)
            refused += 1
        elif step == "release" and running:
            slots.release()
            running -= 1
        elif step == "resize":
            concurrency, queue = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 3))
            slots.resize(concurrency, queue)
        while waiting and running < concurrency:
            first, ticket = waiting.pop(0)
            assert ticket.granted
            assert not slots.leave(ticket)
            granted.append(first)
            running += 1
        assert (slots.running, slots.waiting, slots.rejected) == (running, len(waiting), refused)
        assert woken == granted
        assert not any(ticket.granted for _, ticket in waiting)


def test_whoever_is_woken_may_use_the_slots_at_once() -> None:
    slots, seen = Slots(1, 10), list[int]()
    assert slots.try_acquire()
    slots.enqueue(lambda: seen.append(slots.running))
    slots.enqueue(slots.release)
    slots.release()
    slots.resize(2, 10)
    assert (seen, slots.running) == ([1], 1)
