"""Calls as the console shows them: a list by what is looked for, and one with all its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ffhost.host.console.call_store import ConsoleCallStore
from ffhost.host.console.call_texts import console_call_as_curl, console_call_as_pytest
from ffhost.host.console.span_record import console_spans, console_spans_of_calls

Shown = dict[str, Any]
LIMIT = 100
_MOST = 500


def console_call_list(store: ConsoleCallStore, asked: Mapping[str, str]) -> Shown:
    """Return the calls that are looked for, the newest first.

    Args:
        asked: ``function``, ``status``, ``id``, ``text`` and ``limit``, all optional
    """
    limit = asked.get("limit", "")
    most = min(int(limit), _MOST) if limit.isdecimal() else LIMIT
    found: list[Shown] = []
    for each in _matching(store, asked):
        if len(found) == most:
            break
        found.append(each["call"])
    return {"calls": found, "dropped": store.dropped}


def _matching(store: ConsoleCallStore, asked: Mapping[str, str]) -> Iterator[Shown]:
    text = asked.get("text", "").lower()
    for each in store.newest():
        call = each["call"]
        if (
            asked.get("function", "") in ("", call["function"])
            and _has_status(call["status"], asked.get("status", ""))
            and str(call["id"]).startswith(asked.get("id", ""))
            and (not text or _holds(store, each, text))
        ):
            yield each


def _has_status(status: int, wanted: str) -> bool:
    if wanted[1:] == "xx":
        return str(status)[:1] == wanted[:1]
    return wanted in ("", str(status))


def _holds(store: ConsoleCallStore, record: Shown, text: str) -> bool:
    """Whether a call, its messages or its log entries hold *text*, in any case."""
    request, response = record["request"] or {}, record["response"] or {}
    places: list[Any] = [
        *(record["call"][name] for name in ("function", "path", "method", "event_type", "outcome")),
        request.get("query"),
        request.get("body"),
        response.get("body"),
    ]
    places += [each for message in (request, response) for each in message.get("headers", ())]
    places += [[each["event"], each["fields"], each["exception"]] for each in store.entries(record)]
    return any(text in str(each).lower() for each in places if each)


def console_call_detail(store: ConsoleCallStore, record: Shown, base: str) -> Shown:
    """Return one call with all its parts.

    Args:
        base: the address of the functions
    """
    call, request, response = record["call"], record["request"], record["response"]
    spans = console_spans(store.spans(record), record)
    shown = request or {**_EMPTY, "method": call["method"], "path": call["path"]}
    return {
        **call,
        "execution_id": record["execution_id"],
        "request": request,
        "response": response,
        "masked": record["masked"],
        "entries": store.entries(record),
        "spans": spans or console_spans_of_calls(store.family(record), record),
        "curl": console_call_as_curl(shown, base),
        "pytest": console_call_as_pytest(shown, response, call["function"]),
    }


_EMPTY: Shown = {"query": "", "headers": [], "body": None, "body_base64": None}
