"""Evaluation of the merged tree: references replaced, secrets read, keys checked.

After that the models check single values.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ffhost.config.diagnostics import nearest_known_word
from ffhost.config.files import read_config_text
from ffhost.config.known_keys import ConfigShape
from ffhost.config.located_problems import ConfigProblemReporter
from ffhost.config.nodes import ConfigNode, PathKey, read_plain_scalar
from ffhost.config.removed_keys import REMOVED
from ffhost.config.settings import SecretSetting, show_setting

SECRET_KEYS = ("from_file", "from_env")
ABSENT: Any = object()
"""Returned in place of a value for which a problem was reported."""


def is_secret_reference(node: ConfigNode) -> bool:
    """Whether *node* is written as ``{from_file: …}`` or ``{from_env: …}``."""
    return isinstance(node.value, dict) and any(key in node.value for key in SECRET_KEYS)


def _stand_in(name: str) -> SecretSetting:
    """Return what stands for the secret *name*: long enough, and of a form that all rules take."""
    return SecretSetting("whsec_" + b64encode(sha256(name.encode()).digest()).decode())


class ConfigEvaluator:
    """Evaluates nodes to values; problems go to *report*.

    ``files`` are the files that were read, by absolute path.

    Args:
        unseen: collects the variables and files that are not there; None: they are problems
    """

    def __init__(
        self,
        report: ConfigProblemReporter,
        variables: Mapping[str, str],
        base: Path,
        unseen: dict[str, PathKey] | None = None,
    ) -> None:
        self.report = report
        self.unseen = unseen
        self.variables = variables
        self.base = base
        self.files: dict[Path, str | None] = {}

    def value(self, node: ConfigNode, shape: ConfigShape, path: PathKey) -> Any:
        """Return the value of *node*, or report a problem and return `ABSENT`."""
        kind = shape.kind
        value = self.scalar(node, path) if node.text is not None else node.value
        if value is ABSENT:
            return ABSENT
        if kind == "free":
            return self._free_root(node, value, shape, path)
        if kind in ("section", "map"):
            return self._mapping(node, value, shape, path)
        if value is None:
            self.report.at(path, "has no value", "remove the key, or give a value", key=True)
            return ABSENT
        if kind == "list" and shape.item is not None and isinstance(value, list):
            items = [
                self.value(item, shape.item, (*path, index)) for index, item in enumerate(value)
            ]
            return [item for item in items if item is not ABSENT]
        if is_secret_reference(node) and shape.secrets:
            secret = self._secret(node, path)
            return ABSENT if secret is None else secret
        if is_secret_reference(node):
            self.report.at(
                path,
                "a secret is not allowed here",
                "secrets are for a function's config and env, a trace hook's options and keys "
                "under auth; elsewhere write ${NAME}",
            )
            return ABSENT
        if isinstance(value, list):
            return [self.free(item, shape, (*path, index)) for index, item in enumerate(value)]
        return {} if isinstance(value, dict) else value

    def scalar(self, node: ConfigNode, path: PathKey) -> Any:
        """Return the value of a scalar after replacing references."""
        text = node.text or ""
        if not node.source.references or "${" not in text:
            return node.value
        from ffhost.config.interpolation import MissingVariable, interpolate_variables

        try:
            replaced = interpolate_variables(text, self.variables)
        except MissingVariable as missing:
            if self.unseen is not None:
                self.unseen.setdefault(missing.name, path)
                return ABSENT
            near = nearest_known_word(missing.name, self.variables)
            example = f"${{{missing.name}:-default}}"
            hint = f"did you mean '{near}'? " if near else ""
            self.report.at(path, str(missing), f"{hint}set it, or write {example}")
            return ABSENT
        except ValueError as error:
            self.report.at(path, str(error), "write $${ for a literal '${'")
            return ABSENT
        return read_plain_scalar(replaced) if node.plain else replaced

    def _mapping(self, node: ConfigNode, value: Any, shape: ConfigShape, path: PathKey) -> Any:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.report.at(path, f"expected a mapping, got {show_setting(value)}")
            return ABSENT
        result = {}
        for name, (_, inner) in value.items():
            if name.startswith("x-"):
                continue
            here = (*path, name)
            inner_shape = shape.child(name)
            if inner_shape is None:
                self._unknown(name, here, shape)
                continue
            converted = self.value(inner, inner_shape, here)
            if converted is not ABSENT:
                result[name] = converted
        return result

    def _unknown(self, name: str, path: PathKey, shape: ConfigShape) -> None:
        if path in REMOVED:
            self.report.at(path, *REMOVED[path], key=True)
            return
        near = nearest_known_word(name, shape.fields)
        if near:
            self.report.at(path, f"unknown key; did you mean {near!r}?", key=True)
            return
        self.report.at(path, "unknown key", "known here: " + ", ".join(shape.fields), key=True)

    def _free_root(self, node: ConfigNode, value: Any, shape: ConfigShape, path: PathKey) -> Any:
        if shape.nullable:
            return self.free(node, shape, path)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.report.at(path, f"expected a mapping, got {show_setting(value)}")
            return ABSENT
        return self.free(node, shape, path, root=True)

    def free(
        self, node: ConfigNode, shape: ConfigShape, path: PathKey, *, root: bool = False
    ) -> Any:
        """Return a value in which any key is allowed."""
        if node.text is not None:
            value = self.scalar(node, path)
            if value is ABSENT:
                return None if self.unseen is None else node.text
            return value
        if isinstance(node.value, list):
            return [self.free(item, shape, (*path, i)) for i, item in enumerate(node.value)]
        if not isinstance(node.value, dict):
            return node.value
        if shape.secrets and not root and is_secret_reference(node):
            return self._secret(node, path)
        return {
            name: self.free(inner, shape, (*path, name)) for name, (_, inner) in node.value.items()
        }

    def _secret(self, node: ConfigNode, path: PathKey) -> SecretSetting | None:
        if len(node.value) > 1:
            self.report.at(
                path,
                "a secret must have exactly one key",
                "write {from_file: PATH} or {from_env: NAME}",
            )
            return None
        kind, (_, named) = next(iter(node.value.items()))
        here = (*path, kind)
        name = self.scalar(named, here) if named.text is not None else named.value
        if name is ABSENT:
            return None
        if not isinstance(name, str) or not name:
            what = "the name of a file" if kind == "from_file" else "the name of a variable"
            self.report.at(here, f"expected {what}, got {show_setting(name)}", key=name is None)
            return None
        return self._from_env(name, here) if kind == "from_env" else self._from_file(name, here)

    def _from_env(self, name: str, path: PathKey) -> SecretSetting | None:
        value = self.variables.get(name)
        if value is None and self.unseen is not None:
            self.unseen.setdefault(name, path)
            return _stand_in(name)
        if value is None:
            near = nearest_known_word(name, self.variables)
            self.report.at(
                path,
                f"the environment variable {name!r} is not set",
                f"did you mean {near!r}?" if near else None,
            )
            return None
        return SecretSetting(value)

    def _from_file(self, name: str, path: PathKey) -> SecretSetting | None:
        file = self.base / name
        if self.unseen is not None and not file.exists():
            self.unseen.setdefault(name, path)
            return _stand_in(name)
        if file not in self.files:
            problems: list[Any] = []
            self.files[file] = read_config_text(file, name, problems, self.report.origin(path))
            for problem in problems:
                self.report.at(path, problem.message, problem.hint)
        text = self.files[file]
        if text is None:
            return None
        return SecretSetting(text.removesuffix("\n").removesuffix("\r"))
