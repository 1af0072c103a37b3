"""Problems that were found by path, and the lines that they belong to.

A mistake inside an aliased block is one mistake however often the block is used: it is
reported at its definition, and the uses are named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ffhost.config.diagnostics import DEFAULT, ConfigProblem, ValueOrigin
from ffhost.config.nodes import ConfigNode, PathKey, dotted_config_path, walk_config_path


class ConfigProblemReporter:
    """Collects problems over the tree *root*."""

    def __init__(self, root: ConfigNode, problems: list[ConfigProblem]) -> None:
        self.root = root
        self.problems = problems
        self.paths: set[PathKey] = set()
        self._uses: dict[ConfigProblem, list[str]] = {}

    def at(
        self,
        path: PathKey,
        message: str,
        hint: str | None = None,
        *,
        notes: Sequence[str] = (),
        key: bool = False,
        secret: bool = False,
    ) -> None:
        """Report the value at *path*, or its key, or the nearest place that was written.

        The line of a *secret* is not shown.
        """
        self.paths.add(path)
        message = self._masked(message, path)
        origin, use = self._place(path, key)
        if secret:
            origin = origin._replace(text=None)
        use_text = None
        if use is not None:
            use_text = f"{dotted_config_path(use[0])} ({use[1].place})"
            for known, uses in self._uses.items():
                if known.origin == origin and known.message == message:
                    if use_text not in uses:
                        uses.append(use_text)
                    return
        problem = ConfigProblem(dotted_config_path(path), message, origin, hint, tuple(notes))
        self.problems.append(problem)
        if use_text is not None:
            self._uses[problem] = [use_text]

    def _masked(self, message: str, path: PathKey) -> str:
        """Return *message* without the value at *path* if that is a secret."""
        if ", got " not in message:
            return message
        from ffhost.config.masked_places import is_masked_in_config, mask_of_config

        if not is_masked_in_config(path, mask_of_config(self.root)):
            return message
        return re.sub(r", got (?!a list$|a mapping$|nothing$).*", ", got a secret", message)

    def _place(
        self, path: PathKey, key: bool
    ) -> tuple[ValueOrigin, tuple[PathKey, ValueOrigin] | None]:
        levels = list(walk_config_path(self.root, path))
        use = None
        for depth, (key_node, value) in enumerate(levels):
            if value.use is not None:
                source, line, column = value.use
                merged = key_node is not None and key_node.use == value.use
                use = (path[: depth - merged], source.origin(line, column))
        key_node, value = levels[-1]
        complete = len(levels) == len(path) + 1
        if key_node is not None and (key or not complete):
            return key_node.origin, use
        if not complete and value.source.label == DEFAULT.label:
            return DEFAULT, use
        return value.origin, use

    def origin(self, path: PathKey, *, key: bool = False) -> ValueOrigin:
        """Return where the value at *path*, or its key, was written."""
        return self._place(path, key)[0]

    def result(self) -> list[ConfigProblem]:
        """Return all problems: files by line, then variables and flags as they were found."""
        finished = [self._with_uses(each) for each in self.problems]
        return sorted(dict.fromkeys(finished), key=_order)

    def _with_uses(self, problem: ConfigProblem) -> ConfigProblem:
        uses = self._uses.get(problem)
        if not uses:
            return problem
        note = "in an aliased block, used by " + ", ".join(uses)
        return ConfigProblem(
            problem.path, problem.message, problem.origin, problem.hint, (*problem.notes, note)
        )


def _order(problem: ConfigProblem) -> tuple[bool, str, int, int]:
    origin = problem.origin
    if origin is None or origin.file is None:
        return (True, "", 0, 0)
    return (False, origin.label, origin.line or 0, origin.column or 0)
