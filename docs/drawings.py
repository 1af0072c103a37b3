"""The drawn pictures of ``architecture.md``: the two flows and the rooms, as SVG.

``python docs/drawings.py`` writes them; a test compares them with what is committed. The rooms are
those of the table in ``architecture.md``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent

CONFIGURATION = (
    ("file, variables, command line", "written by you"),
    ("settings", "every value with its origin"),
    ("functions", "imported, composed"),
    ("host", "a snapshot, replaced by a reload"),
    ("fronts", "two Falcon applications"),
    ("server", "listens when ready"),
)
CALL = (
    ("server", "reads the request"),
    ("front", "finds the function"),
    ("decode", "request to arguments"),
    ("function", "slot, deadline, hooks"),
    ("encode", "result to answer"),
    ("front", "writes the head"),
    ("server", "sends the answer"),
)

_WIDTH = 960
_GAP = 22
_STYLE = """
text { font: 15px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1c2b2a; }
.small { font-size: 12px; fill: #50615f; }
.name { font-weight: 600; }
rect { fill: #e8f3f1; stroke: #00897b; }
.arrow { stroke: #00897b; stroke-width: 1.5; fill: none; }
.head { fill: #00897b; }
@media (prefers-color-scheme: dark) {
text { fill: #e4ecea; } .small { fill: #a9bbb8; } rect { fill: #17312e; stroke: #4db6ac; }
.arrow { stroke: #4db6ac; } .head { fill: #4db6ac; } }
"""


def flow(title: str, stations: Iterable[tuple[str, str]]) -> str:
    """Draw boxes from left to right, with an arrow from each to the next."""
    stations = list(stations)
    width = (_WIDTH - _GAP * (len(stations) - 1)) / len(stations)
    drawn = []
    for number, (name, about) in enumerate(stations):
        left = number * (width + _GAP)
        drawn.append(_box(left, 1, width, 92, name, about))
        if number:
            drawn.append(_arrow(left - _GAP, 47, left))
    return _picture(title, 94, drawn)


def rooms(table: Iterable[tuple[str, str]]) -> str:
    """Draw the rooms in the order of imports, down the left column and then the right one."""
    found = list(table)
    half, height, gap = (len(found) + 1) // 2, 68, 14
    width = (_WIDTH - 40) / 2
    drawn = []
    for number, (name, job) in enumerate(found):
        column, row = divmod(number, half)
        left, top = column * (width + 40), 1 + row * (height + gap)
        drawn.append(_box(left, top, width, height, name, job.replace("`", ""), wrap=66))
    title = "The rooms, each importing only from those before it"
    return _picture(title, half * (height + gap), drawn)


def rooms_of_the_page() -> list[tuple[str, str]]:
    """Return the rooms with their jobs, as ``architecture.md`` lists them."""
    page = (FOLDER / "architecture.md").read_text()
    table = page.partition("<!-- rooms -->")[2].partition("<!-- end of rooms -->")[0]
    return re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)


def pictures() -> dict[str, str]:
    """Return every picture by the name of its file."""
    return {
        "configuration.svg": flow("How configuration flows", CONFIGURATION),
        "call.svg": flow("How a call flows", CALL),
        "rooms.svg": rooms(rooms_of_the_page()),
    }


def _box(
    left: float, top: float, width: float, height: float, name: str, about: str, wrap: int = 0
) -> str:
    middle = left + width / 2
    wrap = wrap or int(width / 7.6)
    names = textwrap.wrap(name, wrap)
    lines = [("name", line) for line in names]
    lines += [("small", line) for line in textwrap.wrap(about, wrap if wrap > 40 else wrap + 3)]
    first = top + height / 2 - 9 * (len(lines) - 1) + 5
    texts = "".join(
        f'<text class="{kind}" x="{middle:.0f}" y="{first + 18 * number:.0f}"'
        f' text-anchor="middle">{escape(line)}</text>'
        for number, (kind, line) in enumerate(lines)
    )
    place = f'x="{left + 1:.0f}" y="{top:.0f}" width="{width - 2:.0f}" height="{height:.0f}"'
    return f'<rect {place} rx="6"/>{texts}'


def _arrow(start: float, y: float, end: float) -> str:
    head = f'<path class="head" d="M{end - 7:.0f} {y - 4:.0f} l7 4 l-7 4 z"/>'
    return f'<path class="arrow" d="M{start + 2:.0f} {y:.0f} H{end - 6:.0f}"/>{head}'


def _picture(title: str, height: float, drawn: Iterable[str]) -> str:
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


def main() -> None:
    """Write the pictures."""
    for name, picture in pictures().items():
        (FOLDER / "pictures" / name).write_text(picture)


if __name__ == "__main__":
    main()
