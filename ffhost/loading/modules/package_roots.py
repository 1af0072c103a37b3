"""Where the imports of a source file begin. Looks at names of files only, and imports nothing."""

from __future__ import annotations

import os

from ffhost._records import Record


class ModuleHome(Record):
    """The place of a file among modules.

    Args:
        folder: where its absolute imports begin: the parent of the outermost package it is in
        name: its dotted name there
    """

    folder: str
    name: str


def module_home_of(file: str | os.PathLike[str]) -> ModuleHome:
    """Return where *file*, an absolute path, has its place.

    A folder with ``__init__.py`` is a package, unless its name could not be imported.
    """
    folder, last = os.path.split(file)
    name = os.path.splitext(last)[0].replace(".", "_")
    packages: list[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        parent, package = os.path.split(folder)
        if not package.isidentifier():
            break
        packages.insert(0, package)
        folder = parent
    if packages and name == "__init__":
        return ModuleHome(folder, ".".join(packages))
    return ModuleHome(folder, ".".join([*packages, name]))


def module_base(module: str, base: str | os.PathLike[str]) -> str:
    """Return the folder in which *module* is looked for: *base*, or ``src`` in it.

    A module file or a package precedes a folder without ``__init__.py``.
    """
    top = module.partition(".")[0]
    folders = [os.path.abspath(base), os.path.join(os.path.abspath(base), "src")]
    for kind in (_is_module, _is_folder):
        for folder in folders:
            if kind(folder, top):
                return folder
    return folders[0]


def _is_module(folder: str, top: str) -> bool:
    candidates = (f"{top}.py", os.path.join(top, "__init__.py"))
    return any(os.path.isfile(os.path.join(folder, each)) for each in candidates)


def _is_folder(folder: str, top: str) -> bool:
    return os.path.isdir(os.path.join(folder, top))
