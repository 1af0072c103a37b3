"""Imports of the code of one source folder. Knows no targets and no settings.

CPython looks up ``__import__`` in the builtins of the running function, and those come from
``__builtins__`` in the globals of its module. So a module that is created with builtins of
its own has its own ``__import__``, and nothing global changes. It holds for every function of
the module, in any thread and at any time later, and for code that it compiles with ``exec``.

Rejected: replacing ``builtins.__import__`` (slows down every import of the process and has to
guess who imports), and rewriting import statements (breaks tracebacks and debuggers).

The copy of the builtins is a plain dictionary, because CPython's fast paths for global names
need one. Names that are added to the real builtins later (``gettext.install``) are copied at the
next import; names that are replaced there are not.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from ffhost.loading.modules.installed_modules import (
    JoinedModulePackage,
    find_installed,
    find_module_installed_elsewhere,
    import_installed,
    is_interpreter_module,
    is_namespace_package,
    try_import_installed,
)
from ffhost.loading.modules.private_names import PREFIX, error_with_plain_module_names

Provide = Callable[[str], ModuleType | None]

providers: dict[str, Provide] = {}
"""Modules for user code only: top-level name -> provider of the modules below it.

The callable gets a full dotted name and returns the module or None. It answers for each
package between the first name that it provides and the last, and None for a name that it
leaves to installed packages. It is asked before the folder and before installed packages.
"""

SCOPE_KEY = "__ffhost_scope__"
"""Key in the private builtins for their `ModuleScope`."""


def module_scope_of(namespace: Mapping[str, Any]) -> ModuleScope | None:
    """Return the scope of the module with the globals *namespace*; None for any other code."""
    own = namespace.get("__builtins__")
    return own.get(SCOPE_KEY) if type(own) is dict else None


class ModuleScope:
    """The imports of one source folder.

    Args:
        folder: absolute path, or None for installed packages that hold functions
        root: name of the package that stands for the folder; None if its modules keep
            their plain names
        variables: the environment variables that this copy of the folder was loaded for

    Attributes:
        environment: what its code finds in ``os.environ`` outside of calls; set by the host
    """

    environment: Any = None

    def __init__(
        self, folder: str | None, root: str | None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.root = root
        self.variables: dict[str, str | None] = dict(variables or {})
        self.lock = threading.RLock()
        self.sources: dict[str, str] = {}
        """Files whose module name is given, by that name."""
        self.adopted: set[str] = set()
        """Plain top-level names of this scope."""
        self._owned: dict[str, bool] = {}
        self._beside: dict[tuple[str, str], bool] = {}
        self._joined: dict[str, JoinedModulePackage] = {}
        self._builtins_module = ModuleType("builtins", builtins.__doc__)
        self.builtins: dict[str, Any] = self._builtins_module.__dict__
        self.builtins.update(vars(builtins))
        self.builtins["__import__"] = self.import_statement
        self.builtins[SCOPE_KEY] = self
        self._builtins_seen = len(vars(builtins))

    def import_statement(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Replace ``builtins.__import__``, with its arguments and its result."""
        if len(vars(builtins)) != self._builtins_seen:
            self._take_over_new_builtins()
        top = name.partition(".")[0]
        if level == 0:
            found = None
            if top in providers:
                found = self._provided_statement(name, fromlist)
            elif top == "builtins":
                found = self._builtins_module
            elif (package := self._package_beside(top, globals)) is not None:
                found = self._private_statement(package, name, fromlist)
            elif self.owns(top):
                found = self._own_statement(name, top, fromlist)
            if found is not None:
                return found
        try:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        except ImportError as error:
            if level == 0 and error.name == top and self._appeared(top, globals):
                return self.import_statement(name, globals, locals, fromlist)
            error_with_plain_module_names(error)
            raise

    def import_string(
        self, name: str, *, direct: bool = True, asker: Mapping[str, Any] | None = None
    ) -> ModuleType:
        """Import *name* as ``importlib.import_module`` does: the last module is the result.

        *direct* is False if a library imports on behalf of the folder's code; then no provided
        modules are used. *asker* are the globals of that code.
        """
        if direct:
            found = self._builtins_module if name == "builtins" else self.provided(name)
            if found is not None:
                return found
        try:
            return import_installed(self.qualify(name, asker))
        except ImportError as error:
            error_with_plain_module_names(error)
            raise

    def qualify(self, name: str, asker: Mapping[str, Any] | None = None) -> str:
        """Return the name in ``sys.modules`` of the module that this folder calls *name*.

        Args:
            asker: the globals of the code that uses it
        """
        top, _, rest = name.partition(".")
        package = self._package_beside(top, asker)
        if package is not None:
            return f"{package}.{name}"
        if not self.owns(top):
            return name
        if top in self._joined and (not rest or not self._has(top, rest)):
            return name
        return f"{self.root}.{name}"

    def owns(self, top: str) -> bool:
        """Whether the top-level name *top* is a module of this folder.

        The order is that of ``sys.path`` with the folder in front, for this folder's code
        only: a module file or a package precedes everything except the interpreter's own
        modules (``sys``, ``os``); a folder without ``__init__.py`` comes last.
        """
        if self.root is None:
            return False
        known = self._owned.get(top)
        if known is None:
            known = self._owned[top] = self._look_for(top)
        return known

    def forget(self) -> None:
        """Drop the cached listing of the folder, for ``importlib.invalidate_caches``."""
        self._owned.clear()
        self._beside.clear()

    def provided(self, name: str) -> ModuleType | None:
        """Return the module *name* if one of `providers` has it."""
        provide = providers.get(name.partition(".")[0])
        module = None if provide is None else provide(name)
        parent_name, _, child = name.rpartition(".")
        if provide is not None and module is not None and parent_name:
            parent = provide(parent_name)
            if parent is not None and child not in vars(parent):
                setattr(parent, child, module)
        return module

    def _look_for(self, top: str) -> bool:
        if top.startswith(PREFIX) or top == "__main__" or is_interpreter_module(top):
            return False
        if f"{self.root}.{top}" in self.sources:
            return True
        assert self.folder is not None
        spec = PathFinder.find_spec(top, [self.folder])
        if spec is None or not is_namespace_package(spec):
            return spec is not None
        installed = find_module_installed_elsewhere(top, self.folder)
        if installed is None:
            return True
        if not is_namespace_package(installed):
            return False
        self._joined[top] = JoinedModulePackage(top, import_installed(f"{self.root}.{top}"))
        return True

    def _package_beside(self, top: str, asker: Mapping[str, Any] | None) -> str | None:
        """Return the package of *asker* if *top* is a module in it and found nowhere else.

        A mere folder of that name, without ``__init__.py``, does not count as found.
        Code that was written to be run beside its modules says ``import near`` in a package,
        too. There it is ``package.near``, so that one file is one module.
        """
        package = None if asker is None else asker.get("__package__")
        if self.root is None or type(package) is not str or not package.startswith(f"{self.root}."):
            return None
        known = self._beside.get((package, top))
        if known is None:
            known = self._beside[package, top] = self._look_beside(package, top)
        return package if known else None

    def _look_beside(self, package: str, top: str) -> bool:
        loaded = sys.modules.get(package)
        spec = PathFinder.find_spec(top, list(getattr(loaded, "__path__", ())))
        if spec is None or top == "__main__" or top in sys.stdlib_module_names:
            return False
        assert self.folder is not None
        mine = PathFinder.find_spec(top, [self.folder])
        if f"{self.root}.{top}" in self.sources or not (mine is None or is_namespace_package(mine)):
            return False
        return find_module_installed_elsewhere(top, self.folder) is None

    def _appeared(self, top: str, asker: Mapping[str, Any] | None) -> bool:
        """Whether a module that was not found before has been written since."""
        if self._owned.get(top, True):
            return False
        del self._owned[top]
        self._beside.clear()
        return self.owns(top) or self._package_beside(top, asker) is not None

    def _has(self, top: str, rest: str) -> bool:
        """Whether the folder's part of a joined package contains the first name of *rest*."""
        assert self.folder is not None
        child = rest.partition(".")[0]
        return PathFinder.find_spec(child, [os.path.join(self.folder, top)]) is not None

    def _own_statement(
        self, name: str, top: str, fromlist: Sequence[str] | None
    ) -> ModuleType | None:
        if top in self._joined:
            return self._joined_statement(name, top, fromlist)
        assert self.root is not None
        return self._private_statement(self.root, name, fromlist)

    def _private_statement(
        self, package: str, name: str, fromlist: Sequence[str] | None
    ) -> ModuleType:
        """Import *name* as a module of the private *package*."""
        try:
            if fromlist:
                return builtins.__import__(f"{package}.{name}", None, None, fromlist, 0)
            builtins.__import__(f"{package}.{name}")
        except ImportError as error:
            error_with_plain_module_names(error)
            raise
        return sys.modules[f"{package}.{name.partition('.')[0]}"]

    def _joined_statement(
        self, name: str, top: str, fromlist: Sequence[str] | None
    ) -> ModuleType | None:
        joined = self._joined[top]
        if name != top:
            module = self.import_string(name)
            if not fromlist:
                return joined
            return builtins.__import__(module.__name__, None, None, fromlist, 0)
        builtins.__import__(top)
        for child in fromlist or ():
            if self._has(top, child):
                import_installed(f"{self.root}.{top}.{child}")
            elif find_installed(f"{top}.{child}") is not None:
                import_installed(f"{top}.{child}")
        return joined

    def _provided_statement(self, name: str, fromlist: Sequence[str] | None) -> ModuleType | None:
        module = self.provided(name)
        top = name.partition(".")[0]
        if not fromlist:
            if module is None and top not in self._joined:
                return None
            if module is None:
                builtins.__import__(name)
            else:
                self._join_parents(name, module)
            return providers[top](top) or self._joined[top]
        children = {
            child: found
            for child in fromlist
            if child != "*" and (found := self.provided(f"{name}.{child}")) is not None
        }
        if module is not None or not children:
            return module
        for child, found in children.items():
            self._join_parents(f"{name}.{child}", found)
        others = [child for child in fromlist if child not in children]
        if others:
            builtins.__import__(name, None, None, others, 0)
        return self._joined[name]

    def _join_parents(self, name: str, module: ModuleType) -> None:
        """Set *module* as an attribute of its parent package, and so on up to the top.

        A parent that is not provided becomes a joined package of this scope only: an installed
        package of that name is not changed.
        """
        while "." in name:
            name, _, child = name.rpartition(".")
            parent = providers[name.partition(".")[0]](name)
            if parent is None:
                if name not in self._joined:
                    self._joined[name] = JoinedModulePackage(name)
                    try_import_installed(name)
                parent = self._joined[name]
            setattr(parent, child, module)
            module = parent

    def _take_over_new_builtins(self) -> None:
        for name, value in list(vars(builtins).items()):
            self.builtins.setdefault(name, value)
        self._builtins_seen = len(vars(builtins))
