"""The signature ``typed``: a JSON body read as the annotated type in, a result out.

The type is a pydantic model, a dataclass, a TypedDict, anything else that pydantic
validates, or a class with ``from_dict``. What validates it is built when the function is
loaded. Parameters of the function's path fill the fields of their name.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ffhost.errors import (
    BadRequest,
    FieldError,
    UnprocessableContent,
    UnsupportedMediaType,
)
from ffhost.loading import decorators
from ffhost.loading.targets import TargetForm
from ffhost.signatures import parameters
from ffhost.signatures.codec import Codec, SignatureOptions, signature_error
from ffhost.signatures.flask_json import dump_flask_json, is_pydantic_model
from ffhost.signatures.foreign_responses import encode_foreign_exception
from ffhost.signatures.handed_values import Measure, measure_of_typed_values
from ffhost.signatures.http_function import invoke_with_loop_generator
from ffhost.signatures.results import HTML, JSON, result_encoder
from ffhost.signatures.typeddicts import with_modern_typed_dicts
from ffhost.web.handed_message import HandedMessage
from ffhost.web.json_text import read_json
from ffhost.web.mediatypes import is_json
from ffhost.web.messages import Message, Reply

Read: TypeAlias = Callable[[Message], Any]

MAX_ERRORS = 100
"""Most invalid fields that one answer names; a hostile body could have millions."""


def make_typed_codec(
    target: Callable[..., Any], form: TargetForm, options: SignatureOptions
) -> Codec:
    """Make the codec of a function that takes one value of a type.

    Raises:
        LoadError: the function takes something else, or a type that cannot be read
    """
    name = options.name
    parameters.signature_accepts(form, name, "typed", 1, wants="one value of the annotated type")
    kind = _input_type(target, form, options)
    read = _reader(kind, options)
    measure = _measure(kind, options)

    def decode(message: Message) -> tuple[Any, ...]:
        return (read(message),)

    def decode_or_take(message: Message) -> tuple[Any, ...]:
        if message.__class__ is not HandedMessage:
            return (read(message),)
        _check_content_type(message)
        return (message.value,)

    call, is_async = target, form.kind == "async"
    if form.kind == "async_generator":
        call, is_async = invoke_with_loop_generator(target), True
    encode = _encoder(options)
    handled = result_encoder(name)
    return Codec(
        "typed",
        decode if measure is None else decode_or_take,
        call,
        encode,
        is_async,
        ("POST",),
        encode_foreign_exception,
        handled,
        measure=measure,
    )


def _measure(kind: Any, options: SignatureOptions) -> Measure | None:
    """Return what measures the values of *kind* that a function may get as they are."""
    own = callable(getattr(kind, "from_dict", None))
    return (
        None
        if own or _filled_fields(kind, options.path_parameters)
        else measure_of_typed_values(kind)
    )


def _input_type(target: Callable[..., Any], form: TargetForm, options: SignatureOptions) -> Any:
    mark = parameters.signature_mark_of(target, decorators.SIGNATURE)
    named = options.input_type or (mark.input_type if mark is not None else None)
    if named is not None:
        return named
    annotation = parameters.parameter_annotation(target, form)
    if annotation is None:
        raise signature_error(
            f"{options.name} does not say which type it takes; annotate its parameter, or name "
            f"the type in @ffhost.typed(Type)"
        )
    if isinstance(annotation, str):
        raise signature_error(
            f"{options.name} takes {annotation!r}, which its module does not define when it runs"
        )
    return annotation


def _reader(kind: Any, options: SignatureOptions) -> Read:
    own = getattr(kind, "from_dict", None)
    if callable(own) and not is_pydantic_model(kind):
        return _dictionary_reader(kind, own, options)
    return _validating_reader(kind, options)


def _validating_reader(kind: Any, options: SignatureOptions) -> Read:
    from pydantic import PydanticUserError, TypeAdapter, ValidationError
    from pydantic_core import to_json

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(with_modern_typed_dicts(kind))
        if not getattr(adapter, "pydantic_complete", True):
            adapter.rebuild(raise_errors=True)
    except (PydanticUserError, NameError) as error:
        raise signature_error(
            f"{options.name} takes {_name(kind)}, which cannot be validated: {error}"
        ) from error
    validate = adapter.validator.validate_json
    expected = _expectation(kind, options.name)
    filled = _filled_fields(kind, options.path_parameters)

    def read(message: Message) -> Any:
        _check_content_type(message)
        try:
            if filled:
                document = read_json(message.body) if message.body else {}
                return validate(to_json(_with_parameters(document, message.params, filled)))
            try:
                return validate(message.body)
            except ValidationError as error:
                if not _is_not_json(error):
                    raise
                # Not what pydantic reads; it may be what all signatures read.
                return validate(to_json(read_json(message.body)))
        except ValidationError as error:
            raise _refusal(error, expected) from error
        except ValueError as error:
            raise BadRequest(f"the body is not valid JSON; {expected}") from error

    return read


def _dictionary_reader(
    kind: Any, from_dict: Callable[[Any], Any], options: SignatureOptions
) -> Read:
    expected = _expectation(kind, options.name)
    filled = {name: name for name in options.path_parameters}

    def read(message: Message) -> Any:
        _check_content_type(message)
        try:
            document = read_json(message.body) if message.body or not filled else {}
        except ValueError as error:
            raise BadRequest(f"the body is not valid JSON; {expected}") from error
        try:
            return from_dict(
                _with_parameters(document, message.params, filled) if filled else document
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # The error of from_dict may quote the body; only a missing key is reported.
            fields = (
                [FieldError(str(error.args[0]), "is missing")]
                if isinstance(error, KeyError) and error.args
                else []
            )
            raise UnprocessableContent(
                f"the body does not fit ({type(error).__name__}); {expected}", errors=fields
            ) from error

    return read


def _check_content_type(message: Message) -> None:
    """Refuse a body whose content type is not JSON; a missing content type is allowed."""
    content_type = message.header("content-type")
    if content_type and not is_json(content_type):
        raise UnsupportedMediaType("expected a body with content type 'application/json'")


def _filled_fields(kind: Any, path_parameters: tuple[str, ...]) -> Mapping[str, str]:
    """Return the path's parameters that are fields of *kind*, with the key that each fills."""
    if not path_parameters:
        return {}
    if is_pydantic_model(kind):
        keys = {
            name: field.validation_alias if isinstance(field.validation_alias, str) else name
            for name, field in kind.model_fields.items()
        }
    elif dataclasses.is_dataclass(kind):
        keys = {field.name: field.name for field in dataclasses.fields(kind)}
    else:
        keys = {name: name for name in getattr(kind, "__annotations__", {})}
    return {name: keys[name] for name in path_parameters if name in keys}


def _with_parameters(document: Any, params: Mapping[str, str], filled: Mapping[str, str]) -> Any:
    if not isinstance(document, dict):
        return document
    return document | {key: params[name] for name, key in filled.items() if name in params}


def _is_not_json(error: Any) -> bool:
    if error.error_count() != 1:
        return False
    (found,) = error.errors(include_url=False, include_context=False, include_input=False)
    return bool(found["type"] == "json_invalid" and not found["loc"])


def _refusal(error: Any, expected: str) -> BadRequest | UnprocessableContent:
    """Make the answer of pydantic's error: 400 for what is not JSON, 422 for what does not fit."""
    count = error.error_count()
    if count > MAX_ERRORS * 100:  # describing them would take longer than validating
        return UnprocessableContent(f"the body does not fit in {count} places; {expected}")
    if _is_not_json(error):
        return BadRequest(f"the body is not valid JSON; {expected}")
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = [
        FieldError(".".join(str(part)[:100] for part in each["loc"]) or "body", each["msg"])
        for each in found[:MAX_ERRORS]
    ]
    return UnprocessableContent(f"the body does not fit; {expected}", errors=fields)


def _expectation(kind: Any, name: str) -> str:
    return f"the function {name!r} has the signature 'typed': it takes {_name(kind)} as JSON"


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _encoder(options: SignatureOptions) -> Callable[[Any], Reply]:
    """Compose the encoder: as for http, with ``to_dict`` and None."""
    encode = result_encoder(options.name, otherwise=_from_text if options.single else _from_json)
    nothing = (200, [HTML]) if options.single else (204, [])

    def encode_typed(value: Any) -> Reply:
        if value is None:
            return Reply(nothing[0], list(nothing[1]))
        return encode(value)

    return encode_typed


def _from_json(value: Any) -> Reply | None:
    to_dict = _to_dict(value)
    return None if to_dict is None else Reply(200, [JSON], dump_flask_json(to_dict()))


def _from_text(value: Any) -> Reply | None:
    """Encode as functions-framework does, which sends JSON as HTML and with spaces."""
    to_dict = _to_dict(value)
    return None if to_dict is None else Reply(200, [HTML], json.dumps(to_dict()).encode())


def _to_dict(value: Any) -> Callable[[], Any] | None:
    to_dict = getattr(value, "to_dict", None)
    return to_dict if callable(to_dict) else None
