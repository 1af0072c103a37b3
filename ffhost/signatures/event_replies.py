"""The shared part of the two signatures for events: acknowledgements, batches, checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ffhost.signatures.codec import signature_error
from ffhost.signatures.results import HTML
from ffhost.web.messages import Reply
from ffhost.web.problems import BATCH_INDEX


def make_acknowledgement_encoder(single: bool) -> Callable[[], Reply]:
    """Return a callable that makes the reply for an event that was processed.

    Some brokers fail on a body that is not an event, hence 204. functions-framework answers 200
    ``OK``, and so does single-target mode.
    """
    if single:
        return lambda: Reply(200, [HTML], b"OK")
    return lambda: Reply(204)


def refuse_generator_signature(target: Callable[..., Any], name: str, kind: str) -> None:
    """Refuse a generator function: an event's result is not iterated, so nothing would run.

    Raises:
        LoadError: it is one
    """
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise signature_error(
            f"{name} is a generator function, and the signature {kind} does not iterate; its "
            f"body would never run"
        )


class BatchFailureIndex:
    """Marks what is raised inside it with the index of the event at which it happened.

    The exception keeps its type, so that the function's error handlers recognise it.
    """

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if error is not None:
            setattr(error, BATCH_INDEX, self.index)
            error.add_note(f"at event {self.index} of the batch (counted from 0)")
