"""Which function answers a path. Nothing here knows what a function is.

Falcon's compiled router compares literal segments one after another, which costs 17 µs a
call with a thousand functions. This one is a tree of dictionaries, and its cost depends on
the path alone. It takes the place of Falcon's own through ``App(router=...)``.

A template owns its path and everything below it. Of all templates that are a prefix of
the path the one with more segments wins; among equals a literal beats a parameter at the
first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Route: TypeAlias = tuple[Any, Mapping[str, Callable[..., Any]], dict[str, str], str]
"""What Falcon's ``find`` returns: resource, responders by method, parameters, template."""


_USUAL_METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})


def split_path_segments(path: str) -> list[str]:
    """Split a path or template into its segments; the root has none.

    >>> segments("/users/{id}/")
    ['users', '{id}', '']
    """
    return [] if path == "/" else path.split("/")[1:]


def route_path_parameter(segment: str) -> str | None:
    """Return the name in ``{name}``; None for a literal segment."""
    return segment[1:-1] if segment[:1] == "{" and segment[-1:] == "}" else None


def path_pattern(template: str) -> tuple[str | None, ...]:
    """Return *template* without the names of its parameters: equal for templates of the same paths.

    >>> pattern("/users/{id}") == pattern("/users/{name}")
    True
    """
    return tuple(
        None if route_path_parameter(part) is not None else part
        for part in split_path_segments(template)
    )


class RouteResponders(dict[str, Callable[..., Any]]):
    """Responders by method; *otherwise* answers every method that is not listed."""

    def __init__(
        self,
        responders: Mapping[str, Callable[..., Any]],
        otherwise: Callable[..., Any],
    ) -> None:
        super().__init__(responders)
        self._otherwise = otherwise

    def __missing__(self, method: str) -> Callable[..., Any]:
        if method in _USUAL_METHODS:  # found at once from now on
            self[method] = self._otherwise
        return self._otherwise


class _Node:
    __slots__ = ("literal", "parameter", "route")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        # resource, responders, template, names of the parameters
        self.route: tuple[Any, RouteResponders, str, tuple[str, ...]] | None = None


class PathRouter:
    """Templates to resources, in the form that Falcon asks for.

    Args:
        missing: the responder for paths that no template owns
    """

    def __init__(self, missing: Callable[..., Any]) -> None:
        self._root = _Node()
        self._exact: dict[str, Route] = {}
        self._missing: Route = (self, RouteResponders({}, missing), {}, "")

    def mount(self, template: str, resource: Any, responders: RouteResponders) -> None:
        """Mount *resource* at *template* and every path below it."""
        node = self._root
        names = []
        for part in split_path_segments(template):
            name = route_path_parameter(part)
            if name is None:
                node = node.literal.setdefault(part, _Node())
            else:
                names.append(name)
                node.parameter = node.parameter or _Node()
                node = node.parameter
        node.route = (resource, responders, template, tuple(names))
        if not names:
            self._exact[template] = (resource, responders, {}, template)

    def pin(self, path: str, resource: Any, responders: RouteResponders) -> None:
        """Mount *resource* at exactly *path*, and nothing below it."""
        self._exact[path] = (resource, responders, {}, path)

    def add_route(self, uri_template: str, resource: Any, **_: Any) -> None:
        """Raise, because functions are mounted by the host and not by Falcon's ``add_route``."""
        raise TypeError("functions are mounted with Router.mount")

    def find(self, uri: str, req: Any = None) -> Route:
        """Return the route that owns the decoded path *uri*; never None."""
        found = self._exact.get(uri)
        return found if found is not None else self._search(uri)

    def _search(self, uri: str) -> Route:
        parts = split_path_segments(uri)
        best: tuple[int, tuple[Any, RouteResponders, str, tuple[str, ...]], tuple[str, ...]] | None
        best = None
        # Depth first, literals before parameters: among equally long templates the first one wins.
        stack: list[tuple[_Node, int, tuple[str, ...]]] = [(self._root, 0, ())]
        while stack:
            node, depth, values = stack.pop()
            if node.route is not None and (best is None or depth > best[0]):
                best = (depth, node.route, values)
            if depth == len(parts):
                continue
            part = parts[depth]
            if node.parameter is not None and part:
                stack.append((node.parameter, depth + 1, (*values, part)))
            child = node.literal.get(part)
            if child is not None:
                stack.append((child, depth + 1, values))
        if best is None:
            return self._missing
        _, (resource, responders, template, names), values = best
        return resource, responders, dict(zip(names, values, strict=True)), template
