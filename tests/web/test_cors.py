"""Cross-origin requests: what browsers are allowed, and what they are not told."""

from __future__ import annotations

from typing import Any

import pytest

from ffhost.config.settings import CorsSettings
from ffhost.config.units import Duration
from ffhost.web.cors import answer_preflight, is_preflight, permit_cross_origin
from ffhost.web.messages import Message, Reply

HERE, ELSEWHERE = "https://app.example.com", "https://evil.example.com"


def asked(origin: str | None = HERE, **fields: str) -> Message:
    """Ask with the given ``Access-Control-Request-`` fields."""
    headers = {f"access-control-request-{name}": value for name, value in fields.items()}
    if origin is not None:
        headers["origin"] = origin
    return Message("OPTIONS", "/", headers=headers)


def allowing(**values: Any) -> CorsSettings:
    return CorsSettings(**{"allow_origins": [HERE], **values})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (asked(method="PUT"), True),
        (asked(method="PUT", origin=None), False),
        (asked(), False),
    ],
)
def test_a_preflight_names_its_origin_and_the_method_to_come(
    message: Message, expected: bool
) -> None:
    assert is_preflight(message) is expected
    message.method = "PUT"
    assert not is_preflight(message)


def test_a_preflight_is_told_what_is_allowed_and_no_more() -> None:
    reply = answer_preflight(allowing(), ["PUT", "GET"], asked(method="PUT", headers="x-token"))
    assert (reply.status, reply.body, reply.chunks) == (204, b"", None)
    assert reply.headers == [
        ("vary", "origin, access-control-request-method"),
        ("access-control-allow-origin", HERE),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-max-age", "600"),
    ]


@pytest.mark.parametrize("origin", [ELSEWHERE, None, HERE + "/", HERE.upper(), "null", ""])
def test_another_origin_is_told_nothing(origin: str | None) -> None:
    reply = answer_preflight(allowing(allow_credentials=True), ["GET"], asked(origin=origin))
    assert reply.headers == [("vary", "origin, access-control-request-method")]
    answer = Reply()
    permit_cross_origin(
        allowing(allow_credentials=True, expose_headers=["x"]), asked(origin=origin), answer
    )
    assert answer.headers == [("vary", "origin")]


@pytest.mark.parametrize(
    ("declared", "served", "methods"),
    [
        (["POST", "GET"], ["PUT"], "GET, POST"),
        (None, ["PUT", "GET"], "GET, PUT"),
        (None, [], "PATCH"),  # a function of every method: what was asked for
    ],
)
def test_the_methods_are_those_declared_or_else_those_served(
    declared: list[str] | None, served: list[str], methods: str
) -> None:
    reply = answer_preflight(allowing(allow_methods=declared), served, asked(method="PATCH"))
    assert reply.header("access-control-allow-methods") == methods


@pytest.mark.parametrize(
    ("declared", "wanted", "allowed"),
    [
        (["x-token", "x-other"], "x-token", "x-token, x-other"),
        (["x-token"], None, "x-token"),
        (["*"], "authorization, x-any", "authorization, x-any"),
        (["*"], None, None),
        ([], "x-token", None),
    ],
)
def test_the_headers_are_those_declared_and_the_star_means_what_was_asked_for(
    declared: list[str], wanted: str | None, allowed: str | None
) -> None:
    message = asked(**({} if wanted is None else {"headers": wanted}))
    reply = answer_preflight(allowing(allow_headers=declared), ["GET"], message)
    told = [value for name, value in reply.headers if name == "access-control-allow-headers"]
    assert told == ([] if allowed is None else [allowed])


def test_credentials_and_the_time_of_the_cache_are_told_to_a_preflight() -> None:
    cors = allowing(allow_credentials=True, max_age=Duration(90.5))
    reply = answer_preflight(cors, ["GET"], asked())
    assert reply.header("access-control-allow-credentials") == "true"
    assert reply.header("access-control-max-age") == "90"


def test_an_answer_says_who_may_read_it_and_which_headers() -> None:
    reply = Reply(headers=[("x-total", "1")])
    cors = allowing(allow_credentials=True, expose_headers=["x-total", "x-more"])
    permit_cross_origin(cors, asked(), reply)
    assert reply.headers == [
        ("x-total", "1"),
        ("vary", "origin"),
        ("access-control-allow-origin", HERE),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-total, x-more"),
    ]


def test_where_every_origin_is_allowed_none_is_named() -> None:
    reply = Reply()
    permit_cross_origin(allowing(allow_origins=["*"]), asked(ELSEWHERE), reply)
    assert reply.headers == [("vary", "origin"), ("access-control-allow-origin", "*")]
    reply = Reply()
    permit_cross_origin(allowing(allow_origins=["*"]), asked(None), reply)
    assert reply.headers == [("vary", "origin")]
