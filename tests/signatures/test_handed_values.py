"""Which types make it safe to hand a value over as it is."""

from __future__ import annotations

import dataclasses
import enum
import functools
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.host.call_request import NamedCallRequest
from ffhost.signatures.handed_values import measure_of_typed_values


class Size(enum.Enum):
    SMALL = "s"
    ONE = 1


class Pair(NamedTuple):
    left: int
    right: str | int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    number: float
    at: datetime
    on: date
    clock: time
    price: Decimal
    id: UUID


class Model(pydantic.BaseModel, frozen=True):
    pairs: tuple[Pair, ...]
    few: Annotated[tuple[int, ...], pydantic.Field(max_length=2)]
    raw: bytes
    flag: bool | None
    names: frozenset[str]
    choice: Literal["a", 1]


@dataclasses.dataclass(frozen=True)
class Root:
    leaf: Leaf | None
    model: Model
    size: Size
    both: tuple[int, str]
    text: str


numbers = st.integers(-(2**70), 2**70)
moments = st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=1))]))
leaves = st.builds(Leaf, st.floats(), moments, st.dates(), st.times(), st.decimals(), st.uuids())
models = st.builds(
    Model,
    pairs=st.lists(st.builds(Pair, numbers, st.none() | st.text() | numbers)).map(tuple),
    few=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    raw=st.binary(),
    flag=st.none() | st.booleans(),
    names=st.frozensets(st.text()),
    choice=st.sampled_from(["a", 1]),
)
ints = st.integers(-(2**63), 2**64)
roots = st.builds(
    Root,
    st.none() | leaves,
    models,
    st.sampled_from(Size),
    st.tuples(ints, st.text()),
    st.text(st.characters(codec=None)),
)
MEASURE = measure_of_typed_values(Root)
ADAPTER = pydantic.TypeAdapter(Root)


@given(roots)
def test_what_is_handed_over_is_equal_to_what_is_written_and_read(root: Root) -> None:
    assert MEASURE is not None
    most_bytes = MEASURE(root)
    if most_bytes is not None:
        body = NamedCallRequest("name", root).request()[2]
        assert len(body) <= most_bytes
        assert ADAPTER.validate_json(body) == root


EAST = timezone(timedelta(hours=1))
LEAF = Leaf(-0.0, datetime(1, 1, 1, tzinfo=UTC), date.min, time.max, Decimal("1E+9"), UUID(int=0))
MODEL = Model(
    pairs=(Pair(1, "é"), Pair(2, None)),
    few=(1,),
    raw=b"x",
    flag=None,
    names=frozenset({"n"}),
    choice=1,
)
ROOT = Root(LEAF, MODEL, Size.ONE, (1, "\x00"), "t")


def test_a_hundredth_of_a_second_stays_one() -> None:
    root = dataclasses.replace(ROOT, leaf=dataclasses.replace(LEAF, clock=time(0, 0, 0, 10000)))
    assert ADAPTER.validate_json(NamedCallRequest("name", root).request()[2]) == root


def test_a_value_of_all_safe_types_is_handed_over() -> None:
    assert MEASURE is not None
    assert MEASURE(ROOT) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"text": 1},
        {"text": "\ud800"},
        {"both": (1, "a", "b")},
        {"both": (2**63, "a")},
        {"both": (True, "a")},
        {"size": "s"},
        {"leaf": dataclasses.replace(LEAF, number=float("nan"))},
        {"leaf": dataclasses.replace(LEAF, number=1)},
        {"leaf": dataclasses.replace(LEAF, price=Decimal("NaN"))},
        {"leaf": dataclasses.replace(LEAF, at=datetime(1, 1, 2, tzinfo=EAST))},
        {"model": MODEL.model_copy(update={"few": (1, 2, 3)})},
        {"model": MODEL.model_copy(update={"raw": b"\xff"})},
        {"model": MODEL.model_copy(update={"choice": True})},
        {"model": MODEL.model_copy(update={"pairs": [Pair(1, 2)]})},
        {"model": Model.model_construct(raw=b"")},
    ],
)
def test_a_value_with_another_part_is_written_and_read(changes: dict[str, Any]) -> None:
    assert MEASURE is not None
    assert MEASURE(dataclasses.replace(ROOT, **changes)) is None


def test_a_subclass_is_written_and_read() -> None:
    class Sub(Leaf):
        pass

    measure = measure_of_typed_values(Leaf)
    assert measure is not None
    assert measure(Sub(*(getattr(LEAF, each.name) for each in dataclasses.fields(Leaf)))) is None


def test_a_value_with_further_attributes_is_written_and_read() -> None:
    changed = dataclasses.replace(ROOT)
    object.__setattr__(changed, "more", [])
    assert MEASURE is not None
    assert MEASURE(changed) is None


def _frozen(kind: Any, **attributes: Any) -> Any:
    body = {"__annotations__": {"x": kind}, **attributes}
    return dataclasses.dataclass(frozen=True)(type("Frozen", (), body))


def _model(kind: Any = int, **attributes: Any) -> Any:
    body = {"__annotations__": {"x": kind}, "__module__": __name__, **attributes}
    body.setdefault("model_config", {"frozen": True})
    return type("Made", (pydantic.BaseModel,), body)


@dataclasses.dataclass
class Open:
    x: int


@dataclasses.dataclass(frozen=True)
class Node:
    following: Node | None


@dataclasses.dataclass(frozen=True)
class Bounded:
    following: Annotated[tuple[Bounded, ...], pydantic.Field(max_length=1)]


class Plain(Leaf):
    pass


@pytest.mark.parametrize(
    "kind",
    [
        dict,
        Any,
        Open,
        Node,
        Bounded,
        pydantic.create_model("Keyword", __config__={"frozen": True}, **{"class": (int, ...)}),
        Plain,
        _frozen(list[int]),
        _frozen(Any),
        _frozen(Open),
        _frozen(str | UUID),
        _frozen(int | float),
        _frozen(enum.Flag("F", "A")),
        _frozen(int, __post_init__=lambda self: None),
        _frozen(int, to_dict=lambda self: {}),
        _frozen(int, cached=functools.cached_property(lambda self: [])),
        _frozen(int, x=pydantic.Field(gt=1)),
        _frozen(Annotated[int, pydantic.AfterValidator(abs)]),
        _model(model_config={}),
        _model(model_config={"frozen": True, "extra": "allow"}),
        _model(model_config={"frozen": True, "str_strip_whitespace": True}),
        _model(x=pydantic.Field(alias="y")),
        _model(x=pydantic.Field(exclude=True)),
        _model(Annotated[int, pydantic.PlainSerializer(str)]),
        _model(_y=pydantic.PrivateAttr(1)),
        _model(model_post_init=lambda self, context: None),
        _model(check=pydantic.field_validator("x")(lambda value: value)),
        _model(twice=pydantic.computed_field(property(lambda self: 2), return_type=int)),
        pydantic.RootModel[int],
    ],
)
def test_types_that_may_change_or_are_read_otherwise_are_written_and_read(kind: Any) -> None:
    assert measure_of_typed_values(kind) is None


@pytest.mark.parametrize("kind", [_frozen(int), _model(), _model(x=pydantic.Field(gt=1))])
def test_the_types_of_these_tests_are_safe_without_that(kind: Any) -> None:
    measure = measure_of_typed_values(kind)
    assert measure is not None
    assert measure(kind(x=7)) is not None
