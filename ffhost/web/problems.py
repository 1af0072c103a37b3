"""Answers for what went wrong, as problem details (RFC 9457). Nothing here logs.

A problem names what the caller can correct, and the execution id to ask about. It never shows
a stack or an exception's message (except with ``debug``), nor what the caller had sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ffhost.errors import RequestError
from ffhost.web.messages import HeaderList, Reply

CONTENT_TYPE = "application/problem+json"
BATCH_INDEX = "__ffhost_batch_index__"
"""Attribute of an exception that one event of a batch raised: that event's index, from 0."""
HOST_FAILED = "the host failed; its log entry host_error says why"
"""What a caller is told of an error of the host itself."""


def problem_reply(error: RequestError, execution_id: str | None = None) -> Reply:
    """Return the answer to a request that failed with *error*."""
    members = {**error.members, **_batch(error)}
    if error.errors:
        members["errors"] = [
            {"field": each.field, "message": each.message} for each in error.errors
        ]
    return _reply(
        error.status, error.title, error.detail, execution_id, members, list(error.headers.items())
    )


def problem_with_status(
    status: int,
    title: str,
    detail: str,
    execution_id: str | None = None,
    *,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return a problem of a status that is only known when it occurs."""
    fields = list((headers or {}).items())
    return _reply(status, title, detail, execution_id, dict(members or {}), fields)


CRASH_HEADER = ("x-google-status", "crash")
"""What functions-framework says of a crash."""


def crash_problem(
    execution_id: str | None = None,
    error: BaseException | None = None,
    *,
    stack: str | None = None,
    console: str | None = None,
) -> Reply:
    """Return the answer for a function that raised, or returned what cannot be sent.

    Args:
        stack: of *error*, given while debugging: the detail then names the error, and
            ``traceback`` holds the stack line by line
        console: address of the console, given while debugging: ``console`` leads to the call
    """
    detail = "the function crashed"
    members: dict[str, Any] = {}
    if error is not None:
        members = _batch(error)
        if stack is not None:
            detail = f"{type(error).__name__}: {error}"
            members["traceback"] = stack.splitlines()
    if console is not None:
        members["console"] = f"{console}/#/calls/{execution_id}"
    headers = [CRASH_HEADER]
    return _reply(500, HTTPStatus(500).phrase, detail, execution_id, members, headers)


def _batch(error: BaseException) -> dict[str, Any]:
    index = getattr(error, BATCH_INDEX, None)
    return {} if index is None else {"index": index}


def _reply(
    status: int,
    title: str,
    detail: str,
    execution_id: str | None,
    members: dict[str, Any],
    headers: HeaderList,
) -> Reply:
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if execution_id is not None:
        document["execution_id"] = execution_id
    document.update(members)
    body = json.dumps(document, ensure_ascii=False, default=str)
    return Reply(
        status,
        [("content-type", CONTENT_TYPE), *headers],
        (body + "\n").encode(errors="replace"),
    )
