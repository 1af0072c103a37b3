"""HTTPRoutes in front of workloads, which choose the same function as the host's own router.

A gateway knows prefixes only: of the prefixes that fit it takes the longest. The host knows
templates, and prefers more segments, then literals. Where the two would send one path to
different functions, `gateway_route_problems` returns that path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any
from urllib.parse import quote

from ffhost.config.diagnostics import ConfigProblem
from ffhost.deploy.manifests.manifest_yaml import manifest_as_yaml
from ffhost.deploy.manifests.workloads import ManifestOptions, ManifestValues, WorkloadLimits
from ffhost.errors import ConfigError
from ffhost.web.routing import (
    PathRouter,
    RouteResponders,
    path_pattern,
    route_path_parameter,
    split_path_segments,
)

MOST_RULES = 16
"""Most rules of one HTTPRoute (Gateway API)."""

_OTHER = "~"
"""A segment that is different from every literal."""


def gateway_path_prefix(path: str) -> str:
    """Return the literal segments that a template begins with.

    >>> head("/users/{id}/orders")
    '/users'
    """
    literal: list[str] = []
    for segment in split_path_segments(path):
        if route_path_parameter(segment) is not None:
            break
        literal.append(segment)
    return "/" + "/".join(literal)


def gateway_http_routes(
    described: ManifestValues, options: ManifestOptions, backends: Mapping[str, dict[str, Any]]
) -> Iterator[str]:
    """Write routes to the *backends* of the functions, the longest prefix first.

    A backend may hold ``filters`` for its rule as well as its reference.

    Raises:
        ConfigError: prefixes cannot separate the paths
    """
    problems = list(gateway_route_problems(described.functions))
    if problems:
        raise ConfigError(problems)
    ordered = sorted(described.functions, key=_longest_first)
    comments = _comments(ordered)
    for number, start in enumerate(range(0, len(ordered), MOST_RULES), 1):
        rules = [
            _rule(each, dict(backends[each.name])) for each in ordered[start : start + MOST_RULES]
        ]
        name = options.name if number == 1 else f"{options.name}-{number}"
        yield manifest_as_yaml(_route(options, name, rules), comments)
        comments = []


def _longest_first(limits: WorkloadLimits) -> tuple[int, str]:
    return -len(split_path_segments(gateway_path_prefix(limits.path))), limits.path


def _rule(limits: WorkloadLimits, backend: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "matches": [
            {"path": {"type": "PathPrefix", "value": quote(gateway_path_prefix(limits.path))}}
        ]
    }
    filters = backend.pop("filters", None)
    if filters:
        rule["filters"] = filters
    return {**rule, "backendRefs": [backend]}


def _route(options: ManifestOptions, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
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


def _comments(functions: Sequence[WorkloadLimits]) -> list[str]:
    widened = [each for each in functions if gateway_path_prefix(each.path) != each.path]
    lines = ["Every path leads to the same function as in one host."]
    lines += [
        f"{each.name} gets all paths below {gateway_path_prefix(each.path)}, "
        f"also those that {each.path} does not match."
        for each in widened
    ]
    return lines


def gateway_route_problems(functions: Sequence[WorkloadLimits]) -> Iterator[ConfigProblem]:
    """Return a problem for each pair of functions whose paths prefixes cannot separate."""
    hint = "choose paths that begin differently, or serve them in one host"
    for first, second in combinations(functions, 2):
        at = f"functions.{second.name}.path"
        if path_pattern(first.path) == path_pattern(second.path):
            yield ConfigProblem(
                at,
                f"{first.name} and {second.name} share {second.path} with different methods, "
                "and a prefix does not see the method",
                second.origin,
                hint,
            )
        elif gateway_path_prefix(first.path) == gateway_path_prefix(second.path):
            yield ConfigProblem(
                at,
                f"{first.path} of {first.name} and {second.path} of {second.name} both "
                f"begin with {gateway_path_prefix(first.path)}, and a prefix ends before the "
                "first parameter",
                second.origin,
                hint,
            )
        else:
            path = path_misled_by_gateway(first, second)
            if path is not None:
                yield ConfigProblem(
                    at,
                    f"{path} leads to {_host(path, first, second)} in one host, but by its longest "
                    f"prefix to {_gateway(path, first, second)}",
                    second.origin,
                    hint,
                )


def path_misled_by_gateway(first: WorkloadLimits, second: WorkloadLimits) -> str | None:
    """Return a path that the gateway would send to the other function; None if there is none.

    It is enough to try, at each place, the literals of that place and one other segment.
    """
    parts = split_path_segments(first.path), split_path_segments(second.path)
    most = max(map(len, parts))
    if not _nested(
        split_path_segments(gateway_path_prefix(first.path)),
        split_path_segments(gateway_path_prefix(second.path)),
    ):
        return None
    places = [_choices(place, parts) for place in range(most)]
    router = _router(first, second)
    for length in range(most + 1):
        for chosen in product(*places[:length]):
            path = "/" + "/".join(chosen)
            owner = router.find(path)[0]
            if isinstance(owner, WorkloadLimits) and owner is not _longest(path, first, second):
                return path
    return None


def _nested(mine: list[str], other: list[str]) -> bool:
    """Whether one of two prefixes begins with the other."""
    shared = min(len(mine), len(other))
    return mine[:shared] == other[:shared]


def _choices(place: int, templates: Sequence[list[str]]) -> list[str]:
    found = {each[place] for each in templates if place < len(each)}
    return [*sorted(each for each in found if route_path_parameter(each) is None), _OTHER]


def _router(*functions: WorkloadLimits) -> PathRouter:
    router = PathRouter(print)
    for each in functions:
        router.mount(each.path, each, RouteResponders({}, print))
    return router


def _host(path: str, *functions: WorkloadLimits) -> str:
    return str(_router(*functions).find(path)[0].name)


def _longest(path: str, *functions: WorkloadLimits) -> WorkloadLimits | None:
    given = split_path_segments(path)
    fitting = [
        each
        for each in functions
        if given[: len(split_path_segments(gateway_path_prefix(each.path)))]
        == split_path_segments(gateway_path_prefix(each.path))
    ]
    return max(
        fitting,
        key=lambda each: len(split_path_segments(gateway_path_prefix(each.path))),
        default=None,
    )


def _gateway(path: str, *functions: WorkloadLimits) -> str:
    found = _longest(path, *functions)
    return "nobody" if found is None else found.name
