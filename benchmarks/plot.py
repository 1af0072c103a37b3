"""The table as a picture: an SVG written by hand, with a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.measuring import Row

_LABELS, _WIDTH, _LINE, _TOP = 330, 900, 24, 40
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_COLOURS = {True: "#2a7f4f", False: "#b5472f", None: "#4a6fa5"}
_STYLE = "font: 12px sans-serif; fill: #333"


def write(file: Path, rows: Sequence[Row]) -> None:
    """Draw the medians as points, the quartiles as lines and the targets as marks."""
    shown = [row for row in rows if row.ratio is not None]
    if not shown:
        return
    values = [value for row in shown if row.ratio for value in (row.ratio.low, row.ratio.high)]
    values += [row.target for row in shown if row.target is not None] + [1.0]
    scale = _Scale(min(values) / 1.2, max(values) * 1.2)
    height = _TOP + _LINE * len(shown) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        *_axis(scale, height),
    ]
    for number, row in enumerate(shown):
        parts += _bar(row, scale, _TOP + _LINE * number + _LINE / 2)
    file.write_text("\n".join([*parts, "</svg>", ""]))


class _Scale:
    """Ratios to places on the axis."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def x(self, value: float) -> float:
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return _LABELS + share * (_WIDTH - _LABELS - 20)


def _axis(scale: _Scale, height: int) -> list[str]:
    parts = []
    for tick in _TICKS:
        if scale.least <= tick <= scale.most:
            x, colour = scale.x(tick), "#888" if tick == 1 else "#ddd"
            parts.append(_stroke(x, _TOP - 8, x, height - 16, colour, 1))
            parts.append(_text(x, _TOP - 14, f"{tick:g}", "middle"))
    return parts


def _bar(row: Row, scale: _Scale, y: float) -> list[str]:
    assert row.ratio is not None
    colour = _COLOURS[row.reached]
    parts = [
        _text(_LABELS - 10, y + 4, row.title, "end"),
        _stroke(scale.x(row.ratio.low), y, scale.x(row.ratio.high), y, colour, 4),
        f'<circle cx="{scale.x(row.ratio.median):.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>',
    ]
    if row.target is not None:
        x = scale.x(row.target)
        parts.append(_stroke(x, y - 9, x, y + 9, "#000", 2))
    return parts


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str, width: int) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{_STYLE}">'
        f"{escape(text)}</text>"
    )
