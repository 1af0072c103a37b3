"""The one function of ``create_app`` and ``create_asgi_app``, with the original's exceptions.

Tests of a moved repository expect them for a source or a target that is not there, and of a source
that cannot be imported what it raised itself.
"""

from __future__ import annotations

from ffhost.config import ConfigSources, LoadedConfig, load_config
from ffhost.config.settings import SIGNATURES
from ffhost.errors import ConfigError, LoadError
from ffhost.host.loader import import_served_function
from ffhost.host.served_codec import codec_of_served_function
from ffhost.loading.compat.framework._function_registry import get_user_function
from ffhost.loading.compat.framework.exceptions import (
    FunctionsFrameworkException,
    InvalidConfigurationException,
    MissingSourceException,
)
from ffhost.loading.modules import load_module
from ffhost.loading.targets import ResolvedTarget, TargetPlace, find_target_place
from ffhost.signatures import Codec
from ffhost.signatures.requests.request_choice import RequestKind


def check_framework_target(sources: ConfigSources) -> None:
    """Import the one function of *sources* and look whether it can be served.

    Raises:
        Exception: as the other functions of this module
    """
    config, name = framework_config(sources)
    place = framework_place(config, name)
    framework_codec(config, name, framework_function(config, name, place))


def framework_config(sources: ConfigSources) -> tuple[LoadedConfig, str]:
    """Return the configuration of the one function in *sources*, and the function's name.

    Raises:
        FunctionsFrameworkException: the signature type is unknown
        InvalidConfigurationException: something else of the configuration is wrong
    """
    _, flag = sources.flags.get("signature_type", ("", None))
    kind = flag or sources.environ.get("FUNCTION_SIGNATURE_TYPE")
    if kind and kind not in SIGNATURES:
        raise FunctionsFrameworkException(f"Invalid signature type: {kind}")
    try:
        config = load_config(sources)
    except ConfigError as error:
        raise InvalidConfigurationException(str(error)) from error
    if config.framework_target is None:
        raise InvalidConfigurationException("Target is not specified")
    return config, config.framework_target


def framework_place(config: LoadedConfig, name: str) -> TargetPlace:
    """Return where the function *name* is.

    Raises:
        InvalidConfigurationException: the target or the source has a wrong form
        MissingSourceException: there is no such file
    """
    settings = config.settings.function(name)
    try:
        return find_target_place(settings.target, settings.source, config.base)
    except LoadError as error:
        source = settings.source or settings.target.rpartition(":")[0]
        if source and not (config.base / source).exists():
            raise MissingSourceException(
                f"File {source} that is expected to define function doesn't exist"
            ) from error
        raise InvalidConfigurationException(_text(error)) from error


def framework_function(config: LoadedConfig, name: str, place: TargetPlace) -> ResolvedTarget:
    """Import the function *name*.

    Raises:
        Exception: what its source raised
        InvalidTargetTypeException: it is not a function
        MissingTargetException: its source does not define it
    """
    try:
        return import_served_function(config, name)
    except LoadError as error:
        if error.__cause__ is not None:
            raise error.__cause__ from None
        if place.file is not None:
            env = config.settings.function(name).env
            module = load_module(place.file, plain=True, env=env)
            get_user_function(str(place.shown), module, place.attribute)
        raise FunctionsFrameworkException(_text(error)) from error


def framework_codec(
    config: LoadedConfig, name: str, resolved: ResolvedTarget
) -> tuple[Codec, RequestKind | None]:
    """Choose the signature and the request object; None for what is not an http function.

    Raises:
        FunctionsFrameworkException: the function does not fit its signature
    """
    try:
        settings = config.settings.function(name)
        return codec_of_served_function(config, name, resolved, settings)
    except LoadError as error:
        raise FunctionsFrameworkException(_text(error)) from error


def _text(error: LoadError) -> str:
    return error.message if error.hint is None else f"{error.message}; {error.hint}"
