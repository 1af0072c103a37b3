"""Circles among functions that call each other by name, as the configuration declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def find_declared_call_circles(calls: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return each circle once, as names that end where they begin.

    A function that declares no calls may call all, which says nothing about what it does; it is
    to be left out of *calls*.

    >>> find_declared_call_circles({"a": ["b"], "b": ["c"], "c": ["a", "c"]})
    [('a', 'b', 'c', 'a'), ('c', 'c')]
    """
    found: dict[frozenset[str], tuple[str, ...]] = {}
    done: set[str] = set()
    for start in calls:
        _walk((start,), calls, done, found)
    return list(found.values())


def _walk(
    way: tuple[str, ...],
    calls: Mapping[str, Sequence[str]],
    done: set[str],
    found: dict[frozenset[str], tuple[str, ...]],
) -> None:
    for name in calls.get(way[-1], ()):
        if name in way:
            circle = way[way.index(name) :]
            found.setdefault(frozenset(circle), (*circle, name))
        elif name not in done:
            _walk((*way, name), calls, done, found)
    done.add(way[-1])
