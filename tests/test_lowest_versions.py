"""The lowest versions that pyproject.toml allows, for ``make oldest``."""

from __future__ import annotations

import re
import tomllib

from tests.lowest_versions import FOR_DEVELOPERS, ROOT, constraints

PROJECT = {
    "dependencies": ["PyYAML>=6.0.1,<7", "uvloop>=0.19; sys_platform != 'win32'", "click >= 8.1"],
    "optional-dependencies": {
        "flask": ["flask>=3.0", "web_thing[fast]>=1.2,<3"],
        "all": ["ffhost[flask]"],
        "dev": ["pytest>=8", "flask>=3.1"],
        "agents": [],
        "docs": ["mkdocs>=1"],
        "cluster": [],
    },
}


def test_what_is_installed_is_the_lowest_and_tools_stay_as_pinned() -> None:
    pinned = "pytest==9.1\nflask==3.1.3\nmkdocs==1.6\nsomething==2\n"
    assert constraints(PROJECT, pinned) == [
        "click==8.1",
        "flask==3.0",
        "pyyaml==6.0.1",
        "uvloop==0.19",
        "web-thing==1.2",
        "pytest==9.1",
        "mkdocs==1.6",
    ]


def test_every_requirement_has_a_lowest_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = list(project["dependencies"])
    for extra, more in project["optional-dependencies"].items():
        if extra not in FOR_DEVELOPERS:
            requirements += more
    assert [each for each in requirements if not re.search(r">=|^ffhost\[", each)] == []
