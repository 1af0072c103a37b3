"""What a door reaches: every kind of function, hooks, logs, numbers, probes, reloads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ffhost.errors import ConfigError
from ffhost.host.admin.pages import AdminPages
from ffhost.testing import Client
from ffhost.web.messages import Message
from tests.auth_issuer import issuer
from tests.auth_signing import key_set, public, sign
from tests.conftest import Serve
from tests.log_reading import Log, reading
from tests.serving import eventually

KEY = "a-key-that-only-machines-know"
GOOD = {"authorization": f"Bearer {KEY}"}
CODE = """
import ffhost, json, pathlib

loaded = pathlib.Path(__file__).with_name("loaded.txt")

def who(request):
    principal = ffhost.current().principal
    return principal.name if principal else "nobody"

def flask_who(request):
    return request.environ["ffhost.principal"].name

def falcon_who(req, resp):
    resp.text = req.context.principal.name

def starlette_who(request):
    return request.scope["ffhost.principal"].name

async def stream(request):
    yield "one"
    yield "two"

events = []

def on_event(event):
    events.append((event["id"], ffhost.current().principal.name))

def told(request):
    return events

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [environ["ffhost.principal"].name.encode()]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["ffhost.principal"].name.encode()})
"""
AUTH = f"""
auth:
  machines: {{keys: {{ci: {KEY}}}}}
"""


def test_each_kind_of_request_names_who_calls(serve: Serve) -> None:
    host = serve(
        CODE,
        f"""{AUTH}
functions:
  flask: {{target: main.py:flask_who, request: flask, auth: machines}}
  falcon: {{target: main.py:falcon_who, auth: machines}}
  starlette: {{target: main.py:starlette_who, request: starlette, auth: machines}}
""",
    )
    for name in ("flask", "falcon", "starlette"):
        assert host.get(f"/{name}", headers=GOOD).text == "ci", name
        assert host.get(f"/{name}").status == 401


def test_mounted_applications_pass_the_door(serve: Serve) -> None:
    host = serve(
        CODE,
        f"""{AUTH}
functions:
  wsgi: {{target: main.py:wsgi, signature: wsgi, auth: machines}}
  asgi: {{target: main.py:asgi, signature: asgi, auth: machines}}
""",
    )
    for name in ("wsgi", "asgi"):
        assert host.get(f"/{name}/below", headers=GOOD).text == "ci"
        assert host.get(f"/{name}/below").status == 401
        assert host.request("PURGE", f"/{name}").status == 401


def test_events_and_batches_pass_the_door(serve: Serve) -> None:
    host = serve(
        CODE,
        f"""{AUTH}
functions:
  events: {{target: main.py:on_event, signature: cloudevent, auth: machines}}
  told: {{target: main.py:told}}
""",
    )
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    batch = json.dumps([event, {**event, "id": "2"}]).encode()
    kind = {"content-type": "application/cloudevents-batch+json"}
    assert host.post("/events", body=batch, headers=kind).status == 401
    assert host.get("/told").json() == []
    assert host.post("/events", body=batch, headers={**kind, **GOOD}).status == 204
    assert host.get("/told").json() == [["1", "ci"], ["2", "ci"]]


def test_streams_pass_the_door(serve: Serve) -> None:
    host = serve(CODE, f"{AUTH}\nfunctions:\n  s: {{target: main.py:stream, auth: machines}}\n")
    assert host.get("/s", headers=GOOD).text == "onetwo"
    assert host.get("/s").status == 401
    assert host.request("HEAD", "/s", headers=GOOD).status == 200
    assert host.request("HEAD", "/s").body == b""


def test_a_lazy_function_is_not_loaded_by_callers_who_may_not_call(serve: Serve) -> None:
    code = CODE + "\nloaded.touch()\n"
    host = serve(
        code, f"{AUTH}\nfunctions:\n  l: {{target: main.py:who, lazy: true, auth: machines}}\n"
    )
    for _ in range(3):
        assert host.get("/l").status == 401
    assert host.service.host.functions["l"].module is None
    assert host.get("/l", headers=GOOD).text == "ci"
    assert host.service.host.functions["l"].module is not None


def test_an_isolated_function_knows_who_calls(serve: Serve) -> None:
    host = serve(
        CODE,
        f"{AUTH}\nfunctions:\n  i: {{target: main.py:who, isolation: process, auth: machines}}\n",
    )
    assert host.get("/i", headers=GOOD).text == "ci"
    assert host.get("/i").status == 401


def test_a_function_that_is_switched_off_tells_nothing_to_strangers(serve: Serve) -> None:
    host = serve(
        CODE,
        f"{AUTH}\nfunctions:\n  off: {{target: main.py:who, enabled: false, auth: machines}}\n",
    )
    assert host.get("/off").status == 401
    assert host.get("/off", headers=GOOD).status == 503


def test_a_refusal_takes_no_slot(serve: Serve) -> None:
    host = serve(
        CODE,
        f"{AUTH}\nfunctions:\n  f: {{target: main.py:who, concurrency: 1, auth: machines}}\n",
    )
    slots = host.service.host.functions["f"].slots
    assert slots.try_acquire()
    assert host.get("/f").status == 401
    slots.release()
    assert host.get("/f", headers=GOOD).text == "ci"
    assert (slots.running, slots.waiting) == (0, 0)


def test_hooks_see_who_calls_and_are_not_run_for_strangers(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "watching.py").write_text(
        dedent(
            """
            seen = []

            def audit(invocation):
                seen.append(invocation.principal.name)
                yield
            """
        )
    )
    code = CODE + "\nimport watching\ndef seen(request):\n    return watching.seen\n"
    host = serve(
        code,
        f"""{AUTH}
tracing: {{enabled: true, hooks: {{audit: {{target: "watching:audit"}}}}}}
functions:
  f: {{target: main.py:who, auth: machines}}
  seen: {{target: main.py:seen, tracing: {{enabled: false}}}}
""",
    )
    assert host.get("/f").status == 401
    assert host.get("/f", headers=GOOD).text == "ci"
    assert host.get("/seen").json() == ["ci"]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with reading(tmp_path) as log:
        log.configure()
        yield log


def test_refusals_are_logged_at_most_once_a_second_and_reason(serve: Serve, log: Log) -> None:
    host = serve(CODE, f"{AUTH}\nfunctions:\n  f: {{target: main.py:who, auth: machines}}\n")
    began = time.monotonic()
    for number in range(60):
        assert host.get("/f", headers={"authorization": f"Bearer {number}"}).status == 401
        assert host.get("/f").status == 401
    most = 1 + int(time.monotonic() - began + 1)
    entries = [each for each in log.entries() if each["message"] == "call_refused"]
    for reason in ("unknown key", "no credentials"):
        mine = [each for each in entries if each["reason"] == reason]
        assert 1 <= len(mine) <= most
        assert mine[0]["function"] == "f"
        assert (mine[0]["way"], mine[0]["status"]) == ("machines", 401)
    assert not [each for each in log.entries() if each["message"] == "invocation"]


@pytest.mark.parametrize("told", [False, True])
def test_summary_entries_name_who_called_when_asked(serve: Serve, log: Log, told: bool) -> None:
    host = serve(
        CODE,
        f"""{AUTH}
logging: {{principal: {str(told).lower()}}}
functions:
  f: {{target: main.py:who, auth: machines}}
  open: {{target: main.py:who}}
""",
    )
    host.get("/f", headers=GOOD)
    host.get("/open")
    entries = [each for each in log.entries() if each["message"] == "invocation"]
    assert [each.get("principal") for each in entries] == ["ci" if told else None, None]


ADMIN = f"""
auth:
  machines: {{keys: {{door-ci: {KEY}}}}}
  staff: {{jwt: {{issuer: https://i, audience: a, jwks: keys.json, scopes: [x]}}}}
  hooks: {{webhook: {{scheme: standard, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}}}
admin: {{enabled: true, auth: machines}}
functions:
  door-f: {{target: main.py:who, auth: [machines, staff]}}
  door-h: {{target: main.py:who, auth: hooks}}
"""


def test_outcomes_at_the_door_are_counted(serve: Serve, tmp_path: Path) -> None:
    from ffhost.auth.standard_webhooks import StandardWebhooks

    (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="one")))
    host = serve(CODE, ADMIN)
    claims = {"iss": "https://i", "aud": "a", "exp": int(time.time()) + 60}
    host.get("/door-f")
    host.get("/door-f", headers=GOOD)
    host.get("/door-f", headers={"authorization": f"Bearer {sign('ES256', claims)}"})
    signed = StandardWebhooks().sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"", int(time.time()), f"msg_{time.time_ns()}"
    )
    signed["webhook-id"] = signed["webhook-id"].replace(".", "")
    host.post("/door-h", headers=signed)
    host.post("/door-h", headers=signed)
    text = AdminPages(host.service).answer(Message("GET", "/metrics", headers=GOOD)).body.decode()
    for name, outcome in (
        ("door-f", "unauthenticated"),
        ("door-f", "ok"),
        ("door-f", "forbidden"),
        ("door-h", "ok"),
        ("door-h", "duplicate"),
    ):
        labels = f'function="{name}",outcome="{outcome}",signature="http"'
        assert f"ffhost_calls_total{{{labels}}}" in text, text


def test_the_admin_listener_has_a_door_of_its_own(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(public("P-256", kid="one")))
    pages = AdminPages(serve(CODE, ADMIN).service)
    for path in ("/", "/metrics", "/functions", "/config", "/health", "/nowhere"):
        refused = pages.answer(Message("GET", path))
        assert refused.status == 401
        assert refused.header("www-authenticate") == 'Bearer realm="ffhost"'
    assert pages.answer(Message("GET", "/functions", headers=GOOD)).status == 200
    shown = pages.answer(Message("GET", "/config", headers=GOOD)).body.decode()
    assert KEY not in shown
    assert "MfKQ" not in shown


def test_ways_are_added_changed_and_removed_by_a_reload(serve: Serve, tmp_path: Path) -> None:
    functions = "\nfunctions:\n  f: {target: main.py:who, auth: %s}\n"
    host = serve(CODE, AUTH + functions % "machines")

    def reload(text: str) -> bool:
        (tmp_path / "functions.yaml").write_text(text)
        return host.service.reload()

    assert host.get("/f", headers=GOOD).text == "ci"
    other = AUTH.replace(KEY, "another-key-of-machines")
    assert reload(other + functions % "machines")
    assert host.get("/f", headers=GOOD).status == 401
    new = {"authorization": "Bearer another-key-of-machines"}
    assert host.get("/f", headers=new).text == "ci"
    assert reload("functions:\n  f: {target: main.py:who}\n")
    assert host.get("/f").text == "nobody"
    assert reload(AUTH + functions % "machines")
    assert host.get("/f").status == 401
    assert not reload(AUTH + functions % "nobody")
    assert host.get("/f", headers=GOOD).text == "ci"


def test_rates_and_deliveries_outlive_a_reload(serve: Serve, tmp_path: Path) -> None:
    text = f"""
auth:
  machines: {{keys: {{ci: {{key: {KEY}, rate: 1/h}}}}}}
functions:
  f: {{target: main.py:who, auth: machines, timeout: %ss}}
"""
    host = serve(CODE, text % 5)
    assert host.get("/f", headers=GOOD).status == 200
    (tmp_path / "functions.yaml").write_text(text % 6)
    assert host.service.reload()
    assert host.get("/f", headers=GOOD).status == 429


def test_a_host_is_unready_until_it_has_keys_and_never_again(serve: Serve, tmp_path: Path) -> None:
    with issuer() as running:
        text = f"""
auth:
  staff: {{jwt: {{issuer: "{running.url}", audience: orders}}}}
functions:
  f: {{target: main.py:who, auth: staff}}
  open: {{target: main.py:who}}
"""
        host = serve(CODE, text)
        ready = host.get("/_ffhost/ready")
        assert (ready.status, ready.json()["functions"]) == (503, ["f"])
        claims = {"iss": running.url, "aud": "orders", "sub": "ada", "exp": time.time() + 60}
        token = {"authorization": f"Bearer {sign('ES256', claims)}"}
        refused = host.get("/f", headers=token)
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert host.get("/f").status == 401
        assert host.get("/open").text == "nobody"
        running.publish(key_set(public("P-256", kid="one")))
        eventually(lambda: host.get("/_ffhost/ready").status == 200, "ready")
        assert host.get("/f", headers=token).text == "ada"
        missing = text.replace("audience: orders}", f"audience: orders, jwks: {running.url}/no}}")
        (tmp_path / "functions.yaml").write_text(missing)
        assert host.service.reload()
        ready = host.get("/_ffhost/ready")
        assert (ready.status, ready.json()["functions"]) == (200, ["f"])


def test_a_function_that_is_not_required_makes_the_host_degraded(serve: Serve) -> None:
    with issuer() as running:
        host = serve(
            CODE,
            f"""
auth:
  staff: {{jwt: {{issuer: "{running.url}", audience: orders}}}}
functions:
  f: {{target: main.py:who, auth: staff, required: false}}
""",
        )
        ready = host.get("/_ffhost/ready")
        assert ready.status == 200
        assert ready.json() == {"status": "degraded", "functions": ["f"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "'keys.json' cannot be used: No such file or directory"),
        ("<html>", "'keys.json' cannot be used: it is not a JSON object"),
        ('{"keys": []}', "'keys.json' cannot be used: it has no key that can be used"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_a_load_error(
    serve: Serve, tmp_path: Path, text: str | None, expected: str
) -> None:
    if text is not None:
        (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        serve(
            CODE,
            """
            auth: {staff: {jwt: {jwks: keys.json, audience: a}}}
            functions: {f: {target: "main.py:who", auth: staff}}
            """,
        )
    assert expected in str(caught.value)
    assert "auth.staff.jwt.jwks" in str(caught.value)


def test_a_way_that_no_door_names_costs_nothing(serve: Serve) -> None:
    host = serve(
        CODE,
        """
        auth: {staff: {jwt: {jwks: none.json, audience: a}}}
        functions: {f: {target: "main.py:who"}}
        """,
    )
    assert host.get("/f").text == "nobody"


def test_a_file_of_keys_is_rotated_without_a_reload(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(public("P-256", kid="one")))
    host: Client = serve(
        CODE,
        """
        auth: {staff: {jwt: {jwks: keys.json, audience: a}}}
        functions: {f: {target: "main.py:who", auth: staff}}
        """,
    )

    def ask(kid: str, number: int) -> int:
        claims: dict[str, Any] = {"aud": "a", "sub": "ada", "exp": int(time.time()) + 60}
        token = sign("ES256", claims, kid=kid, number=number)
        return host.get("/f", headers={"authorization": f"Bearer {token}"}).status

    assert (ask("one", 0), ask("two", 1)) == (200, 401)
    keys.write_bytes(key_set(public("P-256", kid="one"), public("P-256", 1, kid="two")))
    eventually(lambda: ask("two", 1) == 200, "the new key")
    assert ask("one", 0) == 200
    keys.write_bytes(key_set(public("P-256", 1, kid="two")))
    eventually(lambda: ask("one", 0) == 401, "the end of the old key")
    assert ask("two", 1) == 200


def test_a_door_without_a_way_is_never_an_open_one(tmp_path: Path) -> None:
    """The configuration's rules refuse both; the host must not depend on that."""
    from ffhost.config import ConfigSources, load_config
    from ffhost.host.snapshot import make_host
    from ffhost.host.store import ReloadStore

    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "functions.yaml").write_text("functions: {f: {target: 'main.py:who'}}\n")
    loaded = load_config(ConfigSources(cwd=tmp_path))
    for names in ([], ["nobody"]):
        function = loaded.settings.functions["f"].replaced(auth=names)
        settings = loaded.settings.replaced(functions={"f": function})
        with pytest.raises((KeyError, ValueError)):
            make_host(replace(loaded, settings=settings), ReloadStore())


@pytest.mark.parametrize("locked", [False, True])
def test_what_is_not_configured_is_not_imported(tmp_path: Path, locked: bool) -> None:
    (tmp_path / "main.py").write_text("def who(request):\n    return 'who'\n")
    ways = f"auth: {{m: {{keys: {{ci: {KEY}}}}}}}\n" if locked else ""
    door = "m" if locked else "public"
    (tmp_path / "functions.yaml").write_text(
        f"{ways}functions: {{f: {{target: 'main.py:who', auth: {door}}}}}\n"
    )
    code = (
        "import sys\n"
        "from ffhost.testing import client\n"
        "with client('functions.yaml') as host:\n"
        "    host.get('/f')\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'joserfc'\n"
        "             or name.startswith('ffhost.auth')))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    imported = ran.stdout.splitlines()[-1]
    assert "joserfc" not in imported
    assert ("ffhost.auth" in imported) is locked
