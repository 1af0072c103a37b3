"""Configuration: files, environment and command line merged into values with their origins.

`load_config` is the only entry point. It reads files, but opens no socket, imports no user
code and never reads ``os.environ``: the environment is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ffhost._records import FrozenRecord, Record
from ffhost.config.diagnostics import DEFAULT, ConfigProblem, ValueOrigin
from ffhost.errors import ConfigError

if TYPE_CHECKING:
    from ffhost.config.settings import Settings

DEFAULT_FILE = "functions.yaml"
"""The file that is read where none is named, in the current folder."""

PathKey = tuple[str | int, ...]
"""Keys and positions from the root to a value."""


class ListedInSource(Protocol):
    """Functions that no configuration lists, such as those that a source file decorates."""

    @property
    def label(self) -> str:
        """Return what is shown as the place that lists them."""

    def targets(self) -> Mapping[str, str]:
        """Return their targets by name, at least one; asked again at each load.

        Raises:
            LoadError: there are none, or it is not clear which are meant
        """


class ConfigSources(FrozenRecord):
    """Everything that a configuration is made of.

    Args:
        config: file or folder as the user named it, or None
        environ: the environment
        flags: dotted path to (flag as typed, raw text); ``target``, ``source``,
            ``signature_type`` and ``asgi`` stand for functions-framework's flags
        sets: texts of ``--set``: ``path.to.value=YAML``
        cwd: what relative names of files are relative to
        values_may_be_missing: whether a variable that is not set, a file of a secret and an
            env_file that are not there are passed over, for commands that do not need their values
        developing: whether ``.env`` beside the file is read although ``env_file`` does not name it,
            and the console is open unless the configuration says otherwise
        listing: lists the functions in place of a file: one of them is served as with
            ``--target``, several as if a file named them
    """

    config: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: Mapping[str, Any] = field(default_factory=dict)
    sets: Sequence[str] = ()
    cwd: Path = field(default_factory=Path.cwd)
    values_may_be_missing: bool = False
    developing: bool = False
    listing: ListedInSource | None = None

    @property
    def named_config(self) -> str:
        """Return the file or folder that is named, or else the default."""
        if self.listing is not None:
            return self.listing.label
        return self.config or self.environ.get("FFHOST_CONFIG") or DEFAULT_FILE


class LoadedConfig(FrozenRecord):
    """A valid configuration.

    Args:
        settings: the effective values
        single: name of the only function that is served, in single-target mode
        has_file: whether functions are listed, by a file of configuration or by decorators
        base: the folder that relative sources are resolved against
        origins: dotted path as a tuple to where the value came from
        revision: twelve hexadecimal digits that change with any effective value
        watched: files and folders whose content the configuration depends on, as named
            and opened: symlinks are not resolved
        asgi: whether ``--asgi`` or ``FUNCTION_USE_ASGI`` asks for Starlette's request
        env_file_values: what ``env_file`` adds to the environment
        unseen: variables and files whose values were passed over
    """

    settings: Settings
    single: str | None
    has_file: bool
    base: Path
    origins: Mapping[PathKey, ValueOrigin] = field(repr=False)
    revision: str
    watched: tuple[Path, ...]
    asgi: bool = False
    env_file_values: Mapping[str, str] = field(default_factory=dict, repr=False)
    unseen: tuple[str, ...] = ()

    @property
    def framework_target(self) -> str | None:
        """Return the function that is served as functions-framework would, without a file."""
        return None if self.has_file else self.single

    @property
    def framework_mode(self) -> bool:
        """Whether one function is served as functions-framework would, without a file."""
        return self.framework_target is not None

    def locate(self, path: PathKey) -> ValueOrigin:
        """Return the origin of *path*, or of the nearest enclosing value that has one."""
        while path:
            origin = self.origins.get(path)
            if origin is not None:
                return origin
            path = path[:-1]
        return self.origins.get((), DEFAULT)


class ConfigAttempt(Record):
    """The result of loading: a configuration, or its problems.

    ``watched`` is set in both cases, so that a corrected file is noticed.
    """

    config: LoadedConfig | None
    problems: tuple[ConfigProblem, ...]
    watched: tuple[Path, ...]


def attempt_config(sources: ConfigSources, *, at_start: bool = False) -> ConfigAttempt:
    """Read, merge and check the configuration; problems are returned, not raised.

    Args:
        at_start: whether a server waits for it: plain and valid values are read without
            importing pydantic, to the same settings
    """
    from ffhost.config.loaded_config import attempt_sources as load

    return load(sources, at_start=at_start)


def load_config(sources: ConfigSources, *, at_start: bool = False) -> LoadedConfig:
    """Read, merge and check the configuration; see `attempt_config`.

    Raises:
        ConfigError: it is not valid; the error lists all problems that were found.
    """
    found = attempt_config(sources, at_start=at_start)
    if found.config is None:
        raise ConfigError(found.problems)
    return found.config
