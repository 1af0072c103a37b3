"""Conversion of a `LoadError` into a diagnostic with the place in the file."""

from __future__ import annotations

from collections.abc import Iterable

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import Problem
from ffhost.errors import LoadError


def problem_of(config: LoadedConfig, name: str, error: LoadError) -> Problem:
    """Return the diagnostic of *error*, which the function *name* or one of its hooks has."""
    at = error.key if isinstance(error.key, tuple) else ("functions", name, error.key)
    return Problem(".".join(at), error.message, config.locate(at), error.hint, error.notes)


def merged(problems: Iterable[Problem]) -> list[Problem]:
    """Return *problems* with one for each cause, which names all functions that it hits.

    A file that cannot be imported is one cause, however many functions it defines.
    """
    by_cause: dict[object, list[Problem]] = {}
    for problem in problems:
        where = "" if problem.path.startswith("functions.") else problem.path
        cause = (where, problem.message, problem.hint, problem.notes)
        by_cause.setdefault(cause, []).append(problem)
    return [_with_others(first, rest) for first, *rest in by_cause.values()]


def _with_others(problem: Problem, others: list[Problem]) -> Problem:
    others = [each for each in others if each != problem]
    if not others:
        return problem
    names = ", ".join(dict.fromkeys(each.path.split(".")[1] for each in others))
    return problem._replace(notes=(*problem.notes, f"it also keeps from loading: {names}"))
