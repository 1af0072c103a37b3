"""The functions as the console shows them: each in a list, and one by itself."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ffhost.config.settings import ExampleSettings
from ffhost.errors import ResultError, Unavailable
from ffhost.events.builders import make_cloud_event
from ffhost.host.admin.reports import admin_functions_report, admin_schedules_report
from ffhost.host.console import call_texts, minutes
from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.host.own_addresses import public_host_url
from ffhost.host.service import Service
from ffhost.invocation.function import Function
from ffhost.observability.metrics.worker_totals import MetricsTotals
from ffhost.signatures.function_types import inner_type_schema

Shown = dict[str, Any]


def console_function_list(
    service: Service, totals: MetricsTotals, workers: list[Any]
) -> list[Shown]:
    """Return all functions.

    Args:
        totals: the numbers of all workers
        workers: the last minutes of each worker
    """
    rows: list[Shown] = admin_functions_report(service, totals)["functions"]
    schedules: dict[str, list[Shown]] = {}
    for each in admin_schedules_report(service)["schedules"]:
        schedules.setdefault(each.pop("function"), []).append(each)
    now = time.time()
    for row in rows:
        function = service.host.functions[row["name"]]
        documented = inspect.getdoc(console_function_target(function)) or ""
        row |= {
            "door": function.settings.auth or ["public"],
            "doc": documented.partition("\n")[0] or None,
            "problem": _problem(function),
            "schedules": schedules.get(function.name, []),
            "subscriptions": len(function.settings.subscriptions),
            "latency": minutes.console_minutes_report(workers, function.name, now),
        }
    return rows


def console_function_states(service: Service, totals: MetricsTotals) -> list[Shown]:
    """Return what of each function changes while it is served."""
    return [
        {name: each[name] for name in ("name", "status", "in_flight", "queued")}
        for each in admin_functions_report(service, totals)["functions"]
    ]


def console_function_target(function: Function) -> Callable[..., Any] | None:
    """Return the user's callable; None where it is in another process, or not loaded."""
    found: Any = function.module
    for name in function.target.rpartition(":")[2].split("."):
        found = getattr(found, name, None)
    return found if callable(found) else None


def _problem(function: Function) -> str | None:
    if function.load_error is not None:
        return str(function.load_error)
    return None if function.unavailable is None else str(function.unavailable)


def console_function_detail(
    service: Service, function: Function, mask: ConsoleMessageMask
) -> Shown:
    """Return what the list does not say of a function; one that is not loaded yet is loaded."""
    if function.late_load is not None:
        with suppress(Unavailable):  # it has its log entry
            function = function.late_load.wait()
    types = None if function.types is None else function.types()
    examples = list(_examples(function, mask))
    first = examples[0]["request"] if examples else _plain_request(function)
    return {
        "input_schema": None if types is None else _at_its_root(types.takes),
        "output_schema": None if types is None else _at_its_root(types.returns),
        "doc_text": inspect.getdoc(console_function_target(function))
        or (types and types.summary)
        or None,
        "streams": _streams(console_function_target(function)),
        "isolated": function.processes is not None,
        "examples": examples,
        "event_types": sorted(set(_event_types(function))),
        "curl": call_texts.console_call_as_curl(
            first, public_host_url(service.store, service.config.settings)
        ),
    }


def _at_its_root(schema: Shown | None) -> Shown | None:
    """Return *schema* without a reference at its root."""
    if schema is None or "$ref" not in schema:
        return schema
    return {**inner_type_schema(schema)[1], "$defs": schema["$defs"]}


def _streams(target: Any) -> bool:
    return inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target)


def _plain_request(function: Function) -> Shown:
    posts = function.signature != "http" or (
        function.methods is not None and "GET" not in function.methods
    )
    return {
        "method": "POST" if posts else "GET",
        "path": function.path,
        "query": "",
        "headers": [["content-type", "application/json"]] if posts else [],
        "body": "{}" if posts else None,
        "body_base64": None,
    }


def _event_types(function: Function) -> Iterable[str]:
    for subscription in function.settings.subscriptions:
        for each in subscription.filters:
            exact = each.get("exact", {}) if isinstance(each, dict) else {}
            if isinstance(exact, dict) and isinstance(exact.get("type"), str):
                yield exact["type"]
    for example in function.settings.examples:
        if example.event is not None and isinstance(example.event.get("type"), str):
            yield example.event["type"]


def _examples(function: Function, mask: ConsoleMessageMask) -> Iterable[Shown]:
    for index, example in enumerate(function.settings.examples):
        request = _example_request(function, example, mask)
        if request is not None:
            yield {
                "name": example.name or f"examples[{index}]",
                "request": request,
                "response": _example_response(example, mask),
            }


def _example_request(
    function: Function, example: ExampleSettings, mask: ConsoleMessageMask
) -> Shown | None:
    given = example.request
    if given is None:
        headers, body = _event(example)
        return mask.request("POST", function.path, "", headers.items(), body)[0]
    headers = {name.lower(): value for name, value in given.headers.items()}
    body = b"" if given.body is None else given.body.encode()
    if "json" in given.written:
        body = json.dumps(given.payload, ensure_ascii=False).encode()
        headers.setdefault("content-type", "application/json")
    path, _, query = (given.path or function.path).partition("?")
    method = given.method or ("POST" if body else "GET")
    return mask.request(method, path, query, headers.items(), body)[0]


def _event(example: ExampleSettings) -> tuple[dict[str, str], bytes]:
    event = dict(example.event or {})
    if "type" in event:
        with suppress(ResultError, TypeError):
            headers, body = make_cloud_event(**{"source": "/ffhost/console", **event})
            return dict(headers), body
    return {"content-type": "application/json"}, json.dumps(event, default=str).encode()


def _example_response(example: ExampleSettings, mask: ConsoleMessageMask) -> Shown | None:
    response = example.response
    if not response.written:
        return None
    shown = {
        "status": response.status,
        "headers": [list(each) for each in response.headers.items()],
        "body": response.body,
        "json": response.payload,
    }
    found: Shown = mask.data(shown)
    return found
