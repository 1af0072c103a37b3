"""The signature of a function: from the file, its decorator, its annotations, or http.

The classes that annotations name are recognised by where they are defined; none is imported
for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ffhost._records import Record
from ffhost.loading import decorators
from ffhost.loading.targets import TargetForm, form_of_target
from ffhost.signatures import parameters
from ffhost.signatures.codec import signature_error

_REQUEST_PACKAGES = {"ffhost": "native", "falcon": "native", "flask": "flask"}
_REQUEST_PACKAGES |= {"werkzeug": "flask", "starlette": "starlette", "fastapi": "starlette"}
_EVENT_PACKAGES = {"cloudevents", "ffhost"}
_EVENT_NAMES = {"CloudEvent", "Event"}


class InferredSignature(Record):
    """What was inferred from a function.

    ``request`` is ``native``, ``flask`` or ``starlette`` where the annotation names a request
    class, else None; ``marked`` is what the decorator implies.
    """

    kind: str
    input_type: Any = None
    request: str | None = None
    marked: str | None = None


def infer_signature(
    target: Callable[..., Any],
    word: str | None = None,
    *,
    name: str = "",
    single: bool = False,
    form: TargetForm | None = None,
) -> InferredSignature:
    """Find the signature of *target*.

    Args:
        target: the function
        word: what the configuration says, or None
        name: what errors call the function
        single: whether a decorator overrides the configuration (single-target mode
            without a file), instead of contradicting it
        form: of the target, where it is known

    Raises:
        LoadError: the configuration and a decorator contradict each other
    """
    form = form or form_of_target(target)
    mark: decorators.SignatureMark | None = parameters.signature_mark_of(
        target, decorators.SIGNATURE
    )
    endpoint = parameters.signature_mark_of(target, parameters.FIREBASE)
    if mark is None and endpoint is not None:
        mark = _firebase_mark(endpoint)
    annotation = parameters.parameter_annotation(target, form)
    request = _request_of(annotation)
    if mark is not None:
        if word is not None and word != mark.kind and not single:
            raise signature_error(
                f"{name or repr(target)} is decorated as {mark.kind}, but the configuration says "
                f"{word!r}; remove one of them"
            )
        return InferredSignature(mark.kind, mark.input_type, request, mark.request)
    if word is not None:
        return InferredSignature(word, None, request)
    second = parameters.parameter_annotation(target, form, 1)
    return InferredSignature(_kind_of(annotation, second), None, request)


def _firebase_mark(endpoint: Any) -> decorators.SignatureMark:
    if getattr(endpoint, "eventTrigger", None) is not None:
        return decorators.SignatureMark("cloudevent")
    return decorators.SignatureMark("http", request="flask")


def _kind_of(annotation: Any, second: Any) -> str:
    if _named(second) == "Context":
        return "event"
    if _request_of(annotation) is not None:
        return "http"
    if _named(annotation) in _EVENT_NAMES and (
        isinstance(annotation, str) or _package(annotation) in _EVENT_PACKAGES
    ):
        return "cloudevent"
    return "typed" if _is_input_type(annotation) else "http"


def _is_input_type(annotation: Any) -> bool:
    """Whether *annotation* is a model, dataclass, TypedDict or class with ``from_dict``."""
    return isinstance(annotation, type) and (
        hasattr(annotation, "__pydantic_validator__")
        or dataclasses.is_dataclass(annotation)
        or (issubclass(annotation, dict) and hasattr(annotation, "__required_keys__"))
        or hasattr(annotation, "from_dict")
    )


def _request_of(annotation: Any) -> str | None:
    """Return the package family of a request class, also of a subclass of one."""
    if isinstance(annotation, str):
        # Imported for type checkers only: "flask.Request" is clear, a bare "Request" is not.
        package, dot, name = annotation.rpartition(".")
        return (
            _REQUEST_PACKAGES.get(package.partition(".")[0]) if dot and name == "Request" else None
        )
    for each in getattr(annotation, "__mro__", ()):
        if each.__name__ == "Request" and (family := _REQUEST_PACKAGES.get(_package(each))):
            return family
    return None


def _named(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2]
    return getattr(annotation, "__name__", "")


def _package(kind: Any) -> str:
    return str(getattr(kind, "__module__", "")).partition(".")[0]
