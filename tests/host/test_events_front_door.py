"""The address for events behind a door, and calls that no door is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ffhost.auth.webhook_schemes import GitHubWebhooks
from ffhost.testing import Client
from tests.conftest import Serve

KEY = "a-key-that-only-machines-know"
GOOD = {"authorization": f"Bearer {KEY}"}
KIND = {"content-type": "application/cloudevents+json"}
EVENT = json.dumps({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}).encode()
CODE = """
import ffhost

seen = []

@ffhost.cloud_event
def locked(event):
    seen.append(["locked", ffhost.current().principal.name])

@ffhost.cloud_event
def free(event):
    caller = ffhost.current().principal
    seen.append(["free", caller and caller.name])

def told(request):
    return seen
"""
CONFIG = f"""
auth:
  machines: {{keys: {{ci: {KEY}}}}}
  github: {{webhook: {{scheme: github, secret: hush}}}}
events: {{auth: [machines, github]}}
functions:
  locked: {{target: "main.py:locked", auth: github, subscriptions: [{{}}]}}
  free: {{target: "main.py:free", subscriptions: [{{}}], schedules: [{{cron: "0 3 * * *"}}]}}
  told: {{target: "main.py:told"}}
"""


@pytest.fixture
def host(serve: Serve) -> Client:
    return serve(CODE, CONFIG)


def test_events_are_taken_from_those_who_may_send_them(host: Client) -> None:
    refused = host.post("/events", body=EVENT, headers=KIND)
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == ('Bearer realm="ffhost", Webhook scheme="github"')
    assert host.get("/told").json() == []
    assert host.post("/events", body=EVENT, headers={**KIND, **GOOD}).status == 204
    # The door of a function that gets the event is not asked: the sender is known.
    assert sorted(host.get("/told").json()) == [["free", "ci"], ["locked", "ci"]]


def test_a_signature_over_the_event_opens_the_address(host: Client) -> None:
    signed = GitHubWebhooks().sign("hush", EVENT, 0, "id")
    assert host.post("/events", body=EVENT + b" ", headers={**KIND, **signed}).status == 401
    assert host.post("/events", body=EVENT, headers={**KIND, **signed}).status == 204
    assert sorted(host.get("/told").json()) == [["free", "github"], ["locked", "github"]]


def test_a_function_keeps_its_own_door(host: Client) -> None:
    assert host.post("/locked", body=EVENT, headers={**KIND, **GOOD}).status == 401


def test_the_handshake_is_not_asked(host: Client) -> None:
    answer = host.request("OPTIONS", "/events", headers={"webhook-request-origin": "a.example"})
    assert answer.status != 401


@pytest.mark.parametrize(("defaults", "status"), [("machines", 401), ("public", 204)])
def test_unless_written_the_address_has_the_door_of_defaults(
    serve: Serve, defaults: str, status: int
) -> None:
    host = serve(
        CODE,
        f"""
auth: {{machines: {{keys: {{ci: {KEY}}}}}}}
defaults: {{auth: {defaults}}}
events: {{}}
functions:
  free: {{target: "main.py:free", subscriptions: [{{}}]}}
""",
    )
    headers: dict[str, Any] = dict(KIND)
    assert host.post("/events", body=EVENT, headers=headers).status == status
    assert host.post("/events", body=EVENT, headers={**headers, **GOOD}).status == 204
