"""Loading: once, whole or not at all, with provided modules, or under plain names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ffhost.loading.modules import (
    importing_at_most_once,
    load_module,
    load_module_named,
    module_import_seconds,
    plain_module_name,
    providers,
)

ROOT = Path(__file__).parents[2]


def write(folder: Path, **files: str) -> Path:
    """Write *files* (``main`` is ``main.py``) into *folder*."""
    for name, text in files.items():
        path = folder / f"{re.sub(r'(?<=[a-z])__(?=.)', '/', name)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def of(folder: Path) -> set[str]:
    """Name the modules in ``sys.modules`` that lie in *folder*."""
    return {
        plain_module_name(name)
        for name, module in sys.modules.items()
        if str(getattr(module, "__file__", None)).startswith(str(folder))
    }


def test_threads_that_load_at_once_run_the_module_once(tmp_path: Path) -> None:
    write(tmp_path, main="import time, helpers\nhelpers.runs.append(1)\ntime.sleep(0.02)\ndone = 1")
    write(tmp_path, helpers="runs = []")
    loaded: list[ModuleType] = []
    barrier = threading.Barrier(8)

    def load() -> None:
        barrier.wait()
        loaded.append(load_module(tmp_path / "main.py"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 8
    assert {module.done for module in loaded} == {1}
    assert loaded[0].helpers.runs == [1]


def test_two_ways_to_the_same_folder_are_one_folder(tmp_path: Path) -> None:
    write(tmp_path / "fn", main="")
    (tmp_path / "link").symlink_to(tmp_path / "fn")
    first = load_module(tmp_path / "fn" / "main.py")
    assert load_module(tmp_path / "link" / "main.py") is first
    assert load_module(tmp_path / "other" / ".." / "fn" / "main.py") is first


def test_a_link_that_is_turned_stays_the_folder_that_was_loaded(tmp_path: Path) -> None:
    write(tmp_path / "one", main="value = 1")
    write(tmp_path / "two", main="value = 2")
    (tmp_path / "current").symlink_to(tmp_path / "one")
    first = load_module(tmp_path / "current" / "main.py")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(tmp_path / "two")
    assert load_module(tmp_path / "current" / "main.py") is first


def test_a_failed_import_leaves_nothing_half_loaded(tmp_path: Path) -> None:
    write(tmp_path, main="import helpers\n1 / 0", helpers="import cycle", cycle="import main")
    with pytest.raises(ZeroDivisionError):
        load_module(tmp_path / "main.py")
    assert of(tmp_path) == set()


def test_what_a_neighbour_needs_survives_a_failed_import(tmp_path: Path) -> None:
    write(tmp_path, broken="import helpers\n1 / 0", main="import helpers", helpers="runs = []")
    with pytest.raises(ZeroDivisionError):
        load_module(tmp_path / "broken.py")
    assert of(tmp_path) == {"helpers"}
    assert load_module(tmp_path / "main.py").helpers.runs == []


def test_a_failed_import_can_be_tried_again(tmp_path: Path) -> None:
    write(
        tmp_path, main="import state\nstate.tries += 1\nassert state.tries > 1", state="tries = 0"
    )
    with pytest.raises(AssertionError):
        load_module(tmp_path / "main.py")
    assert load_module(tmp_path / "main.py").state.tries == 2


def test_one_attempt_runs_a_broken_module_once(tmp_path: Path) -> None:
    write(tmp_path, main="import state\nstate.tries += 1\n1 / 0", state="tries = 0")
    with importing_at_most_once():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError) as caught:
                load_module(tmp_path / "main.py")
            assert len(caught.traceback) < 20
    assert load_module(tmp_path / "state.py").tries == 1


def test_the_time_of_the_import_is_kept_for_every_function_of_the_module(tmp_path: Path) -> None:
    write(tmp_path, main="import time\ntime.sleep(0.02)")
    seconds = module_import_seconds(load_module(tmp_path / "main.py"))
    assert seconds >= 0.02
    assert module_import_seconds(load_module(tmp_path / "main.py")) == seconds
    assert module_import_seconds(sys.modules["json"]) == 0


@pytest.mark.parametrize("file", ["my-function.py", "main.v2.py", "class.py", "json.py"])
def test_any_file_name_can_be_loaded(tmp_path: Path, file: str) -> None:
    (tmp_path / "helpers.py").write_text("value = 3")
    (tmp_path / file).write_text("from . import helpers\nvalue = helpers.value")
    module = load_module(tmp_path / file)
    assert module.value == 3
    assert module.__file__ == str(tmp_path / file)


def test_a_module_by_name_comes_from_the_folder_first(tmp_path: Path) -> None:
    write(tmp_path, app__functions="from . import part", app__part="value = 1", email__mine="")
    module = load_module_named("app.functions", tmp_path)
    assert module.part.value == 1
    assert plain_module_name(module.__name__) == "app.functions"
    assert "app" not in sys.modules
    assert load_module_named("email.message", tmp_path) is __import__("email.message").message
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'app.nothing'$"):
        load_module_named("app.nothing", tmp_path)


@pytest.fixture
def provided() -> Iterator[dict[str, ModuleType]]:
    """Provide two modules of a made-up package, and one inside an installed one."""
    names = (
        "madeup",
        "madeup.aio",
        "xml.sax.provided",
        "spacename.cloud.fn",
        "spacename.cloud.fn.context",
    )
    modules = {name: ModuleType(name) for name in names}
    for name, module in modules.items():
        module.origin = name  # type: ignore[attr-defined]
    tops = {name.partition(".")[0] for name in names}
    for top in tops:
        providers[top] = modules.get
    yield modules
    for top in tops:
        del providers[top]


PROVIDED_FORMS = {
    "import madeup": "madeup.origin",
    "import madeup.aio": "madeup.aio.origin",
    "import madeup.aio as a": "a.origin",
    "from madeup import origin, aio": "origin + aio.origin",
    "from madeup.aio import origin": "origin",
    "import importlib": "importlib.import_module('madeup.aio').origin",
    "import xml.sax.provided": "xml.sax.provided.origin + xml.sax.__name__",
    "import xml.sax.provided, xml.dom": "xml.sax.provided.origin + xml.dom.__name__",
    "from xml.sax import provided, handler": "provided.origin + handler.__name__",
    "import xml.sax.provided as p, xml.sax.handler as h": "p.origin + h.__name__",
    "import spacename.cloud.fn.context": "spacename.cloud.fn.context.origin",
    "from spacename.cloud.fn.context import origin": "origin",
    "from spacename.cloud.fn import context": "context.origin",
    "from spacename.cloud import fn": "fn.origin",
    "import xml.dom": "xml.dom.__name__",
}


@pytest.mark.parametrize("plain", [False, True], ids=["private", "plain"])
@pytest.mark.parametrize("statement", PROVIDED_FORMS)
def test_user_code_can_import_what_is_provided(
    tmp_path: Path,
    provided: dict[str, ModuleType],
    statement: str,
    plain: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"provided_{len(PROVIDED_FORMS)}_{sorted(PROVIDED_FORMS).index(statement)}"
    expression = PROVIDED_FORMS[statement]
    (tmp_path / f"{name}.py").write_text(f"def call():\n    {statement}\n    return {expression}\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    answer = load_module(tmp_path / f"{name}.py", plain=plain).call()
    expected = {
        "madeup.origin": "madeup",
        "origin + aio.origin": "madeupmadeup.aio",
        "xml.sax.provided.origin + xml.sax.__name__": "xml.sax.providedxml.sax",
        "xml.sax.provided.origin + xml.dom.__name__": "xml.sax.providedxml.dom",
        "provided.origin + handler.__name__": "xml.sax.providedxml.sax.handler",
        "p.origin + h.__name__": "xml.sax.providedxml.sax.handler",
        "xml.dom.__name__": "xml.dom",
        "fn.origin": "spacename.cloud.fn",
        "origin": "madeup.aio" if "madeup" in statement else "spacename.cloud.fn.context",
    }.get(expression, "spacename.cloud.fn.context" if "context" in statement else "madeup.aio")
    assert answer == expected


def test_what_is_provided_is_for_user_code_only(
    tmp_path: Path, provided: dict[str, ModuleType]
) -> None:
    write(tmp_path, main="import madeup, xml.sax.provided")
    load_module(tmp_path / "main.py")
    import xml.sax

    assert not hasattr(xml.sax, "provided")
    assert not {"madeup", "xml.sax.provided", "spacename"} & set(sys.modules)
    with pytest.raises(ModuleNotFoundError):
        __import__("madeup")


def test_what_is_provided_wins_over_the_folder_and_leaves_the_rest(
    tmp_path: Path, provided: dict[str, ModuleType]
) -> None:
    write(tmp_path, madeup="origin = 'mine'", main="import madeup\nimport helpers", helpers="")
    assert load_module(tmp_path / "main.py").madeup is provided["madeup"]


def test_an_installed_package_that_holds_a_function_is_user_code(
    tmp_path: Path, provided: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "site", shop_of_test__functions="from madeup import origin")
    write(tmp_path / "site", shop_of_test____init__="")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    module = load_module_named("shop_of_test.functions", tmp_path / "empty")
    assert module.origin == "madeup"
    assert sys.modules["shop_of_test.functions"] is module


def run_plain(folder: Path, code: str) -> str:
    """Load ``main.py`` of *folder* plainly in a process of its own; give what *code* prints."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from ffhost.loading.modules import load_module, load_module_named\n"
        f"folder = Path({str(folder)!r})\n"
    ) + textwrap.dedent(code)
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_plain_module_keeps_its_name_and_its_folder_is_on_the_path(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="import helpers, pack.part\nfrom .near import value\nclass Thing: pass\n",
        helpers="import main",
        near="value = 5",
        pack__part="",
    )
    out = run_plain(
        tmp_path,
        """
        main = load_module(folder / "main.py", plain=True)
        assert sys.modules["main"] is main and main.__name__ == "main" == main.Thing.__module__
        assert sys.path[0] == str(folder)
        assert main.helpers is sys.modules["helpers"] and main.helpers.main is main
        assert main.value == 5 and main.pack.part is sys.modules["pack.part"]
        assert load_module(folder / "main.py", plain=True) is main
        assert load_module_named("pack.part", folder, plain=True) is main.pack.part
        import pickle
        assert type(pickle.loads(pickle.dumps(main.Thing()))) is main.Thing
        print("fine")
        """,
    )
    assert out == "fine"


def test_a_plain_folder_takes_nothing_from_libraries(tmp_path: Path) -> None:
    write(tmp_path, main="import calendar", calendar="mine = 1", click="mine = 1")
    out = run_plain(
        tmp_path,
        """
        main = load_module(folder / "main.py", plain=True)
        import calendar
        print(hasattr(calendar, "mine"), main.calendar is calendar)
        """,
    )
    assert out == "False True"


@pytest.mark.parametrize("file", ["calendar.py", "json.py", "yaml.py"])
def test_a_plain_name_that_is_taken_stays_with_its_owner(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("import helpers\nmine = helpers.value")
    (tmp_path / "helpers.py").write_text("value = 8")
    out = run_plain(
        tmp_path,
        f"""
        module = load_module(folder / {file!r}, plain=True)
        import calendar, json, yaml
        print(module.mine, any(hasattr(each, "mine") for each in (calendar, json, yaml)))
        """,
    )
    assert out == "8 False"


def test_importing_this_package_changes_nothing(tmp_path: Path) -> None:
    out = run_plain(
        tmp_path,
        """
        import importlib, pickle
        print(importlib.import_module.__module__, pickle.loads.__module__,
              [f for f in sys.meta_path if "ffhost" in type(f).__module__])
        """,
    )
    assert out == "importlib _pickle []"


def test_a_source_that_was_just_saved_is_not_cached_so_that_the_next_edit_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    write(tmp_path, main="", helpers="")
    os.utime(tmp_path / "main.py", (time.time() - 60,) * 2)
    load_module(tmp_path / "main.py")
    load_module(tmp_path / "helpers.py")
    cached = [file.name.partition(".")[0] for file in (tmp_path / "__pycache__").iterdir()]
    assert cached == ["main"]
