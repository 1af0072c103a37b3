"""Resolution of a target by importing it. Nothing of the user's code is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ffhost._records import Record
from ffhost.config.diagnostics import nearest_known_word
from ffhost.errors import LoadError
from ffhost.loading import decorators
from ffhost.loading.modules import has_module_changed
from ffhost.loading.targets.callables import TargetForm, form_of_target
from ffhost.loading.targets.lookups import FoundTarget, TargetLookup, TargetModule
from ffhost.loading.targets.places import TargetPlace

_LISTED = 20
_ARTICLE = {"wsgi": "a WSGI", "asgi": "an ASGI"}


class ResolvedTarget(Record):
    """A target that was found.

    Args:
        callable: what is called
        module: where it was looked up
        file: that module's file; None if it has none
        attribute: its name there, dotted for an attribute of an attribute
        display: file or module and attribute as the user wrote them
        import_seconds: how long the first import of the module took; 0 if it was imported by
            something else
        form: what calling it returns, and what it takes
    """

    callable: Callable[..., Any]
    module: ModuleType
    file: Path | None
    attribute: str
    display: str
    import_seconds: float
    form: TargetForm


def resolve_target(
    target: str,
    source: str | None,
    base: Path,
    *,
    plain: bool = False,
    allow_app: bool = False,
    env: Mapping[str, str] | None = None,
) -> ResolvedTarget:
    """Import what *target* names and look its attribute up.

    Args:
        target: ``file.py:attr``, ``package.module:attr``, or ``attr`` with a *source*; a
            module is looked for in *base* first, in its ``src``, then among installed packages
        source: the file, or None if *target* names it
        base: the folder that relative files begin at
        plain: whether the module keeps its plain name (single target without a file)
        allow_app: whether a WSGI or ASGI application may be the target
        env: environment variables of the function; a folder has a copy for each set of them

    Raises:
        LoadError: there is no such function, or it cannot be imported
    """
    found = TargetLookup(base, plain=plain).find(target, source, env)
    return resolve_found_target(found, allow_app=allow_app)


def resolve_found_target(found: FoundTarget, *, allow_app: bool = False) -> ResolvedTarget:
    """Import the module of a target and look its attribute up.

    Args:
        allow_app: whether a WSGI or ASGI application may be the target

    Raises:
        LoadError: it cannot be imported, or does not define the attribute
    """
    place, source = found
    module = _imported(source, place)
    target = _attribute(module, place)
    form = _checked(target, place, allow_app=allow_app)
    return ResolvedTarget(
        callable=target,
        module=module,
        file=source.file,
        attribute=place.attribute,
        display=f"{place.shown}:{place.attribute}",
        import_seconds=source.import_seconds,
        form=form,
    )


def resolve_hook_target(target: str, base: Path) -> Callable[..., Any]:
    """Import the hook that ``module:function`` names.

    Raises:
        LoadError: as for `resolve_target`
    """
    return resolve_target(target, None, base).callable


def _imported(source: TargetModule, place: TargetPlace) -> ModuleType:
    try:
        return source.imported
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        from ffhost.loading.targets.import_errors import explain_failed_import

        raise explain_failed_import(place, error) from error


def _attribute(module: ModuleType, place: TargetPlace) -> Any:
    found: Any = module
    owner = place.shown
    for name in place.attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise _missing(module, found, name, owner) from None
        owner = f"{owner}:{name}" if owner == place.shown else f"{owner}.{name}"
    return found


def _missing(module: ModuleType, holder: Any, name: str, owner: str) -> LoadError:
    if holder is module and has_module_changed(module):
        return LoadError(
            f"{owner} has changed since it was loaded, and then it did not define {name!r}",
            "changed code is served by new workers: restart, send SIGUSR2, or use 'ffhost dev'",
        )
    if holder is module:
        functions = _functions(module)
        return explain_undefined_target(owner, name, functions)
    near = nearest_known_word(name, [each for each in dir(holder) if not each.startswith("_")])
    return LoadError(
        f"{owner} has no attribute {name!r}", None if near is None else f"did you mean {near!r}?"
    )


def explain_undefined_target(owner: str, name: str, functions: dict[str, str | None]) -> LoadError:
    """Return the error that *owner* does not define *name*; it lists what *owner* defines."""
    near = nearest_known_word(name, functions)
    listed = [f"{each} ({mark})" if mark else each for each, mark in functions.items()]
    more = f", and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    note = f"it defines {', '.join(listed[:_LISTED])}{more}" if listed else "it defines no function"
    hint = None if near is None else f"did you mean {near!r}?"
    return LoadError(f"{owner} does not define {name!r}", hint, (note,))


def _functions(module: ModuleType) -> dict[str, str | None]:
    """Return the functions that *module* defines or marks, in order, with their signature.

    Only plain functions are considered: a proxy object might answer for any attribute.
    """
    found: dict[int, tuple[str, str | None]] = {}
    for name, value in vars(module).items():
        if type(value) is FunctionType and not name.startswith("_"):
            mark = vars(value).get(decorators.SIGNATURE)
            if mark is not None or value.__module__ == module.__name__:
                found.setdefault(id(value), (name, None if mark is None else mark.kind))
    return dict(found.values())


def _checked(found: Any, place: TargetPlace, *, allow_app: bool) -> TargetForm:
    """Return the form of what was found, unless it cannot be a target."""
    name = place.attribute
    if isinstance(found, type):
        example = found.__name__[:1].lower() + found.__name__[1:]
        raise LoadError(
            f"{name} is a class, not a function",
            f"write '{example} = {found.__name__}()' in {place.shown} and name {example!r}",
        )
    if isinstance(found, ModuleType):
        raise LoadError(f"{name} is a module, not a function", "write ':' before the function")
    if not callable(found):
        raise LoadError(f"{name} is not a function but of type {type(found).__name__}")
    form = form_of_target(found)
    kind = None if allow_app else _application(found, form)
    if kind is not None:
        raise LoadError(
            f"{name} is {_ARTICLE[kind]} application, not a function", f"write signature: {kind}"
        )
    return form


def _application(found: Any, form: TargetForm) -> str | None:
    if callable(getattr(type(found), "wsgi_app", None)):  # Flask, whose __call__ may be wrapped
        return "wsgi"
    return form.application
