"""What ``ffhost doctor`` looks at: versions, extras, platform, configuration, ports.

Nothing is imported that is only looked for, and user code is not run.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.requirements import Requirement

from ffhost import __version__
from ffhost.config import ConfigSources, LoadedConfig, attempt_config

State = Literal["ok", "note", "problem"]

FRAMEWORK = "functions-framework"
_EXTRAS = ("flask", "starlette", "otel", "auth", "profile", "reload", "calls", "firebase")
_END_OF_LIFE = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
}
"""When versions of Python get no more security fixes (PEP 664, 693 and 719)."""
_WITHOUT_FILE = ("DEBUG", "WORKERS", "THREADS", "CLOUD_RUN_TIMEOUT_SECONDS", "LOG_EXECUTION_ID")
"""Variables of functions-framework that count only where there is no configuration file."""


class DoctorFinding(NamedTuple):
    """One thing that was looked at.

    Args:
        topic: what it belongs to
        hint: what would help; None if nothing has to be done
    """

    topic: str
    state: State
    text: str
    hint: str | None = None


def examine_installation(given: ConfigSources) -> Iterator[DoctorFinding]:
    """Look at this installation, and at the configuration that *given* makes."""
    yield from _versions()
    yield from _platform()
    found = attempt_config(given)
    needed: set[str] = set()
    if found.config is not None:
        needed = _extras_of(found.config)
    yield from _extras(needed)
    yield from _deprecated(date.today())
    if found.config is None:
        absent = not found.watched and given.config is None and "FFHOST_CONFIG" not in given.environ
        for problem in found.problems:
            state: State = "note" if absent else "problem"
            yield DoctorFinding("configuration", state, str(problem), problem.hint)
        return
    yield from _configuration(found.config, given)
    yield from _ports(found.config)


def missing_in_installation(requirements: Iterable[Requirement]) -> Iterator[str]:
    """Return what is not installed of *requirements*, or in another version than they take."""
    for each in requirements:
        try:
            installed = version(each.name)
        except PackageNotFoundError:
            yield f"{each.name} is not installed"
            continue
        if not each.specifier.contains(installed, prereleases=True):
            yield f"{each.name} {installed} is installed, and ffhost needs {each.specifier}"


def _versions() -> Iterator[DoctorFinding]:
    where = "a virtual environment" if sys.prefix != sys.base_prefix else "no virtual environment"
    yield DoctorFinding(
        "ffhost", "ok", f"{__version__} on Python {platform.python_version()}, {where}"
    )
    own = list(_requirements(""))
    wrong = list(missing_in_installation(own))
    for each in wrong:
        yield DoctorFinding("packages", "problem", each, "pip install --upgrade ffhost")
    if not wrong:
        shown = ", ".join(f"{each.name} {version(each.name)}" for each in own)
        yield DoctorFinding("packages", "ok", shown)


def _platform() -> Iterator[DoctorFinding]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{platform.system()} {platform.release()}, {platform.machine()}, {cpus} processors"
    if hasattr(os, "fork"):
        yield DoctorFinding("platform", "ok", text)
    else:
        lacks = "one process only: no workers, isolation, admin listener or reload without fork"
        yield DoctorFinding("platform", "note", f"{text}; {lacks}")


def _extras(needed: set[str]) -> Iterator[DoctorFinding]:
    for extra in _EXTRAS:
        requirements = list(_requirements(extra))
        wrong = list(missing_in_installation(requirements))
        if not wrong:
            shown = ", ".join(f"{each.name} {version(each.name)}" for each in requirements)
            yield DoctorFinding(f"extra {extra}", "ok", shown)
        elif extra in needed:
            text = f"needed here, and {'; '.join(wrong)}"
            yield DoctorFinding(f"extra {extra}", "problem", text, f"pip install 'ffhost[{extra}]'")
        else:
            yield DoctorFinding(f"extra {extra}", "ok", "not installed, and not needed here")


def _requirements(extra: str) -> Iterator[Requirement]:
    """Return what ffhost needs on this platform; with *extra* only what that adds."""
    try:
        declared = [Requirement(each) for each in requires("ffhost") or []]
    except PackageNotFoundError:
        return
    for each in declared:
        always = each.marker is None or each.marker.evaluate({"extra": ""})
        added = each.marker is not None and each.marker.evaluate({"extra": extra})
        if each.name != "ffhost" and (added and not always if extra else always):
            yield each


def _deprecated(today: date) -> Iterator[DoctorFinding]:
    end = _END_OF_LIFE.get(sys.version_info[:2])
    if end is not None and today > end:
        text = f"Python {platform.python_version()} gets no security fixes since {end:%B %Y}"
        yield DoctorFinding("deprecated", "note", text, "install a newer one")
    try:
        installed = version(FRAMEWORK)
    except PackageNotFoundError:
        return
    text = f"{FRAMEWORK} {installed} is installed; ffhost has its names and its command"
    yield DoctorFinding("deprecated", "note", text, f"pip uninstall {FRAMEWORK}")


def _configuration(config: LoadedConfig, given: ConfigSources) -> Iterator[DoctorFinding]:
    from dataclasses import replace

    from ffhost.cli.full_check import run_full_check

    findings = run_full_check(replace(given, values_may_be_missing=True), read_only=True)
    for problem in findings.problems:
        yield DoctorFinding("configuration", "problem", str(problem), problem.hint)
    for problem in (*findings.warnings, *findings.habits):
        yield DoctorFinding("configuration", "note", str(problem), problem.hint)
    count = len(config.settings.functions)
    where = given.named_config if config.has_file else f"no file, target {config.single}"
    functions = "1 function" if count == 1 else f"{count} functions"
    if not findings.problems:
        yield DoctorFinding(
            "configuration", "ok", f"{where}: {functions}; 'ffhost check' imports them"
        )
    if config.has_file:
        yield from _ignored(given.environ)


def _ignored(environ: Mapping[str, str]) -> Iterator[DoctorFinding]:
    """Report variables that are set and not read because there is a file."""
    for name in _WITHOUT_FILE:
        if environ.get(name):
            text = f"{name} is set and not read: there is a configuration file"
            yield DoctorFinding("environment", "note", text, "write it there, or unset it")


def _extras_of(config: LoadedConfig) -> set[str]:
    from ffhost.deploy.app.extras import extras_needed_in_image
    from ffhost.loading.targets import source_file_of_target

    functions = config.settings.functions.values()
    files = [source_file_of_target(each.target, each.source, config.base) for each in functions]
    return extras_needed_in_image(config, [each for each in files if each is not None])


def _ports(config: LoadedConfig) -> Iterator[DoctorFinding]:
    listeners = [("server", config.settings.server.host, config.settings.server.port)]
    admin = config.settings.admin
    if admin.enabled:
        listeners.append(("admin", admin.host, admin.port))
    for name, host, port in listeners:
        if host.startswith("unix:"):
            folder = Path(host.removeprefix("unix:")).parent
            state: State = "ok" if os.access(folder, os.W_OK) else "problem"
            yield DoctorFinding("port", state, f"{name}: {host}, a socket in {folder}")
        else:
            yield _port(name, host, port)


def _port(name: str, host: str, port: int) -> DoctorFinding:
    address = f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(family[4])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = f"stop what listens there, or choose another {name}.port"
        return DoctorFinding(
            "port", "problem", f"{name}: {address} cannot be bound: {reason}", hint
        )
    return DoctorFinding("port", "ok", f"{name}: {address} is free")
