"""House English: what a docstring may begin with, and words that nobody should have to translate.

A failure names ``file:line`` and the word. Add a verb to the list when it is one that the field
uses; rewrite the sentence when it is not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sources import nodes

TOGETHER = "source trees"
ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ffhost"


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


VERBS = words("""
    Accept Acquire Add Adjust Align Announce Answer Append Apply Ask Await Begin Bind Block Build
    Call Cancel Capture Change Check Choose Clear Close Collect Compare Complete Compose Configure
    Connect Continue Convert Copy Count Create Cut Declare Decode Delete Deliver Describe
    Discard Drain Drop Dump Emit Encode End Enter Escape Evaluate Exclude Exit Export Fetch Fill
    Filter Find Finish Flush Follow Forget Fork Format Free Guess Handle Host Import Indent
    Insert Install Interrupt Iterate Join Keep Kill Leave Limit Link List Listen Load Lock Log
    Look Make Mark Match Measure Merge Mount Move Open Order Parse Patch Pause Post Prepare
    Print Profile Provide Publish Put Queue Quote Raise Read Reap Receive Reconfigure Record
    Refuse Register Reject Release Reload Remember Remove Render Replace Report Reset Resolve
    Restore Resume Retire Return Round Run Sample Schedule Search Send Serve Set Show Shut Sign
    Skip Sort Split Start Stop Store Strip Submit Switch Take Test Track Translate Truncate Try
    Turn Undo Unlock Update Use Validate Verify Wait Wake Walk Warn Watch Whether Wrap Write
    Yield
    """)
"""What a function, a method or a property may begin with; a property also with a noun."""

RETIRED = words("""
    Be Bring Do Give Grow Hand Have Lay Lead Let Name Note Notice Ring Say Settle Stand Tell
""")
"""Verbs of the old house: they hide whether something is returned, set or run."""

NOUNS_TOO = words("""
    Answer Call Change Check Count Filter Format Import Limit Link List Load Lock Log Mark Match
    Patch Queue Record Report Schedule Search Set Start Test Use Watch Wait
""")
"""Verbs of the list that are nouns as well."""

RIDDLES = {
    r"\bnursery\b": "forkserver",
    r"\bfalconry\b": "falcon_responses",
    r"\bbeliever\b": "trust_forwarded",
    r"\beldest\b": "the oldest",
    r"\berrands?\b": "job",
    r"\bbrothers\b": "the other workers",
    r"\bfinisher\b": "make_reply_completer",
    r"\bsettler\b": "make_reply_reporter",
    r"(?-i:\bBell\b)": "LazyEvent",
    r"(?-i:class Wrong\b|\bWrong\()": "InvalidSetting",
    r"(?-i:class Late\b|\bLate\()": "AlreadyAnswered",
    r"(?-i:\bGive )": "Return",
    r"(?-i:\b(?:Say|Tell) whether\b)": "Whether or Return",
    r"(?<!there )(?<!there, )\b(?:is|are) no (?!longer\b)": "is not a, has no or there is no",
    r"\bnot there to\b": "missing",
    r"\bbelong into\b": "keep out of",
    r"\bwhat is switched off is not there\b": "disabled features add no code to a call",
}
"""Patterns that may not occur, whatever the case, with what to write instead."""


class Docstring(NamedTuple):
    """The docstring of one definition."""

    place: str
    kind: str
    first: str
    name: str


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def docstrings(file: Path) -> Iterator[Docstring]:
    """Return the docstrings of *file*, with what each belongs to."""
    for node in nodes(file):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text is None:
                continue
            kind = type(node).__name__
            if kind.endswith("FunctionDef"):
                kind = "property" if is_property(node) else "function"
            place = f"{shown(file)}:{node.body[0].lineno}"
            yield Docstring(place, kind, text.split()[0], getattr(node, "name", file.stem))


def is_property(node: ast.AST) -> bool:
    """Whether *node* is read as an attribute."""
    decorators = {ast.unparse(each) for each in getattr(node, "decorator_list", ())}
    return bool(decorators & {"property", "functools.cached_property", "cached_property", "_once"})


def begins_well(docstring: Docstring) -> bool:
    """Whether the first word is one of the list, or a noun where a thing is described."""
    word = docstring.first.rstrip(",.;:")
    if docstring.kind == "function":
        return word in VERBS
    if docstring.kind == "property":
        return word not in RETIRED
    return word not in RETIRED and word not in VERBS - NOUNS_TOO


def rooms() -> list[str]:
    folders = [each.name for each in PACKAGE.iterdir() if (each / "__init__.py").is_file()]
    return [*sorted(folders), "doors"]


def files_of(room: str) -> list[Path]:
    return sorted(PACKAGE.glob("*.py") if room == "doors" else (PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", rooms())
def test_every_docstring_begins_with_a_word_of_the_list(room: str) -> None:
    wrong = [
        f"{each.place}: {each.name} begins with {each.first!r}"
        for file in files_of(room)
        for each in docstrings(file)
        if not begins_well(each)
    ]
    assert wrong == [], "\n".join(["", *wrong])


def riddles(file: Path) -> Iterator[str]:
    """Return each riddle in *file*, with its place and what to write instead."""
    text = file.read_text()
    for pattern, instead in RIDDLES.items():
        for found in re.finditer(pattern, text, re.IGNORECASE):
            number = text.count("\n", 0, found.start()) + 1
            yield f"{shown(file)}:{number}: {found[0]!r}; write {instead}"


@pytest.mark.parametrize("room", rooms())
def test_no_source_speaks_in_riddles(room: str) -> None:
    found = [each for file in files_of(room) for each in riddles(file)]
    assert found == [], "\n".join(["", *found])


def test_no_page_speaks_in_riddles() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    found = [each for page in sorted(pages) for each in riddles(page)]
    assert found == [], "\n".join(["", *found])


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("the Content-Length is no number", "is not a, has no or there is no"),
        ('    """Give the head."""', "Return"),
        ("the eldest worker", "the oldest"),
        ("class Bell:", "LazyEvent"),
    ],
)
def test_a_riddle_is_found(line: str, instead: str) -> None:
    found = [each for pattern, each in RIDDLES.items() if re.search(pattern, line, re.IGNORECASE)]
    assert found == [instead]


@pytest.mark.parametrize(
    "line",
    ["there is no deadline", "it is no longer served", "a bell rings", "given", "Wrong type"],
)
def test_plain_words_are_left_alone(line: str) -> None:
    assert not any(re.search(pattern, line, re.IGNORECASE) for pattern in RIDDLES)
