"""No secret is readable in what the console keeps. ``CAPTURES`` says how many are made up."""

from __future__ import annotations

import base64
import json
import os
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ffhost.config.mask import SecretMask
from ffhost.host.console.message_mask import ConsoleMessageMask
from ffhost.host.console.secret_texts import MASKED

CAPTURES = int(os.environ.get("CAPTURES", "50"))
captures = settings(max_examples=CAPTURES)

NAMES = st.sampled_from(
    [
        "password",
        "api_key",
        "apiKey",
        "X-Auth-Token",
        "client-secret",
        "sessionCookie",
        "PWD",
        "access_token",
        "refresh.token",
        "user[password]",
        "Signature",
        "customer_id",
    ]
)
HARMLESS = st.sampled_from(["name", "id", "items", "text", "author", "monkey", "q"])
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"))
SECRETS = st.text(LETTERS, min_size=2, max_size=24).map(lambda text: f"Q{text}X9")
WORDS = st.text("abcdefghij ", max_size=12)
PLAIN = st.none() | st.booleans() | st.integers(-99, 99) | WORDS

RULE = SecretMask(["customer_id"])


def readable(value: Any) -> str:
    """Return all that somebody could read in what is shown, decoded in every usual way."""
    text = json.dumps(value, ensure_ascii=False)
    parts = [text, json.dumps(value), *strings(value)]
    for each in list(parts):
        parts.append(unquote_plus(each))
        try:
            parts += strings(json.loads(each))
        except ValueError:
            continue
    return "\n".join(parts)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in strings(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in strings(each)]
    return []


def shown(
    body: bytes = b"",
    *,
    headers: list[tuple[str, str]] | None = None,
    query: str = "",
    path: str = "/",
    secrets: tuple[str, ...] = (),
    cut: bool = False,
) -> str:
    """Return what is readable of a request and of an answer with these parts."""
    mask = ConsoleMessageMask(RULE, secrets)
    request, _ = mask.request("POST", path, query, headers or [], body, cut=cut)
    answer = mask.answer(200, headers or [], body, cut=cut)
    coded = [each["body_base64"] for each in (request, answer) if each["body_base64"]]
    decoded = [base64.b64decode(each).decode("latin-1") for each in coded]
    decoded += [base64.b64decode(each).decode("utf-8", "replace") for each in coded]
    decoded += [base64.b64decode(each).decode("utf-16", "replace") for each in coded]
    return readable([request, answer, decoded])


TREES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HARMLESS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def hidden_trees(draw: st.DrawFn, secret: str) -> Any:
    """Make JSON with *secret* somewhere below a name that hides it."""
    name = draw(NAMES)
    value: Any = {name: draw(st.sampled_from([secret, [secret], {"value": secret}]))}
    for _ in range(draw(st.integers(0, 3))):
        beside = draw(TREES)
        value = draw(
            st.sampled_from([[value, beside], {"name": value, "id": beside}, {"items": [value]}])
        )
    return value


@captures
@given(st.data(), SECRETS)
def test_json_hides_what_is_below_a_name_of_the_rule(data: st.DataObject, secret: str) -> None:
    tree = data.draw(hidden_trees(secret))
    text = json.dumps(tree, ensure_ascii=data.draw(st.booleans()))
    kind = data.draw(st.sampled_from(["application/json", "text/plain", ""]))
    found = shown(text.encode(), headers=[("content-type", kind)])
    assert secret not in found


@captures
@given(st.data(), st.text("abcdefXYZ0123456789", min_size=10, max_size=20))
def test_json_that_was_cut_hides_it_too(data: st.DataObject, secret: str) -> None:
    text = json.dumps(data.draw(hidden_trees(secret)))
    end = data.draw(st.integers(text.index(secret) + len(secret), len(text)))
    assert secret not in shown(text[:end].encode(), cut=True)


@captures
@given(NAMES, HARMLESS, SECRETS, WORDS, st.booleans())
def test_queries_and_forms_hide_it(
    name: str, other: str, secret: str, word: str, spaced: bool
) -> None:
    code = quote_plus if spaced else quote
    pairs = [f"{other}={code(word)}", f"{code(name)}={code(secret)}", f"{other}={code(word)}"]
    form = "&".join(pairs)
    kind = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
    found = shown(form.encode(), headers=kind, query=form)
    assert secret not in found
    assert word in found


@captures
@given(NAMES, SECRETS)
def test_parts_of_a_multipart_form_hide_it(name: str, secret: str) -> None:
    lines = ["--b0", 'Content-Disposition: form-data; name="name"', "", "Ada", "--b0"]
    lines += [f'Content-Disposition: form-data; name="{name}"', "", secret, "--b0--", ""]
    kind = [("content-type", "multipart/form-data; boundary=b0")]
    for extra in (b"", b"\xff\xfe"):
        found = shown("\r\n".join(lines).encode() + extra, headers=kind)
        assert secret not in found
        assert "Ada" in found


@captures
@given(
    st.sampled_from(["password", "api_key", "client-secret", "PWD"]),
    st.text("abcdefXYZ0123456789+/=$%", min_size=10, max_size=20).filter(
        lambda text: not text.startswith("=")
    ),
    st.sampled_from(
        [
            "{0}={1}",
            "{0}: {1}\nnext line",
            "a=1; {0}={1}; b=2",
            'log "{0}": "{1}" end',
            "{0} = '{1}'",
            "<a><{0}>{1}</{0}></a>",
            "<ns:{0} x='1'>{1}</ns:{0}>",
            '{{"{0}" : {{"deep": ["{1}"',
            '{{\\"{0}\\": \\"{1}\\"}}',
            "https://u:{1}@example.com/?q=1",
            "https://example.com/?{0}={1}",
            "{0} => {1}",
            "-----BEGIN PRIVATE KEY-----\n{1}\n-----END PRIVATE KEY-----",
        ]
    ),
)
def test_text_hides_it(name: str, secret: str, form: str) -> None:
    text = form.format(name, secret)
    for body in (text.encode(), b"\xff" + text.encode(), json.dumps({"text": text}).encode()):
        assert secret not in shown(body)


@captures
@given(
    st.sampled_from(["Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Hub-Signature-256"]),
    SECRETS,
)
def test_header_fields_hide_it(name: str, secret: str) -> None:
    sent = secret.encode().decode("latin-1")  # as a server reads it
    found = shown(headers=[(name, sent), ("referer", f"https://x/?a={quote(secret)}")])
    assert sent not in found
    assert secret not in found


@captures
@given(st.data(), SECRETS)
def test_a_secret_of_the_configuration_is_hidden_wherever_it_is(
    data: st.DataObject, secret: str
) -> None:
    around = data.draw(WORDS)
    text = f"{around}{secret}{around}"
    ways = {
        "json": lambda: shown(orjson.dumps({"text": text}), secrets=(secret,)),
        "ascii": lambda: shown(json.dumps([text]).encode(), secrets=(secret,)),
        "a key": lambda: shown(json.dumps({text: 1}).encode(), secrets=(secret,)),
        "twice": lambda: shown(f'{{"a": {json.dumps(text)}, "a": 1}}'.encode(), secrets=(secret,)),
        "cut": lambda: shown(json.dumps([text, "x"]).encode()[:-3], secrets=(secret,), cut=True),
        "text": lambda: shown(text.encode(), secrets=(secret,)),
        "bytes": lambda: shown(b"\xff\xfe" + text.encode() + b"\xff", secrets=(secret,)),
        "utf-16": lambda: shown(text.encode("utf-16"), secrets=(secret,)),
        "query": lambda: shown(query=f"a={quote_plus(text)}&{quote(secret)}", secrets=(secret,)),
        "a name": lambda: shown(query=f"{quote_plus(text)}=1", secrets=(secret,)),
        "path": lambda: shown(path=f"/a/{quote(secret, safe='')}/b", secrets=(secret,)),
        "field": lambda: shown(
            headers=[("x-note", text.encode().decode("latin-1"))], secrets=(secret,)
        ),
    }
    way = data.draw(st.sampled_from(sorted(ways)))
    assert secret not in ways[way](), way


@captures
@given(SECRETS, st.dictionaries(HARMLESS, PLAIN, max_size=3))
def test_entries_spans_and_events_hide_it(secret: str, beside: dict[str, Any]) -> None:
    mask = ConsoleMessageMask(RULE, (secret,))
    fields = {**beside, "password": "hunter2hunter2", "note": f"({secret})", secret: 1}
    for found in (mask.fields(fields), mask.data(fields)):
        assert secret not in readable(found)
        assert "hunter2hunter2" not in readable(found)
    assert secret not in mask.text(f"said {secret}.")


@captures
@given(TREES)
def test_what_holds_no_secret_is_shown_as_it_was_sent(tree: Any) -> None:
    text = json.dumps(tree, indent=2)
    mask = ConsoleMessageMask(RULE)
    request, places = mask.request(
        "POST", "/a%20b", "q=1&q=%20", [("accept", "*/*")], text.encode()
    )
    assert (request["body"], request["query"], request["path"]) == (text, "q=1&q=%20", "/a%20b")
    assert places == []


@pytest.mark.parametrize(
    ("body", "kind", "places"),
    [
        (b'{"a": {"password": "x"}}', "application/json", [["body", "a", "password"]]),
        (b'[{"token": 1}]', "application/json", [["body", 0, "token"]]),
        (b"a=1&token=2", "application/x-www-form-urlencoded", [["body", "token"]]),
        (b"token=2", "text/plain", [["body"]]),
        (b'{"password": null}', "application/json", []),
    ],
)
def test_where_something_was_masked_is_said(body: bytes, kind: str, places: Any) -> None:
    found = ConsoleMessageMask(RULE).request("POST", "/", "", [("content-type", kind)], body)[1]
    assert found == places


def test_what_cannot_be_looked_into_is_not_shown() -> None:
    mask = ConsoleMessageMask(RULE)
    deep = b"[" * 100_000
    assert mask.answer(200, [("content-encoding", "gzip")], b"\x1f\x8b..")["body"] == MASKED
    assert mask.answer(200, [], deep + b"]" * 100_000)["body"] == MASKED
    assert mask.answer(200, [], deep)["body"] in (MASKED, deep.decode())


def test_the_message_of_an_exception_is_readable() -> None:
    answer = b"KeyError: 'tea'\napi_key: hidden\nshop.TokenError: expired\nKeyError=hidden"
    shown = ConsoleMessageMask(RULE).answer(500, [("content-type", "text/plain")], answer)
    assert shown["body"] == (
        f"KeyError: 'tea'\napi_key: {MASKED}\nshop.TokenError: expired\nKeyError={MASKED}"
    )
