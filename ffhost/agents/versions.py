"""Versions of MCP, of which there are two kinds.

Up to 2025-11-25 a client begins with ``initialize``, which settles the version. From 2026-07-28
on every request stands alone: it repeats version and method in header fields, for proxies to
route by, and its ``_meta`` says what the client can do.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from ffhost.agents.rpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_VERSION,
    JsonRpcError,
    JsonRpcRequest,
)

HANDSHAKE: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
STANDALONE: Final = ("2026-07-28",)
VERSIONS: Final = (*HANDSHAKE, *STANDALONE)

VERSION_FIELD: Final = "mcp-protocol-version"
METHOD_FIELD: Final = "mcp-method"
NAME_FIELD: Final = "mcp-name"
_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"

_STANDALONE_METHODS: Final = frozenset({"server/discover", "subscriptions/listen"})
_BASE64 = ("=?base64?", "?=")


def is_standalone_mcp_request(
    headers: Mapping[str, str], request: JsonRpcRequest | None = None
) -> bool:
    """Whether a request is of a version without ``initialize``."""
    if headers.get(VERSION_FIELD) in STANDALONE:
        return True
    return request is not None and request.method in _STANDALONE_METHODS


def agree_on_mcp_version(asked: object) -> str:
    """Return the version that ``initialize`` settles: the one asked for, else the newest."""
    return asked if isinstance(asked, str) and asked in HANDSHAKE else HANDSHAKE[-1]


def check_mcp_version(headers: Mapping[str, str]) -> None:
    """Check the version that a request names; one that names none is of an older client.

    Raises:
        JsonRpcError: it is not known here
    """
    named = headers.get(VERSION_FIELD)
    if named is not None and named not in VERSIONS:
        raise _unsupported(named)


def _unsupported(named: str) -> JsonRpcError:
    data = {"supported": list(VERSIONS), "requested": named}
    return JsonRpcError(UNSUPPORTED_VERSION, "unsupported protocol version", data)


def check_mcp_fields(headers: Mapping[str, str], request: JsonRpcRequest) -> None:
    """Check that the header fields of a request say what its body says.

    Raises:
        JsonRpcError: they differ, or the body lacks what it must say
    """
    meta = request.meta
    for key in (_VERSION_KEY, _CAPABILITIES_KEY):
        if key not in meta:
            raise JsonRpcError(INVALID_PARAMS, f"params._meta lacks {key!r}")
    version = meta[_VERSION_KEY]
    if headers.get(VERSION_FIELD) != version:
        raise _mismatch(VERSION_FIELD, "the version of the body")
    if headers.get(METHOD_FIELD) != request.method:
        raise _mismatch(METHOD_FIELD, "the method of the body")
    if request.method == "tools/call":
        name = request.params.get("name")
        if name is not None and _decoded(headers.get(NAME_FIELD)) != name:
            raise _mismatch(NAME_FIELD, "the name of the tool")
    if version not in STANDALONE:
        raise _unsupported(version)


def _mismatch(field: str, what: str) -> JsonRpcError:
    return JsonRpcError(HEADER_MISMATCH, f"the header field {field} does not match {what}")


def _decoded(value: str | None) -> str | None:
    """Return the text of a header field, which may be in base64; None for a wrong one."""
    before, after = _BASE64
    if value is None or not (value.startswith(before) and value.endswith(after)):
        return value
    try:
        return base64.b64decode(value[len(before) : -len(after)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
