"""Stacks as text that begin at user code: how the host came there is left out.

What never came to user code, such as an error of the host, is shown whole.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from traceback import FrameSummary, StackSummary, TracebackException, walk_stack, walk_tb
from types import FrameType, TracebackType

from ffhost.loading.modules.scopes import SCOPE_KEY

_MACHINERY = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    str(importlib.__file__),
    "<frozen importlib",
)


def user_error_text(error: BaseException) -> str:
    """Return *error* and its chain as Python prints them."""
    described = TracebackException.from_exception(error, compact=True)
    for one, shown in _chain(error, described):
        frames = [frame for frame, _line in walk_tb(one.__traceback__)]
        shown.stack[:] = _of_user(frames, shown.stack)
    return "".join(described.format())


def user_stack_text(frame: FrameType) -> str:
    """Return the stack that ends at *frame* as Python prints it, innermost call last."""
    walked = list(walk_stack(frame))[::-1]
    summary = StackSummary.extract(iter(walked))
    summary[:] = _of_user([each for each, _line in walked], summary)
    return "".join(summary.format())


def innermost_user_frame(traceback: TracebackType | None) -> TracebackType | None:
    """Return the innermost entry of *traceback* that is user code, or None."""
    found = None
    while traceback is not None:
        if _is_user(traceback.tb_frame):
            found = traceback
        traceback = traceback.tb_next
    return found


def _is_user(frame: FrameType) -> bool:
    return SCOPE_KEY in frame.f_builtins


def _of_user(frames: Sequence[FrameType], summary: list[FrameSummary]) -> list[FrameSummary]:
    """Return the part of *summary*, which describes *frames*, that begins at user code."""
    first = next((number for number, each in enumerate(frames) if _is_user(each)), None)
    if first is None or len(frames) != len(summary):  # sys.tracebacklimit may have cut it
        return summary
    return [each for each in summary[first:] if not each.filename.startswith(_MACHINERY)]


def _chain(
    error: BaseException | None, shown: TracebackException | None
) -> Iterator[tuple[BaseException, TracebackException]]:
    """Return each exception of a chain or group with its description, as far as that is shown."""
    if error is None or shown is None:
        return
    yield error, shown
    yield from _chain(error.__cause__, shown.__cause__)
    yield from _chain(error.__context__, shown.__context__)
    described = getattr(shown, "exceptions", None)  # since 3.11
    for one, each in zip(getattr(error, "exceptions", ()), described or (), strict=False):
        yield from _chain(one, each)
