"""A typed function as a tool: its definition, its arguments, and its result.

Input and output of a tool are objects. A value of another type is a member of one: the input
under the name of the function's parameter, the output under ``result``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from ffhost.agents.rpc import INVALID_PARAMS, JsonRpcError
from ffhost.signatures.function_types import FunctionTypes, inner_type_schema
from ffhost.web.mediatypes import is_json, mimetype_of
from ffhost.web.problems import CONTENT_TYPE as PROBLEM
from ffhost.web.routing import route_path_parameter, split_path_segments

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_RESULT: Final = "result"


class AgentTool:
    """One function as agents see it.

    Args:
        name: of the function
        path: its path template
        types: what it takes and returns
    """

    def __init__(self, name: str, path: str, types: FunctionTypes) -> None:
        self.name = name
        self._path = path
        self._input_name = types.input_name
        takes = types.takes or {"type": "object"}
        self._wraps_input = not _is_object(takes)
        self._wraps_output = types.returns is not None and (
            types.may_be_empty or not _is_object(types.returns)
        )
        self.definition = self._define(types, takes)

    def _define(self, types: FunctionTypes, takes: dict[str, Any]) -> dict[str, Any]:
        definition: dict[str, Any] = {"name": self.name}
        words = _description(types)
        if words:
            definition["description"] = words
        if self._wraps_input:
            definition["inputSchema"] = _wrapped(takes, self._input_name)
        else:
            definition["inputSchema"] = _object(takes)
        if self._wraps_output:
            returns = types.returns or {}
            if types.may_be_empty:
                rest = {key: value for key, value in returns.items() if key != "$defs"}
                returns = {**returns, "anyOf": [rest, {"type": "null"}]}
                returns = {key: returns[key] for key in ("anyOf", "$defs") if key in returns}
            definition["outputSchema"] = _wrapped(returns, _RESULT)
        elif types.returns is not None:
            definition["outputSchema"] = _object(types.returns)
        return definition

    def request(self, arguments: Any) -> tuple[str, bytes]:
        """Return path and body of the call with *arguments*.

        Raises:
            JsonRpcError: they are not an object
        """
        if arguments is None:
            arguments = {}
        if not isinstance(arguments, dict):
            raise JsonRpcError(INVALID_PARAMS, "'arguments' must be an object")
        value = arguments.get(self._input_name) if self._wraps_input else arguments
        parts = []
        for part in split_path_segments(self._path):
            name = route_path_parameter(part)
            parts.append(part if name is None else quote(str(arguments.get(name, "")), safe=""))
        path = "/" + "/".join(parts)
        return path, json.dumps(value).encode()

    def result(
        self, status: int, headers: Mapping[str, str], body: bytes, execution_id: str
    ) -> dict[str, Any]:
        """Return the result of a call that was answered with *status*, *headers* and *body*.

        Args:
            headers: names in lower case
            execution_id: of the call, which the words of an error name
        """
        kind = headers.get("content-type", "")
        if status >= 400:
            text = _what_failed(status, headers, body, execution_id)
            return {"content": [_text(text)], "isError": True}
        has_schema = "outputSchema" in self.definition
        if not body and not has_schema:
            return {"content": []}
        if body and not is_json(kind):
            return {"content": [_block(mimetype_of(kind), body, f"{self.name}/{execution_id}")]}
        value = orjson.loads(body) if body else None
        if self._wraps_output:
            value = {_RESULT: value}
        result: dict[str, Any] = {"content": [_text(body.decode() if body else "null")]}
        if has_schema or isinstance(value, dict):
            result["structuredContent"] = value
        return result


def _is_object(schema: dict[str, Any]) -> bool:
    return inner_type_schema(schema)[1].get("type") == "object"


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with its type at the root, where MCP wants it."""
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    name, found = inner_type_schema(schema)
    if name is not None and not _refers(schema["$defs"], name):
        rest = {key: value for key, value in schema["$defs"].items() if key != name}
        definitions = {"$defs": rest} if rest else {}
    return {"$schema": DIALECT, **found, **definitions}


def _refers(value: Any, name: str) -> bool:
    """Whether a definition refers to the one of that *name*."""
    return f'"#/$defs/{name}"' in json.dumps(value)


def _wrapped(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of an object with the one member *name*."""
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {name: rest},
        "required": [name],
        **definitions,
    }


def _description(types: FunctionTypes) -> str:
    summary = types.summary
    if summary and summary[-1] not in ".!?":
        summary += "."
    return f"{summary}\n\n{types.description}".strip()


def _what_failed(status: int, headers: Mapping[str, str], body: bytes, execution_id: str) -> str:
    """Return words for an agent: what it can correct, and the id to ask about.

    A crash has nothing of the exception, also where debugging shows it to callers over HTTP.
    """
    if headers.get("x-google-status") == "crash":
        return f"the function crashed (execution id {execution_id})"
    if not headers.get("content-type", "").startswith(PROBLEM):
        # What an error handler answers is for whoever calls.
        return body.decode(errors="replace") or f"status {status} (execution id {execution_id})"
    problem = orjson.loads(body)
    lines = [f"{problem['detail']} (execution id {execution_id})"]
    lines += [f"{each['field']}: {each['message']}" for each in problem.get("errors", ())]
    return "\n".join(lines)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _block(kind: str, body: bytes, name: str) -> dict[str, Any]:
    """Return a body that is not JSON as a block of content."""
    family = kind.partition("/")[0]
    if family in ("image", "audio"):
        return {"type": family, "data": base64.b64encode(body).decode(), "mimeType": kind}
    if family == "text" or not kind:
        return _text(body.decode(errors="replace"))
    blob = base64.b64encode(body).decode()
    resource = {"uri": f"ffhost://{quote(name)}", "mimeType": kind, "blob": blob}
    return {"type": "resource", "resource": resource}
