"""The search for Flask in a function: in its modules and in its own code.

Nothing is imported or called for it: globals are looked at by their types, code by its
import instructions.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ffhost.loading.modules import module_scope_of
from ffhost.signatures import parameters


def target_uses_flask_request(target: Any, module: ModuleType) -> bool:
    """Whether *target*, which was looked up in *module*, uses Flask or Werkzeug.

    It does if an object of them is among the globals of the module, of the module that defines
    the function, or of a private module that one of these holds; or if the function itself
    imports one.
    """
    function = parameters.innermost_function(target)
    namespace = getattr(function, "__globals__", None)
    if _module_uses_flask(module):
        return True
    if namespace is not None and namespace is not vars(module) and _holds_flask(namespace):
        return True
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and _imports_flask(code)


@lru_cache(maxsize=256)
def _module_uses_flask(module: ModuleType) -> bool:
    # Cached, because a module may have a thousand functions.
    return _holds_flask(vars(module))


def _holds_flask(namespace: dict[str, Any]) -> bool:
    """Whether *namespace*, or one that it holds of the same source folder, has such an object."""
    seen: dict[int, dict[str, Any]] = {}
    waiting = [namespace]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        for value in tuple(each.values()):
            if _is_of_flask(value):
                return True
            waiting += _private(value, module_scope_of(namespace))
    return False


def _private(value: Any, scope: object) -> Iterator[dict[str, Any]]:
    """Return the globals of a module, or of a function or class, if it is of the folder *scope*."""
    if type(value) is ModuleType:
        found = vars(value)
    elif type(value) is FunctionType:
        found = value.__globals__
    elif isinstance(value, type):
        found = vars(sys.modules.get(value.__module__, sys))
    else:
        return
    if scope is not None and module_scope_of(found) is scope:
        yield found


def _is_of_flask(value: Any) -> bool:
    # Only the type of an object is inspected: a proxy such as flask.request forwards every
    # access, or raises.
    if type(value) is ModuleType:
        home = value.__name__
    elif isinstance(value, type) or type(value) is FunctionType:
        home = value.__module__ or ""
    else:
        home = type(value).__module__
    return _is_flask(home)


def _is_flask(name: Any) -> bool:
    top = name.partition(".")[0] if isinstance(name, str) else ""
    return top in ("flask", "werkzeug") or top.startswith("flask_")


def _imports_flask(code: CodeType) -> bool:
    # Names are compared first, because reading instructions is slow.
    if any(_is_flask(name) for name in code.co_names) and any(
        each.opname == "IMPORT_NAME" and _is_flask(each.argval)
        for each in dis.get_instructions(code)
    ):
        return True
    return any(isinstance(each, CodeType) and _imports_flask(each) for each in code.co_consts)
