"""Of thousands of forged requests those that are good are accepted, and no others."""

from __future__ import annotations

from ffhost.auth.api_keys import ApiKey, ApiKeyWay
from ffhost.auth.claims import TokenClaimRules
from ffhost.auth.doors import Door, DoorAwaitingBody
from ffhost.auth.jwks import import_json_web_keys
from ffhost.auth.jwt import JwtWay
from ffhost.auth.principals import Principal
from ffhost.auth.secrets import AuthSecret
from ffhost.auth.webhooks import WebhookWay
from tests.auth_forging import HOOK_SECRET, KEY, KEYS, SCHEMES, Forged, Forger
from tests.auth_signing import ISSUER, NOW


class Held:
    """Keys that never change."""

    keys = import_json_web_keys(KEYS)[0]
    known = True

    def ask(self, now: float) -> None:
        return


def doors() -> dict[str, Door]:
    made = {
        name: Door([WebhookWay(name, scheme, [scheme.verifier(HOOK_SECRET)])])
        for name, scheme in SCHEMES.items()
    }
    made["machines"] = Door([ApiKeyWay("machines", [ApiKey("ci", AuthSecret(KEY.encode()))])])
    made["staff"] = Door(
        [JwtWay("staff", Held(), TokenClaimRules(issuer=ISSUER, audience=["orders"]))]
    )
    return made


def accepted(door: Door, request: Forged) -> bool:
    result = door.check(request.headers, NOW)
    if isinstance(result, DoorAwaitingBody):
        result = result.check_body(request.body)
    if isinstance(result, Principal):
        return True
    assert result.error.status == 401, (request, result)
    return False


def test_of_ten_thousand_forged_requests_the_good_ones_are_accepted() -> None:
    forger, known = Forger(16, NOW), doors()
    good = 0
    for _ in range(10_000):
        request = forger.request()
        assert accepted(known[request.way], request) is request.good, request
        good += request.good
    assert 800 < good < 1200
