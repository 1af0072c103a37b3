"""Conversion of a `LoadError` into a diagnostic with the place in the file."""

from __future__ import annotations

from collections.abc import Iterable

from ffhost.config import LoadedConfig
from ffhost.config.diagnostics import ConfigProblem
from ffhost.errors import LoadError


def config_problem_of_error(config: LoadedConfig, name: str, error: LoadError) -> ConfigProblem:
    """Return the diagnostic of *error*, which the function *name* or one of its hooks has."""
    at = error.key if isinstance(error.key, tuple) else ("functions", name, error.key)
    origin = config.locate(at)
    return ConfigProblem(".".join(at), error.message, origin, error.hint, error.notes, error.line)


def config_problem_from_code(problem: ConfigProblem) -> ConfigProblem:
    """Return *problem* as it is shown to somebody who edits code.

    It begins with the line of user code that is at fault, if there is one; the place in the
    configuration is a note.
    """
    if problem.line is None:
        return problem
    prefix = f"{problem.line}: "
    notes = [each.removeprefix(prefix) for each in problem.notes]
    place = ": ".join([*([problem.origin.place] if problem.origin else []), problem.path])
    message = prefix + problem.message.removeprefix(prefix)
    return ConfigProblem("", message, None, problem.hint, (*notes, place))


def merge_config_problems(problems: Iterable[ConfigProblem]) -> list[ConfigProblem]:
    """Return *problems* with one for each cause, which names all functions that it hits.

    A file that cannot be imported is one cause, however many functions it defines.
    """
    by_cause: dict[object, list[ConfigProblem]] = {}
    for problem in problems:
        where = "" if problem.path.startswith("functions.") else problem.path
        cause = (where, problem.message, problem.hint, problem.notes)
        by_cause.setdefault(cause, []).append(problem)
    return [_with_others(first, rest) for first, *rest in by_cause.values()]


def _with_others(problem: ConfigProblem, others: list[ConfigProblem]) -> ConfigProblem:
    others = [each for each in others if each != problem]
    if not others:
        return problem
    names = ", ".join(dict.fromkeys(each.path.split(".")[1] for each in others))
    return problem._replace(notes=(*problem.notes, f"it also keeps from loading: {names}"))
