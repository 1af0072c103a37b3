"""Records, which stand for named tuples where a start needs them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, field, replace
from typing import NamedTuple

import pytest

from ffhost._records import FrozenRecord, Record


class Place(Record):
    """Where something is."""

    file: str
    line: int = 1
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return it as one text."""
        return f"{self.file}:{self.line}"


class Named(NamedTuple):
    """The same as a named tuple."""

    file: str
    line: int = 1
    notes: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("a",), {}),
        (("a", 2), {}),
        (("a", 2, ("n",)), {}),
        ((), {"file": "a"}),
        (("a",), {"notes": ("n",)}),
        ((), {"notes": ("n",), "line": 3, "file": "a"}),
    ],
)
def test_a_record_is_made_as_a_named_tuple_is(given: tuple, named: dict) -> None:
    made, same = Place(*given, **named), Named(*given, **named)
    assert made == same
    assert (made.file, made.line, made.notes) == same
    assert repr(made) == repr(same).replace("Named", "Place")
    assert made._asdict() == same._asdict()
    assert made._replace(line=9) == same._replace(line=9)
    assert made.shown == f"a:{made.line}"
    assert hash(made) == hash(same)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), {}),
        ((), {"line": 1}),
        (("a", 1, (), 4), {}),
        (("a",), {"file": "b"}),
        (("a",), {"lines": 2}),
        (("a", 1), {"notes": (), "more": 1}),
    ],
)
def test_fields_that_are_missing_twice_there_or_not_known_are_refused(
    given: tuple, named: dict
) -> None:
    with pytest.raises(TypeError):
        Named(*given, **named)
    with pytest.raises(TypeError, match="Place has the fields file, line, notes"):
        Place(*given, **named)


def test_records_are_copied_sent_to_processes_and_matched() -> None:
    place = Place("a", notes=("n",))
    assert copy.deepcopy(place) == place
    assert type(pickle.loads(pickle.dumps(place))) is Place
    match place:
        case Place(file, line):
            assert (file, line) == ("a", 1)
    with pytest.raises(AttributeError):
        place.line = 2  # type: ignore[misc]


class Sources(FrozenRecord):
    """What something is made of."""

    file: str
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    flags: tuple[str, ...] = ()


def test_a_frozen_record_is_made_and_changed_as_a_frozen_dataclass_is() -> None:
    made = Sources("a", flags=("-x",))
    assert (made.file, made.environ, made.flags) == ("a", {}, ("-x",))
    assert replace(made, file="b").flags == ("-x",)
    assert Sources("a").environ is not Sources("a").environ
    assert repr(Sources("a", {"secret": "x"})) == "Sources(file='a', flags=())"
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'file'"):
        made.file = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'file'"):
        del made.file


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("a", {}, (), 1), {}), (("a",), {"file": "b"}), (("a",), {"files": "b"})],
)
def test_fields_of_a_frozen_record_that_do_not_fit_are_refused(given: tuple, named: dict) -> None:
    with pytest.raises(TypeError, match="Sources has the fields file, environ, flags"):
        Sources(*given, **named)
