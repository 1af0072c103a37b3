"""Which files belong to the app: the configuration, and what its functions live in.

The folder of each source file is taken whole, because a function may import its neighbours
and open files beside it. `EXCLUDED` lists what is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.files import list_config_files
from ffhost.config.load_problems import config_problem_of_error, merge_config_problems
from ffhost.config.watched_requirements import watched_requirement_files
from ffhost.errors import ConfigError, LoadError, StartupError
from ffhost.loading.modules import module_base
from ffhost.loading.targets import check_target_statically, find_target_place

EXCLUDED = (
    ".*",
    "__pycache__",
    "*.pyc",
    "*.egg-info",
    "node_modules",
    "venv",
    "dist",
    "tests",
    "conftest.py",
)
"""Names of files and folders that are left out wherever they are."""

SECRET_FILES = (
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "id_*", "*.env"),
    *("*credentials*.json", "service-account*.json", "service_account*.json"),
)
"""Names of files that usually hold secrets; ``id_*`` means SSH keys, and no code."""

MOST_FILES = 5000
"""Most files of an app; more are a sign that the wrong folder was taken, such as a home."""

MANIFEST = ".ffhost-build.json"


@dataclass(slots=True)
class GatheredAppFiles:
    """What the app consists of.

    Args:
        files: path in the app to the file here
        sources: the files that define functions
        config_files: the files of the configuration, in the app
        installed: modules that the requirements should install, with the functions that use them
        left_out: files that are not copied because they may hold secrets
    """

    files: dict[str, Path] = field(default_factory=dict)
    sources: list[Path] = field(default_factory=list)
    config_files: list[str] = field(default_factory=list)
    installed: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def gather_app_files(
    config: LoadedConfig,
    opened: Path | None,
    out: Path,
    exclude: Iterable[str],
    include: Iterable[str] = (),
) -> GatheredAppFiles:
    """Find the files of the app.

    Args:
        opened: the file or folder of the configuration; None without one
        out: the app's own folder, which is not copied into itself
        exclude: further names and patterns to leave out
        include: names and patterns of `SECRET_FILES` that are taken all the same

    Raises:
        ConfigError: a function's source is missing, or lies outside the configuration's folder
    """
    base = Path(os.path.abspath(config.base))
    found = GatheredAppFiles()
    roots = _roots(config, base, found)
    config_files = (
        [] if opened is None else [Path(os.path.abspath(p)) for p in list_config_files(opened)]
    )
    listed = [Path(os.path.abspath(p)) for p in watched_requirement_files(config.settings, base)]
    secret = {Path(os.path.abspath(each)) for each in config.watched}
    secret -= {*config_files, *listed}
    left_out = LeftOutOfApp(base, secret, (*EXCLUDED, *exclude), tuple(include))
    for root in sorted(roots):
        for path in _walk(root, out, left_out):
            name = path.relative_to(base).as_posix()
            if left_out.may_be_secret(path):
                found.left_out.append(name)
            elif not left_out.is_excluded(path, root):
                found.files[name] = path
    for path in config_files:
        name = path.relative_to(base).as_posix()
        found.files[name] = path
        found.config_files.append(name)
    for path in (each for each in listed if each.is_relative_to(base)):
        found.files[path.relative_to(base).as_posix()] = path
    for path in _key_sets(config, base):
        found.files[path.relative_to(base).as_posix()] = path
    if len(found.files) > MOST_FILES:
        raise StartupError(
            f"{base} holds more than {MOST_FILES} files: leave some out with --exclude, "
            "or move the functions to a folder of their own"
        )
    found.left_out = sorted(set(found.left_out))
    return found


def _key_sets(config: LoadedConfig, base: Path) -> Iterator[Path]:
    """Find the files of public keys that ways under ``auth`` name, below *base*."""
    for way in config.settings.auth.values():
        if way.jwt is not None and way.jwt.jwks is not None and "://" not in way.jwt.jwks:
            path = Path(os.path.abspath(base / way.jwt.jwks))
            if path.is_file() and path.is_relative_to(base):
                yield path


def _roots(config: LoadedConfig, base: Path, found: GatheredAppFiles) -> set[Path]:
    """Return the folders to take; add sources and installed modules to what is found."""
    problems: list[ConfigProblem] = []
    roots: set[Path] = set()
    for name, function in config.settings.functions.items():
        try:
            check_target_statically(
                function.target, function.source, base, signature=function.signature
            )
            place = find_target_place(function.target, function.source, base)
        except LoadError as error:
            problems.append(config_problem_of_error(config, name, error))
            continue
        if place.module is not None:
            if _is_local(place.module, place.folder):
                roots.add(place.folder)
                found.sources += _module_files(place.module, place.folder)
            else:
                found.installed.setdefault(place.module.partition(".")[0], f"functions.{name}")
        elif place.file is not None and place.file.is_relative_to(base):
            # in a package the folder that its imports begin at, but nothing above the base
            roots.add(place.folder if place.folder.is_relative_to(base) else base)
            found.sources.append(place.file)
        else:
            at = ("functions", name, place.key)
            problems.append(
                ConfigProblem(
                    ".".join(at),
                    f"{place.shown!r} lies outside the configuration's folder",
                    config.locate(at),
                    "put the configuration above all of its functions",
                )
            )
    if problems:
        raise ConfigError(merge_config_problems(problems))
    for where, target in _hook_targets(config):
        module = target.rpartition(":")[0]
        folder = Path(module_base(module, base))
        if _is_local(module, folder):
            roots.add(folder)
        else:
            found.installed.setdefault(module.partition(".")[0], where)
    return roots


def _hook_targets(config: LoadedConfig) -> Iterator[tuple[str, str]]:
    settings = config.settings
    for key in ("on_startup", "on_shutdown"):
        for target in getattr(settings.server, key):
            yield f"server.{key}", target
    tracing = [("tracing", settings.tracing.hooks)]
    tracing += [
        (f"functions.{name}.tracing", each.tracing.hooks)
        for name, each in settings.functions.items()
    ]
    for where, hooks in tracing:
        for name, hook in hooks.items():
            if hook.target is not None:
                yield f"{where}.hooks.{name}", hook.target


def _is_local(module: str, base: Path) -> bool:
    if module.endswith(".py"):
        return True
    top = base / module.partition(".")[0]
    return top.is_dir() or top.with_suffix(".py").is_file()


def _module_files(module: str, base: Path) -> list[Path]:
    path = base.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return [each for each in candidates if each.is_file()]


class LeftOutOfApp:
    """What is not copied: neither under its own name nor through a link to it.

    Args:
        base: the folder of the configuration
        secret: files that the configuration reads secrets from
        exclude: names and patterns of other files and folders
        include: names and patterns that `SECRET_FILES` does not concern
    """

    def __init__(
        self, base: Path, secret: set[Path], exclude: tuple[str, ...], include: tuple[str, ...]
    ) -> None:
        self._base = Path(os.path.realpath(base))
        self._secret = {_identity(each) for each in secret if each.is_file()}
        self._exclude = exclude
        self._include = include

    def may_be_secret(self, path: Path) -> bool:
        """Whether *path*, or what it links to, is a file with secrets."""
        if _identity(path) in self._secret:
            return True
        names = {path.name, os.path.basename(os.path.realpath(path))}
        return any(map(_is_secret_name, names)) and not _matches(path, self._base, self._include)

    def is_excluded(self, path: Path, root: Path) -> bool:
        """Whether *path* below *root*, or what it links to, is left out by its name."""
        if _matches(path, root, self._exclude):
            return True
        target = Path(os.path.realpath(path))
        if not path.is_symlink() or not target.is_relative_to(self._base):
            return False
        inner = target.relative_to(self._base)
        return any(
            _matches(self._base / each, self._base, self._exclude)
            for each in (inner, *inner.parents)
            if each.name
        )


def _is_secret_name(name: str) -> bool:
    name = name.lower()
    code = name.startswith("id_") and name.endswith(".py")
    return not code and any(fnmatch(name, each) for each in SECRET_FILES)


def _identity(path: Path) -> tuple[int, int]:
    """Return what a file, a link to it and a hard link have in common."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _walk(root: Path, out: Path, left_out: LeftOutOfApp) -> Iterator[Path]:
    """Yield the files below *root*; links to folders are not followed."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(name for name in names if _wanted(here / name, root, out, left_out))
        for name in sorted(files):
            if (here / name).is_file():
                yield here / name


def _wanted(folder: Path, root: Path, out: Path, left_out: LeftOutOfApp) -> bool:
    if folder == out or folder.is_symlink() or left_out.is_excluded(folder, root):
        return False
    return not ((folder / "pyvenv.cfg").exists() or (folder / MANIFEST).exists())


def _matches(path: Path, root: Path, patterns: tuple[str, ...]) -> bool:
    inner = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return any(fnmatch(path.name, each) or fnmatch(inner, each) for each in patterns)
