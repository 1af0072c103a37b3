"""Whose word is taken for who the client is."""

from __future__ import annotations

import pytest

from ffhost.web.forwarded import trust_forwarded, trust_loopback_scheme
from ffhost.web.messages import Message

PROXY, CLIENT = "10.0.0.1", "203.0.113.9"


def seen(
    trusted: list[str] | str,
    forwarded: str | None = None,
    proto: str | None = None,
    peer: tuple[str, int] | None = (PROXY, 5),
) -> tuple[str, tuple[str, int] | None]:
    """Give scheme and client of a request that came from *peer*."""
    headers = {}
    if forwarded is not None:
        headers["x-forwarded-for"] = forwarded
    if proto is not None:
        headers["x-forwarded-proto"] = proto
    message = Message("GET", "/", headers=headers, client=peer)
    believe = trust_forwarded(trusted)
    assert believe is not None
    believe(message)
    return message.scheme, message.client


def test_where_nobody_is_trusted_nothing_is_applied() -> None:
    assert trust_forwarded([]) is None
    assert trust_forwarded("") is None


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ([PROXY], CLIENT, CLIENT),
        (["10.0.0.0/8"], CLIENT, CLIENT),
        (["10.0.0.9/8"], CLIENT, CLIENT),  # an address with its network
        ([PROXY], f"1.1.1.1, {CLIENT}", CLIENT),  # what the client itself wrote is not believed
        (["10.0.0.0/8"], f"1.1.1.1, {CLIENT}, 10.0.0.7", CLIENT),
        (["10.0.0.0/8"], "10.0.0.5, 10.0.0.7", "10.0.0.5"),
        ("all", f"1.1.1.1, {CLIENT}", "1.1.1.1"),
        (["all", PROXY], f"1.1.1.1, {CLIENT}", "1.1.1.1"),
        ([PROXY], f"{CLIENT}:4711", CLIENT),
        ([PROXY], "[2001:db8::1]:4711", "2001:db8::1"),
        ([PROXY], "[2001:db8::1]", "2001:db8::1"),
        ([PROXY], "2001:db8::1", "2001:db8::1"),
        ([PROXY, "2001:db8::/32"], f"{CLIENT}, 2001:db8::1", CLIENT),
        ([PROXY], f" , {CLIENT} ,", CLIENT),
        ([PROXY], "unknown", "unknown"),
    ],
)
def test_the_client_is_the_first_address_from_the_right_that_is_not_a_trusted_proxy(
    trusted: list[str] | str, forwarded: str, client: str
) -> None:
    assert seen(trusted, forwarded)[1] == (client, 0)


@pytest.mark.parametrize("forwarded", [None, "", " , "])
def test_without_a_chain_the_client_is_who_is_connected(forwarded: str | None) -> None:
    assert seen([PROXY], forwarded)[1] == (PROXY, 5)


@pytest.mark.parametrize("peer", ["10.0.0.2", "2001:db8::1", "testclient", ""])
def test_a_stranger_is_not_believed(peer: str) -> None:
    assert seen([PROXY], CLIENT, "https", (peer, 5)) == ("http", (peer, 5))
    assert seen("all", CLIENT, "https", (peer, 5)) == ("https", (CLIENT, 0))


def test_whoever_can_open_the_unix_socket_is_believed() -> None:
    assert seen([PROXY], CLIENT, "https", None) == ("https", (CLIENT, 0))


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [
        (None, "http"),
        ("https", "https"),
        (" HTTPS ", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("wss", "http"),
        ("", "http"),
    ],
)
def test_the_scheme_is_what_the_nearest_proxy_saw(proto: str | None, scheme: str) -> None:
    assert seen([PROXY], None, proto)[0] == scheme


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("::1", "https", "https"),
        (None, "https", "https"),  # a unix socket
        ("127.0.0.1", "http", "http"),
        ("127.0.0.1", "https, http", "http"),
        ("127.0.0.1", None, "http"),
        (PROXY, "https", "http"),
    ],
)
def test_a_proxy_on_this_machine_says_the_scheme_and_not_the_client(
    peer: str | None, proto: str | None, scheme: str
) -> None:
    headers = {"x-forwarded-for": CLIENT}
    if proto is not None:
        headers["x-forwarded-proto"] = proto
    client = None if peer is None else (peer, 5)
    message = Message("GET", "/", headers=headers, client=client)
    trust_loopback_scheme(message)
    assert (message.scheme, message.client) == (scheme, client)
