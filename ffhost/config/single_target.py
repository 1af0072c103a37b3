"""Single-target mode: one function, named by a flag or a variable.

With a file the function is one of those in the file. Without one it is made here, with the
defaults of functions-framework: no deadline, no concurrency limit and no body limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ffhost._records import Record
from ffhost.config.config_variables import is_true_variable
from ffhost.config.diagnostics import DEFAULT, ConfigProblem, nearest_known_word
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import ConfigNode, ConfigText
from ffhost.config.settings import NAME_PATTERN

_VARIABLES = {
    "target": "FUNCTION_TARGET",
    "source": "FUNCTION_SOURCE",
    "signature_type": "FUNCTION_SIGNATURE_TYPE",
}
_UNLIMITED = (
    ("server", "max_body_size"),
    ("defaults", "timeout"),
    ("defaults", "concurrency"),
    ("defaults", "queue"),
    ("defaults", "queue_timeout"),
)


class SingleTargetChoice(Record):
    """The flags and variables of single-target mode; each a text scalar, or None.

    ``asgi`` is whether ``--asgi`` or ``FUNCTION_USE_ASGI`` is given.
    """

    target: ConfigNode | None
    source: ConfigNode | None
    signature: ConfigNode | None
    asgi: bool = False


def choose_single_target(
    flags: Mapping[str, Any], environ: Mapping[str, str]
) -> SingleTargetChoice:
    """Return the function to serve alone: a flag overrides its variable."""
    found = {name: _given(name, flags, environ) for name in _VARIABLES}
    asgi = "asgi" in flags or is_true_variable(environ.get("FUNCTION_USE_ASGI", ""))
    return SingleTargetChoice(found["target"], found["source"], found["signature_type"], asgi)


def _given(name: str, flags: Mapping[str, Any], environ: Mapping[str, str]) -> ConfigNode | None:
    flag, text = flags.get(name) or (None, None)
    if flag is not None and text:
        source = ConfigText(flag, text=f"{flag} {text}", offset=len(flag) + 1)
        return ConfigNode(str(text), source, 0, 0, text=str(text))
    variable = _VARIABLES[name]
    text = environ.get(variable)
    if not text:
        return None
    source = ConfigText(f"env {variable}", text=f"{variable}={text}", offset=len(variable) + 1)
    return ConfigNode(text, source, 0, 0, text=text)


def choice_of_single_target(
    targets: Mapping[str, str], label: str, given: SingleTargetChoice
) -> SingleTargetChoice:
    """Return the choice of the only one of *targets*, or of none if there are several.

    Args:
        label: names what lists them
        given: what else flags and variables say
    """
    target = None
    if len(targets) == 1:
        text = next(iter(targets.values()))
        target = ConfigNode(text, ConfigText(label), text=text)
    return given._replace(target=target, source=None)


def single_target_name(target: str) -> str:
    """Return the name of the one function that is served without a file."""
    attribute = target.rpartition(":")[2]
    if re.fullmatch(NAME_PATTERN, attribute):
        return attribute
    name = re.sub(r"[^A-Za-z0-9_-]", "-", attribute).lstrip("-_0123456789")[:63]
    return name or "function"


def single_target_tree(choice: SingleTargetChoice) -> ConfigNode:
    """Return the tree of a host that serves the one function without a file."""
    target = choice.target
    assert target is not None
    default = ConfigText(DEFAULT.label)

    def text(value: str) -> ConfigNode:
        return ConfigNode(value, default, text=value)

    function = {"target": target, "path": text("/")}
    if ":" not in str(target.value) or choice.source is not None:
        function["source"] = choice.source or text("main.py")
    if choice.signature is not None:
        function["signature"] = choice.signature
    root: dict[str, Any] = {"functions": {single_target_name(str(target.value)): function}}
    for section, key in _UNLIMITED:
        root.setdefault(section, {})[key] = text("unlimited")
    return _node(root, default)


def tree_of_listed_functions(targets: Mapping[str, str], label: str) -> ConfigNode:
    """Return the tree of a host of several functions that *label* lists, without a file."""
    source = ConfigText(label)
    entries = {
        name: {"target": ConfigNode(text, source, text=text)} for name, text in targets.items()
    }
    return _node({"functions": entries}, source)


def _node(value: Any, source: ConfigText) -> ConfigNode:
    if isinstance(value, ConfigNode):
        return value
    entries = {
        key: (ConfigNode(key, source, text=key), _node(inner, source))
        for key, inner in value.items()
    }
    return ConfigNode(entries, source)


def check_target_setting_beside_file(
    choice: SingleTargetChoice, problems: list[ConfigProblem]
) -> None:
    """Report a source or a signature that is given although there is a file."""
    for given, key in ((choice.source, "source"), (choice.signature, "signature")):
        if given is not None:
            problems.append(
                ConfigProblem(
                    "",
                    f"names the {key} of a function, but a configuration file is used",
                    given.origin,
                    f"remove it, or write '{key}' at the function in the file",
                )
            )


def check_single_target_setting(
    choice: SingleTargetChoice, functions: Any, report: ConfigProblemReporter
) -> None:
    """Report a target that is not among the functions of the file."""
    target = choice.target
    if target is None or not isinstance(functions, dict) or target.value in functions:
        return
    near = nearest_known_word(str(target.value), functions)
    known = ", ".join(functions) if len(functions) <= 20 else f"{len(functions)} functions"
    report.problems.append(
        ConfigProblem(
            "",
            f"the configuration has no function {target.value!r}",
            target.origin,
            f"did you mean {near!r}?" if near else f"known: {known}",
        )
    )
