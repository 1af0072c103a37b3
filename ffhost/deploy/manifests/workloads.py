"""What manifests need to know of a configuration. Nothing here knows a platform."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ffhost.config import ConfigSources, LoadedConfig
from ffhost.config.diagnostics import ConfigProblem, ValueOrigin
from ffhost.config.files import list_config_files
from ffhost.config.nodes import ConfigNode, ConfigText
from ffhost.config.settings import Settings
from ffhost.config.settings.auth_settings import PUBLIC
from ffhost.config.units import Duration
from ffhost.config.yaml_reader import read_yaml
from ffhost.deploy.app import config_in_app, config_opened_for_app, image_config_path
from ffhost.errors import ConfigError
from ffhost.events.declared_subscriptions import compile_subscriptions

_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LARGEST_CONFIG_MAP = 1024 * 1024
_MOST_ROWS = 50
_MEMORY_OF_A_WORKER = 96 * 1024**2
_MEMORY_OF_A_PROCESS = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class ManifestOptions:
    """The options of ``ffhost export``.

    Args:
        name: of the objects
        image: what the containers run
        namespace: of the objects; None to choose it when they are applied
        replicas: the fewest and the most
        split: one workload for each function
        service_monitor: whether to write a ServiceMonitor for the Prometheus operator
        gateway: the Gateway that routes are attached to, as ``name`` or ``namespace/name``
        hostnames: hosts whose requests the route takes; all if empty
        ingress: Service of Knative's ingress, as ``namespace/name``
    """

    name: str
    image: str
    namespace: str | None = None
    replicas: tuple[int, int] = (2, 10)
    split: bool = False
    service_monitor: bool = False
    gateway: str = "gateway"
    hostnames: tuple[str, ...] = ()
    ingress: str = "kourier-system/kourier-internal"


@dataclass(frozen=True, slots=True)
class WorkloadLimits:
    """One function of a workload: its limits in a worker, and its path.

    ``memory`` is in bytes, beside that of its worker; ``origin`` is where the path is written.
    """

    name: str
    path: str
    timeout: float
    concurrency: float
    queue: float
    queue_timeout: float
    memory: int
    origin: ValueOrigin | None = None


@dataclass(frozen=True, slots=True)
class ManifestValues:
    """The values of a configuration that manifests use.

    Args:
        files: the configuration's files by name; empty without one
        config: path of the configuration in the image; None without one
        port: the port for calls
        admin_port: None while there is no admin listener
        environment: variables that make the host reachable in a container
        needed: variables without a default that it refers to
        secret_files: files that it reads, by folder
        drain_delay: seconds after SIGTERM in which everything is still served
        graceful_timeout: seconds that calls in flight may then take
        profile_written: whether the configuration sets ``logging.profile``
        settings: all of it, for what is not a workload
    """

    files: Mapping[str, str]
    config: str | None
    port: int
    admin_port: int | None
    workers: int
    functions: tuple[WorkloadLimits, ...]
    environment: Mapping[str, str]
    needed: tuple[str, ...]
    secret_files: Mapping[str, tuple[str, ...]]
    drain_delay: float
    graceful_timeout: float
    profile_written: bool
    settings: Settings

    @property
    def has_schedules(self) -> bool:
        """Whether any function runs by the clock."""
        return any(each.schedules for each in self.settings.functions.values())

    def with_variable(self, name: str, value: str) -> ManifestValues:
        """Return the same with another variable in its containers."""
        return replace(self, environment={**self.environment, name: value})

    def with_variables(self, variables: Mapping[str, str]) -> ManifestValues:
        """Return the same with further variables in its containers."""
        return replace(self, environment={**self.environment, **variables})

    @property
    def ending_seconds(self) -> int:
        """Return the seconds that a pod may take to end, with a margin for the process itself."""
        return math.ceil(self.drain_delay + self.graceful_timeout) + 5

    def of(self, functions: tuple[WorkloadLimits, ...]) -> ManifestValues:
        """Return the same description with some of the functions."""
        return replace(self, functions=functions)

    @property
    def memory(self) -> int:
        """Return the memory to request, in bytes: a first guess."""
        inner = sum(each.memory for each in self.functions)
        return self.workers * (_MEMORY_OF_A_WORKER + inner)

    @property
    def slots(self) -> float:
        """Return the number of calls that a pod runs at once."""
        return self.workers * sum(each.concurrency for each in self.functions)

    @property
    def longest_call(self) -> float:
        """Return the seconds within which every call is answered."""
        return max((each.timeout + each.queue_timeout for each in self.functions), default=60.0)


def collect_manifest_values(config: LoadedConfig, given: ConfigSources) -> ManifestValues:
    """Collect the values that manifests need.

    Raises:
        ConfigError: the configuration cannot be served in a container
    """
    opened = config_opened_for_app(config, given)
    paths = [] if opened is None else list_config_files(opened)
    files = {path.name: path.read_text("utf-8-sig") for path in paths}
    problems = list(_problems(config, files))
    if problems:
        raise ConfigError(problems)
    settings = config.settings
    inside = config_in_app(config, opened)
    admin = settings.admin
    environment: dict[str, str] = {}
    if settings.server.host in ("127.0.0.1", "::1", "localhost"):
        environment["FFHOST_SERVER__HOST"] = "0.0.0.0"
    if settings.server.port == 0:
        environment["FFHOST_SERVER__PORT"] = "8080"
    if admin.enabled and admin.host in ("127.0.0.1", "::1", "localhost"):
        environment["FFHOST_ADMIN__HOST"] = "0.0.0.0"
    names, secrets = _references(files)
    return ManifestValues(
        files=files,
        config=None if inside is None else image_config_path(inside),
        port=settings.server.port or 8080,
        admin_port=admin.port or 9901 if admin.enabled else None,
        workers=settings.server.workers,
        functions=tuple(_limits(config, name) for name in settings.functions),
        environment=environment,
        needed=names,
        secret_files=secrets,
        drain_delay=float(settings.server.drain_delay),
        graceful_timeout=float(settings.server.graceful_timeout),
        profile_written=config.origins.get(("logging", "profile")) is not None,
        settings=settings,
    )


def _limits(config: LoadedConfig, name: str) -> WorkloadLimits:
    function = config.settings.function(name)
    assert function.timeout is not None
    assert function.queue is not None
    assert function.queue_timeout is not None
    assert function.concurrency is not None
    memory = 0
    if function.isolation == "process":
        memory = (function.processes or 1) * (function.memory or _MEMORY_OF_A_PROCESS)
    return WorkloadLimits(
        name,
        function.path,
        function.timeout,
        function.concurrency,
        function.queue,
        function.queue_timeout,
        memory,
        config.locate(("functions", name, "path")),
    )


def _problems(config: LoadedConfig, files: Mapping[str, str]) -> Iterator[ConfigProblem]:
    server = config.settings.server
    if server.host.startswith("unix:"):
        at = ("server", "host")
        message = "a container cannot be reached through a unix socket"
        yield ConfigProblem(".".join(at), message, config.locate(at), "write host: 0.0.0.0")
    if _opens_console(config.settings):
        at = ("console", "enabled")
        message = "in a container every pod of the cluster could call all functions past their auth"
        hint = "write 'admin: {auth: ...}', or switch the console off"
        yield ConfigProblem(".".join(at), message, config.locate(at), hint)
    if sum(len(text.encode()) for text in files.values()) > _LARGEST_CONFIG_MAP:
        origin = ValueOrigin(next(iter(files)))
        yield ConfigProblem("", "larger than 1MiB, which a ConfigMap may hold", origin)
    yield from compile_subscriptions(config, config.settings.functions)[1]
    if not config.settings.functions:
        yield ConfigProblem(
            "functions", "there is no function to serve", config.locate(("functions",))
        )


def _opens_console(settings: Settings) -> bool:
    """Whether the console would be open to everybody once the admin address is a pod's own."""
    return settings.has_console and settings.admin.auth == [PUBLIC]


def _references(files: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Find the variables without a default and the files that the configuration refers to."""
    names: set[str] = set()
    secrets: dict[str, set[str]] = {}
    for name, text in files.items():
        for kind, value in _scalars(read_yaml(ConfigText(name, text=text), [])):
            if kind == "from_env":
                names.add(value)
            elif kind == "from_file" and value.startswith("/"):
                secrets.setdefault(str(Path(value).parent), set()).add(Path(value).name)
            elif kind is None:
                names.update(_REFERENCE.findall(value))
    sorted_secrets = {folder: tuple(sorted(secrets[folder])) for folder in sorted(secrets)}
    return tuple(sorted(names)), sorted_secrets


def _scalars(node: ConfigNode) -> Iterator[tuple[str | None, str]]:
    """Yield the text of every scalar, with ``from_env`` or ``from_file`` for a secret."""
    if isinstance(node.value, dict):
        for key, (_, inner) in node.value.items():
            if len(node.value) == 1 and key in ("from_env", "from_file") and inner.text:
                yield key, inner.text
            elif not key.startswith("x-"):
                yield from _scalars(inner)
    elif isinstance(node.value, list):
        for each in node.value:
            yield from _scalars(each)
    elif node.text is not None:
        yield None, node.text


def kubernetes_quantity(size: int) -> str:
    """Format a size for Kubernetes, in whole mebibytes."""
    return f"{math.ceil(size / 1024**2)}Mi"


def workload_limits_table(described: ManifestValues, replicas: tuple[int, int]) -> list[str]:
    """Return comment lines with the total limits, because limits count per worker."""
    workers = described.workers
    pods = "1 pod" if replicas == (1, 1) else f"{replicas[0]} to {replicas[1]} pods"
    if replicas[0] == replicas[1] != 1:
        pods = f"{replicas[0]} pods"
    of_workers = "1 worker" if workers == 1 else f"{workers} workers"
    head = ("function", "at once: worker", "pod", "all", "waiting: worker", "pod", "all", "within")
    rows = [head]
    for each in described.functions[:_MOST_ROWS]:
        cells = [each.name]
        for count in (each.concurrency, each.queue):
            cells += [
                _count(count),
                _count(count * workers),
                _range(*(count * workers * pod for pod in replicas)),
            ]
        rows.append((*cells, str(Duration(each.timeout))))  # type: ignore[arg-type]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(described.functions) > _MOST_ROWS:
        lines.append(f"... and {len(described.functions) - _MOST_ROWS} more")
    return [f"Limits count per worker. With {of_workers} a pod and {pods}:", *lines]


def _range(least: float, most: float) -> str:
    return _count(least) if least == most else f"{_count(least)}-{_count(most)}"


def _count(value: float) -> str:
    return "unlimited" if math.isinf(value) else str(int(value))
