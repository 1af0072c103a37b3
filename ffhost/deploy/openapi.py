"""OpenAPI 3.1 documents of loaded functions. Nothing is called.

Schemas are made from the annotations. Fields of a typed function that its path fills are
parameters, and not part of its body.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.deploy.openapi_examples import OpenapiExamples
from ffhost.deploy.security_schemes import openapi_security, openapi_security_schemes
from ffhost.deploy.shared_schemas import SharedOpenapiSchemas, openapi_schema_reference
from ffhost.invocation.function import Function
from ffhost.loading.marked_functions import find_marked_error_handlers
from ffhost.signatures.function_types import FunctionTypes, inner_type_schema
from ffhost.web.problems import CONTENT_TYPE
from ffhost.web.routing import route_path_parameter, split_path_segments

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


@dataclass(frozen=True)
class _Described:
    """A function with its types, and the names of the parameters of its path."""

    function: Function
    types: FunctionTypes
    parameters: list[str] = field(default_factory=list)


def make_openapi_document(
    config: LoadedConfig,
    functions: Iterable[Function],
    title: str,
    version: str,
    *,
    servers: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe the http and typed functions of *functions* that are enabled."""
    described = [
        _described(each)
        for each in functions
        if each.signature in ("http", "typed") and each.unavailable is None
    ]
    schemas, examples = SharedOpenapiSchemas(), OpenapiExamples(config)
    paths: dict[str, dict[str, Any]] = {}
    for each in described:
        item = paths.setdefault(each.function.path, {})
        for method, operation in _operations(config, each, schemas, examples).items():
            item.setdefault(method, operation)
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
        found["components"]["securitySchemes"] = openapi_security_schemes(config.settings, ways)
    return found


def openapi_title_and_version(config: LoadedConfig) -> tuple[str, str]:
    """Return title and version of the API: as written, else the name of the folder and 1.0.0."""
    written = config.settings.openapi
    title = None if written is None else written.title
    version = "1.0.0" if written is None else written.version
    return title or config.base.resolve().name, version


def _described(function: Function) -> _Described:
    types = FunctionTypes() if function.types is None else function.types()
    names = list(filter(None, map(route_path_parameter, split_path_segments(function.path))))
    return _Described(function, types, names)


def _methods(function: Function) -> list[str]:
    if function.methods is None:
        return list(_ALL_METHODS)
    return [method for method in _DESCRIBED if method.upper() in function.methods]


def _operations(
    config: LoadedConfig, each: _Described, schemas: SharedOpenapiSchemas, examples: OpenapiExamples
) -> dict[str, dict[str, Any]]:
    """Return the operations of a function by method."""
    function, types = each.function, each.types
    methods = _methods(function)
    common: dict[str, Any] = {}
    if types.summary:
        common["summary"] = types.summary
    if types.description:
        common["description"] = types.description
    if each.parameters:
        common["parameters"] = _parameters(each, schemas)
    body = _body(each, schemas) if function.signature == "typed" else {}
    answers = {**_answer(each, schemas), **_other_answers(function)}
    operations = {}
    for method in methods:
        name = function.name if len(methods) == 1 else f"{function.name}-{method}"
        operations[method] = {
            "operationId": name,
            **common,
            **_request_body(function, method, body, examples.requests(function, method)),
            **_security(config, function),
            "responses": {
                **_with_examples(answers, examples.answers(function, method)),
                **_problems(function),
            },
        }
    return operations


def _parameters(each: _Described, schemas: SharedOpenapiSchemas) -> list[dict[str, Any]]:
    takes = each.types.takes or {}
    fields = schemas.added(inner_type_schema(takes)[1], takes, each.function.name).get(
        "properties", {}
    )
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": fields.get(name, {"type": "string"}),
        }
        for name in each.parameters
    ]


# ── requests ──────────────────────────────────────────────────────────────────


def _request_body(
    function: Function, method: str, body: dict[str, Any], examples: dict[str, Any]
) -> dict[str, Any]:
    if function.signature == "typed":
        return {
            "requestBody": {"required": True, "content": {"application/json": {**body, **examples}}}
        }
    if method not in ("post", "put", "patch"):
        return {}
    content: dict[str, Any] = {"application/json": examples} if examples else {}
    return {"requestBody": {"content": {**content, "*/*": {}}}}


def _body(each: _Described, schemas: SharedOpenapiSchemas) -> dict[str, Any]:
    """Return the schema of the body of a typed function: what its path does not fill."""
    takes, name = each.types.takes, each.function.name
    if takes is None:
        return {"schema": {}}
    model, whole = inner_type_schema(takes)
    filled = set(each.parameters) & set(whole.get("properties", {}))
    if not filled:
        return {"schema": schemas.add(takes, name)}
    rest = {
        **whole,
        "properties": {k: v for k, v in whole["properties"].items() if k not in filled},
        "required": [key for key in whole.get("required", ()) if key not in filled],
        "title": f"{model or 'Input'}Body",
    }
    # The path of another function may fill other fields of the same type.
    rest = schemas.added(rest, takes, name)
    return {"schema": {"$ref": openapi_schema_reference(schemas.define(rest["title"], rest, name))}}


# ── answers ───────────────────────────────────────────────────────────────────


def _answer(each: _Described, schemas: SharedOpenapiSchemas) -> dict[str, Any]:
    """Describe the answer of a successful call."""
    answers: dict[str, Any] = {}
    types = each.types
    if each.function.signature == "typed" and types.may_be_empty:
        answers["204"] = {"description": "Done; there is no body."}
        if types.returns is None and not types.returns_text:
            return answers
    if types.returns is not None:
        schema = schemas.add(types.returns, each.function.name)
        content: dict[str, Any] = {"application/json": {"schema": schema}}
    elif types.returns_text:
        content = {"text/html": {"schema": {"type": "string"}}}
    else:
        content = {"*/*": {}}
    return {"200": {"description": "The answer.", "content": content}, **answers}


def _other_answers(function: Function) -> dict[str, Any]:
    """Describe further answers: an http function and an error handler choose their status."""
    may = function.signature == "http" or function.processes is not None
    if may or find_marked_error_handlers(function.module):
        return {"default": {"description": "Another answer of the function."}}
    return {}


def _with_examples(answers: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    if not examples or "200" not in answers:
        return answers
    content = answers["200"]["content"]
    known = {**content.get("application/json", {}), **examples}
    return {**answers, "200": {**answers["200"], "content": {**content, "application/json": known}}}


def _problems(function: Function) -> dict[str, Any]:
    statuses = [400, 413, 429, 500, 503]
    if function.signature == "typed":
        statuses += [415, 422]
    if _ways(function):
        statuses += [401, 403]
    if function.timeout_seconds != float("inf"):
        statuses.append(504)
    return {
        str(status): {"$ref": f"#/components/responses/{_PROBLEMS[status]}"}
        for status in sorted(statuses)
    }


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _WORDS[status],
        "content": {CONTENT_TYPE: {"schema": {"$ref": openapi_schema_reference("Problem")}}},
    }


def _used(paths: dict[str, dict[str, Any]]) -> list[int]:
    used = {
        status
        for item in paths.values()
        for operation in item.values()
        for status in operation["responses"]
    }
    return [status for status in _PROBLEMS if str(status) in used]


# ── who may call ──────────────────────────────────────────────────────────────


def _ways(function: Function) -> list[str]:
    """Return the names of the ways that open *function*; none if it is public."""
    names = function.settings.auth or ["public"]
    return [] if names == ["public"] else names


def _security(config: LoadedConfig, function: Function) -> dict[str, Any]:
    ways = _ways(function)
    return {"security": openapi_security(config.settings, ways)} if ways else {}
