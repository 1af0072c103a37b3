"""What the page asks for that does something: calls, events, ticks, examples."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ffhost.errors import NotFound
from ffhost.host.admin.schedule_run import run_schedule_for_admin
from ffhost.host.console.event_trials import (
    ConsoleEventTrial,
    console_event_routes,
    read_console_event,
)
from ffhost.host.console.example_keeper import ConsoleExampleKeeper
from ffhost.host.console.shared_calls import SharedConsoleCalls
from ffhost.host.console.trials import ConsoleTrials
from ffhost.host.service import Service
from ffhost.invocation.ids import choose_execution_id

Shown = dict[str, Any]
Change = Callable[[Shown, str, str], Shown]
"""Does what is asked for: given the JSON that was sent, the rest of the path, and the query."""


class ConsolePageChanges:
    """Does what the page asks for."""

    def __init__(
        self,
        service: Service,
        calls: SharedConsoleCalls,
        trials: ConsoleTrials,
        examples: ConsoleExampleKeeper,
    ) -> None:
        self._service = service
        self._calls = calls
        self._trials = trials
        self._examples = examples
        self.by_name: dict[str, Change] = {
            "try": self._try,
            "calls": self._replay,
            "events": self._event,
            "schedules": self._schedule,
            "examples": self._example,
        }

    def _try(self, asked: Shown, _rest: str, _query: str) -> Shown:
        identity, begun = choose_execution_id(None), time.monotonic()
        answer = self._trials.call(asked.get("function"), asked.get("request"), identity)
        took = time.monotonic() - begun
        self._calls.look()  # so that other workers can show it at once
        return {"id": identity, "status": answer.status, "duration_ms": round(took * 1000, 3)}

    def _replay(self, asked: Shown, rest: str, query: str) -> Shown:
        identity, _, what = rest.rpartition("/")
        record = self._calls.look().find(identity)
        if what != "replay" or record is None:
            raise NotFound("this call is not known, or not any more")
        request = asked.get("request") or record["request"]
        return self._try({"function": record["call"]["function"], "request": request}, "", query)

    def _event(self, asked: Shown, rest: str, _query: str) -> Shown:
        event = read_console_event(asked.get("event"))
        if rest == "route":
            return console_event_routes(self._service, event)
        sent = ConsoleEventTrial(self._service, self._trials, self._calls.mask).send(event)
        self._calls.look()
        return {"routed": sent}

    def _schedule(self, _asked: Shown, rest: str, query: str) -> Shown:
        return run_schedule_for_admin(self._service.schedules, rest, query)

    def _example(self, asked: Shown, _rest: str, _query: str) -> Shown:
        record = self._calls.look().find(str(asked.get("call")))
        if record is None:
            raise NotFound("this call is not known, or not any more")
        return self._examples.keep(record, asked.get("name"))
