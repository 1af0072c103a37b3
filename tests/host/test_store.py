"""What outlives a reload is found again by its kind and name."""

from __future__ import annotations

from ffhost.host.store import ReloadStore
from ffhost.invocation.slots import Slots
from tests.conftest import Serve


def test_what_is_kept_is_made_once_for_each_kind_and_name() -> None:
    store = ReloadStore()
    slots = store.keep(Slots, "a", Slots)
    assert store.keep(Slots, "a", Slots) is slots
    assert store.keep(Slots, "b", Slots) is not slots
    assert store.keep(list, "a", list) == []


def test_what_is_no_longer_served_is_forgotten() -> None:
    store = ReloadStore()
    gone, left = store.keep(Slots, "gone", Slots), store.keep(Slots, "left", Slots)
    other = store.keep(list, "gone", list)
    store.forget_others(Slots, {"left"})
    assert store.keep(Slots, "left", Slots) is left
    assert store.keep(Slots, "gone", Slots) is not gone
    assert store.keep(list, "gone", list) is other


def test_a_reload_hands_the_slots_on(serve: Serve) -> None:
    code = "def hello(request):\n    return 'hello'\n"
    config = "functions:\n  hello: {target: 'main.py:hello', concurrency: CONCURRENCY}\n"
    host = serve(code, config.replace("CONCURRENCY", "3"))
    before = host.service.host.functions["hello"].slots
    assert before.concurrency == 3
    path = host.service.config.base / "functions.yaml"
    path.write_text(config.replace("CONCURRENCY", "5"))
    assert host.service.reload()
    after = host.service.host.functions["hello"].slots
    assert after is before
    assert after.concurrency == 5
