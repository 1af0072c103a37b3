"""Where keys come from: plans for the next attempt, and issuers that misbehave."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ffhost.auth.key_fetcher import (
    KeyFetcher,
    discovered_key_url,
    fetch_key_document,
    key_discovery_reader,
    key_file_reader,
    key_url_reader,
)
from ffhost.auth.key_sources import STALE, KeySource, KeysUnreadable
from tests.auth_issuer import Issuer, issuer
from tests.auth_signing import key_set, public
from tests.serving import eventually

FIRST = key_set(public("P-256", kid="first"))
SECOND = key_set(public("P-256", 1, kid="second"))


class Reads:
    """What each attempt reads."""

    def __init__(self, *answers: bytes | str) -> None:
        self.answers = list(answers)
        self.count = 0

    def __call__(self) -> bytes:
        self.count += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise KeysUnreadable(answer)
        return answer


class Watched:
    """A source, and what it said."""

    def __init__(self, *answers: bytes | str) -> None:
        self.failures: list[str] = []
        self.notes: list[str] = []
        self.source = KeySource(
            "test", Reads(*answers), failing=self.failures.append, noting=self.notes.append
        )

    def ids(self) -> list[str | None] | None:
        keys = self.source.keys
        return None if keys is None else [key.key_id for key in keys.keys]


def test_keys_are_asked_for_again_every_five_minutes() -> None:
    watched = Watched(FIRST, SECOND)
    watched.source.attempt(1000)
    assert (watched.ids(), watched.source.due) == (["first"], 1300)
    watched.source.attempt(1300)
    assert (watched.ids(), watched.source.due) == (["second"], 1600)


def test_the_same_set_stays_the_same_object_so_that_tokens_stay_verified() -> None:
    watched = Watched(FIRST)
    watched.source.attempt(1000)
    keys = watched.source.keys
    watched.source.attempt(1300)
    assert watched.source.keys is keys


def test_a_failed_attempt_is_repeated_ever_more_rarely_and_told_once() -> None:
    watched = Watched("it answered 500")
    waits = []
    now = 1000.0
    for _ in range(9):
        watched.source.attempt(now)
        waits.append(watched.source.due - now)
        now = watched.source.due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert watched.failures == ["it answered 500"]


def test_keys_are_kept_while_the_issuer_is_down_until_they_are_stale() -> None:
    watched = Watched(FIRST, "it answered 500")
    watched.source.attempt(0)
    watched.source.attempt(STALE - 1)
    assert watched.ids() == ["first"]
    watched.source.attempt(STALE)
    assert watched.ids() is None
    assert watched.failures == [
        "it answered 500",
        "it answered 500; the keys are too old to be used any longer",
    ]
    watched.source.attempt(STALE + 60)
    assert watched.ids() is None


def test_a_set_that_cannot_be_used_leaves_the_old_keys() -> None:
    watched = Watched(FIRST, b"<html>", b'{"keys": []}', SECOND)
    for now in (0, 300, 301, 303):
        watched.source.attempt(now)
        if now < 303:
            assert watched.ids() == ["first"]
    assert watched.ids() == ["second"]
    assert watched.failures == ["it is not a JSON object", "it has no key that can be used"]


def test_each_dropped_key_is_told_once_for_each_set() -> None:
    mixed = key_set({"kty": "oct", "k": "AA"}, public("P-256", kid="first"))
    watched = Watched(mixed)
    watched.source.attempt(0)
    watched.source.attempt(300)
    assert watched.notes == ["key 0: is private and must not be published"]


def test_an_unknown_kid_asks_at_once_and_then_at_most_every_ten_seconds() -> None:
    watched = Watched(FIRST)
    watched.source.attempt(1000)
    watched.source.ask(1100)
    assert watched.source.due == 1100
    assert watched.source.woken.is_set()
    watched.source.attempt(1100)
    watched.source.ask(1101)
    assert watched.source.due == 1110
    watched.source.ask(1109)
    assert watched.source.due == 1110


def test_an_error_of_any_kind_does_not_end_the_attempts() -> None:
    def read() -> bytes:
        raise ZeroDivisionError("oh")

    failures: list[str] = []
    source = KeySource("test", read, failing=failures.append)
    source.attempt(0)
    assert (source.due, failures) == (1, ["ZeroDivisionError: oh"])


@pytest.fixture
def running() -> Iterator[Issuer]:
    with issuer() as made:
        yield made


def failure(url: str, timeout: float = 10) -> str:
    with pytest.raises(KeysUnreadable) as caught:
        fetch_key_document(url, timeout)
    return str(caught.value)


def test_keys_are_found_by_the_discovery_document(running: Issuer) -> None:
    running.publish(FIRST)
    assert key_discovery_reader(running.url)() == FIRST
    assert running.asked == ["/.well-known/openid-configuration", "/jwks"]
    assert key_url_reader(f"{running.url}/jwks")() == FIRST


def test_redirects_are_not_followed(running: Issuer) -> None:
    running.answer("/jwks", FIRST)
    for status in (301, 302, 303, 307, 308):
        running.answer("/old", b"", status, {"Location": "/jwks"})
        said = failure(f"{running.url}/old")
        assert said == f"it answered {status}; redirects are not followed"
    assert "/jwks" not in running.asked


@pytest.mark.parametrize("status", [201, 204, 400, 404, 500, 503])
def test_any_other_answer_is_a_failure(running: Issuer, status: int) -> None:
    running.answer("/jwks", FIRST if status != 204 else b"", status)
    assert failure(f"{running.url}/jwks") == f"it answered {status}"


def test_an_answer_that_drips_in_is_given_up(running: Issuer) -> None:
    running.dribble("/jwks", 0.05)
    assert failure(f"{running.url}/jwks", 0.4) == "it did not answer in time"


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert failure(f"http://127.0.0.1:{port}/", 0.2) == "it did not answer in time"


def test_an_answer_without_end_is_given_up(running: Issuer) -> None:
    running.answer("/jwks", b" " * 600_000)
    assert failure(f"{running.url}/jwks") == "its answer is larger than 524288 bytes"


def test_an_issuer_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}/") == (
        "it cannot be reached ([Errno 111] Connection refused)"
    )


def address(issuer: str = "https://id.example.com", **members: object) -> str:
    document = {"issuer": issuer, "jwks_uri": f"{issuer}/keys", **members}
    return discovered_key_url(json.dumps(document).encode(), issuer)


def test_a_discovery_document_must_be_the_issuers_own() -> None:
    assert address() == "https://id.example.com/keys"
    for other in ("https://id.example.com/", "https://evil.example.com", None, 7):
        with pytest.raises(KeysUnreadable, match="that of another issuer"):
            discovered_key_url(
                json.dumps({"issuer": other, "jwks_uri": "https://x/keys"}).encode(),
                "https://id.example.com",
            )


@pytest.mark.parametrize(
    "jwks_uri",
    ["http://id.example.com/keys", "file:///etc/passwd", "ftp://x/keys", "/keys", "", None, 7, []],
)
def test_a_discovery_document_cannot_lead_away_from_https(jwks_uri: object) -> None:
    with pytest.raises(KeysUnreadable):
        address(jwks_uri=jwks_uri)


def test_a_fetcher_goes_on_until_the_issuer_answers(running: Issuer) -> None:
    source = KeySource("test", key_discovery_reader(running.url))
    fetcher = KeyFetcher(source)
    fetcher.start()
    try:
        eventually(lambda: running.asked, "the first attempt")
        assert source.keys is None
        running.publish(FIRST)
        eventually(lambda: source.keys is not None, "keys")
        running.publish(SECOND)
        source.ask(source.due)  # as if ten seconds had passed
        assert source.keys is not None
        assert source.keys.knows("first")
    finally:
        fetcher.stop()


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(FIRST)
    source = KeySource(str(path), key_file_reader(path), refresh=0.02)
    fetcher = KeyFetcher(source)
    fetcher.start()
    try:
        eventually(lambda: source.keys is not None and source.keys.knows("first"), "first keys")
        path.write_bytes(SECOND)
        eventually(lambda: source.keys is not None and source.keys.knows("second"), "new keys")
        path.unlink()
        before = source.keys
        source.ask(0)
        assert source.keys is before
    finally:
        fetcher.stop()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable, match="No such file or directory"):
        key_file_reader(tmp_path / "none.json")()
    with pytest.raises(KeysUnreadable, match="Is a directory"):
        key_file_reader(tmp_path)()
