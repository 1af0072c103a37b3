"""The reference of ``functions.yaml`` as Markdown, generated from the models.

``python -m ffhost.config.reference docs/configuration.md`` writes it between two marks of that
page; a test compares the two.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ffhost.config.json_schema import make_config_schema

BEGIN, END = "<!-- reference: generated from the models -->", "<!-- end of reference -->"

_PLACES = {
    "Settings": "",
    "ServerSettings": "server",
    "AdminSettings": "admin",
    "ConsoleSettings": "console",
    "LoggingSettings": "logging",
    "TracingSettings": "tracing",
    "MetricsSettings": "metrics",
    "ConfigReloadSettings": "config_reload",
    "DefaultSettings": "defaults",
    "EventsSettings": "events",
    "McpSettings": "mcp",
    "OpenapiSettings": "openapi",
    "SchedulesSettings": "schedules",
    "WaySettings": "auth.<name>",
    "JwtSettings": "auth.<name>.jwt",
    "WebhookSettings": "auth.<name>.webhook",
    "FunctionSettings": "functions.<name>",
    "CorsSettings": "functions.<name>.cors",
    "SubscriptionSettings": "functions.<name>.subscriptions[]",
    "DeliverySettings": "functions.<name>.delivery",
    "ScheduleSettings": "functions.<name>.schedules[]",
    "FunctionTracingSettings": "functions.<name>.tracing",
    "HookSettings": "tracing.hooks.<name>",
    "ExampleSettings": "functions.<name>.examples[]",
    "ExampleRequest": "functions.<name>.examples[].request",
    "ExampleResponse": "functions.<name>.examples[].response",
}
"""Where each section is written, in the order of the page."""


def settings_reference() -> str:
    """Return a heading and a table for each section."""
    whole = make_config_schema()
    sections = {"Settings": whole, **whole["$defs"]}
    missing = set(sections) - set(_PLACES) - {"Reference", "Filter"}
    if missing:
        raise LookupError(f"sections without a place in the reference: {sorted(missing)}")
    return "\n".join(line for name in _PLACES for line in _section(name, sections[name]))


def _section(name: str, section: dict[str, Any]) -> Iterator[str]:
    place = _PLACES[name]
    yield f"### {f'`{place}`' if place else 'Top level'}"
    yield ""
    yield section["description"]
    yield ""
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    required = section.get("required", ())
    for key, form in section["properties"].items():
        default = "required" if key in required else _default(form)
        cells = (f"`{key}`", _value(form), default, _described(form))
        yield "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"
    yield ""


def _described(form: dict[str, Any]) -> str:
    text = str(form["description"])
    examples = [each for each in form.get("examples", ()) if each != form.get("default")]
    if not examples or isinstance(examples[0], bool) or "enum" in _alternatives(form)[0]:
        return text
    return f"{text} Such as {', '.join(_code(each) for each in examples)}."


def _default(form: dict[str, Any]) -> str:
    if "default" not in form:
        return ""
    default = form["default"]
    return _code(default) if default not in ({}, []) else "empty"


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _alternatives(form: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the forms that a value may have, except for a reference such as ``${NAME}``."""
    forms = form.get("anyOf", [form])
    return [each for each in forms if each.get("$ref") != "#/$defs/Reference"]


def _value(form: dict[str, Any]) -> str:
    """Return in words what may be written."""
    return " or ".join(_words(each) for each in _alternatives(form))


def _words(form: dict[str, Any]) -> str:
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        if name == "Filter":
            return "[filter](events.md#filters)"
        return f"[section](#{_anchor(_PLACES[name])})"
    if "enum" in form:
        return " or ".join(_code(each) for each in form["enum"])
    if "const" in form:
        return _code(form["const"])
    pattern = form.get("pattern", "")
    if "(ms|s|m|h)" in pattern:
        return "duration" + (" or `unlimited`" if "unlimited" in pattern else "")
    if "KiB" in pattern:
        return "size" + (" or `unlimited`" if "unlimited" in pattern else "")
    if form.get("type") == "integer":
        most = form.get("maximum")
        least = form["minimum"]
        return f"number, {least} to {most}" if most is not None else f"number, from {least}"
    if form.get("type") == "boolean":
        return "`true` or `false`"
    if form.get("type") == "array":
        return "list" if not form.get("items") else f"list of {_plural(form['items'])}"
    if form.get("type") == "string":
        return "text"
    return _mapping(form)


def _plural(form: dict[str, Any]) -> str:
    word = _value(form)
    return "texts" if word == "text" else word


def _mapping(form: dict[str, Any]) -> str:
    inner = next(iter(form.get("patternProperties", {}).values()), form.get("additionalProperties"))
    kind = form.get("type")
    if not kind or "object" not in kind:
        return "anything"
    if not isinstance(inner, dict) or not inner:
        return "mapping"
    return f"mapping of names to {_plural(inner)}"


def _anchor(place: str) -> str:
    """Return the anchor that a heading of *place* gets."""
    return re.sub(r"[^\w-]", "", place.lower())


def write_config_reference(page: Path) -> None:
    """Write the reference into *page*."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n\n{settings_reference()}\n{END}{after}")


if __name__ == "__main__":
    write_config_reference(Path(sys.argv[1]))
