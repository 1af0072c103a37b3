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

from ffhost.config import ConfigSources, LoadedConfig, PathKey, attempt_config
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.load_problems import config_problem_of_error, merge_config_problems
from ffhost.config.settings import SIGNATURES
from ffhost.errors import ConfigError, LoadError

if TYPE_CHECKING:
    from ffhost.host.snapshot import Host


@dataclass
class CheckFindings:
    """What a check found.

    Args:
        config: the configuration; None if the file itself has mistakes
        problems: what keeps the host from starting
        warnings: functions that cannot be loaded although the file allows that
        unjudged: functions that only importing could check, when code is only read
        habits: what works alone and not in a host of several functions, and calls in a circle
    """

    config: LoadedConfig | None
    problems: list[ConfigProblem] = field(default_factory=list)
    warnings: list[ConfigProblem] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    habits: list[ConfigProblem] = field(default_factory=list)


def run_full_check(given: ConfigSources, *, read_only: bool) -> CheckFindings:
    """Check the configuration, then each function that is switched on."""
    found = attempt_config(given)
    if found.config is None:
        unloaded = _read_beside(given, found.problems) if found.watched else []
        return CheckFindings(None, sorted([*found.problems, *unloaded], key=_place))
    findings = CheckFindings(found.config)
    if read_only:
        _read(found.config, findings)
    else:
        _load(found.config, findings)
    findings.problems = merge_config_problems(sorted(findings.problems, key=_place))
    if not findings.problems:
        findings.habits += _habits(found.config)
        findings.habits += _circles(found.config)
    return findings


def _place(problem: ConfigProblem) -> tuple[bool, str, int, int]:
    """Sort problems by their place in the file; variables and flags come last."""
    origin = problem.origin
    if origin is None or origin.file is None:
        return (True, "", 0, 0)
    return (False, origin.label, origin.line or 0, origin.column or 0)


def _read(config: LoadedConfig, findings: CheckFindings) -> None:
    from ffhost.loading.targets import check_hook_statically, check_target_statically

    names = [config.single] if config.single is not None else list(config.settings.functions)
    for name in names:
        function = config.settings.functions[name]
        if not function.enabled:
            continue
        try:
            found = check_target_statically(
                function.target, function.source, config.base, signature=function.signature
            )
        except LoadError as error:
            problem = config_problem_of_error(config, name, error)
            may_fail = function.on_load_error == "unavailable"
            (findings.warnings if may_fail else findings.problems).append(problem)
            continue
        if found is None:
            findings.unjudged.append(name)
        elif function.signature and found.signature not in (None, function.signature):
            findings.problems.append(_contradiction(config, name, found.signature))
    findings.problems += _subscription_problems(config, names)
    findings.problems += _hook_problems(config, check_hook_statically, [])


def _habits(config: LoadedConfig) -> Iterator[ConfigProblem]:
    """Report what the source of a function does that several functions in one process cannot."""
    from ffhost.loading.targets import (
        find_relative_files_in_target_source,
        line_that_tests_module_name,
        source_file_of_target,
    )
    from ffhost.loading.targets.places import show_target_path

    seen = set()
    for name, function in config.settings.functions.items():
        file = source_file_of_target(function.target, function.source, config.base)
        if file is None or file in seen or not function.enabled:
            continue
        seen.add(file)
        key = "target" if function.source is None else "source"
        path = f"functions.{name}.{key}"
        origin = config.locate(("functions", name, key))
        for each in find_relative_files_in_target_source(file):
            yield ConfigProblem(
                path,
                f"{show_target_path(each.source, config.base)}:{each.line} opens {each.path!r}, "
                "which lies beside it and not in the current folder",
                origin,
                f"write open(Path(__file__).parent / {each.path!r})",
            )
        line = None if config.framework_mode else line_that_tests_module_name(file, file.stem)
        if line is not None:
            yield ConfigProblem(
                path,
                f"{show_target_path(file, config.base)}:{line} asks whether __name__ "
                f"is {file.stem!r}, which it never is here",
                origin,
                "move what depends on it into a start-up hook, ffhost.on_startup",
            )


def _circles(config: LoadedConfig) -> Iterator[ConfigProblem]:
    """Report functions that call each other in a circle; such calls end at their limit."""
    from ffhost.config.call_circles import find_declared_call_circles

    functions = config.settings.functions
    declared = {name: each.calls for name, each in functions.items() if each.calls is not None}
    for circle in find_declared_call_circles(declared):
        path = f"functions.{circle[0]}.calls"
        yield ConfigProblem(
            path,
            f"functions call each other in a circle: {' -> '.join(circle)}",
            config.locate(("functions", circle[0], "calls")),
            "a call that comes back to a function of which no slot is free is answered with 429",
        )


def _subscription_problems(config: LoadedConfig, names: list[str]) -> list[ConfigProblem]:
    if not any(config.settings.functions[name].subscriptions for name in names):
        return []
    from ffhost.events.declared_subscriptions import compile_subscriptions

    return compile_subscriptions(config, names)[1]


def _contradiction(config: LoadedConfig, name: str, decorated: str | None) -> ConfigProblem:
    at = ("functions", name, "signature")
    said = config.settings.functions[name].signature
    return ConfigProblem(
        ".".join(at),
        f"{name} is decorated as {decorated}, but the configuration says {said!r}; "
        "remove one of them",
        config.locate(at),
    )


def _load(config: LoadedConfig, findings: CheckFindings) -> None:
    try:
        with load_for_check_command(config) as host:
            errors = [each.load_error for each in host.functions.values()]
            findings.warnings += [each for each in errors if each is not None]
    except ConfigError as error:
        findings.problems += error.problems
    from ffhost.loading.targets import resolve_hook_target

    with quiet_stdout():
        findings.problems += _hook_problems(config, resolve_hook_target, findings.problems)


def _hook_problems(
    config: LoadedConfig, find: Callable[[str, Path], object], known: list[ConfigProblem]
) -> list[ConfigProblem]:
    """Report the hooks that *find* cannot find, unless loading has reported them."""
    from ffhost.config.nodes import dotted_config_path

    problems = []
    reported = {problem.path for problem in known}
    for path, target in _hooks(config):
        try:
            find(target, config.base)
        except LoadError as error:
            if dotted_config_path(path) not in reported:
                origin = config.locate(path)
                problems.append(
                    ConfigProblem(
                        dotted_config_path(path), error.message, origin, error.hint, error.notes
                    )
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
def load_for_check_command(config: LoadedConfig) -> Iterator[Host]:
    """Load the functions of *config*, lazy ones too, to inspect them.

    Raises:
        ConfigError: required functions cannot be loaded
    """
    from ffhost.host.snapshot import discard_served_functions, make_host
    from ffhost.host.store import ReloadStore

    functions = {
        name: each.replaced(lazy=False) for name, each in config.settings.functions.items()
    }
    settings = config.settings.replaced(functions=functions)
    with quiet_stdout():
        host = make_host(replace(config, settings=settings), ReloadStore())
        try:
            yield host
        finally:
            discard_served_functions(host.functions.values(), None)


@contextmanager
def quiet_stdout() -> Iterator[None]:
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


def _read_beside(given: ConfigSources, known: tuple[ConfigProblem, ...]) -> list[ConfigProblem]:
    """Read the targets of a configuration with other mistakes, so that all are reported together.

    Only plain texts of the file are checked: other layers are applied when the
    configuration is right.
    """
    from ffhost.config.files import read_config_tree
    from ffhost.loading.targets import check_target_statically

    name = given.named_config
    path = given.cwd / name
    root = read_config_tree(path, Path(name), [])
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
            check_target_statically(
                target,
                texts.get("source"),
                base,
                signature=signature if signature in SIGNATURES else None,
            )
        except LoadError as error:
            at = values.get(str(error.key)) or values["target"]
            problems.append(
                ConfigProblem(
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
