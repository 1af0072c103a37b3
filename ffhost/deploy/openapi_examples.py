"""Examples of requests and answers in an OpenAPI document: those of ``functions.yaml``.

The document may be public, so what is secret in an example is masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ffhost.config import LoadedConfig
from ffhost.config.leaves import declared_config_secrets
from ffhost.config.mask import HIDDEN, SecretMask
from ffhost.config.settings import ExampleSettings
from ffhost.invocation.function import Function


class OpenapiExamples:
    """The examples of one configuration, as the member ``examples`` of a media type."""

    def __init__(self, config: LoadedConfig) -> None:
        logging = config.settings.logging
        self._mask = SecretMask(logging.redact, logging.show)
        self._secrets = declared_config_secrets(config)

    def requests(self, function: Function, method: str) -> dict[str, Any]:
        """Return the examples of bodies of requests with *method*."""
        found = self._of(function, method)
        return self._written((each, each.request.payload) for each in found if each.request)

    def answers(self, function: Function, method: str) -> dict[str, Any]:
        """Return the examples of bodies of answers with status 200 to requests with *method*."""
        found = self._of(function, method)
        return self._written(
            (each, each.response.payload) for each in found if each.response.status in (None, 200)
        )

    @staticmethod
    def _of(function: Function, method: str) -> Iterator[ExampleSettings]:
        for each in function.settings.examples:
            if each.request is not None:
                has_body = each.request.payload is not None or each.request.body is not None
                if method == (each.request.method or ("POST" if has_body else "GET")).lower():
                    yield each

    def _written(self, given: Iterable[tuple[ExampleSettings, Any]]) -> dict[str, Any]:
        examples: dict[str, Any] = {}
        for each, value in given:
            if value is not None:
                name = each.name or f"example {len(examples) + 1}"
                examples[name] = {"value": self._without_secrets(self._mask.value(value))}
        return {"examples": examples} if examples else {}

    def _without_secrets(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._without_secrets(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._without_secrets(each) for each in value]
        if isinstance(value, str) and any(secret in value for secret in self._secrets):
            return HIDDEN
        return value
