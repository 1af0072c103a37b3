"""The hooks of each function, from the ``tracing`` sections of the configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.settings import BUILT_IN_HOOKS, FunctionSettings, HookSettings
from ffhost.errors import LoadError
from ffhost.invocation.current import invocation_of
from ffhost.loading.targets import resolve_hook_target, signature_of_target
from ffhost.observability.tracing.hook import TraceHook, TraceHookPlace

Declared = tuple[str, HookSettings, tuple[str, ...]]
"""A hook's name, its settings, and their place in the file."""


class _Bound:
    """The hooks of one configuration that are shared by its functions."""

    def __init__(self, config: LoadedConfig) -> None:
        self.config = config
        self.hooks: dict[str, TraceHook] = {}


_bound: _Bound | None = None


def trace_hooks_of(config: LoadedConfig, name: str) -> tuple[TraceHook, ...]:
    """Return the hooks of the function *name* in their order; nothing is imported for none.

    Raises:
        LoadError: one of them cannot be imported, or its options do not fit
    """
    settings = config.settings.functions[name]
    enabled = settings.tracing.enabled
    if not (config.settings.tracing.enabled if enabled is None else enabled):
        return ()
    return tuple(
        _hook(config, declared)
        for declared in _declared(config, name, settings)
        if declared[1].enabled
    )


def _declared(config: LoadedConfig, name: str, settings: FunctionSettings) -> list[Declared]:
    """Return the host's hooks, as the function changes them, and then the function's own."""
    found: dict[str, Declared] = {
        each: (each, hook, ("tracing", "hooks", each))
        for each, hook in config.settings.tracing.hooks.items()
    }
    for each, own in settings.tracing.hooks.items():
        at: tuple[str, ...] = ("functions", name, "tracing", "hooks", each)
        if each in found:
            shared = found[each][1]
            if own.written <= {"enabled"}:
                # Still the host's own hook, which is shared.
                own, at = shared.replaced(enabled=own.enabled), found[each][2]
            else:
                changed = {key: getattr(own, key) for key in own.written}
                if own.target in (None, shared.target):
                    changed["options"] = {**shared.options, **own.options}
                own = shared.replaced(**changed)
        found[each] = (each, own, at)
    return list(found.values())


def _hook(config: LoadedConfig, declared: Declared) -> TraceHook:
    global _bound
    name, _settings, at = declared
    if at[0] == "functions":
        return _make(config, declared)
    if _bound is None or _bound.config is not config:
        _bound = _Bound(config)
    hook = _bound.hooks.get(name)
    if hook is None:
        hook = _bound.hooks[name] = _make(config, declared)
    return hook


def _make(config: LoadedConfig, declared: Declared) -> TraceHook:
    name, settings, at = declared
    if settings.target is None:
        assert name in BUILT_IN_HOOKS
        return _built_in(config, declared)
    try:
        target = resolve_hook_target(settings.target, config.base)
    except LoadError as error:
        raise _error((*at, "target"), error.message, error.hint, error.notes) from error
    refusal = _refusal(target)
    if refusal is not None:
        raise _error((*at, "target"), f"{settings.target} {refusal}", _EXAMPLE)
    return TraceHook(name, _with_options(config, target, declared))


_EXAMPLE = "write 'def hook(invocation): outcome = yield'"


def _built_in(config: LoadedConfig, declared: Declared) -> TraceHook:
    name, settings, at = declared
    from ffhost.observability.tracing import hook_options

    model = getattr(hook_options, f"{name.capitalize()}HookOptions")
    values = _validated(config, model, settings.options, at)
    try:
        module = import_module(f"ffhost.observability.tracing.{name}_hook")
        shared = config.settings.tracing.hooks.get(name) if at[0] == "functions" else None
        host_options = None if shared is None else shared.options
        hook: TraceHook = module.make_trace_hook(
            name, values, TraceHookPlace(config.base, host_options)
        )
    except ImportError as error:
        hint = f"pip install 'ffhost[{name}]'"
        message = f"the hook needs {error.name!r}, which is not installed"
        raise _error(at, message, hint) from error
    except ValueError as error:
        raise _error((*at, "options"), str(error)) from error
    return hook


def _refusal(target: Callable[..., Any]) -> str | None:
    """Return why *target* cannot be a hook; None if it can."""
    function: Any = target
    while isinstance(function, partial):
        function = function.func
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        function = type(function).__call__
    if inspect.isasyncgenfunction(function):
        return "is an async generator function; a trace hook is a plain one"
    return None if inspect.isgeneratorfunction(function) else "is not a generator function"


def _with_options(
    config: LoadedConfig, target: Callable[..., Any], declared: Declared
) -> Callable[..., Any]:
    """Bind the options to a hook that takes them."""
    name, settings, at = declared
    try:
        signature = inspect.signature(target, eval_str=True)
    except (NameError, TypeError):  # an annotation that only type checkers can read
        signature = signature_of_target(target)
    positional = [
        each
        for each in signature.parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) < 2:
        if settings.options:
            message = f"{name} takes no options"
            raise _error((*at, "options"), message, "add a second parameter")
        return lambda call: target(invocation_of(call))
    model = positional[1].annotation
    options: Any = dict(settings.options)
    if isinstance(model, type) and hasattr(model, "model_validate"):
        options = _validated(config, model, options, at)
    return lambda call: target(invocation_of(call), options)


def _validated(
    config: LoadedConfig, model: Any, options: Mapping[str, Any], at: tuple[str, ...]
) -> Any:
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        # The values are never shown: they may be secrets.
        found = error.errors(include_url=False, include_input=False)
        first, rest = found[0], found[1:]
        path = (*at, "options", *map(str, first["loc"]))
        hint = None
        if first["type"] == "extra_forbidden":
            near = nearest_known_word(str(first["loc"][-1]), model.model_fields)
            hint = None if near is None else f"did you mean {near!r}?"
        notes = tuple(f"{'.'.join(map(str, each['loc']))}: {_said(each)}" for each in rest)
        raise _error(path, _said(first), hint, notes) from None


def _said(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    text: str = error["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _error(
    path: tuple[str, ...],
    message: str,
    hint: str | None = None,
    notes: tuple[str, ...] = (),
) -> LoadError:
    return LoadError(message, hint, notes, key=path)
