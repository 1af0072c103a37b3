"""structlog, configured when user code imports it. The host itself logs without it.

structlog is a tenth of what a host imports before its first answer, and most functions do
not use it. So it is not imported to be configured: a finder in front of ``sys.meta_path``
waits for whoever imports it first, and leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from ffhost.logs.records import hand_over, logger_factory

_processors: list[Any] = []


class _Arrival:
    """Finds structlog once, as the ordinary finder does, and has it configured."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "structlog":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Configuring(spec.loader)
        return spec


class _Configuring(Loader):
    """Loads as *loader* does, and puts it in its own place before anybody looks."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        configure()


_arrival = _Arrival()


def configure() -> None:
    """Have structlog's events become entries, now or when it is imported.

    Left alone is a configuration that user code has made, and a module of that name that is
    not structlog.
    """
    if "structlog" not in sys.modules:
        if _arrival not in sys.meta_path:
            sys.meta_path.insert(0, _arrival)
        return
    structlog = _structlog()
    if structlog is None or (structlog.is_configured() and not _is_ours(structlog)):
        return
    if not _processors:
        _processors.extend([structlog.stdlib.filter_by_level, hand_over])
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        logger_factory=logger_factory,
        cache_logger_on_first_use=True,
    )


def reset() -> None:
    """Take back what `configure` did."""
    if _arrival in sys.meta_path:
        sys.meta_path.remove(_arrival)
    structlog = _structlog()
    if structlog is not None and _is_ours(structlog):
        structlog.reset_defaults()


def _structlog() -> Any:
    """Give structlog if it is there; a user's own file of that name has no ``stdlib`` in it."""
    return sys.modules.get("structlog") if "structlog.stdlib" in sys.modules else None


def _is_ours(structlog: Any) -> bool:
    return structlog.get_config()["processors"] is _processors
