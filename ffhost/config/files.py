"""The files of a configuration: finding them and reading them as trees.

A folder is a ConfigMap mounted whole: the files that it holds are symlinks through
``..data``, which is ignored like every name that begins with a dot.
"""

from __future__ import annotations

from pathlib import Path

from ffhost._regular_files import NotRegularFile, read_regular_file
from ffhost.config.diagnostics import ConfigProblem, ValueOrigin
from ffhost.config.nodes import ConfigNode, ConfigText, PathKey, dotted_config_path

MAX_BYTES = 8 * 1024 * 1024
"""Eight times the largest ConfigMap (1 MiB); a larger file was probably named by mistake."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def read_config_text(
    path: Path, label: str, problems: list[ConfigProblem], origin: ValueOrigin | None
) -> str | None:
    """Read a file as UTF-8, or append why it cannot be read and return None.

    *origin* is where the file is named; without one the problem is located in the file.
    """
    place = origin or ValueOrigin(label, path)
    subject = f"{label!r}: " if origin else ""
    try:
        data = read_regular_file(path, MAX_BYTES + 1)
    except NotRegularFile as error:
        hint = "write it to a file; the configuration may be read again at any time"
        problems.append(ConfigProblem("", subject + str(error), place, hint))
        return None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        problems.append(ConfigProblem("", subject + reason, place))
        return None
    except ValueError:
        problems.append(ConfigProblem("", subject + "not a valid file name", place))
        return None
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1024**2}MiB; this is not a configuration"
        problems.append(ConfigProblem("", subject + message, place))
        return None
    mark = next((name for start, name in _MARKS if data.startswith(start)), None)
    if mark is not None:
        hint = "save it as UTF-8"
        problems.append(
            ConfigProblem("", f"{subject}the text is {mark}, expected UTF-8", place, hint)
        )
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        if origin is None:
            place = ValueOrigin(label, path, line, column)
        message = f"{subject}the byte 0x{data[error.start]:02X} is not UTF-8"
        problems.append(ConfigProblem("", message, place, "save it as UTF-8"))
        return None


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def list_config_files(path: Path) -> list[Path]:
    """Return the files that a configuration at *path* consists of, in their order."""
    if not path.is_dir():
        return [path]
    return sorted(
        each for each in path.glob("*.yaml") if not each.name.startswith(".") and each.is_file()
    )


def read_config_tree(path: Path, label: Path, problems: list[ConfigProblem]) -> ConfigNode | None:
    """Read the file or folder at *path*, shown as *label*; None if nothing could be read."""
    if not path.is_dir():
        return _read_file(path, label, problems)
    for each in sorted(path.glob("*.yml")):
        if not each.name.startswith("."):
            shown = str(label / each.name)
            problems.append(
                ConfigProblem(
                    "",
                    "a folder is read for files that end with .yaml",
                    ValueOrigin(shown, label / each.name),
                    f"rename it to {each.stem}.yaml, or move it elsewhere",
                )
            )
    files = list_config_files(path)
    if not files:
        problems.append(
            ConfigProblem(
                "", "the folder holds no file that ends with .yaml", ValueOrigin(str(label), label)
            )
        )
        return None
    trees = [_read_file(each, label / each.name, problems) for each in files]
    merged = None
    for tree in trees:
        if tree is None or tree.value is None:
            continue
        if merged is None:
            merged = tree
        elif isinstance(merged.value, dict) and isinstance(tree.value, dict):
            merged = _merged(merged, tree, (), problems)
    return merged or next((tree for tree in trees if tree is not None), None)


def _read_file(path: Path, label: Path, problems: list[ConfigProblem]) -> ConfigNode | None:
    from ffhost.config.known_keys import settings_shape
    from ffhost.config.yaml_reader import YamlError, read_yaml

    text = read_config_text(path, str(label), problems, None)
    if text is None:
        return None
    source = ConfigText(str(label), file=label, text=text, references=True)
    try:
        tree = read_yaml(source, problems)
    except YamlError as error:
        problems.append(error.problem)
        return None
    source.tree = (tree, settings_shape())
    if tree.value is not None and not isinstance(tree.value, dict):
        problems.append(
            ConfigProblem(
                "", "expected a mapping of sections", tree.origin, "begin with 'functions:'"
            )
        )
        return None
    return tree


def _merged(
    first: ConfigNode, second: ConfigNode, path: PathKey, problems: list[ConfigProblem]
) -> ConfigNode:
    """Merge the mappings of two files; a key that both define is a problem.

    A function must be defined in one file. ``version`` may occur in every file.
    """
    merged = first.copy()
    for name, (key, value) in second.value.items():
        if name not in merged.value:
            merged.value[name] = (key, value)
            continue
        if name.startswith("x-"):
            continue
        other_key, other = merged.value[name]
        here = (*path, name)
        mappings = isinstance(value.value, dict) and isinstance(other.value, dict)
        if mappings and path != ("functions",):
            merged.value[name] = (other_key, _merged(other, value, here, problems))
        elif here != ("version",) or other.value != value.value:
            what = "function" if path == ("functions",) else "key"
            problems.append(
                ConfigProblem(
                    dotted_config_path(here),
                    f"the same {what} in two files",
                    key.origin,
                    notes=(f"the other one is at {other_key.origin.place}",),
                )
            )
    return merged
