"""The codec of a served function: its signature and its request object, chosen when it is loaded.

A codec is made of the target and a few settings. A reload that changes none of them keeps it:
most reloads change limits, and pydantic takes milliseconds for the type of a typed function.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

from ffhost.config import LoadedConfig
from ffhost.config.settings import FunctionSettings
from ffhost.host.store import ReloadStore
from ffhost.loading.targets import ResolvedTarget
from ffhost.signatures import (
    Codec,
    InferredSignature,
    SignatureOptions,
    infer_signature,
    make_codec,
    single_target_preparation,
)
from ffhost.signatures.requests import Prepare, RequestAdapter
from ffhost.signatures.requests.flask_use import target_uses_flask_request
from ffhost.signatures.requests.request_choice import (
    RequestKind,
    choose_request_object,
    request_adapter_for,
)
from ffhost.web.routing import path_pattern, route_path_parameter, split_path_segments

ServedCodec: TypeAlias = tuple[Codec, RequestKind | None]
"""A codec, and the request object of an http function; None for functions of other signatures."""


class KeptCodec:
    """The codec of one function since its last load, and what it was made of."""

    def __init__(self) -> None:
        self._target: Callable[..., Any] | None = None
        self._options: tuple[Any, ...] = ()
        self._made: ServedCodec | None = None

    def of(
        self,
        target: Callable[..., Any],
        options: tuple[Any, ...],
        make: Callable[[], ServedCodec],
    ) -> ServedCodec:
        """Return the codec of *target* with *options*; *make* makes it unless it was made of them.

        Raises:
            LoadError: what *make* raises; the last codec is kept then
        """
        if self._made is None or self._target is not target or self._options != options:
            self._made = make()
            self._target, self._options = target, options
        return self._made


def kept_codec_of_served_function(
    config: LoadedConfig,
    name: str,
    resolved: ResolvedTarget,
    settings: FunctionSettings,
    store: ReloadStore,
) -> ServedCodec:
    """Return the codec of the function *name*: that of the last load if it would be the same.

    Args:
        settings: with the host's limits
        store: what outlives a reload

    Raises:
        LoadError: as for `codec_of_served_function`
    """

    def make() -> ServedCodec:
        return codec_of_served_function(config, name, resolved, settings)

    if config.framework_mode:  # depends on the environment and on the server's settings as well
        return make()
    file = config.has_file, config.asgi
    own = settings.signature, settings.request, settings.path, settings.strip_path
    options = (resolved.module, *file, *own)
    return store.keep(KeptCodec, name, KeptCodec).of(resolved.callable, options, make)


def codec_of_served_function(
    config: LoadedConfig, name: str, resolved: ResolvedTarget, settings: FunctionSettings
) -> ServedCodec:
    """Choose the signature and the request object; None for what is not an http function.

    Args:
        settings: with the host's limits

    Raises:
        LoadError: the target does not fit its signature, or contradicts the file
    """
    target, form = resolved.callable, resolved.form
    plain = config.framework_mode
    inferred = infer_signature(target, settings.signature, name=name, single=plain, form=form)
    request = _request(config, settings, resolved, inferred)
    options = SignatureOptions(
        name=name,
        single=plain,
        input_type=inferred.input_type,
        path_parameters=tuple(
            filter(None, map(route_path_parameter, split_path_segments(settings.path)))
        ),
        adapter=None if request is None else _adapter(config, name, resolved, request),
        mount=path_pattern(settings.path),
        strip_path=settings.strip_path,
    )
    return make_codec(inferred.kind, target, options, form), request


def _request(
    config: LoadedConfig,
    settings: FunctionSettings,
    resolved: ResolvedTarget,
    inferred: InferredSignature,
) -> RequestKind | None:
    """Choose which request an http function gets; None for functions of other signatures."""
    if inferred.kind != "http":
        return None
    target, form = resolved.callable, resolved.form
    if form.required == 2:  # Falcon's (req, resp)
        return "ffhost"
    return choose_request_object(
        settings.request or "auto",
        inferred.request,
        inferred.marked,
        lambda: target_uses_flask_request(target, resolved.module),
        asgi=config.asgi,
        has_file=config.has_file,
        is_async=form.kind in ("async", "async_generator"),
    )


def _adapter(
    config: LoadedConfig, name: str, resolved: ResolvedTarget, request: RequestKind
) -> RequestAdapter:
    """Return what makes the request of an http function.

    Raises:
        LoadError: it is one of a framework that is not installed
    """
    single = config.framework_mode
    return request_adapter_for(
        request,
        name,
        resolved.file,
        resolved.module,
        single=single,
        none_is_ok=single and bool(os.environ.get("ENTRY_POINT")),
        prepare=single_target_preparation_of(config),
    )


def single_target_preparation_of(config: LoadedConfig) -> Prepare | None:
    """Return what messages of a single target without a file have beyond others."""
    if not config.framework_mode:
        return None
    proxies = config.settings.server.trusted_proxies
    return single_target_preparation(trusts_loopback=not proxies)
