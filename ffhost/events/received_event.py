"""The event that a function gets: one object for both generations of the CloudEvents SDK.

This module imports the SDK and is therefore imported only when a function that takes events
is loaded. It knows nothing of HTTP. Constructing an event is a few assignments: what the
SDK's constructors check was checked when the request was read.

The classes, and which of the two generations answers:

==================  ==============================  ===================================
asked for           unannotated, or the old class   the new class in the annotation
==================  ==============================  ===================================
``event["id"]``     old                             old
``event.data``      old                             old
``get_id()`` ...    new                             new
``get_time()``      new: a datetime                 new: a datetime
``get_data()``      new (old class named: old)      new
``get_attributes``  old: ``time`` is text           new: ``time`` is a datetime
==================  ==============================  ===================================

The two differ in data only where it is not declared as JSON: the old SDK gives JSON if the
body parses and bytes otherwise, the new one gives text, or bytes that are not UTF-8.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.v03.event import CloudEvent as NewEvent03
from cloudevents.core.v1.event import CloudEvent as NewEvent
from cloudevents.v1.abstract import CloudEvent as AnyOldEvent
from cloudevents.v1.http.event import CloudEvent as OldEvent

from ffhost.errors import FieldError
from ffhost.events.cloudevent_reader import EventPayload, MalformedEvent
from ffhost.events.event_values import parse_event_time

EventMaker: TypeAlias = Callable[[dict[str, Any], Any, EventPayload | None], Any]
"""Makes the event out of what was read: attributes, data of the old SDK, payload."""


class Event(OldEvent, BaseCloudEvent):  # type: ignore[misc]
    """A CloudEvent as a function gets it; what is made is `EventV1` or `EventV03`.

    ``event["time"]`` of an event without one is the moment of asking, as in the old SDK,
    which puts it into every event; here only asking does, so that an event which is passed
    on is the event that came.
    """

    _payload: EventPayload | None = None

    def __getitem__(self, key: str) -> Any:
        try:
            return self._attributes[key]
        except KeyError:
            if key != "time":
                raise
            self._attributes[key] = now = datetime.now(UTC).isoformat()
            return now

    def get_data(self) -> Any:
        """Return the data as the new SDK does; what was assigned to ``data``, as it is."""
        payload = self._payload
        if payload is not None and self.data is payload.old:
            return payload.new
        return self.data

    def get_time(self) -> datetime | None:
        """Return the time with its zone, UTC if the event names none; None if it has no time."""
        time = self._attributes.get("time")
        return parse_event_time(time) if isinstance(time, str) else time

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AnyOldEvent):
            data = other.data if isinstance(other, Event) else other.get_data()
            return bool(self.data == data and self._attributes == other._get_attributes())
        return False

    def __repr__(self) -> str:
        return str({"attributes": self._attributes, "data": self.data})

    @property
    def unchanged_payload(self) -> EventPayload | None:
        """Return the payload as it came, or None where the data has been replaced since."""
        payload = self._payload
        return payload if payload is not None and self.data is payload.old else None


# The bases agree on what each method is for, not on its declared types.
class EventV1(Event, NewEvent):  # type: ignore[misc]
    """An event of specification 1.0; an instance of ``core.v1.CloudEvent`` too."""


class EventV03(Event, NewEvent03):  # type: ignore[misc]
    """An event of specification 0.3; an instance of ``core.v03.CloudEvent`` too."""


class _OldView:
    """What a function that names the old class expects of the methods that both have."""

    data: Any

    def get_data(self) -> Any:
        return self.data


class _NewView:
    """What a function that names the new class expects of the methods that both have."""

    _attributes: dict[str, Any]

    def get_attributes(self) -> dict[str, Any]:
        """Return the attributes as the new class holds them, in a dictionary of the caller's own.

        Names that the new class does not allow, such as ``my-ext``, are left out.
        """
        attributes = {name: value for name, value in self._attributes.items() if name.isalnum()}
        if isinstance(time := attributes.get("time"), str):
            attributes["time"] = parse_event_time(time)
        return attributes


class OldEventV1(_OldView, EventV1): ...  # type: ignore[misc]


class OldEventV03(_OldView, EventV03): ...  # type: ignore[misc]


class NewEventV1(_NewView, EventV1): ...


class NewEventV03(_NewView, EventV03): ...


def event_maker(annotation: object = None) -> EventMaker:
    """Choose, once, how the events of a function are made.

    *annotation* is what stands at the function's argument, resolved to an object:

    - nothing, or anything that is not an event class: `EventV1` or `EventV03`;
    - the old SDK's ``CloudEvent``: the same, with the old form wherever both have a method;
    - the new SDK's ``CloudEvent`` (either version) or ``BaseCloudEvent``: the new form;
    - a pydantic ``CloudEvent`` of the SDK, or a subclass of any SDK class: that class, made
      with ``create(attributes, data)`` (old) or ``cls(attributes, data)`` (new).

    ``Optional``, unions and ``Annotated`` are looked through.
    """
    chosen = next(filter(_is_event_class, _members(annotation)), None)
    if chosen is None or issubclass(chosen, Event):
        return _assigner(EventV1, EventV03)
    if chosen in (AnyOldEvent, OldEvent):
        return _assigner(OldEventV1, OldEventV03)
    if chosen in (BaseCloudEvent, NewEvent, NewEvent03):
        return _assigner(NewEventV1, NewEventV03)
    return _old_creator(chosen) if issubclass(chosen, AnyOldEvent) else _new_creator(chosen)


def _is_event_class(candidate: object) -> bool:
    return isinstance(candidate, type) and (
        AnyOldEvent in candidate.__mro__ or BaseCloudEvent in candidate.__mro__
    )


def _members(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(annotation.__origin__)
    if origin in (typing.Union, types.UnionType):
        return [leaf for each in typing.get_args(annotation) for leaf in _members(each)]
    return [annotation]


def _assigner(v1: type[Event], v03: type[Event]) -> EventMaker:
    new = object.__new__

    def make(attributes: dict[str, Any], data: Any, payload: EventPayload | None) -> Event:
        event = new(v1 if attributes["specversion"] == "1.0" else v03)
        event._attributes = attributes
        event.data = data
        if payload is not None:
            event._payload = payload
        return event

    return make


def _old_creator(event_class: type[AnyOldEvent]) -> EventMaker:
    def make(attributes: dict[str, Any], data: Any, payload: EventPayload | None) -> Any:
        try:
            return event_class.create(attributes, data)
        except Exception as error:
            raise _misfit(event_class, error) from error

    return make


def _new_creator(event_class: type) -> EventMaker:
    def make(attributes: dict[str, Any], data: Any, payload: EventPayload | None) -> Any:
        kept: Mapping[str, Any] = {
            name: parse_event_time(value) if name == "time" else value
            for name, value in attributes.items()
            if name.isalnum()
        }
        try:
            return event_class(kept, data if payload is None else payload.new)
        except Exception as error:
            raise _misfit(event_class, error) from error

    return make


def _misfit(event_class: type, error: Exception) -> MalformedEvent:
    """Return the names of the fields that a class of the user's refuses; pydantic lists them.

    Any exception of a constructor means that the event does not fit: what it says is left
    out where its form is unknown, because it may quote the body.
    """
    found = getattr(error, "errors", None)
    faults: list[FieldError] = []
    if isinstance(found, Mapping):  # the new SDK: attribute to exceptions
        faults = [FieldError(str(name), "not accepted by the class") for name in found]
    elif callable(found):  # pydantic
        faults = [FieldError(".".join(map(str, each["loc"])), str(each["msg"])) for each in found()]
    return MalformedEvent(f"the event does not fit the class {event_class.__name__}", *faults)
