"""The addresses of the console: its page, its files, and the questions that the page asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

import orjson

from ffhost import __version__
from ffhost.errors import BadRequest, MethodNotAllowed, NotFound
from ffhost.host.console.call_report import console_call_detail, console_call_list
from ffhost.host.console.call_store import Line
from ffhost.host.console.configuration_report import console_configuration_report
from ffhost.host.console.example_keeper import ConsoleExampleKeeper
from ffhost.host.console.function_report import (
    console_function_detail,
    console_function_list,
    console_function_states,
)
from ffhost.host.console.live_stream import ConsoleLiveStream
from ffhost.host.console.locks import check_console_change
from ffhost.host.console.page_changes import ConsolePageChanges
from ffhost.host.console.shared_calls import SharedConsoleCalls
from ffhost.host.console.static_files import PREFIX, ConsoleStaticFiles
from ffhost.host.console.trials import ConsoleTrials
from ffhost.host.own_addresses import public_host_url
from ffhost.host.service import Service
from ffhost.observability import logs
from ffhost.observability.call_tap import call_tap
from ffhost.observability.metrics.publisher import MetricsPublisher
from ffhost.observability.span_tap import span_tap
from ffhost.web.messages import Message, Reply

API = f"{PREFIX}api/"

Answer: TypeAlias = Callable[[Message, str], Reply]
"""Answers a request; the second argument is what follows in its path."""


class Console:
    """The console in one worker.

    Args:
        folder: where the workers share calls; None for a process that is alone
        copier: knows the numbers of all workers
    """

    def __init__(self, service: Service, folder: Path | None, copier: MetricsPublisher) -> None:
        self._service = service
        self._copier = copier
        self._static = ConsoleStaticFiles()
        self.calls = SharedConsoleCalls(service, folder)
        self.trials = ConsoleTrials(service)
        self._questions: dict[str, Answer] = {
            "session": self._session,
            "functions": self._functions,
            "calls": self._calls,
            "configuration": self._configuration,
            "stream": self._stream,
        }
        self._examples = ConsoleExampleKeeper(service)
        self._changes = ConsolePageChanges(service, self.calls, self.trials, self._examples).by_name
        service.on_ready(lambda _service: self._start())
        service.on_stop(lambda _service: self._stop())

    def _start(self) -> None:
        recorder = self.calls.recorder
        call_tap.take = recorder.note_call
        if not self._service.embedded:
            logs.hand_on_log_entries(recorder.note_entry)
        span_tap.open(recorder.note_span)
        self.calls.start()

    def _stop(self) -> None:
        call_tap.take = span_tap.take = None
        self.calls.stop()

    def page(self, message: Message) -> Reply | None:
        """Answer a request for the page or a file of it, which need no credentials; else None."""
        if message.method not in ("GET", "HEAD"):
            return None
        if message.path == "/" and "text/html" in (message.header("accept") or ""):
            return self._static.index()
        if message.path.startswith(PREFIX) and not message.path.startswith(API):
            return self._static.file(message.path)
        return None

    def answer(self, message: Message) -> Reply | None:
        """Answer what the page asks; None for an address that is not the console's.

        Raises:
            RequestError: it cannot be answered
        """
        if not message.path.startswith(API):
            return None
        name, _, rest = message.path.removeprefix(API).partition("/")
        if message.method == "POST":
            if name not in self._changes:
                raise NotFound("unknown address of the console")
            check_console_change(message, self.calls.token)
            asked = read_console_json(message) if message.body else {}
            return console_json_answer(self._changes[name](asked, unquote(rest), message.query))
        if name not in self._questions:
            raise NotFound("unknown address of the console")
        if message.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("this address is read", headers={"Allow": "GET, HEAD"})
        return self._questions[name](message, unquote(rest))

    def _session(self, _message: Message, _rest: str) -> Reply:
        self.calls.look()
        config = self._service.config
        return console_json_answer(
            {
                "token": self.calls.token,
                "version": __version__,
                "revision": config.revision,
                "file": str(config.watched[0]) if config.has_file and config.watched else None,
                "workers": self._copier.totals().workers,
                "capture": config.settings.console.capture,
                "keeps_examples": self._examples.is_open,
                "debug": config.settings.server.debug,
                "public_url": public_host_url(self._service.store, config.settings),
                "openapi": "/openapi.json",
            }
        )

    def _functions(self, _message: Message, name: str) -> Reply:
        self.calls.look()
        found = console_function_list(self._service, self._copier.totals(), self.calls.minutes())
        if not name:
            return console_json_answer({"functions": found})
        function = self._service.host.functions.get(name)
        row = next((each for each in found if each["name"] == name), None)
        if function is None or row is None:
            raise NotFound(f"there is no function {name!r}")
        return console_json_answer(
            {**row, **console_function_detail(self._service, function, self.calls.mask)}
        )

    def _calls(self, message: Message, identity: str) -> Reply:
        store = self.calls.look()
        if not identity:
            return console_json_answer(console_call_list(store, _asked(message)))
        base = public_host_url(self._service.store, self._service.config.settings)
        return console_json_answer(console_call_detail(store, self._call(identity), base))

    def _call(self, identity: str) -> Line:
        found = self.calls.store.find(identity)
        if found is None:
            raise NotFound("this call is not known, or not any more")
        return found

    def _configuration(self, _message: Message, _rest: str) -> Reply:
        return console_json_answer(console_configuration_report(self._service))

    def _stream(self, message: Message, _rest: str) -> Reply:
        headers = [("content-type", "text/event-stream"), ("x-accel-buffering", "no")]
        if message.method == "HEAD":
            return Reply(200, headers)
        stream = ConsoleLiveStream(self._service, self.calls, self._states)
        return Reply(200, headers, chunks=stream.chunks())

    def _states(self) -> list[dict[str, Any]]:
        return console_function_states(self._service, self._copier.totals())


def _asked(message: Message) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(message.query).items()}


def read_console_json(message: Message) -> dict[str, Any]:
    """Return the object that a request of the page brings.

    Raises:
        BadRequest: its body is not an object of JSON
    """
    try:
        value = orjson.loads(message.body)
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(value, dict):
        raise BadRequest("the body is not an object")
    return value


def console_json_answer(value: Any, status: int = 200) -> Reply:
    """Return *value* as an answer."""
    return Reply(status, [("content-type", "application/json")], orjson.dumps(value, default=str))
