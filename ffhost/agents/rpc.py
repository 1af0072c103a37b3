"""JSON-RPC 2.0 messages: what a client sent, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from ffhost.web.json_text import read_json

Id: TypeAlias = str | int

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
CANCELLED: Final = -32800


class JsonRpcError(Exception):
    """A request that is answered with an error of the protocol.

    Args:
        code: of JSON-RPC or of MCP
        message: for the client
        data: more of it, or None
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


@dataclass(frozen=True)
class JsonRpcRequest:
    """A message that wants an answer, or a notification, which does not: its *id* is None."""

    id: Id | None
    method: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> dict[str, Any]:
        """Return the member ``_meta`` of the parameters."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}


def parse_json_rpc(body: bytes) -> JsonRpcRequest | None:
    """Read a message; None for the answer to a request, of which the host sends none.

    Raises:
        JsonRpcError: it is not one message of JSON-RPC
    """
    try:
        value = read_json(body)
    except ValueError:
        raise JsonRpcError(PARSE_ERROR, "the body is not valid JSON") from None
    if isinstance(value, list):
        raise JsonRpcError(INVALID_REQUEST, "send one message at a time: batches are not taken")
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise JsonRpcError(INVALID_REQUEST, "the body is not a message of JSON-RPC 2.0")
    if "method" not in value and ("result" in value or "error" in value):
        return None
    method, params = value.get("method"), value.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise JsonRpcError(INVALID_REQUEST, "'method' must be a text, and 'params' an object")
    if "id" not in value:
        return JsonRpcRequest(None, method, params)
    if isinstance(value["id"], bool) or not isinstance(value["id"], str | int):
        raise JsonRpcError(INVALID_REQUEST, "'id' must be a text or a whole number")
    return JsonRpcRequest(value["id"], method, params)


def json_rpc_result(id: Id | None, result: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def json_rpc_error(id: Id | None, error: JsonRpcError) -> dict[str, Any]:
    """Return the answer to a request that failed."""
    described: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        described["data"] = error.data
    return {"jsonrpc": "2.0", "id": id, "error": described}


def json_rpc_notification(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return a message to the client that wants no answer."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def encode_json_rpc(document: dict[str, Any]) -> bytes:
    """Write a message as JSON."""
    return orjson.dumps(document)


def json_rpc_as_event(document: dict[str, Any]) -> bytes:
    """Write a message as a server-sent event."""
    return b"event: message\r\ndata: " + encode_json_rpc(document) + b"\r\n\r\n"
