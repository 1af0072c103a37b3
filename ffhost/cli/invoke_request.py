"""The request that calls a function, made of data and the options of ``ffhost invoke``.

Pure: nothing is sent or read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ffhost.cli.exit_messages import WrongCommandUse
from ffhost.cli.function_client import CommandCall, CommandCallShape
from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.settings import EVENT_OR_TYPED
from ffhost.errors import ResultError
from ffhost.events.builders import (
    Form,
    background_event,
    event_in_all_forms,
    firestore_event,
    make_cloud_event,
    pubsub_event,
    pubsub_push,
    storage_event,
)

if TYPE_CHECKING:
    from ffhost.config import LoadedConfig

DEFAULT_TYPE = "ffhost.invoke"
DEFAULT_SOURCE = "/ffhost/invoke"
KINDS = ("cloudevent", "pubsub", "storage", "firestore", "background")
_KEYS: dict[str, tuple[str, ...]] = {
    "pubsub": ("topic", "event_id", "timestamp", "attribute.NAME"),
    "storage": ("bucket", "name", "change", "event_id", "timestamp"),
    "firestore": ("document", "change", "project", "database", "event_id", "timestamp"),
    "background": ("type", "resource", "event_id", "timestamp"),
}
_CHANGES = {
    "storage": ("finalize", "delete", "archive", "metadataUpdate"),
    "firestore": ("write", "create", "update", "delete"),
}


@dataclass(frozen=True, slots=True)
class EventOptionWords:
    """The values of ``--event``: the kind of event, and its values by key."""

    kind: str
    values: Mapping[str, str]


def read_event_option(words: Sequence[str]) -> EventOptionWords | None:
    """Read the texts of ``--event``: a kind, or ``key=value``; None if there are none.

    Raises:
        WrongCommandUse: the kind or a key does not exist
    """
    kinds = [word for word in words if "=" not in word]
    values = dict(word.split("=", 1) for word in words if "=" in word)
    if not words:
        return None
    if len(kinds) > 1:
        raise WrongCommandUse(f"expected one kind of event, got {' and '.join(kinds)}")
    kind = kinds[0] if kinds else "cloudevent"
    if kind not in KINDS:
        near = nearest_known_word(kind, KINDS)
        hint = f"did you mean {near!r}?" if near else f"write one of {', '.join(KINDS)}, or type=…"
        raise WrongCommandUse(f"unknown kind of event {kind!r}", hint)
    _check_keys(kind, values)
    return EventOptionWords(kind, values)


def _check_keys(kind: str, values: Mapping[str, str]) -> None:
    known = _KEYS.get(kind)
    if known is None:
        return  # a CloudEvent may have any attribute
    for key in values:
        if key not in known and not (kind == "pubsub" and key.startswith("attribute.")):
            near = nearest_known_word(key, known)
            hint = f"did you mean {near!r}?" if near else f"it has {', '.join(known)}"
            raise WrongCommandUse(f"an event of kind {kind} has no {key!r}", hint)
    change = values.get("change")
    if change is not None and change not in _CHANGES[kind]:
        hint = f"write one of {', '.join(_CHANGES[kind])}"
        raise WrongCommandUse(f"unknown change {change!r}", hint)


def make_invoke_request(
    shape: CommandCallShape,
    body: bytes | None,
    *,
    content_type: str | None = None,
    event: EventOptionWords | None = None,
    structured: bool = False,
    method: str | None = None,
    path: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> CommandCall:
    """Make the request that calls a function of *shape* with *body*.

    Args:
        content_type: of the body of an http function, where it is known
        structured: send CloudEvents in structured instead of binary mode
        path: with its query; None for the function's own
        headers: they win over those that are made here

    Raises:
        WrongCommandUse: the function does not take events, or a path with parameters is missing
    """
    if path is None:
        path = shape.path
        if "{" in path:
            raise WrongCommandUse(
                f"the path of {shape.name} has parameters: {path}", "pass them with --path"
            )
    made, payload = _form(shape, body, content_type, event, structured)
    given = {name.lower(): value for name, value in (headers or {}).items()}
    return CommandCall(method or _method(shape, body), path, {**made, **given}, payload)


def make_invoke_schedule_request(
    shape: CommandCallShape, config: LoadedConfig, index: int, headers: Mapping[str, str]
) -> CommandCall:
    """Make the request that a schedule of the function makes.

    Raises:
        WrongCommandUse: the function has no such schedule
    """
    from ffhost.host.ping_event import schedule_ping_message
    from ffhost.host.schedules import function_schedules

    found = function_schedules(config, shape.name)
    if not 0 <= index < len(found):
        hint = f"it has {len(found)}" if found else "write 'schedules: [{cron: \"0 3 * * *\"}]'"
        raise WrongCommandUse(f"{shape.name} has no schedule {index}", hint)
    message = schedule_ping_message(found[index], shape.signature, shape.path)
    given = {name.lower(): value for name, value in headers.items()}
    return CommandCall(message.method, message.path, {**message.headers, **given}, message.body)


def _method(shape: CommandCallShape, body: bytes | None) -> str:
    if shape.signature in EVENT_OR_TYPED:
        return "POST"
    wanted = "GET" if body is None else "POST"
    if shape.methods is None or wanted in shape.methods:
        return wanted
    return sorted(shape.methods)[0]


def _form(
    shape: CommandCallShape,
    body: bytes | None,
    content_type: str | None,
    event: EventOptionWords | None,
    structured: bool,
) -> Form:
    if event is not None and shape.signature not in ("cloudevent", "event", "http"):
        raise WrongCommandUse(f"{shape.name} is a {shape.signature} function; it takes no event")
    try:
        if event is not None:
            return _event(shape, event, read_data_option(body), structured)
        if shape.signature in ("cloudevent", "event"):
            return _plain_event(shape, read_data_option(body), structured)
    except ResultError as error:
        raise WrongCommandUse(f"the event cannot be written: {error}") from error
    if body is None:
        return {}, b""
    kind = "application/json" if shape.signature == "typed" else content_type
    return {"content-type": kind or _guess(body)}, body


def _plain_event(shape: CommandCallShape, data: Any, structured: bool) -> Form:
    """Wrap *data*, unless it is a whole event already."""
    if isinstance(data, dict):
        if "specversion" in data:
            return {"content-type": "application/cloudevents+json"}, _dump(data)
        if "context" in data or ("message" in data and "subscription" in data):
            return {"content-type": "application/json"}, _dump(data)
    if shape.signature == "event":
        return background_event(DEFAULT_TYPE, data, resource="local")
    return _cloud_event({}, data, structured)


def _event(shape: CommandCallShape, words: EventOptionWords, data: Any, structured: bool) -> Form:
    if words.kind == "cloudevent":
        return _cloud_event(words.values, data, structured)
    if words.kind == "pubsub" and shape.signature == "http":
        options = {key: value for key, value in words.values.items() if "." not in key}
        return pubsub_push(
            data,
            attributes=_attributes(words),
            message_id=options.get("event_id"),
            publish_time=options.get("timestamp"),
        )
    form = _BUILDERS[words.kind](words, data)
    if shape.signature == "event" or words.kind == "background":
        return form
    return invoke_event_as_cloud_event(form, structured)


def invoke_event_as_cloud_event(form: Form, structured: bool = False) -> Form:
    """Convert a background event to a CloudEvent."""
    from ffhost import events

    forms = event_in_all_forms(events.decode_cloud_event(form[0], form[1]))
    return forms.structured if structured else forms.binary


def _cloud_event(values: Mapping[str, str], data: Any, structured: bool) -> Form:
    attributes = {"type": DEFAULT_TYPE, "source": DEFAULT_SOURCE, **values}
    mode = "structured" if structured else "binary"
    made: Form = make_cloud_event(data=data, mode=mode, **attributes)  # type: ignore[arg-type]
    return made


def _pubsub(words: EventOptionWords, data: Any) -> Form:
    options = {key: value for key, value in words.values.items() if "." not in key}
    if "topic" in options and "/" not in options["topic"]:
        options["topic"] = f"projects/local/topics/{options['topic']}"
    return pubsub_event(data, attributes=_attributes(words), **options)


def _attributes(words: EventOptionWords) -> dict[str, str]:
    return {
        key.removeprefix("attribute."): value
        for key, value in words.values.items()
        if key.startswith("attribute.")
    }


def _storage(words: EventOptionWords, data: Any) -> Form:
    options: dict[str, Any] = {"bucket": "local", "name": "file.txt", **words.values}
    return storage_event(**options, data=_mapping(words, data))


def _firestore(words: EventOptionWords, data: Any) -> Form:
    options: dict[str, Any] = {"document": "local/1", **words.values}
    return firestore_event(**options, value=_mapping(words, data))


def _background(words: EventOptionWords, data: Any) -> Form:
    options: dict[str, Any] = {"type": DEFAULT_TYPE, "resource": "local", **words.values}
    return background_event(options.pop("type"), data, **options)


def _mapping(words: EventOptionWords, data: Any) -> dict[str, Any] | None:
    if data is None or isinstance(data, dict):
        return data
    raise WrongCommandUse(f"the data of an event of kind {words.kind} must be a JSON object")


_BUILDERS: dict[str, Callable[[EventOptionWords, Any], Form]] = {
    "pubsub": _pubsub,
    "storage": _storage,
    "firestore": _firestore,
    "background": _background,
}


def read_data_option(body: bytes | None) -> Any:
    """Return the value of a JSON text, else the text, else the bytes."""
    if body is None:
        return None
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _guess(body: bytes) -> str:
    data = read_data_option(body)
    if isinstance(data, bytes):
        return "application/octet-stream"
    return "application/json" if isinstance(data, dict | list) else "text/plain; charset=utf-8"


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
