"""The rule for what is masked, and that nothing secret is readable in any output."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config import ConfigSources, attempt_config, load_config
from ffhost.config.changes import plan_config_changes, show_config_plan
from ffhost.config.diagnostics import Format, show_config_problems
from ffhost.config.effective import show_config
from ffhost.config.mask import PLAIN, SecretMask
from ffhost.observability.logs.entries import LogEntries, LogEvent
from ffhost.observability.logs.output import LogOutput

SECRET_NAMES = [
    *("key", "apiKey", "api-key", "API_KEY", "APIKEY", "X-Api-Key", "ssh_keys", "keypair"),
    *("secret", "clientSecret", "AWSSecretAccessKey", "token", "authToken", "max_tokens"),
    *("password", "dbpassword", "passWord", "DB_PASS", "passwd", "userPwd", "passphrase"),
    *("credential", "credentials", "auth", "oauth2", "basic-auth", "Authorization"),
    *("bearer", "jwt", "JWTToken", "private", "privateKey", "webhook-signature", "Set-Cookie"),
]
FALSE_FRIENDS = [
    *("keyboard", "keywords", "monkey", "donkey", "turkey", "keepalive", "keep_alive"),
    *("author", "authors", "authored_by", "authority", "tokenizer", "secretary", "bypass"),
    *("compass", "passenger", "name", "quality", "endpoint", "pathway", "user", "design"),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_with_a_secret_word_in_it_hides_its_value(name: str) -> None:
    assert PLAIN.hides(name)


@pytest.mark.parametrize("name", FALSE_FRIENDS)
def test_a_name_that_only_resembles_one_hides_nothing(name: str) -> None:
    assert not PLAIN.hides(name)


def test_names_can_be_added_and_excepted() -> None:
    mask = SecretMask(redact=["customer_id"], show=["cacheKey"])
    hidden = ("customer_id", "customerId", "Customer-Id", "last_customer_id", "customerid")
    assert [name for name in hidden if not mask.hides(name)] == []
    assert [name for name in ("customer", "id", "cache_key", "CACHE-KEY") if mask.hides(name)] == []
    assert mask.hides("my_cache_key")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://me:pa55@db/x", "postgres://***@db/x"),
        ("a redis://:pa55@r:1 b amqp://u:p@h", "a redis://***@r:1 b amqp://***@h"),
        ("https://u:p@ss@h/x", "https://***@h/x"),
        ("https://ghp_token@github.com/x", "https://***@github.com/x"),
        ("ftp://u:sl/ash@h", "ftp://***@h"),
        ("https://h:80/a@b", "https://***@b"),  # too much is better than too little
        ("https://h/a@v4?sig=abc&x=1#part", "https://h/a@v4?sig=***&x=***#part"),
        ("GET /x?token=abc&page=2", "GET /x?token=***&page=2"),
        ("https://example.com/x", "https://example.com/x"),
        ("me:pa55@db, why? a=b", "me:pa55@db, why? a=b"),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- y",
            "x -----BEGIN RSA PRIVATE KEY-----*** y",
        ),
        ("-----BEGIN PRIVATE KEY-----\\nMII and no end", "-----BEGIN PRIVATE KEY-----***"),
    ],
)
def test_urls_and_pem_blocks_are_masked_in_any_text(text: str, shown: str) -> None:
    assert PLAIN.text(text) == shown


def test_masking_takes_linear_time() -> None:
    for text in ("://" * 200_000, "?a=" * 200_000, "-----BEGIN A-----" * 50_000, "A" * 900_000):
        PLAIN.text(text + "@")
        PLAIN.hides(text)


# ── one rule for every output ────────────────────────────────────────────────

NEEDLE = "n33dle"
words = st.sampled_from(["key", "Token", "PASSWORD", "pwd", "jwt", "cookie", "auth", "private"])
names = st.tuples(
    st.sampled_from(["", "x-", "db_", "my", "9"]), words, st.sampled_from(["", "s", "_1"])
).map("".join)
secrets: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([NEEDLE, f"a {NEEDLE}: #'\"", f"{NEEDLE}\nsecond {NEEDLE}\n"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "user"]), inner, min_size=1, max_size=2)
    ),
    max_leaves=4,
)
urls = st.sampled_from([f"s://{NEEDLE}@h", f"https://a:{NEEDLE}@h/p", f"https://h/?x={NEEDLE}"])
pems = st.just(f"-----BEGIN PRIVATE KEY-----\n{NEEDLE}\n-----END PRIVATE KEY-----\n")
trees = st.dictionaries(names, secrets, max_size=2) | st.fixed_dictionaries(
    {"deep": st.fixed_dictionaries({"er": st.dictionaries(names, secrets, max_size=2)})},
    optional={"plain": urls | pems},
)


def _tree(free: Any) -> dict[str, Any]:
    message = {"headers": {"Authorization": NEEDLE, "X-Api-Key": NEEDLE}}
    return {
        "x-note": free,
        "tracing": {"hooks": {"audit": {"target": "m:f", "options": free}}},
        "auth": {"ci": {"keys": {"rate": NEEDLE * 3, "two": {"key": NEEDLE * 4, "rate": "1/s"}}}},
        "functions": {
            "f": {
                "target": "m:f",
                "config": free,
                "examples": [{"request": message, "response": {"status": 200}}],
            }
        },
    }


@given(trees, st.booleans(), st.sampled_from([None, 30, 300]))
def test_a_secret_is_readable_in_no_output(tree: Any, flow: bool, width: int | None) -> None:
    text = yaml.safe_dump(_tree(tree), default_flow_style=flow, width=width or 80)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "functions.yaml").write_text(text)
        (folder / "new.yaml").write_text(text.replace(NEEDLE, NEEDLE * 2))
        loaded = load_config(ConfigSources("functions.yaml", {}, {}, [], folder))
        new = load_config(ConfigSources("new.yaml", {}, {}, [], folder))
        outputs = [show_config(loaded, format) for format in ("table", "yaml", "json")]
        outputs += [
            show_config_plan(plan_config_changes(loaded, new), format)
            for format in ("text", "json")
        ]
        broken = text.replace("m:f", "m")
        outputs += _diagnostics(folder, broken)
        # a text that cannot be read is masked by its names alone
        outputs += _diagnostics(folder, text + "\n]")
    for output in outputs:
        assert NEEDLE not in output


def _diagnostics(folder: Path, text: str) -> list[str]:
    formats: tuple[Format, ...] = ("text", "json", "github")
    (folder / "broken.yaml").write_text(text)
    problems = attempt_config(ConfigSources("broken.yaml", {}, {}, [], folder)).problems
    assert problems
    return [show_config_problems(problems, format) for format in formats]


@given(trees)
def test_a_secret_is_readable_in_no_log_entry(tree: Any) -> None:
    entries = LogEntries(LogOutput(1))
    event = LogEvent(20, "app", f"calls https://a:{NEEDLE}@h", {"token": NEEDLE, "given": tree})
    assert NEEDLE not in entries.rendered(event).decode()


def test_entries_keep_what_is_no_secret() -> None:
    entries = LogEntries(LogOutput(1), mask=SecretMask(["customer"], ["cache_key"]))
    fields = {"cache_key": "k", "customer": 7, "token": None, "items": [{"pwd": 1, "n": 2}]}
    entry = json.loads(entries.rendered(LogEvent(20, "app", "hello", fields)))
    shown = {"cache_key": "k", "customer": "***", "token": None, "items": [{"pwd": "***", "n": 2}]}
    assert {name: entry[name] for name in fields} == shown


# ── excerpts ─────────────────────────────────────────────────────────────────


def _shown(folder: Path, text: str, **given: Any) -> str:
    (folder / "f.yaml").write_text(text)
    return show_config_problems(
        attempt_config(ConfigSources("f.yaml", cwd=folder, **given)).problems
    )


def test_an_excerpt_masks_the_value_and_keeps_its_caret(tmp_path: Path) -> None:
    text = "functions:\n  f: {target: m:f, config: {token: 'abc', n: 1}, queu: 3}\n"
    assert _shown(tmp_path, text) == (
        "f.yaml:2:50: functions.f.queu: unknown key; did you mean 'queue'?\n"
        "      f: {target: m:f, config: {token: ***, n: 1}, queu: 3}\n"
        "                                                   ^\n"
    )


def test_names_of_secrets_and_references_are_shown(tmp_path: Path) -> None:
    text = 'functions: {f: {target: m:f, config: {token: {from_env: A}, key: "${B}"}, x: 1}}\n'
    shown = _shown(tmp_path, text, environ={"A": "hunter2", "B": "hunter2"})
    assert '{token: {from_env: A}, key: "${B}"}' in shown
    assert "hunter2" not in shown


def test_names_of_our_own_keys_hide_nothing(tmp_path: Path) -> None:
    text = "functions:\n  get-token: {target: m:f, auth: public, tiemout: 1s}\n"
    assert "get-token: {target: m:f, auth: public, tiemout: 1s}" in _shown(tmp_path, text)


def test_a_value_given_by_a_flag_is_masked_as_well(tmp_path: Path) -> None:
    flag = "functions.f={target: m:f, config: {token: hunter2}, queu: 1}"
    shown = _shown(tmp_path, "functions: {}\n", sets=[flag])
    assert "config: {token: ***}, queu: 1}" in shown


def test_a_line_that_cannot_be_parsed_is_masked_by_its_name(tmp_path: Path) -> None:
    text = 'functions:\n  f:\n    target: m:f\n    config:\n      token: "hunter2" x\n'
    shown = _shown(tmp_path, text)
    assert "      token: ***\n" in shown
    assert "hunter2" not in shown
