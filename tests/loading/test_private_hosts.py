"""Ten folders with modules of the same names in one host: each function sees its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Serve

FOLDERS = range(10)
MAIN = """
import importlib, logging, pickle, threading
from dataclasses import dataclass
from unittest import mock

import helpers
import utils.names
from helpers import NAME as imported
from settings import *
from utils import names as from_package
import utils.names as aliased

@dataclass
class Thing:
    name: str

def lazily():
    from helpers import late
    return late()

def in_a_thread():
    found = []
    def look():
        import helpers
        found.append(helpers.NAME)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]

def patched():
    with mock.patch("helpers.NAME", "patched"):
        inside = helpers.NAME
    return "" if inside != "patched" else helpers.NAME

def everything():
    return {
        "import": helpers.NAME,
        "from": imported,
        "star": STARRED,
        "package": utils.names.NAME,
        "from package": from_package.NAME,
        "as": aliased.NAME,
        "relative": utils.names.above(),
        "late": lazily(),
        "thread": in_a_thread(),
        "importlib": importlib.import_module("helpers").NAME,
        "dunder import": __import__("utils.names").names.NAME,
        "pickle": pickle.loads(pickle.dumps(Thing(helpers.NAME))).name,
        "patch": patched(),
        "state": helpers.count(),
    }

def f(request):
    return everything()

async def g(request):
    return everything()
"""
FILES = {
    "helpers.py": "NAME = {name!r}\nseen = 0\ndef late():\n    import settings\n"
    "    return settings.STARRED\ndef count():\n    global seen\n    seen += 1\n    return seen\n",
    "settings.py": "STARRED = {name!r}\n",
    "utils/__init__.py": "",
    "utils/names.py": "from . import deeper\nNAME = {name!r}\n"
    "def above():\n    from .deeper import NAME\n    return NAME\n",
    "utils/deeper.py": "NAME = {name!r}\n",
}


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_each_of_ten_functions_answers_with_its_own_modules(
    serve: Serve, tmp_path: Path, isolation: str
) -> None:
    lines = ["functions:"]
    for number in FOLDERS:
        folder = tmp_path / f"folder{number}"
        (folder / "utils").mkdir(parents=True)
        (folder / "main.py").write_text(MAIN)
        for name, text in FILES.items():
            (folder / name).write_text(text.format(name=f"name{number}"))
        for target in "fg":
            isolated = ", isolation: process" if isolation == "process" and number == 3 else ""
            lines.append(f'  {target}{number}: {{target: "folder{number}/main.py:{target}"')
            lines[-1] += f"{isolated}}}"
    host = serve("", "\n".join(lines))
    paths = [f"/{target}{number}" for number in FOLDERS for target in "fg"]
    with ThreadPoolExecutor(5) as pool:
        answers = dict(zip(paths, pool.map(host.get, paths), strict=True))
    for number in FOLDERS:
        states = []
        for target in "fg":
            found = answers[f"/{target}{number}"].json()
            states.append(found.pop("state"))
            assert set(found.values()) == {f"name{number}"}, found
        # Functions of one folder share one copy, but not with processes of their own.
        separate = isolation == "process" and number == 3
        assert sorted(states) == ([1, 1] if separate else [1, 2])
