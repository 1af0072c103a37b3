"""A check of a target by its source. Runs no user code."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from ffhost.errors import LoadError
from ffhost.loading.modules import module_home_of
from ffhost.loading.targets.definitions import OtherTargetDefinition, TargetDefinition
from ffhost.loading.targets.import_errors import explain_missing_module, explain_syntax_error
from ffhost.loading.targets.places import TargetPlace, find_target_place
from ffhost.loading.targets.resolution import explain_undefined_target
from ffhost.loading.targets.source import TargetSourceFile, inspect_target_source

ARGUMENTS = {
    "http": (1, 2),
    "cloudevent": (1,),
    "event": (2,),
    "typed": (1,),
    "wsgi": (2,),
    "asgi": (3,),
}
"""How many arguments a signature passes; ``http`` passes two for Falcon's ``(req, resp)``."""

_GIVEN = {
    "http": "the request",
    "cloudevent": "the event",
    "event": "data and context",
    "typed": "the input",
    "wsgi": "environ and start_response",
    "asgi": "scope, receive and send",
}


def check_target_statically(
    target: str, source: str | None, base: Path, *, signature: str | None = None
) -> TargetDefinition | None:
    """Find *target* in its source, with the arguments and errors of `resolve_target`.

    Args:
        signature: what the configuration says; else the decorator's is taken, then what the
            annotations show

    Returns:
        The function; None if only an import can tell what the target is, because it is the
        result of a call or comes from an installed package.

    Raises:
        LoadError: there is no such function, or it takes another number of arguments
    """
    place = find_target_place(target, source, base)
    found = _find(place)
    if found is None:
        return None
    if isinstance(found, OtherTargetDefinition):
        if signature not in ("wsgi", "asgi"):
            _refuse(found, place)
        return None
    if not _is_wrapped(found):
        _check_arguments(found, place, signature or found.signature or _annotated(found))
    return found


def check_hook_statically(target: str, base: Path) -> None:
    """Find the hook that ``module:function`` names in its source.

    Raises:
        LoadError: as for `check_target_statically`; the hook's parameters are not checked
    """
    place = find_target_place(target, None, base)
    found = _find(place)
    if isinstance(found, OtherTargetDefinition):
        _refuse(found, place)


def _find(place: TargetPlace) -> TargetDefinition | OtherTargetDefinition | None:
    """Find what *place* names; None for a compiled module."""
    located = _locate(place)
    if located is None:
        return None
    try:
        file = inspect_target_source(*located)
        found = file.find(place.attribute)
    except SyntaxError as error:
        raise explain_syntax_error(error, place.base) from error
    if found is None:
        functions = {name: each.signature for name, each in file.functions.items()}
        shown = {name: mark for name, mark in functions.items() if name[0] != "_"}
        raise explain_undefined_target(place.shown, place.attribute, shown)
    return found


def source_file_of_target(target: str, source: str | None, base: Path) -> Path | None:
    """Return the file in which *target* is looked up; None if there is none to read.

    Installed packages are not the user's source.
    """
    try:
        located = _locate(find_target_place(target, source, base))
    except LoadError:
        return None
    file = None if located is None else located[0]
    return None if file is None or "site-packages" in file.parts else file


def targets_defined_in_source(file: Path) -> dict[str, TargetDefinition]:
    """Return what a configuration could name as a target in *file*: functions by name, in order.

    Raises:
        LoadError: the file cannot be read as Python
    """
    try:
        source: TargetSourceFile = inspect_target_source(file, Path(module_home_of(file).folder))
        found = {name: source.find(name) for name in [*source.functions, *source.imports]}
    except SyntaxError as error:
        raise explain_syntax_error(error, file.parent) from error
    functions = {name: each for name, each in found.items() if isinstance(each, TargetDefinition)}
    return {name: replace(each, name=name) for name, each in functions.items() if name[0] != "_"}


def _locate(place: TargetPlace) -> tuple[Path, Path] | None:
    """Find the file and the folder its imports begin at; None for a compiled module."""
    if place.file is not None:
        return place.file, place.folder
    assert place.module is not None
    parts, base = place.module.split("."), os.path.abspath(place.folder)
    top = PathFinder.find_spec(parts[0], [base])
    spec, missing = _descend(top, parts)
    if spec is None and (top is None or _is_namespace(top)):
        top = _installed(parts[0])
        spec, missing_there = _descend(top, parts)
        missing = missing if top is None else missing_there
    if spec is None or top is None:
        raise explain_missing_module(place, missing)
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    first = (top.submodule_search_locations or [top.origin or ""])[0]
    return Path(spec.origin), Path(first).parent


def _descend(spec: ModuleSpec | None, parts: list[str]) -> tuple[ModuleSpec | None, str]:
    """Follow *parts* from the *spec* of the first; also return the part that is missing."""
    for index in range(1, len(parts)):
        if spec is None:
            return None, ".".join(parts[:index])
        spec = PathFinder.find_spec(parts[index], list(spec.submodule_search_locations or ()))
    return spec, ".".join(parts)


def _is_namespace(spec: ModuleSpec) -> bool:
    return spec.submodule_search_locations is not None and spec.origin is None


def _installed(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)  # imports nothing, for a name without a dot
    except ValueError:
        return None


def _refuse(found: OtherTargetDefinition, place: TargetPlace) -> None:
    name = place.attribute
    if found.kind == "class":
        example = found.type_name[:1].lower() + found.type_name[1:]
        raise LoadError(
            f"{name} is a class, not a function",
            f"write '{example} = {found.type_name}()' in {place.shown} and name {example!r}",
        )
    if found.kind == "module":
        raise LoadError(f"{name} is a module, not a function", "write ':' before the function")
    if found.kind == "literal":
        raise LoadError(f"{name} is not a function but of type {found.type_name}")


def _is_wrapped(found: TargetDefinition) -> bool:
    """Whether an unknown decorator may have changed the parameters."""
    return any(
        not each.startswith(("functions_framework.", "ffhost.")) for each in found.decorators
    )


def _annotated(found: TargetDefinition) -> str:
    first, second = (*found.annotations, None, None)[:2]
    if second is not None and second.rpartition(".")[2] == "Context":
        return "event"
    if first is not None and first.rpartition(".")[2] == "CloudEvent":
        return "cloudevent"
    return "http"


def _check_arguments(found: TargetDefinition, place: TargetPlace, signature: str) -> None:
    counts = ARGUMENTS[signature]
    given = f"the signature {signature} gives {_GIVEN[signature]}"
    note = (f"defined in {found.file.name}:{found.line}",)
    if found.keyword is not None:
        raise LoadError(
            f"{place.attribute} needs the keyword {found.keyword!r}, which a call does not have; "
            f"{given}",
            notes=note,
        )
    most = max(counts) if found.positional is None else found.positional
    if any(found.required <= count <= most for count in counts):
        return
    taken = f"({', '.join(found.parameters)})" if found.parameters else "no parameter"
    raise LoadError(f"{place.attribute} takes {taken}; {given}", notes=note)
