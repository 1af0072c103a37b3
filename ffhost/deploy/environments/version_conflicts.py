"""Requirements that no version satisfies together."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def requirements_contradict(first: str, second: str) -> bool:
    """Whether no version of a package satisfies both requirements of it, as far as can be told."""
    try:
        one, other = Requirement(first.partition(" --")[0]), Requirement(second)
        return not (one.url or other.url or one.marker) and _is_empty(
            one.specifier & other.specifier
        )
    except (InvalidRequirement, InvalidVersion):
        return False


def _is_empty(specifiers: SpecifierSet) -> bool:
    """Whether no version satisfies *specifiers*.

    The versions in *specifiers* and those next to them are tried: a range that contains a version
    contains one of these.
    """
    named = [each.version.removesuffix(".*") for each in specifiers if each.operator != "==="]
    if not named or any(each.operator == "===" for each in specifiers):
        return False
    candidates = [each for text in named for each in _around(Version(text))]
    candidates.append(Version("0"))
    return not any(specifiers.contains(each, prereleases=True) for each in candidates)


def _around(version: Version) -> list[Version]:
    """Return *version*, the smallest version before it, the next after it, and one between."""
    release = ".".join(map(str, version.release))
    *head, last = version.release
    following = ".".join(map(str, (*head, last + 1)))
    return [version, *map(Version, (f"{release}.dev0", following, f"{release}.0.1"))]
