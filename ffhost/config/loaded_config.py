"""Loading of `ConfigSources` into settings: files, variables, flags, values, checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ffhost.config import DEFAULT_FILE, ConfigAttempt, ConfigSources, ListedInSource, LoadedConfig
from ffhost.config.config_variables import (
    ConfigVariables,
    apply_config_variables,
    apply_framework_variables,
)
from ffhost.config.contradictions import check_contradictions
from ffhost.config.diagnostics import DEFAULT, ConfigProblem, ValueOrigin, nearest_known_word
from ffhost.config.files import list_config_files, read_config_text, read_config_tree
from ffhost.config.flags import apply_config_flags
from ffhost.config.known_keys import settings_shape
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import ConfigNode, ConfigText, PathKey, walk_config_path
from ffhost.config.quick_reader import read_settings_quickly
from ffhost.config.resolved_values import ABSENT, ConfigEvaluator
from ffhost.config.settings import FunctionSettings, Settings, complete_settings, plain_section
from ffhost.config.single_target import (
    SingleTargetChoice,
    check_single_target_setting,
    check_target_setting_beside_file,
    choice_of_single_target,
    choose_single_target,
    single_target_name,
    single_target_tree,
    tree_of_listed_functions,
)
from ffhost.config.watched_requirements import watched_requirements_state
from ffhost.errors import LoadError


class LazyValueOrigins(Mapping[PathKey, ValueOrigin]):
    """Where the values of a tree were written, looked up on access."""

    def __init__(self, root: ConfigNode) -> None:
        self._root = root

    def __getitem__(self, path: PathKey) -> ValueOrigin:
        levels = list(walk_config_path(self._root, path))
        if len(levels) <= len(path):
            raise KeyError(path)
        return levels[-1][1].origin

    def __iter__(self) -> Iterator[PathKey]:
        pending: list[tuple[PathKey, ConfigNode]] = [((), self._root)]
        while pending:
            path, node = pending.pop()
            yield path
            if isinstance(node.value, dict):
                pending += [((*path, key), value) for key, (_, value) in node.value.items()]

    def __len__(self) -> int:
        return sum(1 for _ in self)


def attempt_sources(sources: ConfigSources, *, at_start: bool) -> ConfigAttempt:
    """Read, merge and check; see `ffhost.config.attempt_config`."""
    choice = choose_single_target(sources.flags, sources.environ)
    problems: list[ConfigProblem] = []
    if sources.listing is not None:
        return _attempt_listed(sources, choice, sources.listing)
    located = _locate(sources, choice, problems)
    if located is None:
        return ConfigAttempt(None, tuple(problems), ())
    label, path = located
    if label is None or path is None:
        root: ConfigNode | None = single_target_tree(choice)
        base, watched = sources.cwd, []
    else:
        root = read_config_tree(path, label, problems)
        base = path if path.is_dir() else path.parent
        watched = list(dict.fromkeys([path, *list_config_files(path)]))
        check_target_setting_beside_file(choice, problems)
    if root is None:
        return ConfigAttempt(
            None, tuple(ConfigProblemReporter(_EMPTY, problems).result()), tuple(watched)
        )
    stage = _Stage(sources, choice, problems, base, watched, has_file=path is not None)
    return stage.run(root, quick=at_start or path is None)


def _attempt_listed(
    sources: ConfigSources, choice: SingleTargetChoice, listing: ListedInSource
) -> ConfigAttempt:
    """Make a configuration of functions that no file lists."""
    try:
        targets = listing.targets()
    except LoadError as error:
        problem = ConfigProblem("", error.message, hint=error.hint)
        return ConfigAttempt(None, (problem,), ())
    choice = choice_of_single_target(targets, listing.label, choice)
    several = choice.target is None
    root = (
        tree_of_listed_functions(targets, listing.label) if several else single_target_tree(choice)
    )
    return _Stage(sources, choice, [], sources.cwd, [], has_file=several).run(root, quick=True)


_EMPTY = ConfigNode({}, ConfigText(DEFAULT.label))


def _locate(
    sources: ConfigSources, choice: SingleTargetChoice, problems: list[ConfigProblem]
) -> tuple[Path | None, Path | None] | None:
    """Return the file or folder as shown and as opened; (None, None) for none, None if absent."""
    named, source = sources.config, "-c"
    origin = ValueOrigin(f"-c {named}")
    if not named:
        named, source = sources.environ.get("FFHOST_CONFIG"), "env FFHOST_CONFIG"
        origin = ValueOrigin(source)
    if not named:
        if choice.target is not None:
            return None, None
        named, origin = DEFAULT_FILE, ValueOrigin(DEFAULT_FILE)
        hint = "'ffhost init' writes one; or name a file with -c, or a function with --target"
    else:
        hint = None
    try:
        path = sources.cwd / named
        found = path.exists()
    except (OSError, ValueError):
        found = False
    if not found:
        hint = hint or _near_file(named, sources.cwd)
        subject = "no such file" if named == DEFAULT_FILE and hint else f"no such file: {named!r}"
        problems.append(ConfigProblem("", subject, origin, hint))
        return None
    return Path(named), path


def _near_file(named: str, folder: Path) -> str | None:
    """Return which configuration of *folder* was probably meant."""
    files = [each.name for each in sorted(folder.glob("*.y*ml"))]
    near = nearest_known_word(named, files)
    return None if near is None else f"did you mean {near!r}?"


class _Stage:
    """One attempt, after its files were read."""

    def __init__(
        self,
        sources: ConfigSources,
        choice: SingleTargetChoice,
        problems: list[ConfigProblem],
        base: Path,
        watched: list[Path],
        *,
        has_file: bool,
    ) -> None:
        self.sources = sources
        self.choice = choice
        self.problems = problems
        self.base = base
        self.watched = watched
        self.has_file = has_file
        self.unseen: dict[str, PathKey] | None = {} if sources.values_may_be_missing else None
        self.shape = settings_shape()

    def run(self, root: ConfigNode, *, quick: bool) -> ConfigAttempt:
        if not isinstance(root.value, dict):
            root = ConfigNode({}, root.source, root.line, root.column)
        variables = self.variables(root)
        problems = self.problems
        root = apply_framework_variables(root, variables, has_file=self.has_file, problems=problems)
        root = apply_config_variables(root, self.shape, variables, problems)
        root = apply_config_flags(root, self.shape, self.sources.flags, self.sources.sets, problems)
        if self.sources.developing:
            from ffhost.config.development_defaults import apply_development_defaults

            root = apply_development_defaults(root)
        report = ConfigProblemReporter(root, problems)
        evaluator = ConfigEvaluator(report, variables.values, self.base, self.unseen)
        values = evaluator.value(root, self.shape, ())
        values = {} if values is ABSENT else values
        self.watched += [file for file in evaluator.files if file not in self.watched]
        if self.has_file:
            check_single_target_setting(self.choice, values.get("functions"), report)
        self.report_needed(values, report)
        check_contradictions(values, report)
        values = complete_settings(values)
        settings = read_settings_quickly(values) if quick else None
        if settings is None:
            from ffhost.config.validation import validate_settings

            settings = validate_settings(values, report)
        problems = report.result()
        if problems or settings is None:
            return ConfigAttempt(None, tuple(problems), tuple(self.watched))
        return ConfigAttempt(self.loaded(settings, root, variables), (), tuple(self.watched))

    def variables(self, root: ConfigNode) -> ConfigVariables:
        """Return the environment over the variables of ``env_file``."""
        environ = self.sources.environ
        node = self._env_file(root)
        if node is None:
            return ConfigVariables(environ, {})
        # its mistakes are reported when the whole tree is evaluated
        quiet = ConfigProblemReporter(root, [])
        name = ConfigEvaluator(quiet, environ, self.base).scalar(node, ("env_file",))
        if not isinstance(name, str) or not name:
            return ConfigVariables(environ, {})
        path = self.base / name
        self.watched.append(path)
        if self.unseen is not None and not path.exists():
            self.unseen[name] = ("env_file",)
            return ConfigVariables(environ, {})
        text = read_config_text(path, name, self.problems, node.origin)
        if text is None:
            return ConfigVariables(environ, {})
        from ffhost.config.dotenv import read_dotenv

        source = ConfigText(name, file=Path(name), text=text)
        read = read_dotenv(source, self.problems)
        added = {key: value for key, (value, _) in read.items() if key not in environ}
        lines = {key: f"{name}:{read[key][1] + 1}" for key in added}
        return ConfigVariables({**added, **environ}, lines)

    def _env_file(self, root: ConfigNode) -> ConfigNode | None:
        """Find the name of the dotenv file before any other value is looked at."""
        flags, environ = self.sources.flags, self.sources.environ
        sets = [each for each in self.sources.sets if each.startswith("env_file=")]
        flag = {key: value for key, value in flags.items() if key == "env_file"}
        if environ.get("FFHOST_ENV_FILE"):
            label = "FFHOST_ENV_FILE"
            text = environ[label]
            source = ConfigText(f"env {label}", text=f"{label}={text}", offset=len(label) + 1)
            entry = (
                ConfigNode("env_file", source, text="env_file"),
                ConfigNode(text, source, 0, 0, text=text),
            )
            root.value["env_file"] = entry
        found = apply_config_flags(root, self.shape, flag, sets, []).value.get("env_file")
        if found is None and self.sources.developing and self._has_dotenv():
            return ConfigNode(".env", ConfigText("found beside the file"), text=".env")
        return found[1] if found and found[1].text is not None else None

    def _has_dotenv(self) -> bool:
        return self.has_file and (self.base / ".env").is_file()

    def loaded(
        self, settings: Settings, root: ConfigNode, variables: ConfigVariables
    ) -> LoadedConfig:
        target = self.choice.target
        single = None
        if target is not None:
            single = str(target.value) if self.has_file else single_target_name(str(target.value))
        files, state = watched_requirements_state(settings, self.base)
        self.watched += [file for file in files if file not in self.watched]
        return LoadedConfig(
            settings=settings,
            single=single,
            has_file=self.has_file,
            base=self.base,
            origins=LazyValueOrigins(root),
            revision=config_revision(settings, single, state),
            watched=tuple(self.watched),
            asgi=self.choice.asgi,
            env_file_values={name: variables.values[name] for name in variables.lines},
            unseen=tuple(sorted(self.unseen or ())),
        )

    def report_needed(self, values: Any, report: ConfigProblemReporter) -> None:
        """Report variables that are not set where no default can take the place of the value."""
        functions = values.get("functions")
        for name, path in (self.unseen or {}).items():
            function = functions.get(path[1]) if len(path) == 3 and functions else None
            if not isinstance(function, dict) or path[-1] in function:
                continue
            if path[-1] in ("target", "source"):
                report.at(path, f"the environment variable {name!r} is not set")


def config_revision(settings: Settings, single: str | None, requirements: str = "") -> str:
    """Return twelve hexadecimal digits that depend on the effective values alone.

    Args:
        requirements: a digest of the functions' requirement files; empty if they have none

    The order of functions does not count; the order of trace hooks does.
    """
    # limits that a function inherits from the host count as its own
    usual = settings.with_limits(FunctionSettings(target=""))
    functions = {
        name: plain_section(settings.function(name), beside=usual) for name in settings.functions
    }
    dump = plain_section(settings.replaced(functions={"": usual}))
    orders = [list(settings.tracing.hooks)]
    orders += [list(settings.functions[name].tracing.hooks) for name in sorted(settings.functions)]
    parts = [dump, functions, single, orders, *([requirements] if requirements else [])]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
