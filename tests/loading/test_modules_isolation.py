"""Ten folders with modules of the same names: whatever the form of the import, each its own."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ffhost.loading.modules import load_module, plain_module_name

FOLDERS = range(10)

MAIN = """
import importlib
import threading

import helpers
import utils.text
import utils.text as text_alias
import utils.deep.core
from helpers import who as who_from
from helpers import *
from utils import text as text_from
from utils.text import shout
from . import helpers as relative_sibling
from .utils import text as relative_package
from .helpers import who as relative_who
from data.table import ROWS


def import_statement(): return helpers.who()
def import_dotted(): return utils.text.who()
def import_dotted_deep(): return utils.deep.core.who()
def import_as(): return text_alias.who()
def from_module(): return who_from()
def from_star(): return who()
def from_package(): return text_from.who()
def from_submodule(): return shout("").strip("!") or helpers.who()
def relative(): return relative_sibling.who()
def relative_in_package(): return relative_package.who()
def relative_name(): return relative_who()
def package_without_init(): return ROWS[0]
def sibling_of_a_sibling(): return helpers.through_sibling()
def parent_of_a_package(): return utils.text.through_parent()
def imports_main_back(): return helpers.through_main()


def lazy_import():
    import lazy
    return lazy.who()


def lazy_from():
    from lazy import who
    return who()


def lazy_relative():
    from . import lazy_too
    return lazy_too.who()


def import_module(): return importlib.import_module("helpers").who()
def import_module_dotted(): return importlib.import_module("utils.text").who()
def import_module_relative(): return importlib.import_module(".text", "utils").who()
def import_module_own_package(): return importlib.import_module(".helpers", __package__).who()
def dunder_import(): return __import__("helpers").who()
def dunder_import_fromlist(): return __import__("utils.text", fromlist=["who"]).who()


def from_exec():
    names = {}
    exec("import helpers\\nanswer = helpers.who()", names)
    return names["answer"]


def from_eval(): return eval("__import__('helpers').who()")


def _in_thread(work):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join()
    return answers[0]


def _import_in_thread():
    import threaded
    return threaded.who()


def import_in_a_thread(): return _in_thread(_import_in_thread)
def import_module_in_a_thread():
    return _in_thread(lambda: importlib.import_module("threaded").who())


class Lazily:
    def __call__(self):
        from utils.deep.core import who
        return who()


in_a_method = Lazily()


def in_a_comprehension(): return [__import__("helpers").who() for _ in range(1)][0]


def in_a_generator():
    def produce():
        import helpers
        yield helpers.who()
    return next(produce())


def find_spec():
    import importlib.util
    from pathlib import Path
    return Path(importlib.util.find_spec("helpers").origin).parent.name


def resource():
    import importlib.resources
    return (importlib.resources.files("utils") / "note.txt").read_text()


def resolve_name():
    import pkgutil
    return pkgutil.resolve_name("helpers:who")()


def a_module_named_like_the_standard_library():
    import random
    return random.who()


def a_module_named_like_an_installed_one():
    import pydantic
    return pydantic.who()
"""

WHO = "def who(): return {name!r}\n"


def write_folder(folder: Path) -> Path:
    """Write one example folder; every module of it answers with the folder's name."""
    who = WHO.format(name=folder.name)
    files = {
        "main.py": MAIN,
        "helpers.py": who
        + "import sibling\ndef through_sibling(): return sibling.who()\n"
        + "def through_main():\n    import main\n    return main.who_from()\n",
        "sibling.py": who,
        "lazy.py": who,
        "lazy_too.py": who,
        "threaded.py": who,
        "random.py": who,
        "pydantic.py": who,
        "utils/__init__.py": "",
        "utils/text.py": who
        + "def shout(text): return text + '!'\n"
        + "from . import deep\nfrom .. import helpers\n"
        + "def through_parent(): return helpers.who()\n",
        "utils/note.txt": folder.name,
        "utils/deep/__init__.py": "",
        "utils/deep/core.py": "from ..text import who\n",
        "data/table.py": f"ROWS = [{folder.name!r}]\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def mains(tmp_path_factory: pytest.TempPathFactory) -> list[ModuleType]:
    base = tmp_path_factory.mktemp("folders")
    return [load_module(write_folder(base / f"team{i}" / "fn") / "main.py") for i in FOLDERS]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    base = tmp_path_factory.mktemp("named")
    return {f"fn{i}": load_module(write_folder(base / f"fn{i}") / "main.py") for i in FOLDERS}


FORMS = {*re.findall(r"^def ([a-z]\w*)\(", MAIN, flags=re.MULTILINE), "in_a_method"}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_each_of_ten_folders_answers_with_its_own_module(
    named: dict[str, ModuleType], form: str
) -> None:
    answers = {name: getattr(module, form)() for name, module in named.items()}
    assert answers == {name: name for name in named}


def test_folders_of_the_same_name_are_different_packages(mains: list[ModuleType]) -> None:
    assert len({module.__name__ for module in mains}) == len(mains)
    assert {plain_module_name(module.__name__) for module in mains} == {"main"}


def test_no_plain_name_appears_in_sys_modules(named: dict[str, ModuleType]) -> None:
    for name in ("main", "helpers", "utils", "utils.text", "sibling", "lazy", "threaded"):
        assert name not in sys.modules
    assert "team0" not in sys.modules


def test_libraries_and_the_host_keep_the_standard_library(named: dict[str, ModuleType]) -> None:
    import random

    import pydantic

    assert random.random() < 1
    assert pydantic.BaseModel is sys.modules["pydantic"].BaseModel


def test_all_folders_at_once_in_threads(
    named: dict[str, ModuleType],
) -> None:
    wrong: list[Any] = []

    def call(name: str, function: Callable[[], str]) -> None:
        wrong.extend(answer for answer in (function() for _ in range(20)) if answer != name)

    threads = [
        threading.Thread(target=call, args=(name, getattr(module, form)))
        for name, module in named.items()
        for form in ("import_module", "lazy_import", "dunder_import")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_functions_of_one_folder_share_one_copy(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("calls = []\n")
    (tmp_path / "one.py").write_text("import helpers\n")
    (tmp_path / "two.py").write_text("from helpers import calls\n")
    one, two = load_module(tmp_path / "one.py"), load_module(tmp_path / "two.py")
    assert one.helpers.calls is two.calls
    assert load_module(tmp_path / "one.py") is one


def test_installed_packages_are_shared(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("import json, pydantic\nfrom email import message")
    one, two = (load_module(tmp_path / name / "main.py") for name in ("a", "b"))
    assert one.json is two.json is sys.modules["json"]
    assert one.pydantic is two.pydantic is sys.modules["pydantic"]
    assert one.message is two.message


def test_a_folder_of_data_hides_no_installed_package(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "welcome.txt").write_text("hello")
    (tmp_path / "main.py").write_text("import email.message\nfound = email.message.Message\n")
    assert load_module(tmp_path / "main.py").found is __import__("email.message").message.Message


def test_a_namespace_package_may_lie_in_the_folder_and_among_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site" / "acmecorp"
    own = tmp_path / "fn" / "acmecorp"
    for folder, module in ((installed, "common"), (own, "orders")):
        folder.mkdir(parents=True)
        (folder / f"{module}.py").write_text("class Thing: pass\n")
    (tmp_path / "fn" / "main.py").write_text(
        "import acmecorp\nimport acmecorp.common\nimport acmecorp.orders\n"
        "from acmecorp import common, orders\nfrom acmecorp.common import Thing\n"
        "from acmecorp.orders import Thing as Own\n"
        "assert acmecorp.common is common and acmecorp.orders is orders\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    main = load_module(tmp_path / "fn" / "main.py")
    assert main.Thing is sys.modules["acmecorp.common"].Thing
    assert main.Own.__module__ == main.orders.__name__ != "acmecorp.orders"


def test_a_module_written_during_a_call_is_found(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from pathlib import Path\n"
        "def look():\n"
        "    try:\n        import written_later\n"
        "    except ImportError as error:\n        return error.name\n"
        "    return written_later.value\n"
    )
    main = load_module(tmp_path / "main.py")
    assert main.look() == "written_later"
    (tmp_path / "written_later.py").write_text("value = 7\n")
    __import__("importlib").invalidate_caches()
    assert main.look() == 7


def test_builtins_changed_by_one_folder_stay_there(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "main.py").write_text(
        "import builtins\nbuiltins.open = lambda *_: 'changed'\ndef call(): return open('x')\n"
    )
    (tmp_path / "b" / "main.py").write_text("def call(): return open\n")
    assert load_module(tmp_path / "a" / "main.py").call() == "changed"
    assert load_module(tmp_path / "b" / "main.py").call() is open


def test_names_that_a_library_installs_into_builtins_are_seen(tmp_path: Path) -> None:
    import builtins

    vars(builtins).pop("_", None)  # doctests of other files leave it
    (tmp_path / "main.py").write_text(
        "import gettext\ngettext.install('messages')\nimport helpers\n"
        "def call(): return _('hello')\n"
    )
    (tmp_path / "helpers.py").write_text("")
    try:
        assert load_module(tmp_path / "main.py").call() == "hello"
    finally:
        del builtins._  # type: ignore[attr-defined]


def test_a_library_that_is_just_being_imported_gets_nothing_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "greedy_library.py").write_text(
        "import importlib\n"
        "try:\n    found = importlib.import_module('local_settings')\n"
        "except ImportError:\n    found = None\n"
        "def later(name): return importlib.import_module(name)\n"
    )
    (tmp_path / "fn").mkdir()
    (tmp_path / "fn" / "local_settings.py").write_text("")
    (tmp_path / "fn" / "calendar.py").write_text("")
    (tmp_path / "fn" / "main.py").write_text(
        "import greedy_library\nimport local_settings\n"
        "def plugin(): return greedy_library.later('local_settings')\n"
        "def standard(): return greedy_library.later('calendar')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    main = load_module(tmp_path / "fn" / "main.py")
    assert main.greedy_library.found is None
    assert main.plugin() is main.local_settings
    assert main.standard() is __import__("calendar")
