"""A call as an example of ``functions.yaml``: what was sent, and what is expected."""

from __future__ import annotations

import json
from typing import Any

import yaml

from ffhost.errors import Conflict
from ffhost.host.console.call_texts import console_call_path
from ffhost.host.console.secret_texts import MASKED

_KEPT = frozenset({"accept", "accept-language", "content-type", "if-match", "if-none-match"})
_KEPT_BEGINNINGS = ("ce-", "x-")
_LEFT_OUT = ("x-forwarded-", "x-real-ip", "x-request-", "x-ffhost-", "x-cloud-trace")
_LONGEST_TEXT = 4000

Shown = dict[str, Any]


def example_of_console_call(record: Shown, name: str, path: str) -> Shown:
    """Return a recorded call as an example.

    Args:
        path: of the function

    Raises:
        Conflict: the call was not captured, or its body cannot stand in the file
    """
    request, response = record["request"], record["response"]
    if request is None or response is None:
        raise Conflict("requests are not captured; switch console.capture on")
    if request["body_base64"] is not None:
        raise Conflict("the body of the request is not text")
    return {
        "name": name,
        "request": _request(request, path),
        "response": _response(response),
    }


def _request(request: Shown, path: str) -> Shown:
    entry: Shown = {"method": request["method"]}
    if console_call_path(request) != path:
        entry["path"] = console_call_path(request)
    headers = {name: value for name, value in request["headers"] if _is_kept(name, value)}
    body, found = request["body"], _json(headers, request["body"])
    if found is not None:
        headers.pop("content-type")
    if headers:
        entry["headers"] = headers
    if found is not None:
        entry["json"] = found[0]
    elif body is not None:
        entry["body"] = body
    return entry


def _is_kept(name: str, value: str) -> bool:
    if value == MASKED or (name == "accept" and value == "*/*"):
        return False
    return name in _KEPT or (name.startswith(_KEPT_BEGINNINGS) and not name.startswith(_LEFT_OUT))


def _json(headers: dict[str, str], body: str | None) -> tuple[Any] | None:
    """Return the value of a body that is exactly what ``json`` of an example sends."""
    if body is None or headers.get("content-type") != "application/json":
        return None
    try:
        return (json.loads(body),)
    except ValueError:
        return None


def _response(response: Shown) -> Shown:
    entry: Shown = {"status": response["status"]}
    body = response["body"]
    headers = dict(response["headers"])
    if response["cut"] or response["body_base64"] is not None or response["status"] >= 500:
        return entry
    found = _json({"content-type": headers.get("content-type", "").partition(";")[0]}, body)
    if found is not None:
        entry["json"] = _without_masked(found[0])
    elif body is not None and MASKED not in body and len(body) <= _LONGEST_TEXT:
        entry["body"] = body
    return entry


def _without_masked(value: Any) -> Any:
    """Return *value* without what was masked: an example expects a part of the answer."""
    if isinstance(value, dict):
        return {name: _without_masked(each) for name, each in value.items() if each != MASKED}
    if isinstance(value, list):
        return [_without_masked(each) for each in value]
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes every text that another reader of YAML could take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return True: a value that occurs twice is written twice."""
        return True


def _represent(dumper: _Dumper, text: str) -> yaml.Node:
    plain = text.replace("_", "").replace("-", "").replace(" ", "").isalpha() and text.isascii()
    plain = plain and text.lower() not in _RESERVED and text == text.strip()
    style = None if plain and not text.startswith("-") else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_RESERVED = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
_Dumper.add_representer(str, _represent)


def console_example_as_yaml(entry: Shown) -> str:
    """Return *entry* as an item of a list in YAML, not indented."""
    text: str = yaml.dump(
        [_escaped(entry)], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
    return text


def console_example_in_brackets(items: str) -> str:
    """Return a list in YAML as one line in brackets."""
    text: str = yaml.dump(
        yaml.safe_load(items),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
        default_flow_style=True,
    )
    return text.strip()


def _escaped(value: Any) -> Any:
    """Return *value* with what would be a reference to a variable escaped."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
