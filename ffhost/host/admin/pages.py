"""The pages of the admin listener: metrics, the functions, the configuration, health."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

import orjson

from ffhost.errors import MethodNotAllowed, NotFound, RequestError, Unauthenticated
from ffhost.host.admin.reports import (
    admin_functions_report,
    admin_health_report,
    admin_schedules_report,
    admin_worker_report,
)
from ffhost.host.admin.schedule_run import run_schedule_for_admin
from ffhost.host.service import Service
from ffhost.invocation.logger import get_logger
from ffhost.observability.metrics.publisher import MetricsPublisher
from ffhost.observability.metrics.totals_files import metrics_folder_of
from ffhost.web import problems
from ffhost.web.messages import Message, Reply

if TYPE_CHECKING:
    from ffhost.host.console.console_addresses import Console
    from ffhost.host.console.trials import ConsoleCalls

_TICK = "/schedules/"

Answer: TypeAlias = Callable[[Message], Reply]


class AdminPages:
    """The admin pages in one worker, which report on all workers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # A managed worker has others beside it; an embedded host has none.
        folder = metrics_folder_of(os.getppid()) if service.managed else None
        self._copier = MetricsPublisher(folder, lambda: admin_worker_report(service))
        self._console: Console | None = None
        if service.config.settings.has_console:
            from ffhost.host.console.console_addresses import Console

            self._console = Console(service, folder, self._copier)
        self._answers: dict[str, Answer] = {
            "/": self._index,
            "/metrics": self._metrics,
            "/functions": self._functions,
            "/config": self._config,
            "/health": self._health,
            "/schedules": self._schedules,
            "/openapi.json": self._openapi,
        }
        service.on_ready(lambda _service: self._copier.start())
        service.on_stop(lambda _service: self._copier.stop())

    def answer(self, message: Message) -> Reply:
        """Answer a request; reads files, and is slow with many functions."""
        console = self._console
        if console is None or message.path == "/metrics":
            return self._answer(message)
        from ffhost.host.console.locks import SECURITY_FIELDS, check_console_sender

        try:
            check_console_sender(message, self._service.config.settings.admin.host)
            reply = console.page(message) or self._answer(message)
        except RequestError as error:
            reply = problems.problem_reply(error)
        reply.headers += SECURITY_FIELDS
        return reply

    def use(self, calls: Callable[[], ConsoleCalls]) -> None:
        """Call functions for the console with what *calls* returns; a front says so."""
        if self._console is not None:
            self._console.trials.use(calls)

    @property
    def reads_bodies(self) -> bool:
        """Whether anything here takes the body of a request."""
        return self._console is not None

    def _answer(self, message: Message) -> Reply:
        try:
            self._check(message)
            if self._console is not None:
                found = self._console.answer(message)
                if found is not None:
                    found.headers.append(("cache-control", "no-store"))
                    return found
            make = self._answers.get(message.path)
            if message.method == "POST" and message.path.startswith(_TICK):
                return self._tick(message)
            if make is None:
                raise NotFound("unknown page of the admin listener")
            if message.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("this page is read-only", headers={"Allow": "GET, HEAD"})
            reply = make(message)
        except RequestError as error:
            return problems.problem_reply(error)
        except Exception as error:
            get_logger("ffhost").error("admin_failed", path=message.path, exc_info=error)
            return problems.crash_problem()
        reply.headers.append(("cache-control", "no-store"))
        return reply

    def _check(self, message: Message) -> None:
        """Check credentials if the listener has auth.

        Raises:
            RequestError: the caller is not allowed to read it
        """
        front_door = self._service.host.front_door
        if front_door is None:
            return
        try:
            front_door.check_admin(message)
        except Unauthenticated as error:
            if self._console is not None:
                error.members["ways"] = front_door.admin_ways()
            raise

    def _index(self, _message: Message) -> Reply:
        return _json({"pages": [path for path in self._answers if path != "/"]})

    def _metrics(self, message: Message) -> Reply:
        from ffhost.observability.metrics.exposition import render_metrics

        if not self._service.config.settings.metrics.enabled:
            raise NotFound("metrics are switched off")
        content_type, body = render_metrics(self._copier.totals(), message.header("accept") or "")
        return Reply(200, [("content-type", content_type)], body)

    def _functions(self, _message: Message) -> Reply:
        return _json(admin_functions_report(self._service, self._copier.totals()))

    def _config(self, _message: Message) -> Reply:
        from ffhost.config.effective import show_config

        body = show_config(self._service.config, "json").encode()
        return Reply(200, [("content-type", "application/json")], body)

    def _openapi(self, _message: Message) -> Reply:
        from ffhost.host.api_document import ServedApiDocument

        return self._service.store.keep(ServedApiDocument, "", ServedApiDocument).reply(
            self._service.host
        )

    def _schedules(self, _message: Message) -> Reply:
        return _json(admin_schedules_report(self._service))

    def _tick(self, message: Message) -> Reply:
        """Call a function as its schedule does: ``POST /schedules/NAME?index=0``.

        A page of another site could make a browser send this, but browsers send its origin.
        """
        origin = message.header("origin")
        if origin is not None and urlsplit(origin).netloc != message.header("host"):
            return problems.problem_with_status(
                403, "Forbidden", "the request comes from another site"
            )
        name = unquote(message.path.removeprefix(_TICK))
        return _json(run_schedule_for_admin(self._service.schedules, name, message.query))

    def _health(self, _message: Message) -> Reply:
        return _json(*admin_health_report(self._service, self._copier.totals()))


def _json(value: Any, status: int = 200) -> Reply:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Reply(status, [("content-type", "application/json")], body)
