"""The request of a call by name, made of the caller's arguments. Nothing here waits or calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from datetime import time as time_of_day
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ffhost.errors import CallError
from ffhost.invocation.call import Call
from ffhost.invocation.function import Function
from ffhost.web.handed_message import HandedMessage
from ffhost.web.inner_message import NO_PARAMS, InnerMessage
from ffhost.web.json_text import time_as_json_text, write_json
from ffhost.web.messages import Message
from ffhost.web.routing import route_path_parameter, split_path_segments

UNSET: Final = ...
NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


class NamedCallRequest(NamedTuple):
    """What a caller wants: the arguments of `ffhost.call`.

    Args:
        value: for a typed function, written as JSON
        json: a body of JSON for an http function
        body: a body as it is
        event: a CloudEvent of any class
        path: what follows the function's own path, with a query
        written: what the body was written of, in the process of an isolated function: ``value``,
            ``json`` or ``event``
        stream: whether the chunks of the answer are wanted as they come
    """

    name: str
    value: Any = UNSET
    json: Any = UNSET
    body: bytes | str | None = None
    event: Any = None
    headers: Mapping[str, str] = NO_FIELDS
    method: str | None = None
    path: str = ""
    written: str | None = None
    stream: bool = False

    @property
    def given(self) -> str | None:
        """Return the name of the argument that makes the body; None for no body.

        Raises:
            CallError: there is more than one
        """
        if self.value is UNSET and self.json is UNSET and self.body is None and self.event is None:
            return None
        given = [name for name in ("value", "json") if getattr(self, name) is not UNSET]
        given += [name for name in ("body", "event") if getattr(self, name) is not None]
        if len(given) > 1:
            raise CallError("give one of a value, json, body and event")
        return given[0]

    def request(self) -> tuple[str, dict[str, str], bytes]:
        """Return method, header fields and body.

        Raises:
            CallError: more than one body is given, or it cannot be written
        """
        given = self.given
        if given is None and not self.headers:
            return self.method or "GET", {}, b""
        headers: dict[str, str] = {}
        body = b""
        if given == "event":
            from ffhost.events.cloudevent_writer import to_binary_event

            fields, body = to_binary_event(self.event)
            headers = dict(fields)
        elif given == "body":
            assert self.body is not None
            body = self.body.encode() if isinstance(self.body, str) else self.body
        elif given is not None:
            headers["content-type"] = "application/json"
            body = _as_json(self.json if given == "json" else self.value)
        for name, value in self.headers.items():
            headers[name.lower()] = value
        return self.method or ("POST" if given else "GET"), headers, body


def _as_json(value: Any) -> bytes:
    serializer = getattr(value, "__pydantic_serializer__", None)
    if serializer is not None and not isinstance(value, type):
        return bytes(serializer.to_json(value, by_alias=True))
    to_dict = getattr(value, "to_dict", None)
    try:
        return write_json(to_dict() if callable(to_dict) else value, _jsonable)
    except TypeError as error:
        raise CallError(f"the value cannot be written as JSON: {error}") from error


def _jsonable(value: Any) -> Any:
    if isinstance(value, date | time_of_day):
        return time_as_json_text(value)
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, by_alias=True)


def make_named_call_message(wanted: NamedCallRequest, function: Function, caller: Call) -> Message:
    """Return the request for *function* of this host.

    Raises:
        CallError: the path does not fit its template, or the value cannot be written
    """
    _, value, json, whole, event, fields, method, tail, _, _ = wanted
    path, query, params = function.path, "", NO_PARAMS
    if tail or "{" in path:
        tail, _, query = tail.partition("?")
        path, params = _fill(path, tail)
    if value is UNSET and json is UNSET and whole is None and event is None and not fields:
        write_fields = partial(_complete_fields, {}, None, caller)
        return InnerMessage(caller.message, write_fields, method or "GET", path, query, b"", params)
    given = wanted.given
    if given == "event" and not wanted.headers:
        from ffhost.events.cloudevent_writer import binary_event_of
        from ffhost.events.handed_event import HandedEventMessage, can_be_handed_over

        event = binary_event_of(wanted.event)
        if can_be_handed_over(event):
            length = len(event.body) or None
            trace: dict[str, str] = {}
            set_named_call_trace_fields(trace, caller)
            return HandedEventMessage(
                event,
                trace,
                caller.message,
                partial(_complete_fields, {}, length, caller),
                wanted.method or "POST",
                path,
                query,
                params,
            )
    if given == "value" and function.measure is not None:
        most_bytes = function.measure(wanted.value)
        if most_bytes is not None:
            headers = {"content-type": "application/json"}
            for name, value in wanted.headers.items():
                headers[name.lower()] = value
            return HandedMessage(
                wanted.value,
                _as_json,
                most_bytes,
                caller.message,
                partial(_complete_fields, headers, None, caller),
                wanted.method or "POST",
                path,
                query,
                params,
            )
    method, headers, body = wanted.request()
    length = len(body) if body or wanted.body is not None else None
    write_fields = partial(_complete_fields, headers, length, caller)
    return InnerMessage(caller.message, write_fields, method, path, query, body, params)


def _complete_fields(headers: dict[str, str], length: int | None, caller: Call) -> dict[str, str]:
    """Add the fields of every request of *caller* to *headers*, those of the call."""
    if "host" not in headers:
        headers["host"] = caller.message.headers.get("host", "localhost")
    if length is not None:
        headers["content-length"] = str(length)
    set_named_call_trace_fields(headers, caller)
    return headers


def _fill(template: str, tail: str) -> tuple[str, Mapping[str, str]]:
    """Return path and parameters: *tail* follows the template, or is the path of its parameters."""
    if "{" not in template:
        slash = "" if tail[:1] == "/" else "/"
        return (f"{template.rstrip('/')}{slash}{tail}" if tail else template), NO_PARAMS
    parts = split_path_segments(template)
    names = [route_path_parameter(part) for part in parts]
    given = split_path_segments(tail)
    if len(given) < len(parts):
        raise CallError(f"the function's path is {template}; give 'path' with its parameters")
    params = {name: part for name, part in zip(names, given, strict=False) if name is not None}
    return tail, params


def set_named_call_trace_fields(headers: dict[str, str], caller: Call) -> None:
    """Set the fields that tie a call to its caller: execution id and trace."""
    headers["function-execution-id"] = caller.execution_id
    if caller.trace_id is not None and caller.span_id is not None:
        headers["traceparent"] = f"00-{caller.trace_id}-{caller.span_id}-{_flags(caller)}"
        state = caller.message.header("tracestate")
        if state is not None:
            headers["tracestate"] = state


def _flags(caller: Call) -> str:
    if caller.span_context is not None:
        return f"{int(caller.span_context().trace_flags):02x}"
    given = caller.message.header("traceparent")
    return given[-2:] if given else "01"
