"""Our replacement of ``functions_framework._function_registry``.

The maps show what decorators were applied to, by the names of functions. The host does not read
them: it finds the mark on the function itself, so that two functions of one name do not collide.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from ffhost.loading.compat.framework.exceptions import (
    InvalidConfigurationException,
    InvalidTargetTypeException,
    MissingTargetException,
)

DEFAULT_SOURCE = os.path.realpath("./main.py")
FUNCTION_SIGNATURE_TYPE = "FUNCTION_SIGNATURE_TYPE"
HTTP_SIGNATURE_TYPE = "http"
CLOUDEVENT_SIGNATURE_TYPE = "cloudevent"
BACKGROUNDEVENT_SIGNATURE_TYPE = "event"
TYPED_SIGNATURE_TYPE = "typed"

REGISTRY_MAP: dict[str, str] = {}
"""Signature types of decorated functions, by name."""
INPUT_TYPE_MAP: dict[str, Any] = {}
"""Input types of typed functions, by name."""
ASGI_FUNCTIONS: set[str] = set()
"""Names of functions that are decorated by ``functions_framework.aio``."""


def get_user_function(source: str, source_module: ModuleType, target: str) -> FunctionType:
    """Return the function *target* of a loaded module.

    Raises:
        MissingTargetException: there is no such name
        InvalidTargetTypeException: it is not a function
    """
    if not hasattr(source_module, target):
        names = [key for key, value in vars(source_module).items() if type(value) is FunctionType]
        raise MissingTargetException(
            f"File {source} is expected to contain a function named {target!r}. "
            f"Found: {', '.join(map(repr, sorted(names)))} instead"
        )
    found = getattr(source_module, target)
    if not isinstance(found, FunctionType):
        raise InvalidTargetTypeException(
            f"The function defined in file {source} as {target!r} needs to be of type function. "
            f"Got: invalid type {type(found)}"
        )
    return found


def load_function_module(source: str) -> tuple[ModuleType, ModuleSpec]:
    """Return a new module for the file *source*, not yet executed, and its spec.

    Its folder is added to ``sys.path`` and the module to ``sys.modules``.
    """
    path = os.path.realpath(source)
    folder, file = os.path.split(path)
    name = os.path.splitext(file)[0]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[folder])
    if spec is None:
        raise InvalidConfigurationException(f"{source!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(folder)
    sys.modules[name] = module
    return module, spec


def get_function_source(source: str | None) -> str:
    """Return *source*, else ``FUNCTION_SOURCE``, else ``main.py`` of the first working folder."""
    return str(source or os.environ.get("FUNCTION_SOURCE", DEFAULT_SOURCE))


def get_function_target(target: str | None) -> str:
    """Return *target*, else ``FUNCTION_TARGET``, which is set to it.

    Raises:
        InvalidConfigurationException: neither is given
    """
    found = target or os.environ.get("FUNCTION_TARGET", "")
    os.environ["FUNCTION_TARGET"] = found
    if not found:
        raise InvalidConfigurationException(
            "Target is not specified (FUNCTION_TARGET environment variable not set)"
        )
    return found


def get_func_signature_type(func_name: str, signature_type: str | None) -> str:
    """Return the signature type: the decorator's, else *signature_type*, else the environment's."""
    found = (
        REGISTRY_MAP.get(func_name)
        or signature_type
        or os.environ.get(FUNCTION_SIGNATURE_TYPE, HTTP_SIGNATURE_TYPE)
    )
    os.environ[FUNCTION_SIGNATURE_TYPE] = found
    if os.environ.get("ENTRY_POINT"):
        os.environ["FUNCTION_TRIGGER_TYPE"] = found
    return found


def get_func_input_type(func_name: str) -> Any:
    """Return the input type of the typed function *func_name*; empty text if it has none."""
    return INPUT_TYPE_MAP.get(func_name, "")
