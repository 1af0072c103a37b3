"""Lines of a configuration's source with their secrets masked.

What is masked is known by the nodes that were read from the text. Where the text could not be
read, names and indentation decide, and rather too much is masked.
"""

from __future__ import annotations

import re

from ffhost.config.mask import HIDDEN, SecretMask
from ffhost.config.masked_places import (
    ConfigPlace,
    mask_of_config,
    masked_config_nodes,
    root_config_place,
)
from ffhost.config.nodes import ConfigText

Span = tuple[int, int]
_KEY = re.compile(r"""(?P<name>[^\s\[\]{},:='"][^\[\]{},:='"]*|'[^']*'|"[^"]*")\s*[:=]\s*""")
_INDENTATION = re.compile(r"\s*(?:- +)*")


def mask_config_line(source: ConfigText, number: int, column: int) -> tuple[str, int]:
    """Return line *number* (from 0) of *source* masked, and where *column* (from 0) is in it."""
    line = source.line(number) or ""
    spans = _known_spans(source, number) if source.tree else _guessed_spans(source, number)
    masked, end, moved = "", 0, column
    for start, stop in spans:
        if start < end or not line[start:stop].strip():
            continue
        masked += line[end:start]
        if start < column < stop:
            moved = len(masked)
        elif column >= stop:
            moved += len(HIDDEN) - (stop - start)
        masked, end = masked + HIDDEN, stop
    return masked + line[end:], moved


def _known_spans(source: ConfigText, number: int) -> list[Span]:
    assert source.tree is not None
    root, shape = source.tree
    line = source.line(number) or ""
    offset = source.offset if number == 0 else 0
    spans = []
    for _, node in masked_config_nodes(root, ConfigPlace(shape), mask_of_config(root)):
        if node.source.label != source.label or node.line is None or node.end is None:
            continue
        first, last = node.line, node.end[0]
        if first <= number <= last:
            start = offset + (node.column or 0) if number == first else _indentation(line)
            stop = offset + node.end[1] if number == last else len(line)
            spans.append((start, stop))
    return sorted(spans)


def _guessed_spans(source: ConfigText, number: int) -> list[Span]:
    """Return what is masked in a line of a text that is not valid YAML."""
    line = source.line(number) or ""
    mask = SecretMask()
    place = root_config_place()
    for name in _enclosing(source, number):
        place = place.below(name, mask)
    start = _indentation(line)
    for match in _KEY.finditer(line, source.offset if number == 0 else 0):
        name = match["name"].strip("'\" ")
        if place.hidden:
            break
        if place.below(name, mask).hidden or (mask.hides(name) and not _is_ours(place, name)):
            return [(match.end(), len(line))]
        if match.start() == start:
            place = place.below(name, mask)
    return [(start, len(line))] if place.hidden else []


def _is_ours(place: ConfigPlace, name: str) -> bool:
    return place.shape is not None and place.shape.child(name) is not None


def _enclosing(source: ConfigText, number: int) -> list[str]:
    """Return the keys of the lines above that are indented less, the outermost first."""
    names: list[str] = []
    least = _indentation(source.line(number) or "")
    for above in range(number - 1, -1, -1):
        line = source.line(above) or ""
        match = _KEY.match(line, _indentation(line))
        if least == 0 or not match or line.lstrip().startswith("#"):
            continue
        if _indentation(line) < least:
            names.append(match["name"].strip("'\" "))
            least = _indentation(line)
    return names[::-1]


def _indentation(line: str) -> int:
    """Return where the text of *line* begins, after the dashes of a list."""
    match = _INDENTATION.match(line)
    return match.end() if match else 0
