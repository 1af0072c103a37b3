"""What a client may send: messages, versions, and where a browser may connect from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.agents import rpc, versions
from ffhost.agents.origins import AgentOriginRule, serves_local_agents_only
from ffhost.agents.rpc import JsonRpcError, JsonRpcRequest
from ffhost.errors import Forbidden

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]),
    st.just("2.0") | VALUES,
)


@given(st.binary(max_size=50) | MEMBERS.map(lambda found: json.dumps(found).encode()))
def test_any_body_is_a_message_or_an_error_of_the_protocol(body: bytes) -> None:
    try:
        found = rpc.parse_json_rpc(body)
    except JsonRpcError as error:
        json.loads(rpc.encode_json_rpc(rpc.json_rpc_error(None, error)))
    else:
        assert found is None or isinstance(found.id, str | int | None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", rpc.PARSE_ERROR),
        ("[" * 100_000, rpc.PARSE_ERROR),
        ('[{"jsonrpc": "2.0", "method": "ping", "id": 1}]', rpc.INVALID_REQUEST),
        ('{"method": "ping", "id": 1}', rpc.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1}', rpc.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": "ping", "id": null}', rpc.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": "ping", "id": true}', rpc.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": "ping", "id": 1, "params": []}', rpc.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_says_so_by_its_code(body: str, code: int) -> None:
    with pytest.raises(JsonRpcError) as caught:
        rpc.parse_json_rpc(body.encode())
    assert caught.value.code == code


def test_a_notification_has_no_id_and_an_answer_is_no_request() -> None:
    found = rpc.parse_json_rpc(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
    assert found == JsonRpcRequest(None, "notifications/initialized")
    assert rpc.parse_json_rpc(b'{"jsonrpc": "2.0", "id": 1, "result": {}}') is None


def test_the_version_that_is_asked_for_is_agreed_on_if_it_is_known() -> None:
    assert versions.agree_on_mcp_version("2025-03-26") == "2025-03-26"
    for unknown in ("1999-01-01", None, [], "2026-07-28"):
        assert versions.agree_on_mcp_version(unknown) == "2025-11-25"
    versions.check_mcp_version({})
    with pytest.raises(JsonRpcError) as caught:
        versions.check_mcp_version({"mcp-protocol-version": "2027-01-01"})
    assert caught.value.data == {"supported": list(versions.VERSIONS), "requested": "2027-01-01"}


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
FIELDS = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "quote"}
CALL = JsonRpcRequest(1, "tools/call", {"name": "quote", "_meta": META})


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        (FIELDS, CALL),
        ({**FIELDS, "mcp-name": "=?base64?cXVvdGU=?="}, CALL),
        ({**FIELDS, "mcp-method": "tools/list"}, JsonRpcRequest(1, "tools/list", {"_meta": META})),
    ],
)
def test_a_request_that_stands_alone_repeats_itself_in_its_fields(
    fields: dict[str, str], request_: JsonRpcRequest
) -> None:
    versions.check_mcp_fields(fields, request_)
    assert versions.is_standalone_mcp_request(fields)


@pytest.mark.parametrize(
    ("fields", "meta", "code"),
    [
        ({"mcp-method": "tools/list"}, META, rpc.HEADER_MISMATCH),
        ({"mcp-name": "other"}, META, rpc.HEADER_MISMATCH),
        ({"mcp-name": "=?base64?*?="}, META, rpc.HEADER_MISMATCH),
        ({"mcp-protocol-version": "2025-11-25"}, META, rpc.HEADER_MISMATCH),
        ({}, {}, rpc.INVALID_PARAMS),
    ],
)
def test_fields_that_say_something_else_are_refused(
    fields: dict[str, str], meta: dict[str, Any], code: int
) -> None:
    request = JsonRpcRequest(1, "tools/call", {"name": "quote", "_meta": meta})
    with pytest.raises(JsonRpcError) as caught:
        versions.check_mcp_fields({**FIELDS, **fields}, request)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("allowed", "local", "headers", "is_let_in"),
    [
        ([], False, {"host": "api.example.com"}, True),  # an agent, behind a proxy
        ([], True, {"host": "localhost:8080"}, True),
        ([], True, {"host": "[::1]:8080", "origin": "http://127.0.0.1:6274"}, True),
        ([], True, {"host": "evil.example"}, False),
        ([], True, {}, False),
        ([], False, {"host": "evil.example", "origin": "http://evil.example"}, False),
        ([], False, {"host": "localhost", "origin": "null"}, False),
        ([], False, {"host": "localhost", "origin": "http://localhost.evil.example"}, False),
        ([], False, {"host": "localhost", "origin": "http://[::1"}, False),
        (["https://a.example"], False, {"host": "b", "origin": "https://a.example"}, True),
        (["https://a.example"], False, {"host": "b", "origin": "http://a.example"}, False),
        (["https://a.example"], True, {"host": "a.example"}, True),
        (["*"], True, {"host": "evil.example", "origin": "http://evil.example"}, True),
    ],
)
def test_a_page_of_another_site_is_not_let_in(
    allowed: list[str], local: bool, headers: dict[str, str], is_let_in: bool
) -> None:
    rule = AgentOriginRule(allowed, local=local)
    if is_let_in:
        rule.check(headers)
    else:
        with pytest.raises(Forbidden):
            rule.check(headers)


def test_an_address_of_this_machine_is_known() -> None:
    assert all(map(serves_local_agents_only, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(serves_local_agents_only, ("0.0.0.0", "::", "10.0.0.1")))
