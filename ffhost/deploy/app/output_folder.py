"""A folder of generated files that can be written again without losing changes made by hand.

A manifest in the folder holds a digest of each file as it was written. A file with another
digest was changed by hand, and is kept unless *force* is set.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ffhost.errors import StartupError


class AppFilesChangedByHand(StartupError):
    """Files that would be replaced were changed by hand."""

    def __init__(self, folder: str, names: list[str]) -> None:
        self.names = names
        listed = "\n".join(f"  {name}" for name in names)
        super().__init__(
            f"{folder} holds files that were not written by ffhost or have been changed since; "
            f"nothing was written, --force overwrites them:\n{listed}"
        )


@dataclass(slots=True)
class WrittenAppFiles:
    """The names of files by what was done with them.

    ``kept`` are files that were changed by hand, and whose generated text is the same as before.
    """

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def write_app_folder(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    manifest: str,
    force: bool = False,
    shown: str | None = None,
) -> WrittenAppFiles:
    """Write *files* into *folder*, and remove files of an earlier run that are not among them.

    Args:
        manifest: name of the file that records what was written
        force: overwrite files that were changed by hand
        shown: the folder as the user wrote it

    Raises:
        AppFilesChangedByHand: files that would be replaced were changed by hand
    """
    known = _read_manifest(folder / manifest)
    written, refused = WrittenAppFiles(), []
    to_write: list[str] = []
    for name, content in sorted(files.items()):
        before = _digest_of(folder / name)
        after = digest_of_app_file(content)
        if before is None:
            written.created.append(name)
            to_write.append(name)
        elif before == after:
            written.unchanged.append(name)
        elif force or known.get(name) == before:
            written.updated.append(name)
            to_write.append(name)
        elif known.get(name) == after:
            written.kept.append(name)
        else:
            refused.append(name)
    if refused:
        raise AppFilesChangedByHand(shown or str(folder), refused)
    for name in sorted(known.keys() - files.keys()):
        if _digest_of(folder / name) == known[name]:
            (folder / name).unlink()
            _remove_empty(folder / name, folder)
            written.removed.append(name)
    for name in to_write:
        _write(folder / name, files[name])
    digests = {name: digest_of_app_file(content) for name, content in sorted(files.items())}
    text = json.dumps({"written": digests}, indent=2, ensure_ascii=False) + "\n"
    _write(folder / manifest, text.encode())
    return written


def digest_of_app_file(content: bytes) -> str:
    """Return the digest that the manifest holds."""
    return hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str | None:
    try:
        return digest_of_app_file(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartupError(f"cannot read {path}: {(error.strerror or '').lower()}") from error


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        written = json.loads(path.read_text())["written"]
        return {str(name): str(value) for name, value in written.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # without a manifest every file counts as changed by hand, which is the safe side
        return {}


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing."""
    try:
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.half")
        half.write_bytes(content)
        os.replace(half, path)
    except OSError as error:
        raise StartupError(f"cannot write {path}: {(error.strerror or '').lower()}") from error


def _remove_empty(path: Path, folder: Path) -> None:
    for parent in path.parents:
        if parent == folder or not parent.is_relative_to(folder) or any(parent.iterdir()):
            return
        parent.rmdir()
