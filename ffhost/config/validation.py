"""Validation of plain values as `Settings`, with pydantic's errors in our words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import PathKey
from ffhost.config.settings import InvalidSetting, Settings, show_setting

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

_HINTS = {"target": "write 'target: main.py:hello'"}


def validate_settings(values: dict[str, Any], report: ConfigProblemReporter) -> Settings | None:
    """Return the settings, or report why they are not valid and return None."""
    from pydantic import ValidationError

    try:
        return settings_adapter().validate_python(values)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            _report(each, report)
        return None


@cache
def settings_adapter() -> TypeAdapter[Settings]:
    """Return pydantic's adapter, made when the first file is read."""
    from pydantic import TypeAdapter

    return TypeAdapter(Settings)


def _report(error: ErrorDetails, report: ConfigProblemReporter) -> None:
    path: PathKey = error["loc"]
    kind = error["type"]
    if path and path[-1] == "[key]":
        if path[-3:-2] == ("env",):
            report.at(path[:-1], *_explain(error), key=True)
        return  # other names are checked with a better message, see `contradictions`
    if kind == "missing":
        # the value is missing because another problem was reported for it
        if path not in report.paths:
            report.at(path, "is missing", _HINTS.get(str(path[-1])), key=True)
        return
    message, hint = _explain(error)
    report.at(path, message, hint)


def _explain(error: ErrorDetails) -> tuple[str, str | None]:
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    wrong = context.get("error")
    if isinstance(wrong, InvalidSetting):
        return str(wrong), wrong.hint
    if kind == "literal_error":
        return _explain_choice(value, str(context["expected"]))
    if kind == "string_type":
        scalar = isinstance(value, bool | int | float)
        return f"expected a string, got {show_setting(value)}", "quote it" if scalar else None
    if kind == "list_type":
        hint = f"write [{value}]" if isinstance(value, str) else None
        return f"expected a list, got {show_setting(value)}", hint
    if kind in ("dict_type", "dataclass_type"):
        return f"expected a mapping, got {show_setting(value)}", None
    if kind == "too_short":
        return "expected at least one item", "remove the key, or give an item"
    return error["msg"][:1].lower() + error["msg"][1:], None


def _explain_choice(value: Any, expected: str) -> tuple[str, str | None]:
    """Return in words what is allowed; *expected* is ``'a', 'b' or 'c'``."""
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    if value in words:
        return f"expected {expected}, got {show_setting(value)}", "remove the quotes"
    near = nearest_known_word(value, words) if isinstance(value, str) else None
    return (
        f"expected {expected}, got {show_setting(value)}",
        f"did you mean {near!r}?" if near else None,
    )
