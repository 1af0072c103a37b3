"""Secrets written out in a configuration that an image or a manifest would carry along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ffhost.config.mask import SecretMask
from ffhost.config.masked_places import mask_of_config, masked_config_nodes, root_config_place
from ffhost.config.nodes import ConfigNode, ConfigText, PathKey, dotted_config_path
from ffhost.config.yaml_reader import read_yaml

_CONFIG_MAP = "into a ConfigMap, which is not for secrets"
_WHERE = {
    "kubernetes": _CONFIG_MAP,
    "knative": _CONFIG_MAP,
    "cloudrun": "into the image",
    "image": "into the image",
    "compose": "into config/, in plain text",
}


def find_secrets_to_deploy(files: Mapping[str, str], goal: str) -> list[str]:
    """Return a note for each secret that is written out in the configuration's *files*.

    Args:
        goal: what they are written for: a platform, or ``image``
    """
    notes = []
    for name, text in files.items():
        root = read_yaml(ConfigText(name, text=text), [])
        mask = mask_of_config(root)
        for path, node in _found(root, mask):
            notes.append(
                f"{name}:{(node.line or 0) + 1}: {dotted_config_path(path)}: this secret gets "
                f"{_WHERE[goal]}; {_instead(path, node)}"
            )
    return notes


def _found(root: ConfigNode, mask: SecretMask) -> Iterator[tuple[PathKey, ConfigNode]]:
    seen: set[int] = set()
    for path, node in masked_config_nodes(root, root_config_place(), mask):
        if isinstance(node.value, str) and "${" not in _without_defaults(node):
            seen.add(id(node))
            yield path, node
    for path, node in _scalars((), root):
        text = node.text or ""
        if id(node) not in seen and mask.text(text.partition("?")[0]) != text.partition("?")[0]:
            yield path, node


def _without_defaults(node: ConfigNode) -> str:
    """Return the text of *node* unless a reference in it has a default, which is written out."""
    text = node.text or ""
    return "" if ":-" in text else text


def _scalars(path: PathKey, node: ConfigNode) -> Iterator[tuple[PathKey, ConfigNode]]:
    if isinstance(node.value, dict):
        for name, (_, inner) in node.value.items():
            yield from _scalars((*path, name), inner)
    elif isinstance(node.value, list):
        for index, each in enumerate(node.value):
            yield from _scalars((*path, index), each)
    elif node.text is not None:
        yield path, node


def _instead(path: PathKey, node: ConfigNode) -> str:
    """Return what to write, for a value that may be a secret and for one that may not."""
    ours = path[:1] == ("auth",) or "config" in path or "options" in path or "env" in path
    if ours and not any(isinstance(step, str) and step.startswith("x-") for step in path):
        return "write {from_env: NAME} or {from_file: /run/secrets/NAME}"
    return 'write "${NAME}"'
