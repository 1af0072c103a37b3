"""Values that are valid by themselves but contradict each other.

Works on plain values that may not be validated yet, so that contradictions are reported
together with the mistakes that the models find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ffhost.config.config_variables import variable_form
from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import PathKey, dotted_config_path
from ffhost.config.settings import BUILT_IN_HOOKS, EVENT_OR_TYPED, NAME_PATTERN
from ffhost.config.settings.auth_settings import PUBLIC

_LOCAL = ("127.0.0.1", "::1", "localhost")


def check_contradictions(values: dict[str, Any], report: ConfigProblemReporter) -> None:
    """Report every contradiction in *values*."""
    functions = _mapping(values.get("functions"))
    if not functions and ("functions",) not in report.paths:
        report.at(
            ("functions",),
            "the configuration has no functions",
            "write 'functions: {hello: {target: \"main.py:hello\"}}'",
            key="functions" in values,
        )
    _check_listeners(values, report)
    _check_console(values, report)
    _check_hooks(_mapping(values.get("tracing")), ("tracing",), (), report)
    host_hooks = tuple(_mapping(_mapping(values.get("tracing")).get("hooks")))
    for name, function in functions.items():
        path: PathKey = ("functions", name)
        if not re.fullmatch(NAME_PATTERN, name):
            report.at(
                path,
                f"{name!r} is not a valid function name",
                "a letter, then at most 62 letters, digits, '-' and '_'",
                key=True,
            )
        if isinstance(function, dict):
            for rule, keys in FUNCTION_RULES.items():
                if not keys.isdisjoint(function):
                    rule(function, path, report)
            if "tracing" in function:
                hooks = _mapping(function["tracing"])
                _check_hooks(hooks, (*path, "tracing"), host_hooks, report)
    _check_calls(functions, report)
    _check_auth(values, report)
    _check_forms(list(functions), report)
    _check_collisions(functions, report)
    _check_addresses(values, functions, report)
    _check_tools(values, functions, report)


_ADDRESSES = (("events", "/events"), ("mcp", "/mcp"), ("openapi", "/openapi.json"))
"""The host's own addresses on the public port, with their default paths."""


def _check_addresses(
    values: dict[str, Any], functions: dict[str, Any], report: ConfigProblemReporter
) -> None:
    served = {
        str(function.get("path", f"/{name}")): name
        for name, function in functions.items()
        if isinstance(function, dict)
    }
    taken: dict[str, str] = {}
    for section, default in _ADDRESSES:
        if not isinstance(values.get(section), dict):
            continue
        path = str(values[section].get("path", default))
        other = taken.setdefault(path, section)
        if other != section:
            message = f"{path} is the address of {other!r} already"
            report.at((section, "path"), message, "give one of them another path")
        if path in served:
            report.at(
                ("functions", served[path]),
                f"{served[path]} is served at {path}, which is the address of {section!r}",
                "give one of them another path",
                key=True,
            )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_auth(values: dict[str, Any], report: ConfigProblemReporter) -> None:
    sections = [
        values.get("admin"),
        values.get("defaults"),
        values.get("events"),
        values.get("mcp"),
        *_mapping(values.get("functions")).values(),
    ]
    if "auth" in values or any("auth" in _mapping(each) for each in sections):
        from ffhost.config.auth_rules import check_auth_settings

        check_auth_settings(values, report)


def _check_listeners(values: dict[str, Any], report: ConfigProblemReporter) -> None:
    server, admin = _mapping(values.get("server")), _mapping(values.get("admin"))
    port = admin.get("port", 9901)
    if admin.get("enabled") is not True or port == 0 or port != server.get("port", 8080):
        return
    mine, other = admin.get("host", "127.0.0.1"), server.get("host", "0.0.0.0")
    if mine == other or {mine, other} & {"0.0.0.0", "::"}:
        report.at(
            ("admin", "port"),
            f"the server already listens on port {port}",
            "give the admin listener a port of its own",
            notes=(f"server.port is set at {report.origin(('server', 'port')).place}",),
        )


def _check_console(values: dict[str, Any], report: ConfigProblemReporter) -> None:
    """Report a console that nobody could reach, or that anybody could."""
    if _mapping(values.get("console")).get("enabled") is not True:
        return
    admin = _mapping(values.get("admin"))
    if admin.get("enabled") is not True:
        report.at(
            ("console", "enabled"),
            "the console is a page of the admin listener, which is off",
            "write 'admin: {enabled: true}'",
        )
    elif config_opens_admin_to_others(admin.get("host", _LOCAL[0]), admin.get("auth")):
        report.at(
            ("console", "enabled"),
            f"whoever reaches {admin.get('host')} could call every function past its auth",
            "write 'admin: {auth: ...}', or let admin.host be 127.0.0.1",
        )


def config_opens_admin_to_others(host: Any, auth: Any) -> bool:
    """Whether other machines reach an admin listener at *host* without credentials."""
    local = isinstance(host, str) and (host.strip("[]") in _LOCAL or host.startswith("unix:"))
    return not local and auth in (None, PUBLIC, [PUBLIC])


def _check_hooks(
    tracing: dict[str, Any], path: PathKey, known: tuple[str, ...], report: ConfigProblemReporter
) -> None:
    for name, hook in _mapping(tracing.get("hooks")).items():
        if isinstance(hook, dict) and "target" not in hook and name not in known + BUILT_IN_HOOKS:
            near = nearest_known_word(name, BUILT_IN_HOOKS)
            report.at(
                (*path, "hooks", name),
                f"{name!r} is not a built-in hook and has no target",
                f"did you mean {near!r}?" if near else "write 'target: mycompany.hooks:audit'",
                key=True,
            )


# ── one function ──────────────────────────────────────────────────────────────


def _check_target(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    target, source = function.get("target"), function.get("source")
    if not isinstance(target, str):
        return
    if source is not None and ":" in target:
        report.at(
            (*path, "target"),
            f"{target!r} names a file or module, and so does 'source'",
            f"write {target.rpartition(':')[2]!r}, or remove 'source'",
        )
    elif source is None and re.fullmatch(r"[A-Za-z_]\w*", target):
        report.at(
            (*path, "target"),
            f"{target!r} does not name a file or module",
            f"write 'main.py:{target}', or add 'source: main.py'",
        )
    elif source is None and ":" not in target and not target.endswith(".py"):
        module, _, attribute = target.rpartition(".")
        if module:
            report.at(
                (*path, "target"),
                f"{target!r} has no ':' between module and function",
                f"write '{module}:{attribute}'",
            )


def _check_isolation(
    function: dict[str, Any], path: PathKey, report: ConfigProblemReporter
) -> None:
    isolated = function.get("isolation", "thread") == "process"
    for key in ("processes", "memory", "requirements"):
        if key in function and not isolated:
            report.at(
                (*path, key),
                f"{key!r} is for functions with isolation: process",
                "add 'isolation: process', or remove this line",
                key=True,
            )
    if "processes" in function and "concurrency" in function:
        report.at(
            (*path, "concurrency"),
            "an isolated function is limited by its processes, not by concurrency",
            "remove 'concurrency'",
            key=True,
            notes=(f"'processes' is at {report.origin((*path, 'processes'), key=True).place}",),
        )
    elif isolated and "concurrency" in function:
        report.at(
            (*path, "concurrency"),
            "an isolated function has processes instead of concurrency",
            "write 'processes' instead of 'concurrency'",
            key=True,
        )


def _check_gone(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    if function.get("gone") is True and function.get("enabled", True) is True:
        report.at(
            (*path, "gone"),
            "a function cannot be both gone and enabled",
            "add 'enabled: false', or remove this line",
            key=True,
        )


def _check_methods(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    methods, signature = function.get("methods"), function.get("signature")
    if not isinstance(methods, list):
        return
    for index, method in enumerate(methods):
        if method in methods[:index]:
            report.at((*path, "methods", index), f"{method!r} occurs twice")
    if signature in EVENT_OR_TYPED and "POST" not in methods:
        report.at(
            (*path, "methods"),
            f"functions of signature {signature!r} are called with POST",
            "add POST, or remove this line",
        )


def _check_request(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    signature, request = function.get("signature", "http"), function.get("request") or "auto"
    if signature != "http" and request != "auto":
        report.at(
            (*path, "request"),
            f"a function of signature {signature!r} does not get a request",
            "remove this line, or write 'signature: http'",
            key=True,
        )
    if signature not in ("http", "wsgi", "asgi") and function.get("strip_path") is True:
        report.at(
            (*path, "strip_path"),
            f"a function of signature {signature!r} does not get a path",
            "remove this line, or write 'signature: http'",
            key=True,
        )


def _check_cors(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    cors = _mapping(function.get("cors"))
    origins = cors.get("allow_origins")
    everyone = origins == "*" or (isinstance(origins, list) and "*" in origins)
    if cors.get("allow_credentials") is True and everyone:
        report.at(
            (*path, "cors", "allow_credentials"),
            "browsers refuse credentials where every origin is allowed",
            "list the origins in allow_origins",
            key=True,
        )
    if "cors" in function and isinstance(function["cors"], dict) and not origins:
        report.at(
            (*path, "cors"),
            "allows no origin",
            "write 'allow_origins: [\"https://app.example.com\"]'",
            key=True,
        )


def _check_examples(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    examples = function.get("examples")
    for index, example in enumerate(examples if isinstance(examples, list) else ()):
        here = (*path, "examples", index)
        if not isinstance(example, dict):
            continue
        if ("request" in example) == ("event" in example):
            both = "request" in example
            report.at(
                here,
                "an example needs either a request or an event" + (", not both" if both else ""),
                None if both else "write 'request: {method: GET}'",
            )
        for part in ("request", "response"):
            inner = _mapping(example.get(part))
            if "body" in inner and "json" in inner:
                report.at(
                    (*here, part, "json"), "a message cannot have both a body and json", key=True
                )


def _check_subscriptions(
    function: dict[str, Any], path: PathKey, report: ConfigProblemReporter
) -> None:
    signature = function.get("signature")
    if not function.get("subscriptions") or signature in (None, "cloudevent", "event"):
        return
    report.at(
        (*path, "subscriptions"),
        f"a function of signature {signature!r} cannot subscribe to events",
        "write 'signature: cloudevent'",
        key=True,
    )


def _check_schedules(
    function: dict[str, Any], path: PathKey, report: ConfigProblemReporter
) -> None:
    methods = function.get("methods")
    if function.get("schedules") and isinstance(methods, list) and "POST" not in methods:
        report.at(
            (*path, "schedules"),
            "a schedule calls the function with POST, which is not among its methods",
            "add POST to its methods",
            key=True,
        )


def _check_tool(function: dict[str, Any], path: PathKey, report: ConfigProblemReporter) -> None:
    signature = function.get("signature")
    if function.get("tool") is not True or signature == "typed":
        return
    if signature is not None:
        report.at(
            (*path, "tool"),
            f"a function of signature {signature!r} cannot be a tool",
            "write 'signature: typed', or remove this line",
            key=True,
        )
    elif function.get("lazy") is True:
        report.at(
            (*path, "tool"),
            "it is known only when the function is loaded whether it can be a tool",
            "write 'signature: typed'",
            key=True,
        )


FUNCTION_RULES: dict[
    Callable[[dict[str, Any], PathKey, ConfigProblemReporter], None], frozenset[str]
] = {
    _check_target: frozenset({"target"}),
    _check_isolation: frozenset({"isolation", "processes", "memory", "requirements"}),
    _check_gone: frozenset({"gone"}),
    _check_methods: frozenset({"methods"}),
    _check_request: frozenset({"request", "strip_path"}),
    _check_cors: frozenset({"cors"}),
    _check_examples: frozenset({"examples"}),
    _check_subscriptions: frozenset({"subscriptions"}),
    _check_schedules: frozenset({"schedules"}),
    _check_tool: frozenset({"tool"}),
}
"""Rules, and the keys of a function of which each needs at least one to find anything."""


# ── functions beside each other ───────────────────────────────────────────────


def _check_tools(
    values: dict[str, Any], functions: dict[str, Any], report: ConfigProblemReporter
) -> None:
    if "mcp" in values:
        return
    for name, function in functions.items():
        if _mapping(function).get("tool") is True:
            report.at(
                ("functions", name, "tool"),
                "there is no address at which agents could find the tool",
                "write 'mcp: {path: /mcp}'",
                key=True,
            )


def _check_calls(functions: dict[str, Any], report: ConfigProblemReporter) -> None:
    for name, function in functions.items():
        called = _mapping(function).get("calls")
        for index, other in enumerate(called if isinstance(called, list) else ()):
            if isinstance(other, str) and other not in functions:
                near = nearest_known_word(other, functions)
                report.at(
                    ("functions", name, "calls", index),
                    f"there is no function {other!r}",
                    f"did you mean {near!r}?" if near else None,
                )


def _check_forms(names: list[str], report: ConfigProblemReporter) -> None:
    first: dict[str, str] = {}
    for name in names:
        form = variable_form(name)
        other = first.setdefault(form, name)
        if other != name:
            report.at(
                ("functions", name),
                f"{name!r} and {other!r} have the same form in environment variables: {form}",
                "rename one of them",
                key=True,
                notes=(_note(other, report),),
            )


def _note(name: str, report: ConfigProblemReporter) -> str:
    return f"{name!r} is at {report.origin(('functions', name), key=True).place}"


def _check_collisions(functions: dict[str, Any], report: ConfigProblemReporter) -> None:
    """Report functions with the same path pattern and a common method.

    Where a method is known only once the function is loaded, the router reports it.
    """
    patterns: dict[str, list[tuple[str, dict[str, Any], str]]] = {}
    for name, function in functions.items():
        path = _mapping(function).get("path", f"/{name}")
        if not isinstance(path, str):
            continue
        pattern = re.sub(r"\{[^{}/]*\}", "{}", path)
        others = patterns.setdefault(pattern, [])
        for other, other_function, other_path in others:
            shared = _shared_method(function, other_function)
            if shared is None:
                continue
            report.at(
                ("functions", name, "path"),
                f"{other!r} has the same path: both match {shared} {_example(path)}",
                "give one of them another path, or other methods",
                notes=(_where(other, other_path, report),),
            )
            break
        others.append((name, function, path))


def _where(name: str, path: str, report: ConfigProblemReporter) -> str:
    place = report.origin(("functions", name, "path")).place
    return f"{dotted_config_path(('functions', name, 'path'))} is {path!r} at {place}"


def _example(pattern: str) -> str:
    """Return a path that *pattern* matches: ``/users/1`` for ``/users/{id}``."""
    return re.sub(r"\{[^{}/]*\}", "1", pattern)


def _shared_method(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return a method that both are known to answer, or None."""
    certain = [set(_certain(each)) for each in (first, second)]
    return next(
        (
            method
            for method in ("GET", "POST", *sorted(certain[0]))
            if method in certain[0] & certain[1]
        ),
        None,
    )


def _certain(function: dict[str, Any]) -> Iterator[str]:
    """Return the methods that a function answers, independent of its decorator."""
    methods, signature = function.get("methods"), function.get("signature")
    if isinstance(methods, list):
        yield from (each for each in methods if isinstance(each, str))
        if "GET" in methods:
            yield "HEAD"
        return
    yield "POST"
    if signature in ("http", "wsgi", "asgi"):
        yield from ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
