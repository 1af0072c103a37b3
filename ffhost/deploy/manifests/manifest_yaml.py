"""Manifests as YAML: keys in the order given, texts of several lines as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write a repeated value in full instead of an alias."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def manifest_as_yaml(value: dict[str, Any], comments: Sequence[str] = ()) -> str:
    """Write one manifest below its *comments*."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comments)
    body: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    return head + body


def join_manifests(documents: Sequence[str]) -> str:
    """Join manifests to one stream."""
    return "---\n".join(documents)
