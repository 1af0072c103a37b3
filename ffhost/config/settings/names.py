"""Strings that name something: targets, paths, methods, proxies.

Knows their form only. Whether a target exists is known to whoever imports it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from ffhost.config.settings.scalars import MAY_BE_SECRET, InvalidSetting, SettingKind, show_setting

NAME_PATTERN = "[A-Za-z][A-Za-z0-9_-]{0,62}"
"""What the name of a function looks like, as a whole."""
RESERVED_PATH = "/_ffhost"
"""Reserved for the probes: no function may have a path below it."""

RequestClass = Literal["auto", "ffhost", "flask", "starlette"]
"""Which request an http function gets."""

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ATTRIBUTE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"


def _read_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME_PATTERN, value):
        raise InvalidSetting(f"{show_setting(value)} is not a valid function name")
    return value


def read_target_setting(value: Any) -> str:
    """Check the form of ``file.py:attr``, ``package.module:attr`` or ``attr``."""
    if not isinstance(value, str):
        raise InvalidSetting(
            f"expected a target, got {show_setting(value)}", "write 'main.py:hello'"
        )
    module, colon, attribute = value.rpartition(":")
    if not re.fullmatch(_ATTRIBUTE, attribute) or attribute.endswith(".py"):
        bare = value.removesuffix(".py")
        hint = f"write '{value}:NAME'" if value.endswith(".py") else "write 'main.py:hello'"
        if not colon and "." in bare and not value.endswith(".py"):
            hint = f"write '{bare.replace('/', '.')}:NAME'"
        raise InvalidSetting(
            f"expected a target such as 'main.py:hello', got {show_setting(value)}", hint
        )
    if colon and not module.endswith(".py") and not re.fullmatch(_ATTRIBUTE, module):
        raise InvalidSetting(
            f"{module!r} is neither a file that ends with .py nor the name of a module",
            "write 'folder/main.py:hello' or 'package.module:hello'",
        )
    return value


def _read_hook_target(value: Any) -> str:
    target = read_target_setting(value)
    if ":" not in target:
        raise InvalidSetting(
            f"expected 'module:function', got {show_setting(value)}",
            f"write 'mycompany.hooks:{target}'",
        )
    return target


def _read_variable_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^=\x00]+", value):
        raise InvalidSetting(f"{show_setting(value)} is not the name of an environment variable")
    return value


def _read_variable_value(value: Any) -> str:
    if not isinstance(value, str):
        scalar = isinstance(value, int | float)
        raise InvalidSetting(
            f"expected a string, got {show_setting(value)}", "quote it" if scalar else None
        )
    if "\x00" in value:
        raise InvalidSetting("must not contain the character U+0000")
    return value


def read_path_setting(value: Any) -> str:
    """Check a path or path template."""
    if not isinstance(value, str):
        raise InvalidSetting(f"expected a path such as '/users/{{id}}', got {show_setting(value)}")
    if not value.startswith("/"):
        raise InvalidSetting(
            f"a path must begin with '/', got {show_setting(value)}", f"write '/{value}'"
        )
    if value == "/":
        return value
    if value.endswith("/"):
        raise InvalidSetting(
            "a path must not end with '/'",
            f"{value.rstrip('/') or '/'!r} also matches every path below it",
        )
    for char, why in (("?", "a query string"), ("#", "a fragment"), ("%", "percent-encoding")):
        if char in value:
            raise InvalidSetting(
                f"a path cannot contain {why}, got {show_setting(value)}",
                "paths are compared decoded" if char == "%" else None,
            )
    names: list[str] = []
    for segment in value[1:].split("/"):
        names += _read_segment(segment, value)
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise InvalidSetting(f"the parameter {doubled!r} occurs twice")
    if value == RESERVED_PATH or value.startswith(RESERVED_PATH + "/"):
        raise InvalidSetting(f"paths below {RESERVED_PATH} are reserved for the host's probes")
    return value


def _read_segment(segment: str, path: str) -> list[str]:
    if segment in ("", ".", ".."):
        what = "an empty segment" if not segment else f"the segment {segment!r}"
        raise InvalidSetting(f"a path cannot contain {what}, got {path!r}")
    if re.search(r"[\x00-\x1f\x7f\\]", segment):
        raise InvalidSetting(
            f"a path cannot contain control characters or backslashes, got {show_setting(path)}"
        )
    if "{" not in segment and "}" not in segment:
        return []
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        converter = re.fullmatch(r"\{([A-Za-z_]\w*):[^{}]*\}", segment)
        hint = f"write '{{{converter[1]}}}': a value is always text" if converter else None
        raise InvalidSetting(
            f"a parameter must be a whole segment such as '{{id}}', got {segment!r}", hint
        )
    return [match[1]]


def _read_method(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z0-9_-]*", value):
        return value
    upper = value.upper() if isinstance(value, str) else ""
    known = re.fullmatch(r"[A-Z][A-Z0-9_-]*", upper)
    raise InvalidSetting(
        f"expected a method in capitals, got {show_setting(value)}",
        f"write {upper}" if known else None,
    )


def _read_proxies(value: Any) -> list[str]:
    from ipaddress import ip_network

    if value == "all":
        return ["all"]
    if not isinstance(value, list):
        raise InvalidSetting(
            f"expected a list of addresses and networks, or 'all', got {show_setting(value)}",
            f"write [{value!r}]" if isinstance(value, str) else None,
        )
    for each in value:
        try:
            if each != "all":
                ip_network(each if isinstance(each, str) else "", strict=False)
        except ValueError:
            raise InvalidSetting(
                f"expected an address, a network or 'all', got {show_setting(each)}",
                "write '10.0.0.0/8' or '192.168.1.7'",
            ) from None
    return [str(each) for each in value]


def _read_wildcard(value: Any) -> list[str]:
    if value == "*":
        return ["*"]
    if not isinstance(value, list):
        raise InvalidSetting(
            f"expected a list of strings, or '*', got {show_setting(value)}",
            f"write [{value!r}]" if isinstance(value, str) else None,
        )
    for each in value:
        if not isinstance(each, str) or not each:
            raise InvalidSetting(f"expected a string, got {show_setting(each)}", "quote it")
    return value


FunctionName = Annotated[
    str, SettingKind(_read_name, {"type": "string", "pattern": f"^{NAME_PATTERN}$"})
]
Target = Annotated[
    str,
    SettingKind(
        read_target_setting, {"type": "string", "pattern": rf"^(.+:)?(?!.*\.py$){_ATTRIBUTE}$"}
    ),
]
HookTarget = Annotated[
    str, SettingKind(_read_hook_target, {"type": "string", "pattern": rf"^.+:{_ATTRIBUTE}$"})
]
PathTemplate = Annotated[
    str, SettingKind(read_path_setting, {"type": "string", "pattern": r"^/$|^(/[^/?#%\\]+)+$"})
]
VariableName = Annotated[
    str, SettingKind(_read_variable_name, {"type": "string", "pattern": "^[^=]+$"})
]
VariableValue = Annotated[
    str,
    SettingKind(
        _read_variable_value,
        {
            "anyOf": [
                {"type": "string"},
                *(
                    {
                        "type": "object",
                        "required": [key],
                        "properties": {key: {"type": "string", "minLength": 1}},
                        "additionalProperties": False,
                    }
                    for key in ("from_file", "from_env")
                ),
            ]
        },
    ),
    MAY_BE_SECRET,
]
"""The value of an environment variable; in a file it may be written as a secret."""
Method = Annotated[
    str, SettingKind(_read_method, {"type": "string", "pattern": "^[A-Z][A-Z0-9_-]*$"})
]
Proxies = Annotated[
    list[str],
    SettingKind(
        _read_proxies,
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]},
    ),
]
Wildcard = Annotated[
    list[str],
    SettingKind(
        _read_wildcard,
        {
            "anyOf": [
                {"const": "*"},
                {"type": "array", "items": {"type": "string", "minLength": 1}},
            ]
        },
    ),
]
"""A list of texts, or ``*``, which is read as ``["*"]``."""
