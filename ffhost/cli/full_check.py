"""The check of a whole configuration: its own mistakes and those of its functions.

Both are reported as problems of the same form. With *read_only* user code is read and
never run; else it is imported as ``ffhost serve`` would.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffhost.config import LoadedConfig, PathKey, Sources, attempt
from ffhost.config.diagnostics import Problem
from ffhost.config.load_problems import merged, problem_of
from ffhost.config.settings import SIGNATURES
from ffhost.errors import ConfigError, LoadError

if TYPE_CHECKING:
    from ffhost.host.snapshot import Host


@dataclass
class Findings:
    """What a check found.

    Args:
        config: the configuration; None if the file itself has mistakes
        problems: what keeps the host from starting
        warnings: functions that cannot be loaded although the file allows that
        unjudged: functions that only importing could check, when code is only read
        habits: what works alone and not in a host of several functions, and calls in a circle
    """

    config: LoadedConfig | None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    habits: list[Problem] = field(default_factory=list)


def check(given: Sources, *, read_only: bool) -> Findings:
    """Check the configuration, then each function that is switched on."""
    found = attempt(given)
    if found.config is None:
        unloaded = _read_beside(given, found.problems) if found.watched else []
        return Findings(None, sorted([*found.problems, *unloaded], key=_place))
    findings = Findings(found.config)
    if read_only:
        _read(found.config, findings)
    else:
        _load(found.config, findings)
    findings.problems = merged(sorted(findings.problems, key=_place))
    if not findings.problems:
        findings.habits += _habits(found.config)
        findings.habits += _circles(found.config)
    return findings


def _place(problem: Problem) -> tuple[bool, str, int, int]:
    """Sort problems by their place in the file; variables and flags come last."""
    origin = problem.origin
    if origin is None or origin.file is None:
        return (True, "", 0, 0)
    return (False, origin.label, origin.line or 0, origin.column or 0)


def _read(config: LoadedConfig, findings: Findings) -> None:
    from ffhost.loading.targets import check_hook, check_target

    names = [config.single] if config.single is not None else list(config.settings.functions)
    for name in names:
        function = config.settings.functions[name]
        if not function.enabled:
            continue
        try:
            found = check_target(
                function.target, function.source, config.base, signature=function.signature
            )
        except LoadError as error:
            problem = problem_of(config, name, error)
            may_fail = function.on_load_error == "unavailable"
            (findings.warnings if may_fail else findings.problems).append(problem)
            continue
        if found is None:
            findings.unjudged.append(name)
        elif function.signature and found.signature not in (None, function.signature):
            findings.problems.append(_contradiction(config, name, found.signature))
    findings.problems += _subscription_problems(config, names)
    findings.problems += _hook_problems(config, check_hook, [])


def _habits(config: LoadedConfig) -> Iterator[Problem]:
    """Report what the source of a function does that several functions in one process cannot."""
    from ffhost.loading.targets import relative_files, source_file, tests_plain_name
    from ffhost.loading.targets.places import show

    seen = set()
    for name, function in config.settings.functions.items():
        file = source_file(function.target, function.source, config.base)
        if file is None or file in seen or not function.enabled:
            continue
        seen.add(file)
        key = "target" if function.source is None else "source"
        path = f"functions.{name}.{key}"
        origin = config.locate(("functions", name, key))
        for each in relative_files(file):
            yield Problem(
                path,
                f"{show(each.source, config.base)}:{each.line} opens {each.path!r}, which lies "
                "beside it and not in the current folder",
                origin,
                f"write open(Path(__file__).parent / {each.path!r})",
            )
        line = None if config.framework_mode else tests_plain_name(file, file.stem)
        if line is not None:
            yield Problem(
                path,
                f"{show(file, config.base)}:{line} asks whether __name__ is {file.stem!r}, "
                "which it never is here",
                origin,
                "move what depends on it into a start-up hook, ffhost.on_startup",
            )


def _circles(config: LoadedConfig) -> Iterator[Problem]:
    """Report functions that call each other in a circle; such calls end at their limit."""
    from ffhost.config.call_circles import call_circles

    functions = config.settings.functions
    declared = {name: each.calls for name, each in functions.items() if each.calls is not None}
    for circle in call_circles(declared):
        path = f"functions.{circle[0]}.calls"
        yield Problem(
            path,
            f"functions call each other in a circle: {' -> '.join(circle)}",
            config.locate(("functions", circle[0], "calls")),
            "a call that comes back to a function of which no slot is free is answered with 429",
        )


def _subscription_problems(config: LoadedConfig, names: list[str]) -> list[Problem]:
    if not any(config.settings.functions[name].subscriptions for name in names):
        return []
    from ffhost.events.declared_subscriptions import declared_subscriptions

    return declared_subscriptions(config, names)[1]


def _contradiction(config: LoadedConfig, name: str, decorated: str | None) -> Problem:
    at = ("functions", name, "signature")
    said = config.settings.functions[name].signature
    return Problem(
        ".".join(at),
        f"{name} is decorated as {decorated}, but the configuration says {said!r}; "
        "remove one of them",
        config.locate(at),
    )


def _load(config: LoadedConfig, findings: Findings) -> None:
    try:
        with loaded(config) as host:
            errors = [each.load_error for each in host.functions.values()]
            findings.warnings += [each for each in errors if each is not None]
    except ConfigError as error:
        findings.problems += error.problems
    from ffhost.loading.targets import resolve_hook

    with quiet():
        findings.problems += _hook_problems(config, resolve_hook, findings.problems)


def _hook_problems(
    config: LoadedConfig, find: Callable[[str, Path], object], known: list[Problem]
) -> list[Problem]:
    """Report the hooks that *find* cannot find, unless loading has reported them."""
    from ffhost.config.nodes import dotted

    problems = []
    reported = {problem.path for problem in known}
    for path, target in _hooks(config):
        try:
            find(target, config.base)
        except LoadError as error:
            if dotted(path) not in reported:
                origin = config.locate(path)
                problems.append(
                    Problem(dotted(path), error.message, origin, error.hint, error.notes)
                )
    return problems


def _hooks(config: LoadedConfig) -> Iterator[tuple[PathKey, str]]:
    """Yield path and target of each hook that is switched on."""
    server, tracing = config.settings.server, config.settings.tracing
    for key, targets in (("on_startup", server.on_startup), ("on_shutdown", server.on_shutdown)):
        for index, target in enumerate(targets):
            yield ("server", key, index), target
    for name, hook in tracing.hooks.items() if tracing.enabled else ():
        if hook.enabled and hook.target is not None:
            yield ("tracing", "hooks", name, "target"), hook.target


@contextmanager
def loaded(config: LoadedConfig) -> Iterator[Host]:
    """Load the functions of *config*, lazy ones too, to inspect them.

    Raises:
        ConfigError: required functions cannot be loaded
    """
    from ffhost.host.snapshot import build_host, discard
    from ffhost.host.store import Store

    functions = {
        name: each.replaced(lazy=False) for name, each in config.settings.functions.items()
    }
    settings = config.settings.replaced(functions=functions)
    with quiet():
        host = build_host(replace(config, settings=settings), Store())
        try:
            yield host
        finally:
            discard(host.functions.values(), None)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep stdout for the command while user code is imported in the block.

    What user code prints goes to stderr. The host's own entries are dropped: they repeat the
    problems.
    """
    logger = logging.getLogger("ffhost")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        logger.setLevel(before)


def _read_beside(given: Sources, known: tuple[Problem, ...]) -> list[Problem]:
    """Read the targets of a configuration with other mistakes, so that all are reported together.

    Only plain texts of the file are checked: other layers are applied when the
    configuration is right.
    """
    from ffhost.config.files import read_tree
    from ffhost.loading.targets import check_target

    name = given.named_config
    path = given.cwd / name
    root = read_tree(path, Path(name), [])
    functions = _children(root).get("functions")
    reported = {problem.path for problem in known}
    problems = []
    for function, (_, node) in _children(functions and functions[1]).items():
        values = _children(node)
        texts = {key: values[key][1].text for key in _KEYS if key in values}
        paths = {f"functions.{function}.{key}" for key in texts}
        target, signature = texts.get("target"), texts.get("signature")
        unclear = any(not text or "${" in text for text in texts.values())
        if target is None or unclear or paths & reported or _is_off(values):
            continue
        try:
            base = path if path.is_dir() else path.parent
            check_target(
                target,
                texts.get("source"),
                base,
                signature=signature if signature in SIGNATURES else None,
            )
        except LoadError as error:
            at = values.get(str(error.key)) or values["target"]
            problems.append(
                Problem(
                    f"functions.{function}.{error.key}",
                    error.message,
                    at[1].origin,
                    error.hint,
                    error.notes,
                )
            )
    return problems


_KEYS = ("target", "source", "signature")


def _children(node: Any) -> Mapping[str, Any]:
    value = getattr(node, "value", None)
    return value if isinstance(value, dict) else {}


def _is_off(values: Mapping[str, Any]) -> bool:
    return "enabled" in values and values["enabled"][1].value is False
