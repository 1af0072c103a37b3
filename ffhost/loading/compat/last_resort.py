"""Old names for code that ffhost does not load itself: tests of functions, libraries, your server.

The finder stands last in ``sys.meta_path``, so installed packages win. At its first hit it moves
to the front: the modules that it hands out are known by another name (``cloudevents.http`` is
``cloudevents.v1.http``), and their ``__path__`` would let the ordinary finder load their
submodules a second time, with a second class for everything in them.

It answers for the metadata of functions-framework as well, so that
``importlib.metadata.version("functions-framework")`` works. There is no dist-info on disk, for
pip would take it for the original.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

from ffhost.loading.compat.presence import OURS

Provide = Callable[[str], ModuleType | None]


class ModuleAliasLoader(Loader):
    """A loader that puts a module under one more name."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return None: `exec_module` puts the module itself in the place of an empty one."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module into ``sys.modules``; the import system takes it from there."""
        sys.modules[module.__name__] = self.module


class LastResortFinder(DistributionFinder):
    """The finder of the names in *providers*, which are by top-level name."""

    def __init__(self, providers: dict[str, Provide]) -> None:
        self._providers = providers

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that is provided under the name *fullname*."""
        provide = self._providers.get(fullname.partition(".")[0])
        module = None if provide is None else provide(fullname)
        if module is None:
            return None
        self.move_to_front()
        return spec_from_loader(
            fullname, ModuleAliasLoader(module), is_package=hasattr(module, "__path__")
        )

    def move_to_front(self) -> None:
        """Move this finder in front of all others."""
        if self in sys.meta_path and sys.meta_path[0] is not self:
            sys.meta_path.remove(self)
            sys.meta_path.insert(0, self)

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008
    ) -> Iterable[Distribution]:
        """Find functions-framework where it is asked for by name and is not installed."""
        if not _means_framework(context.name):
            return
        if next(iter(MetadataPathFinder.find_distributions(context)), None) is None:
            yield _Framework()


class _Framework(Distribution):
    """The metadata of functions-framework that ffhost stands for."""

    def read_text(self, filename: str) -> str | None:
        """Return the text of ``METADATA``; there are no other files."""
        if filename != "METADATA":
            return None
        from ffhost.loading.compat.framework_names import VERSION

        return f"Metadata-Version: 2.1\nName: functions-framework\nVersion: {VERSION}\n"

    def locate_file(self, path: Any) -> Any:
        """Refuse: there are no files."""
        raise FileNotFoundError(f"functions-framework is provided by ffhost and has no {path!r}")


def _means_framework(name: str | None) -> bool:
    return name is not None and re.sub(r"[-_.]+", "-", name).lower() == "functions-framework"


def install_last_resort_finder(providers: dict[str, Provide]) -> LastResortFinder:
    """Add the finder to ``sys.meta_path``, behind all others, once; return it."""
    for finder in sys.meta_path:
        if type(finder) is LastResortFinder:
            return finder
    made = LastResortFinder(providers)
    OURS.add(made)
    sys.meta_path.append(made)
    return made


def uninstall_last_resort_finder() -> None:
    """Remove the finder; modules that were imported stay imported."""
    for finder in [each for each in sys.meta_path if isinstance(each, LastResortFinder)]:
        sys.meta_path.remove(finder)
