"""The request of a call whose event reaches the function without header fields.

Between functions of one host the attributes of an event are not written as header fields and read
again: they are texts before and after. Its data is written and read, as over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from ffhost.events.cloudevent_reader import Read, event_with_trace_attributes, read_event_attributes
from ffhost.web.inner_message import NO_PARAMS, InnerMessage
from ffhost.web.messages import Message

if TYPE_CHECKING:
    from ffhost.events.cloudevent_writer import BinaryEvent

_FORMATS: Final = "application/cloudevents"
_OF_DRAFT: Final = frozenset({"eventid", "eventtype"})


def can_be_handed_over(event: BinaryEvent) -> bool:
    """Whether *event* is the same if its attributes are not written as header fields.

    It is not if the request would be read in another way than as a binary event.
    """
    if not _OF_DRAFT.isdisjoint(event.attributes):
        return False
    content_type = event.content_type
    if content_type is not None and content_type[: len(_FORMATS)].lower() == _FORMATS:
        return False
    text = "".join(event.attributes.values())
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class HandedEventMessage(InnerMessage):
    """A request with an event whose attributes are written only when somebody asks for them.

    Args:
        event: what the function gets
        trace: the header fields of the trace of the call, which the event gets as attributes
        asked: as for `InnerMessage`
        write_fields: returns the header fields that do not come from the event
        method: as for `Message`, like all that follow
    """

    __slots__ = ("_event", "_trace")

    def __init__(
        self,
        event: BinaryEvent,
        trace: Mapping[str, str],
        asked: Message,
        write_fields: Callable[[], dict[str, str]],
        method: str,
        path: str,
        query: str = "",
        params: Mapping[str, str] = NO_PARAMS,
    ) -> None:
        write_all = partial(_all_fields, event, write_fields)
        super().__init__(asked, write_all, method, path, query, event.body, params)
        self._event = event
        self._trace = trace

    def read(self, *, traced: bool) -> Read:
        """Return the event as it would be read from the header fields and the body.

        Args:
            traced: whether it gets the trace of the call as attributes

        Raises:
            Malformed: as for `read_binary_event`
        """
        event = self._event
        found = read_event_attributes({**event.attributes}, event.content_type, self.body)
        if traced:
            event_with_trace_attributes(found[0], self._trace)
        return found


def _all_fields(event: BinaryEvent, write_fields: Callable[[], dict[str, str]]) -> dict[str, str]:
    return {**dict(event.headers()), **write_fields()}
