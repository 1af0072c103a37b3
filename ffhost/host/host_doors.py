"""Authentication of a host: makes doors from the configured ways, and keeps their state.

Doors belong to a snapshot and are made anew with each. Fetched keys, used rates and
processed deliveries belong to the process: a reload must neither forget nor fetch them again.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ffhost.auth.api_keys import ApiKey, ApiKeyWay
from ffhost.auth.claims import TokenClaimRules
from ffhost.auth.doors import Door, DoorAwaitingBody
from ffhost.auth.jwks import TokenSecretSet
from ffhost.auth.jwt import JwtWay, TokenKeys
from ffhost.auth.key_fetcher import (
    KeyFetcher,
    key_discovery_reader,
    key_file_reader,
    key_url_reader,
)
from ffhost.auth.key_sources import FILE_REFRESH, REFRESH, FixedKeys, KeySource
from ffhost.auth.rates import CallerRate, CallerRateLimiter
from ffhost.auth.refusal_log import AuthRefusalReports
from ffhost.auth.refusals import CallerRefusal, DeniedCaller
from ffhost.auth.remembered_callers import WebhookDeliveries
from ffhost.auth.secrets import AuthSecret
from ffhost.auth.senders import webhook_scheme_named
from ffhost.auth.standard_webhooks import PUBLIC_KEY
from ffhost.auth.ways import AuthWay
from ffhost.auth.webhook_schemes import WebhookScheme
from ffhost.auth.webhooks import WebhookWay
from ffhost.config import LoadedConfig, PathKey
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.nodes import dotted_config_path
from ffhost.config.settings import JwtSettings, WaySettings, WebhookSettings
from ffhost.config.settings.auth_settings import PUBLIC
from ffhost.errors import ConfigError
from ffhost.host.gate import HostGate
from ffhost.invocation.logger import get_logger
from ffhost.web.messages import Message

SourceKey = tuple[str | None, str | None, float]
"""Identity of a source of keys: issuer, key set, how long stale keys are used."""


class HostAuthState:
    """What a process knows of callers; it survives changes of the configuration."""

    def __init__(self) -> None:
        self.reports = AuthRefusalReports(_log_refusal)
        self._lock = threading.Lock()
        self._sources: dict[SourceKey, KeySource] = {}
        self._fetchers: dict[SourceKey, KeyFetcher] = {}
        self._limiters: dict[tuple[str, str], CallerRateLimiter] = {}
        self._deliveries: dict[str, WebhookDeliveries] = {}

    def source(self, key: SourceKey, made: KeySource) -> KeySource:
        """Return the existing source for *key*, else *made*."""
        with self._lock:
            return self._sources.setdefault(key, made)

    def limiter(self, way: str, caller: str, rate: str | None) -> CallerRateLimiter | None:
        """Return the limiter of a key, or of all tokens of a way; None without a rate."""
        if rate is None:
            return None
        parsed = CallerRate.parse(rate)
        with self._lock:
            known = self._limiters.get((way, caller))
            if known is None or known.rate != parsed:
                known = self._limiters[way, caller] = CallerRateLimiter(parsed)
            return known

    def deliveries(self, way: str) -> WebhookDeliveries:
        """Return the deliveries of a way that were processed."""
        with self._lock:
            return self._deliveries.setdefault(way, WebhookDeliveries())

    def fetch(self, keys: Iterable[SourceKey]) -> None:
        """Fetch from the sources of *keys* and from no others."""
        wanted = set(keys)
        with self._lock:
            for key in self._sources.keys() - wanted:
                del self._sources[key]
            for key in self._fetchers.keys() - wanted:
                self._fetchers.pop(key).stop()
            for key in wanted - self._fetchers.keys():
                self._fetchers[key] = KeyFetcher(self._sources[key])
                self._fetchers[key].start()


class HostDoors:
    """The doors of one snapshot.

    Args:
        config: the configuration
        state: what the process knows already

    Raises:
        ConfigError: a way cannot work: a key file is not one, or joserfc is not installed
    """

    def __init__(self, config: LoadedConfig, state: HostAuthState) -> None:
        self.state = state
        self._config = config
        self._sources: dict[str, SourceKey] = {}
        self._ways: dict[str, AuthWay] = {}
        self._problems: list[ConfigProblem] = []
        settings = config.settings
        names = [config.single] if config.single is not None else list(settings.functions)
        self.doors = {name: self._door(settings.function(name).auth) for name in names}
        self.admin = self._door(settings.admin.auth)
        self._events = None if settings.events is None else self._door(settings.events_auth)
        self._mcp = None if settings.mcp is None else self._door(settings.mcp_auth)
        if self._problems:
            raise ConfigError(self._problems)

    def _door(self, names: Sequence[str] | None) -> Door | None:
        if names is None or list(names) == [PUBLIC]:
            return None
        ways = [self._way(name) for name in names]
        made = [way for way in ways if way is not None]
        # A way that could not be made is a problem, and then this snapshot is not served.
        return Door(made) if made or not ways else None

    def _way(self, name: str) -> AuthWay | None:
        if name not in self._ways:
            try:
                self._ways[name] = self._make(name, self._config.settings.auth[name])
            except _WayFails as error:
                self._report(error)
                return None
        return self._ways[name]

    def _report(self, error: _WayFails) -> None:
        problem = ConfigProblem(
            dotted_config_path(error.path), str(error), self._config.locate(error.path), error.hint
        )
        if problem not in self._problems:
            self._problems.append(problem)

    def take_effect(self) -> None:
        """Fetch what this snapshot needs, and stop fetching what only others needed."""
        self.state.fetch(self._sources.values())

    def close(self) -> None:
        """Stop fetching."""
        self.state.fetch(())

    def gate(self, name: str) -> HostGate | None:
        """Return the gate of the function *name*; None if it is public."""
        door = self.doors.get(name)
        return None if door is None else HostGate(name, door, self.state)

    def event_gate(self) -> HostGate | None:
        """Return what is done at the door of the address for events; None if it is public."""
        return None if self._events is None else HostGate("events", self._events, self.state)

    def mcp_gate(self) -> HostGate | None:
        """Return what is done at the door of the address for agents; None if it is public."""
        return None if self._mcp is None else HostGate("mcp", self._mcp, self.state)

    def check_admin(self, message: Message) -> None:
        """Check a request to the admin listener.

        Raises:
            RequestError: the caller is not allowed to read it
        """
        if self.admin is None:
            return
        now = time.time()
        result = self.admin.check(message.headers, now)
        if isinstance(result, DoorAwaitingBody):
            result = result.check_body(message.body)
        if isinstance(result, DeniedCaller):
            self.state.reports.report(result.refusal, "", now)
            raise result.error

    def admin_ways(self) -> list[dict[str, str]]:
        """Return what opens the admin listener, for a page that asks for credentials."""
        settings, found = self._config.settings, []
        for name in settings.admin.auth:
            way = settings.auth[name]
            if way.jwt is not None:
                found.append({"name": name, "kind": "jwt", "header": way.jwt.header})
            elif way.keys is not None:
                prefix = {"prefix": "Bearer "} if way.header.lower() == "authorization" else {}
                found.append({"name": name, "kind": "key", "header": way.header, **prefix})
        return found

    def waiting(self, name: str) -> list[str]:
        """Return the ways of the function *name* whose keys have never been fetched."""
        door = self.doors.get(name)
        ways = () if door is None else door.ways
        return [way.name for way in ways if isinstance(way, JwtWay) and not way.ready]

    # ── ways ──────────────────────────────────────────────────────────────────

    def _make(self, name: str, settings: WaySettings) -> AuthWay:
        if settings.jwt is not None:
            return self._jwt(name, settings.jwt)
        if settings.keys is not None:
            return self._keys(name, settings.keys, settings.header)
        assert settings.webhook is not None
        return _webhook(name, settings.webhook)

    def _jwt(self, name: str, jwt: JwtSettings) -> JwtWay:
        rules = TokenClaimRules(
            issuer=jwt.issuer,
            audience=jwt.audience or (),
            claims=jwt.claims,
            scopes=jwt.scopes,
            leeway=jwt.leeway,
        )
        return JwtWay(
            name,
            self._token_keys(name, jwt),
            rules,
            header=jwt.header.lower(),
            scopes=jwt.scopes,
            limiter=self.state.limiter(name, "", jwt.rate),
        )

    def _token_keys(self, name: str, jwt: JwtSettings) -> TokenKeys:
        if jwt.secret is not None:
            return FixedKeys(
                TokenSecretSet([AuthSecret(each) for each in host_door_secret(jwt.secret)])
            )
        path: PathKey = ("auth", name, "jwt")
        if importlib.util.find_spec("joserfc") is None:
            raise _WayFails(
                path, "verifying tokens needs joserfc, which is not installed", _INSTALL
            )
        key: SourceKey = (None if jwt.jwks else jwt.issuer, jwt.jwks, jwt.stale)
        source = self.state.source(key, self._source(name, jwt))
        if jwt.jwks is not None and "://" not in jwt.jwks and source.keys is None:
            reason = source.load(time.time())
            if reason:
                raise _WayFails((*path, "jwks"), f"{jwt.jwks!r} cannot be used: {reason}")
        self._sources[name] = key
        return source

    def _source(self, name: str, jwt: JwtSettings) -> KeySource:
        log = get_logger("ffhost")
        refresh = REFRESH
        if jwt.jwks is None:
            assert jwt.issuer is not None
            place, read = jwt.issuer, key_discovery_reader(jwt.issuer)
        elif "://" in jwt.jwks:
            place, read = jwt.jwks, key_url_reader(jwt.jwks)
        else:
            place, read = jwt.jwks, key_file_reader(self._config.base / jwt.jwks)
            refresh = FILE_REFRESH
        return KeySource(
            place,
            read,
            refresh=refresh,
            stale=jwt.stale,
            taking=lambda count: log.info("keys_loaded", way=name, source=place, keys=count),
            failing=lambda reason: log.warning(
                "keys_unavailable", way=name, source=place, reason=reason
            ),
            noting=lambda note: log.warning("key_ignored", way=name, source=place, reason=note),
        )

    def _keys(self, name: str, keys: dict[str, Any], header: str) -> ApiKeyWay:
        made = []
        for caller, entry in keys.items():
            mapping = entry if isinstance(entry, dict) else {"key": entry}
            limiter = self.state.limiter(name, caller, mapping.get("rate"))
            made += [
                ApiKey(caller, AuthSecret(each), limiter)
                for each in host_door_secret(mapping["key"])
            ]
        return ApiKeyWay(name, made, header=header.lower())


_INSTALL = "install ffhost[auth]"


class _WayFails(Exception):
    """A way that cannot work, and its place in the configuration."""

    def __init__(self, path: PathKey, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint


def host_door_secret(secret: Any) -> list[bytes]:
    """Return a secret, or a list of them, as bytes."""
    return [each.encode() for each in (secret if isinstance(secret, list) else [secret])]


def host_webhook_scheme(webhook: WebhookSettings) -> WebhookScheme:
    """Return the scheme that *webhook* describes."""
    return webhook_scheme_named(
        webhook.scheme,
        webhook.header,
        webhook.prefix or "",
        webhook.encoding,
        webhook.algorithm,
    )


def _webhook(name: str, webhook: WebhookSettings) -> WebhookWay:
    scheme = host_webhook_scheme(webhook)
    secrets = webhook.secret if isinstance(webhook.secret, list) else [webhook.secret]
    asymmetric = webhook.scheme == "standard" and any(
        str(each).startswith(PUBLIC_KEY) for each in secrets
    )
    if asymmetric and importlib.util.find_spec("cryptography") is None:
        raise _WayFails(
            ("auth", name, "webhook", "secret"),
            "verifying by a public key needs cryptography, which is not installed",
            _INSTALL,
        )
    verifiers = [scheme.verifier(str(each)) for each in secrets]
    return WebhookWay(name, scheme, verifiers, webhook.tolerance)


def _log_refusal(refusal: CallerRefusal, function: str, left_out: int) -> None:
    fields: dict[str, Any] = {"way": refusal.way, "reason": refusal.reason}
    fields |= {"function": function} if function else {"listener": "admin"}
    if left_out:
        fields["left_out"] = left_out
    get_logger("ffhost").warning("call_refused", status=refusal.status, **fields)
