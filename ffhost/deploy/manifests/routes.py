"""HTTPRoutes in front of workloads, which choose the same function as the host's own router.

A gateway knows prefixes only: of the prefixes that fit it takes the longest. The host knows
templates, and prefers more segments, then literals. Where the two would send one path to
different functions, `refusals` returns that path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any
from urllib.parse import quote

from ffhost.config.diagnostics import Problem
from ffhost.deploy.manifests.manifest_yaml import document
from ffhost.deploy.manifests.workloads import Described, ExportOptions, Limits
from ffhost.errors import ConfigError
from ffhost.web.routing import Responders, Router, parameter, pattern, segments

MOST_RULES = 16
"""Most rules of one HTTPRoute (Gateway API)."""

_OTHER = "~"
"""A segment that is different from every literal."""


def head(path: str) -> str:
    """Return the literal segments that a template begins with.

    >>> head("/users/{id}/orders")
    '/users'
    """
    literal: list[str] = []
    for segment in segments(path):
        if parameter(segment) is not None:
            break
        literal.append(segment)
    return "/" + "/".join(literal)


def http_routes(
    described: Described, options: ExportOptions, backends: Mapping[str, dict[str, Any]]
) -> Iterator[str]:
    """Write routes to the *backends* of the functions, the longest prefix first.

    A backend may hold ``filters`` for its rule as well as its reference.

    Raises:
        ConfigError: prefixes cannot separate the paths
    """
    problems = list(refusals(described.functions))
    if problems:
        raise ConfigError(problems)
    ordered = sorted(described.functions, key=_longest_first)
    comments = _comments(ordered)
    for number, start in enumerate(range(0, len(ordered), MOST_RULES), 1):
        rules = [
            _rule(each, dict(backends[each.name])) for each in ordered[start : start + MOST_RULES]
        ]
        name = options.name if number == 1 else f"{options.name}-{number}"
        yield document(_route(options, name, rules), comments)
        comments = []


def _longest_first(limits: Limits) -> tuple[int, str]:
    return -len(segments(head(limits.path))), limits.path


def _rule(limits: Limits, backend: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": quote(head(limits.path))}}]
    }
    filters = backend.pop("filters", None)
    if filters:
        rule["filters"] = filters
    return {**rule, "backendRefs": [backend]}


def _route(options: ExportOptions, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    namespace, _, gateway = options.gateway.rpartition("/")
    parent = {"name": gateway, **({"namespace": namespace} if namespace else {})}
    metadata: dict[str, Any] = {"name": name}
    if options.namespace is not None:
        metadata["namespace"] = options.namespace
    metadata["labels"] = {"app.kubernetes.io/name": options.name}
    spec: dict[str, Any] = {"parentRefs": [parent]}
    if options.hostnames:
        spec["hostnames"] = list(options.hostnames)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {**spec, "rules": rules},
    }


def _comments(functions: Sequence[Limits]) -> list[str]:
    widened = [each for each in functions if head(each.path) != each.path]
    lines = ["Every path leads to the same function as in one host."]
    lines += [
        f"{each.name} gets all paths below {head(each.path)}, "
        f"also those that {each.path} does not match."
        for each in widened
    ]
    return lines


def refusals(functions: Sequence[Limits]) -> Iterator[Problem]:
    """Return a problem for each pair of functions whose paths prefixes cannot separate."""
    hint = "choose paths that begin differently, or serve them in one host"
    for first, second in combinations(functions, 2):
        at = f"functions.{second.name}.path"
        if pattern(first.path) == pattern(second.path):
            yield Problem(
                at,
                f"{first.name} and {second.name} share {second.path} with different methods, "
                "and a prefix does not see the method",
                second.origin,
                hint,
            )
        elif head(first.path) == head(second.path):
            yield Problem(
                at,
                f"{first.path} of {first.name} and {second.path} of {second.name} both begin "
                f"with {head(first.path)}, and a prefix ends before the first parameter",
                second.origin,
                hint,
            )
        else:
            path = misled(first, second)
            if path is not None:
                yield Problem(
                    at,
                    f"{path} leads to {_host(path, first, second)} in one host, but by its longest "
                    f"prefix to {_gateway(path, first, second)}",
                    second.origin,
                    hint,
                )


def misled(first: Limits, second: Limits) -> str | None:
    """Return a path that the gateway would send to the other function; None if there is none.

    It is enough to try, at each place, the literals of that place and one other segment.
    """
    parts = segments(first.path), segments(second.path)
    most = max(map(len, parts))
    if not _nested(segments(head(first.path)), segments(head(second.path))):
        return None
    places = [_choices(place, parts) for place in range(most)]
    router = _router(first, second)
    for length in range(most + 1):
        for chosen in product(*places[:length]):
            path = "/" + "/".join(chosen)
            owner = router.find(path)[0]
            if isinstance(owner, Limits) and owner is not _longest(path, first, second):
                return path
    return None


def _nested(mine: list[str], other: list[str]) -> bool:
    """Whether one of two prefixes begins with the other."""
    shared = min(len(mine), len(other))
    return mine[:shared] == other[:shared]


def _choices(place: int, templates: Sequence[list[str]]) -> list[str]:
    found = {each[place] for each in templates if place < len(each)}
    return [*sorted(each for each in found if parameter(each) is None), _OTHER]


def _router(*functions: Limits) -> Router:
    router = Router(print)
    for each in functions:
        router.mount(each.path, each, Responders({}, print))
    return router


def _host(path: str, *functions: Limits) -> str:
    return str(_router(*functions).find(path)[0].name)


def _longest(path: str, *functions: Limits) -> Limits | None:
    given = segments(path)
    fitting = [
        each
        for each in functions
        if given[: len(segments(head(each.path)))] == segments(head(each.path))
    ]
    return max(fitting, key=lambda each: len(segments(head(each.path))), default=None)


def _gateway(path: str, *functions: Limits) -> str:
    found = _longest(path, *functions)
    return "nobody" if found is None else found.name
