"""OpenAPI 3.1 documents of loaded functions. Nothing is called.

pydantic makes the schemas from the annotations. Fields of a typed function that its path fills
are parameters, and not part of its body.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ffhost.config import LoadedConfig
from ffhost.config.settings import FunctionSettings
from ffhost.deploy.security_schemes import security, security_schemes
from ffhost.invocation.function import Function
from ffhost.loading import decorators
from ffhost.loading.marked_functions import error_handlers
from ffhost.loading.targets import resolve
from ffhost.signatures.inference import infer
from ffhost.signatures.typeddicts import with_modern_typed_dicts
from ffhost.web.problems import CONTENT_TYPE
from ffhost.web.routing import parameter, segments

_REF = "#/components/schemas/{model}"
_ALL_METHODS = ("get", "post", "put", "patch", "delete")
_DESCRIBED = (*_ALL_METHODS, "head", "options", "trace")
_PROBLEMS = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    413: "ContentTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    500: "Crash",
    503: "Unavailable",
    504: "TimedOut",
}
_WORDS = {
    400: "The request does not have the form that the function takes.",
    401: "There are no valid credentials; WWW-Authenticate says which are wanted.",
    403: "The credentials do not allow this call.",
    413: "The body is larger than allowed.",
    415: "The function does not take this content type.",
    422: "The body can be read but does not validate.",
    429: "No slot is free; Retry-After says when to try again.",
    500: "The function crashed; the log has its entry under the execution id.",
    503: "Not ready, draining, or switched off.",
    504: "The function did not answer in time.",
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "execution_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


@dataclass(frozen=True, slots=True)
class _Typed:
    """A function with the types that it takes and returns; None for an unknown one.

    *may_be_empty* says whether it may return nothing.
    """

    function: Function
    target: Callable[..., Any]
    takes: Any
    returns: Any
    may_be_empty: bool


def document(
    config: LoadedConfig,
    functions: Iterable[Function],
    title: str,
    version: str,
    *,
    servers: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe the http and typed functions of *functions* that are enabled."""
    described = [
        _typed(config, each)
        for each in functions
        if each.signature in ("http", "typed") and each.unavailable is None
    ]
    schemas = _Schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for each in described:
        item = paths.setdefault(each.function.path, {})
        parameters = _parameters(each, schemas)
        for method in _methods(each.function):
            item.setdefault(method, _operation(config, each, method, parameters, schemas))
    found: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": title, "version": version}}
    if servers:
        found["servers"] = [{"url": url} for url in servers]
    found["paths"] = paths
    found["components"] = {
        "schemas": {**schemas.definitions, "Problem": PROBLEM_SCHEMA},
        "responses": {_PROBLEMS[status]: _problem(status) for status in _used(paths)},
    }
    ways = {name for each in described for name in _ways(each.function)}
    if ways:
        found["components"]["securitySchemes"] = security_schemes(config.settings, ways)
    return found


def _typed(config: LoadedConfig, function: Function) -> _Typed:
    settings: FunctionSettings = config.settings.function(function.name)
    plain = config.framework_mode
    target = resolve(
        settings.target, settings.source, config.base, plain=plain, env=settings.env
    ).callable
    inferred = infer(target, settings.signature, name=function.name, single=plain)
    hints = _hints(target)
    takes = None
    if function.signature == "typed":
        mark = getattr(target, decorators.SIGNATURE, None)
        first = next(iter(inspect.signature(target).parameters), "")
        takes = inferred.input_type or getattr(mark, "input_type", None) or hints.get(first)
    returns, may_be_empty = _without_none(hints.get("return"))
    return _Typed(function, target, takes, returns, may_be_empty)


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Split ``X | None`` into ``X`` and whether there was a None."""
    if kind is type(None):
        return None, True
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind, False
    arguments = typing.get_args(kind)
    rest = [each for each in arguments if each is not type(None)]
    return (rest[0] if len(rest) == 1 else kind), len(rest) < len(arguments)


def _hints(target: Any) -> dict[str, Any]:
    """Return the annotations that can be evaluated."""
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    if not inspect.isroutine(target):
        target = type(target).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # such as a name for type checkers only; an annotation may raise anything
        return {}


class _Schemas:
    """The schemas of all types, with their shared definitions."""

    def __init__(self, described: Iterable[_Typed]) -> None:
        self.definitions: dict[str, Any] = {}
        self._found: dict[tuple[str, str], Any] = {}
        inputs: list[tuple[Any, Literal["validation", "serialization"], Any]] = []
        for each in described:
            name = each.function.name
            returns = each.returns if _is_json(each.returns) else None
            for mode, kind in (("validation", each.takes), ("serialization", returns)):
                adapter = _adapter(kind)
                if adapter is not None:
                    inputs.append(((name, mode), mode, adapter))  # type: ignore[arg-type]
        if inputs:
            from pydantic import TypeAdapter

            found, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REF)
            self._found = {key: schema for (key, _), schema in found.items()}
            self.definitions = definitions.get("$defs", {})

    def takes(self, name: str) -> dict[str, Any] | None:
        """Return the schema of the function's input."""
        return self._found.get((name, "validation"))

    def returns(self, name: str) -> dict[str, Any] | None:
        """Return the schema of the function's result."""
        return self._found.get((name, "serialization"))

    def inner(self, schema: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Follow a reference; return the name of the definition, if it is one, and the schema."""
        reference = schema.get("$ref")
        if reference is None:
            return None, schema
        name = str(reference).rpartition("/")[2]
        return name, self.definitions[name]


def _adapter(kind: Any) -> Any:
    """Return pydantic's adapter for *kind*; None for a type that pydantic does not know."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    if kind is None:
        return None
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(with_modern_typed_dicts(kind))
        adapter.json_schema()
    except (PydanticUserError, NameError):
        return None
    return adapter


def _is_json(kind: Any) -> bool:
    """Whether values of *kind* are encoded as JSON: models, dataclasses, dict and list."""
    import dataclasses

    from pydantic import BaseModel

    origin = typing.get_origin(kind) or kind
    if typing.is_typeddict(origin) or dataclasses.is_dataclass(origin):
        return True
    return isinstance(origin, type) and issubclass(origin, BaseModel | dict | list)


def _methods(function: Function) -> list[str]:
    if function.methods is None:
        return list(_ALL_METHODS)
    return [method for method in _DESCRIBED if method.upper() in function.methods]


def _parameters(each: _Typed, schemas: _Schemas) -> list[dict[str, Any]]:
    names = list(filter(None, map(parameter, segments(each.function.path))))
    takes = schemas.takes(each.function.name)
    _, schema = schemas.inner(takes) if takes else (None, {})
    fields = schema.get("properties", {})
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": fields.get(name, {"type": "string"}),
        }
        for name in names
    ]


def _operation(
    config: LoadedConfig,
    each: _Typed,
    method: str,
    parameters: list[dict[str, Any]],
    schemas: _Schemas,
) -> dict[str, Any]:
    function = each.function
    one = len(_methods(function)) == 1
    operation: dict[str, Any] = {
        "operationId": function.name if one else f"{function.name}-{method}",
        **_words(each.target),
    }
    if parameters:
        operation["parameters"] = parameters
    if function.signature == "typed":
        body = _body(each, parameters, schemas)
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
        statuses = [400, 413, 415, 422, 429, 500, 503]
    else:
        if method in ("post", "put", "patch"):
            operation["requestBody"] = {"content": {"*/*": {}}}
        statuses = [400, 413, 429, 500, 503]
    if _ways(function):
        operation["security"] = security(config.settings, _ways(function))
        statuses += [401, 403]
    if function.timeout_seconds != float("inf"):
        statuses.append(504)
    operation["responses"] = {
        **_answer(each, schemas),
        **_other_answers(each),
        **{
            str(status): {"$ref": f"#/components/responses/{_PROBLEMS[status]}"}
            for status in sorted(statuses)
        },
    }
    return operation


def _ways(function: Function) -> list[str]:
    """Return the names of the ways that open *function*; none if it is public."""
    names = function.settings.auth or ["public"]
    return [] if names == ["public"] else names


def _words(target: Callable[..., Any]) -> dict[str, str]:
    """Return the summary and the description from the docstring."""
    text = inspect.getdoc(target) if inspect.isroutine(target) else None
    if not text:
        return {}
    summary, _, rest = text.partition("\n")
    words = {"summary": summary.rstrip(".")}
    description = re.split(r"\n(?:Args|Raises|Returns):\n", rest)[0].strip()
    return {**words, "description": description} if description else words


def _body(each: _Typed, parameters: list[dict[str, Any]], schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.takes(each.function.name)
    if schema is None:
        return {"schema": {}}
    name, inner = schemas.inner(schema)
    filled = {parameter["name"] for parameter in parameters} & set(inner.get("properties", {}))
    if not filled:
        return {"schema": schema}
    rest = {
        **inner,
        "properties": {k: v for k, v in inner["properties"].items() if k not in filled},
        "required": [key for key in inner.get("required", ()) if key not in filled],
    }
    body = f"{name or 'Input'}Body"
    if schemas.definitions.get(body, {**rest, "title": body}) != {**rest, "title": body}:
        # The path of another function fills other fields of the same type.
        body += f"_{each.function.name}"
    schemas.definitions[body] = {**rest, "title": body}
    return {"schema": {"$ref": _REF.format(model=body)}}


def _answer(each: _Typed, schemas: _Schemas) -> dict[str, Any]:
    """Describe the answer of a successful call."""
    answers: dict[str, Any] = {}
    if each.function.signature == "typed" and each.may_be_empty:
        answers["204"] = {"description": "Done; there is no body."}
        if each.returns is None:
            return answers
    schema = schemas.returns(each.function.name)
    if schema is not None:
        content = {"application/json": {"schema": schema}}
    elif each.returns is str:
        content = {"text/html": {"schema": {"type": "string"}}}
    else:
        content = {"*/*": {}}
    return {"200": {"description": "The answer.", "content": content}, **answers}


def _other_answers(each: _Typed) -> dict[str, Any]:
    """Describe further answers: an http function and an error handler choose their status."""
    if each.function.signature == "http" or error_handlers(each.function.module):
        return {"default": {"description": "Another answer of the function."}}
    return {}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _WORDS[status],
        "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
    }


def _used(paths: dict[str, dict[str, Any]]) -> list[int]:
    used = {
        status
        for item in paths.values()
        for operation in item.values()
        for status in operation["responses"]
    }
    return [status for status in _PROBLEMS if str(status) in used]
