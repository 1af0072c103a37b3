"""The table of differences in ``docs/migrating.md``, made of both hosts' answers."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from tests.compat.answers import Answer
from tests.compat.cases import Case, Sent
from tests.compat.differences import Difference, read_differences
from tests.compat.original import ROOT

PAGE = ROOT / "docs" / "migrating.md"
BEGIN = "<!-- differences: written by `make compat ARGS=--page` -->"
END = "<!-- end of differences -->"
_SHOWN = 300


def render(cases: Sequence[Case], theirs: Mapping[str, Answer], ours: Mapping[str, Answer]) -> str:
    """Give the section between the two marks."""
    requests = {case.key(i): sent for case in cases for i, sent in enumerate(case.requests)}
    parts = [
        _section(each, requests[each.example], theirs[each.example], ours[each.example])
        for each in read_differences()
    ]
    return "\n\n".join(parts)


def write_page(
    cases: Sequence[Case], theirs: Mapping[str, Answer], ours: Mapping[str, Answer]
) -> None:
    """Write the section anew."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    section = render(cases, theirs, ours)
    PAGE.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{after}")


def section_of(page: str) -> str:
    """Give the section as the page has it."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def _section(difference: Difference, sent: Sent, theirs: Answer, ours: Answer) -> str:
    return "\n".join(
        (
            f"### {difference.title}",
            "",
            difference.why.strip(),
            "",
            "| | |",
            "| --- | --- |",
            f"| request | {_cell(sent.line)} |",
            f"| functions-framework | {_cell(_answer_text(theirs))} |",
            f"| ffhost | {_cell(_answer_text(ours))} |",
        )
    )


def _answer_text(answer: Answer) -> str:
    lines = [str(answer.status)]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    body = answer.body.decode(errors="replace").strip()
    lines += [] if not body else [body if len(body) <= _SHOWN else f"{body[:_SHOWN]} ..."]
    lines += [f"the function got {note}" for note in answer.notes]
    return "\n".join(lines)


def _cell(text: str) -> str:
    lines = [html.escape(line, quote=False).replace("|", "&#124;") for line in text.splitlines()]
    return "<br>".join(f"<code>{line}</code>" for line in lines if line)
