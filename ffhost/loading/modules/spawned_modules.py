"""Processes that `multiprocessing` starts anew, by spawn and forkserver, find private modules.

Such a process unpickles what it shall run by the names of modules. Those of a source folder are
below a package that only this process knows. So what prepares the new process carries the
folders: unpickling that makes them known there, before anything else is unpickled. A module is
then imported again, as `multiprocessing` does it with any other.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class ModuleFolder(NamedTuple):
    """One source folder: its path, its package, and files whose module name is given."""

    folder: str
    root: str | None
    sources: dict[str, str]
    adopted: set[str]


class ModuleFolders:
    """All source folders of this process, for another one."""

    def __reduce__(self) -> Any:
        from ffhost.loading.modules.module_loader import known_module_scopes

        folders = [
            ModuleFolder(str(scope.folder), scope.root, scope.sources, scope.adopted)
            for scope in known_module_scopes()
        ]
        return make_module_folders_known, (folders,)


def make_module_folders_known(folders: list[ModuleFolder]) -> None:
    """Make source folders of another process known in this one."""
    from ffhost.loading import compat
    from ffhost.loading.modules.module_loader import restore_module_scope

    compat.install_compat_names()
    for each in folders:
        restore_module_scope(each.folder, each.root, each.sources, each.adopted)
