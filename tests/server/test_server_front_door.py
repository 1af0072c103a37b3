"""The front door of the running server: forged requests, reloads under load."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.auth_forging import HOOK_SECRET, KEY, KEYS, Forged, Forger
from tests.auth_signing import ISSUER, key_set, public, sign
from tests.serving import Running, eventually, server

REQUESTS = int(os.environ.get("FORGED_REQUESTS", "1000"))
"""``make fuzz`` asks for 100,000."""
CALLS = int(os.environ.get("CALLS_UNDER_RELOADS", "500"))
"""``make fuzz`` asks for 100,000 of these, too."""
WAYS = ("staff", "machines", "standard", "github", "stripe", "slack", "hmac")
SOURCE = """
import ffhost

def who(request):
    return ffhost.current().principal.way
""" + "".join(f"\n{name} = who" for name in WAYS)


def auth() -> str:
    hooks = {name: {"webhook": {"scheme": name, "secret": HOOK_SECRET}} for name in WAYS[2:]}
    hooks["hmac"]["webhook"]["header"] = "X-Signature"
    staff = {"jwt": {"issuer": ISSUER, "audience": "orders", "jwks": "keys.json"}}
    return json.dumps({"staff": staff, "machines": {"keys": {"ci": KEY}}, **hooks})


def doors() -> list[str]:
    return [f"functions.{name}={{auth: {name}}}" for name in WAYS]


def ask(connection: http.client.HTTPConnection, request: Forged) -> tuple[int, bytes, str]:
    headers = {name: value.encode("latin-1", "replace") for name, value in request.headers.items()}
    method = "POST" if request.body else "GET"
    connection.request(method, f"/{request.way}", request.body or None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers.get("WWW-Authenticate", "")


def test_of_forged_requests_the_good_ones_are_accepted_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(KEYS)
    functions = " ".join(WAYS)
    forger = Forger(int(time.time()), time.time())
    good, challenges, details = 0, Counter[str](), set()
    with server(tmp_path, f"auth={auth()}", *doors(), source=SOURCE, functions=functions) as host:
        connection = host.connection()
        began = time.monotonic()
        for count in range(REQUESTS):
            if count % 500 == 0:  # signed times must not grow old
                forger.now = int(time.time())
            request = forger.request()
            status, body, challenge = ask(connection, request)
            assert status == (200 if request.good else 401), (request, body)
            good += request.good
            if request.good:
                assert body.decode() == request.way
            else:
                challenges[challenge] += 1
                details.add(json.loads(body)["detail"])
        seconds = time.monotonic() - began
        connection.close()
        entries = host.entries("call_refused")
    assert REQUESTS / 20 < good < REQUESTS / 5
    assert details == {"valid credentials are required"}
    assert set(challenges) <= {
        'Bearer realm="ffhost"',
        'Bearer realm="ffhost", error="invalid_token"',
        *(f'Webhook scheme="{name}"' for name in WAYS[2:]),
    }
    for reason, number in Counter(each["reason"] for each in entries).items():
        assert number <= seconds + 2, reason


class Load:
    """Callers with credentials that are valid throughout, or never, while ways change."""

    def __init__(self, host: Running) -> None:
        self.wrong: list[str] = []
        self.asked = 0
        self._host = host
        self._stop = threading.Event()
        self._callers = [threading.Thread(target=self._call) for _ in range(2)]
        claims = {"iss": ISSUER, "aud": "orders", "sub": "ada", "exp": int(time.time()) + 900}
        self._presented = [
            ("staff", sign("ES256", claims, kid="old"), 200),
            ("staff", sign("ES256", claims, kid="old", number=1), 401),
            ("machines", KEY, 200),
            ("machines", KEY + "x", 401),
        ]

    def __enter__(self) -> Load:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for caller in self._callers:
            caller.join()

    def _call(self) -> None:
        connection = self._host.connection()
        while not self._stop.is_set():
            for way, credentials, expected in self._presented:
                headers = {"authorization": f"Bearer {credentials}"}
                status, _, _ = ask(connection, Forged(way, headers, b"", expected == 200))
                self.asked += 1
                if status != expected:
                    self.wrong.append(f"{way}: {status} instead of {expected}")
        connection.close()


def write(folder: Path, number: int) -> None:
    """Write a configuration in which ways were added, changed and removed."""
    ways = {**json.loads(auth()), f"extra{number}": {"keys": {"x": f"key-number-{number:010}"}}}
    ways["machines"] = {"keys": {"ci": [KEY, f"another-key-{number:020}"]}}
    functions = {
        "staff": {"target": "main.py:staff", "auth": ["staff", f"extra{number}"]},
        "machines": {"target": "main.py:machines", "auth": "machines"},
        "hello": {"target": "main.py:staff", "auth": "staff", "timeout": f"{10 + number}s"},
    }
    reload = {"interval": "100ms"}
    file = folder / "new.txt"
    file.write_text(json.dumps({"auth": ways, "config_reload": reload, "functions": functions}))
    file.rename(folder / "functions.yaml")


def test_ways_change_and_keys_rotate_under_load_without_a_wrong_answer(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="old")))
    started = time.monotonic()
    with server(
        tmp_path, "config_reload.interval=100ms", source=SOURCE, functions="staff machines"
    ) as host:
        host.urls()
        write(tmp_path, 0)
        eventually(lambda: host.entries("config_reloaded"), "doors")
        number = 0
        with Load(host) as load:
            while load.asked < CALLS or number < 8:
                number += 1
                write(tmp_path, number)
                rotated = public("P-256", 2, kid=f"new{number}")
                (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="old"), rotated))
                time.sleep(0.4)
        assert load.wrong == []
        reloads = len(host.entries("config_reloaded"))
        assert reloads >= 8
        assert len(host.entries("keys_loaded")) >= 2
    seconds = time.monotonic() - started
    print(f"{load.asked} calls, {reloads} reloads in {seconds:.0f} s, {len(load.wrong)} wrong")


def test_a_stranger_is_answered_before_his_body_is_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(KEYS)
    with server(
        tmp_path, f"auth={auth()}", *doors(), source=SOURCE, functions=" ".join(WAYS)
    ) as host:
        for way in ("machines", "github"):
            with socket.create_connection(host.address, timeout=10) as stranger:
                head = f"POST /{way} HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n"
                stranger.sendall(head.encode() + b"x" * 1000)
                answer = stranger.recv(65536).decode()
            assert answer.startswith("HTTP/1.1 401")
            assert "connection: close" in answer.lower()


def test_a_connection_is_kept_after_a_small_body_was_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(KEYS)
    with server(
        tmp_path, f"auth={auth()}", *doors(), source=SOURCE, functions=" ".join(WAYS)
    ) as host:
        connection = host.connection()
        for key, status in (("wrong", 401), (KEY, 200), ("wrong", 401)):
            headers = {"authorization": f"Bearer {key}"}
            connection.request("POST", "/machines", b"x" * 10_000, headers)
            answer = connection.getresponse()
            assert (answer.status, answer.headers.get("connection")) == (status, None)
            answer.read()
        connection.close()


VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
FIELDS = st.sampled_from(
    [
        *("authorization", "x-api-key", "webhook-id", "webhook-timestamp", "webhook-signature"),
        *("x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-signature"),
        "x-slack-request-timestamp",
    ]
)


def test_nothing_that_is_made_up_is_let_in(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(KEYS)
    with server(
        tmp_path, f"auth={auth()}", *doors(), source=SOURCE, functions=" ".join(WAYS)
    ) as host:
        connection = host.connection()
        prefixes = st.sampled_from(["", "Bearer ", "v1,", "v0=", "sha256=", "t=1,v1="])
        values = st.builds(str.__add__, prefixes, VALUES)

        @settings(max_examples=REQUESTS // 4, deadline=None)
        @given(st.sampled_from(WAYS), st.dictionaries(FIELDS, values), st.binary(max_size=99))
        def forge(way: str, headers: dict[str, str], body: bytes) -> None:
            status, _, _ = ask(connection, Forged(way, headers, body, False))
            assert status == 401

        forge()
        connection.close()


def test_credentials_that_come_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(KEYS)
    with server(
        tmp_path, f"auth={auth()}", *doors(), source=SOURCE, functions=" ".join(WAYS)
    ) as host:
        for count, status in ((1, 200), (2, 401)):
            connection = host.connection()
            connection.putrequest("GET", "/machines")
            for _ in range(count):
                connection.putheader("Authorization", f"Bearer {KEY}")
            connection.endheaders()
            assert connection.getresponse().status == status
            connection.close()
