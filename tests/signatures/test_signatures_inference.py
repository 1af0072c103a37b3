"""Which signature a function has, by the file, its decorator, its annotations, or default."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, TypedDict

import cloudevents.core.v1.event
import cloudevents.v1.http
import falcon
import flask
import pydantic
import pytest
import starlette.requests

from ffhost.errors import LoadError
from ffhost.events import Context, Event
from ffhost.loading import decorators
from ffhost.signatures import InferredSignature, infer_signature
from ffhost.signatures.requests import Request

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent as CloudEvent
    from elsewhere import Nothing  # type: ignore[import-not-found]


class Model(pydantic.BaseModel):
    a: int


@dataclasses.dataclass
class Record:
    a: int


class Typed(TypedDict):
    a: int


class FromDict:
    @classmethod
    def from_dict(cls, data: Any) -> FromDict:
        return cls()


class FlaskRequest(flask.Request):
    pass


def plain(request): ...  # type: ignore[no-untyped-def]
def ours(request: Request): ...  # type: ignore[no-untyped-def]
def of_falcon(request: falcon.Request): ...  # type: ignore[no-untyped-def]
def of_flask(request: flask.Request): ...  # type: ignore[no-untyped-def]
def of_a_subclass(request: FlaskRequest): ...  # type: ignore[no-untyped-def]
def of_starlette(request: starlette.requests.Request): ...  # type: ignore[no-untyped-def]
def old_event(event: cloudevents.v1.http.CloudEvent): ...  # type: ignore[no-untyped-def]
def new_event(event: cloudevents.core.v1.event.CloudEvent): ...  # type: ignore[no-untyped-def]
def our_event(event: Event): ...  # type: ignore[no-untyped-def]
def event_for_checkers(event: CloudEvent): ...  # type: ignore[no-untyped-def]
def something_for_checkers(event: Nothing): ...  # type: ignore[no-untyped-def]
def background(data: Any, context: Context): ...  # type: ignore[no-untyped-def]
def model(value: Model): ...  # type: ignore[no-untyped-def]
def record(value: Record): ...  # type: ignore[no-untyped-def]
def typed_dict(value: Typed): ...  # type: ignore[no-untyped-def]
def from_dict(value: FromDict): ...  # type: ignore[no-untyped-def]
def mapping(value: dict[str, Any]): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("target", "inferred"),
    [
        (plain, InferredSignature("http")),
        (ours, InferredSignature("http", request="native")),
        (of_falcon, InferredSignature("http", request="native")),
        (of_flask, InferredSignature("http", request="flask")),
        (of_a_subclass, InferredSignature("http", request="flask")),
        (of_starlette, InferredSignature("http", request="starlette")),
        (old_event, InferredSignature("cloudevent")),
        (new_event, InferredSignature("cloudevent")),
        (our_event, InferredSignature("cloudevent")),
        (event_for_checkers, InferredSignature("cloudevent")),
        (something_for_checkers, InferredSignature("http")),
        (background, InferredSignature("event")),
        (model, InferredSignature("typed")),
        (record, InferredSignature("typed")),
        (typed_dict, InferredSignature("typed")),
        (from_dict, InferredSignature("typed")),
        (mapping, InferredSignature("http")),
        (functools.partial(background), InferredSignature("event")),
        (print, InferredSignature("http")),
    ],
)
def test_annotations_tell_the_signature(target: Any, inferred: InferredSignature) -> None:
    assert infer_signature(target) == inferred


def test_a_decorator_tells_more_than_annotations() -> None:
    @decorators.cloud_event
    def take(value: Model) -> None: ...

    @decorators.typed(Record)
    def read(value: Any) -> None: ...

    assert infer_signature(take) == InferredSignature("cloudevent")
    assert infer_signature(functools.partial(take)) == InferredSignature("cloudevent")
    assert infer_signature(read) == InferredSignature("typed", Record)
    assert infer_signature(read, "typed") == InferredSignature("typed", Record)


def test_the_file_tells_more_than_annotations() -> None:
    assert infer_signature(model, "http") == InferredSignature("http")
    assert infer_signature(plain, "wsgi") == InferredSignature("wsgi")


def test_file_and_decorator_that_contradict_each_other_are_an_error() -> None:
    @decorators.cloud_event
    def take(event: Any) -> None: ...

    with pytest.raises(LoadError) as caught:
        infer_signature(take, "http", name="take")
    assert str(caught.value) == (
        "take is decorated as cloudevent, but the configuration says 'http'; remove one of them"
    )


def test_in_single_target_mode_the_decorator_wins() -> None:
    @decorators.cloud_event
    def take(event: Any) -> None: ...

    assert infer_signature(take, "http", single=True) == InferredSignature("cloudevent")


def test_a_decorated_method_of_a_callable_object_counts() -> None:
    class Taker:
        @decorators.event
        def __call__(self, data: Any, context: Any) -> None: ...

    assert infer_signature(Taker()) == InferredSignature("event")
