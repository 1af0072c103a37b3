"""Calls that commands make: in this process through the testing client, or over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ffhost.cli.exit_messages import CommandFailed, WrongCommandUse
from ffhost.config import ConfigSources, LoadedConfig
from ffhost.config.settings import EVENT_OR_TYPED
from ffhost.errors import LoadError

if TYPE_CHECKING:
    from ffhost.testing import Answer, Client

REMOTE_TIMEOUT_SECONDS = 300
"""Seconds that a remote function may take; its own deadline is usually shorter."""


@dataclass(frozen=True, slots=True)
class CommandCall:
    """One request: *path* with its query, percent-encoded."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_body(self, body: bytes) -> CommandCall:
        """Return the same request with another body."""
        return replace(self, body=body)

    def with_headers(self, headers: Mapping[str, str]) -> CommandCall:
        """Return the same request with *headers* added; its own headers win."""
        own = {name.lower(): value for name, value in self.headers.items()}
        given = {name.lower(): value for name, value in headers.items()}
        return replace(self, headers={**given, **own})


@dataclass(frozen=True, slots=True)
class CommandCallShape:
    """What must be known of a function to call it as its signature needs.

    ``methods`` is None for a function that answers all of them.
    """

    name: str
    path: str
    signature: str
    methods: frozenset[str] | None = None

    def as_http(self) -> CommandCallShape:
        """Return the shape of a function whose requests are sent as they are written."""
        return replace(self, signature="http")


class CommandCaller(Protocol):
    """The host that is called: in this process or elsewhere."""

    def call(self, call: CommandCall) -> Answer:
        """Send *call* and wait for the whole answer."""

    def shape(self, name: str) -> CommandCallShape:
        """Return the shape of the function *name*."""


class LocalCommandCaller:
    """A host in this process."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, call: CommandCall) -> Answer:
        """Send *call* and wait for the whole answer."""
        return self._client.request(call.method, call.path, headers=call.headers, body=call.body)

    def shape(self, name: str) -> CommandCallShape:
        """Return the shape of the loaded function *name*."""
        function = self._client.service.host.functions[name]
        return CommandCallShape(name, function.path, function.signature, function.methods)


class RemoteCommandCaller:
    """A host on a server; the configuration says what its functions take."""

    def __init__(self, url: str, config: LoadedConfig) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise WrongCommandUse(
                f"{url!r} is not an address", "write --remote http://localhost:8080"
            )
        self._url = parts
        self._config = config

    def call(self, call: CommandCall) -> Answer:
        """Send *call* and wait for the whole answer.

        Raises:
            CommandFailed: no server answers
        """
        import http.client
        import ssl

        from ffhost.testing import Answer

        host, port = self._url.hostname or "", self._url.port
        connection = (
            http.client.HTTPSConnection(
                host, port, timeout=REMOTE_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
            if self._url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=REMOTE_TIMEOUT_SECONDS)
        )
        path = self._url.path.rstrip("/") + call.path
        try:
            connection.request(call.method, path, call.body or None, call.headers)
            response = connection.getresponse()
            try:
                body, cut = response.read(), False
            except http.client.IncompleteRead as error:
                body, cut = error.partial, True
            return Answer(response.status, response.getheaders(), [body], cut)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            where = f"{self._url.scheme}://{self._url.netloc.rpartition('@')[2]}"
            hint = "start it with 'ffhost serve', or leave --remote out to call in process"
            raise CommandFailed(f"no answer from {where}: {reason.lower()}", hint) from error
        finally:
            connection.close()

    def shape(self, name: str) -> CommandCallShape:
        """Read the shape of *name* from the configuration and the source, without running it."""
        settings = self._config.settings.functions[name]
        signature = settings.signature or self._read_signature(name)
        methods = None if settings.methods is None else frozenset(settings.methods)
        if methods is None and signature in EVENT_OR_TYPED:
            methods = frozenset({"POST"})
        return CommandCallShape(name, settings.path, signature, methods)

    def _read_signature(self, name: str) -> str:
        """Return the decorator's signature, else the loaded one's; http if it cannot be loaded."""
        from ffhost.cli.full_check import quiet_stdout
        from ffhost.host.loader import load_served_function
        from ffhost.host.store import ReloadStore
        from ffhost.loading.targets import check_target_statically

        settings = self._config.settings.functions[name]
        try:
            found = check_target_statically(settings.target, settings.source, self._config.base)
            if found is not None and found.signature is not None:
                return found.signature
            with quiet_stdout():
                return load_served_function(self._config, name, ReloadStore()).signature
        except LoadError:
            return "http"


@contextmanager
def local_command_caller(
    given: ConfigSources, config: LoadedConfig
) -> Iterator[LocalCommandCaller]:
    """Load and start the host in this process; what it logs and prints goes to stderr.

    Raises:
        StartupError: the host cannot be loaded, or a start-up hook failed
    """
    import sys

    from ffhost.invocation.current import log_fields
    from ffhost.loading import modules
    from ffhost.observability import logs
    from ffhost.testing import Client

    settings = config.settings.logging
    changes: dict[str, Any] = {
        "format": "console",
        "stream": "stdout",
        "invocations": False,
        "levels": {"ffhost": "warning", **settings.levels},
    }
    try:
        logs.set_log_fields_source(log_fields)
        logs.configure_logging(
            settings.replaced(**changes),
            debug=config.settings.server.debug,
            plain_name=modules.plain_module_name,
            out=2,
        )
        with redirect_stdout(sys.stderr), Client(given) as client:
            yield LocalCommandCaller(client)
    finally:
        logs.reset_logging()


def choose_command_function(config: LoadedConfig, name: str | None) -> str:
    """Return the function *name*; the only one if *name* is None.

    Raises:
        WrongCommandUse: there is no such function, or more than one
    """
    known = [config.single] if config.single is not None else list(config.settings.functions)
    if name is None:
        if len(known) == 1:
            return known[0]
        raise WrongCommandUse("which function?", f"there are {_listing(known)}")
    if name in known:
        return name
    from ffhost.config.diagnostics import nearest_known_word

    near = nearest_known_word(name, known)
    hint = f"did you mean {near!r}?" if near else f"there are {_listing(known)}"
    raise WrongCommandUse(f"the configuration has no function {name!r}", hint)


def read_header_options(lines: Sequence[str]) -> dict[str, str]:
    """Read ``NAME:VALUE`` texts.

    Raises:
        WrongCommandUse: a text has another form
    """
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise WrongCommandUse(
                f"{line!r} is not a header", "write --header 'accept: text/plain'"
            )
        headers[name.strip()] = value.strip()
    return headers


def _listing(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 20 else f"{len(names)} functions"


def time_command_call(caller: CommandCaller, call: CommandCall) -> tuple[Answer, float]:
    """Send *call*; return its answer and the seconds that it took."""
    begin = time.perf_counter()
    answer = caller.call(call)
    return answer, time.perf_counter() - begin


def show_command_seconds(seconds: float) -> str:
    """Format a duration for people."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
