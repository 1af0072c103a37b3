"""Packages whose ``__init__`` runs when somebody asks for what is in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from ffhost._lazy import call_after_import, forget_import_call, postpone_import


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    package = tmp_path / "late_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import late_package.part\n"
        "from late_package.costly import VALUE\nRUNS = globals().get('RUNS', 0) + 1\n"
    )
    (package / "part.py").write_text("NAME = __name__\n")
    (package / "costly.py").write_text("import time\ntime.sleep(0.02)\nVALUE = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    postpone_import("late_package")
    yield "late_package"
    for name in [each for each in sys.modules if each.startswith("late_package")]:
        del sys.modules[name]


def test_a_module_is_imported_without_the_rest_of_its_package(late: str) -> None:
    import late_package.part

    assert late_package.part.NAME == "late_package.part"
    assert "late_package.costly" not in sys.modules


def test_a_name_of_the_package_imports_the_rest_once_for_all_threads(late: str) -> None:
    import late_package

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: late_package.VALUE, range(4))) == {7}
    assert late_package.RUNS == 1
    assert type(late_package).__name__ == "module"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        late_package.nothing  # noqa: B018


def test_a_value_that_is_set_before_the_first_use_stays(late: str) -> None:
    import late_package

    late_package.VALUE = 8
    assert (late_package.VALUE, late_package.RUNS) == (8, 1)


def test_a_module_in_a_package_is_postponed_and_found_in_the_package(late: str) -> None:
    import late_package

    assert late_package.RUNS == 1
    sys.modules.pop("late_package.costly")
    postpone_import("late_package.costly")
    assert "VALUE" not in vars(sys.modules["late_package.costly"])
    assert late_package.costly.VALUE == 7
    assert vars(sys.modules["late_package.costly"])["VALUE"] == 7


def test_star_imports_get_every_name(late: str) -> None:
    names: dict[str, object] = {}
    exec(f"from {late} import *", names)
    assert names["VALUE"] == 7


def test_a_package_that_is_imported_or_not_installed_is_left_alone() -> None:
    postpone_import("json")
    assert "json" in sys.modules
    postpone_import("no_such_package_at_all")
    assert "no_such_package_at_all" not in sys.modules


def test_what_waits_for_an_import_is_called_within_it_and_once(late: str) -> None:
    del sys.modules[late]
    names: dict[str, object] = {}
    call_after_import(late, lambda: setattr(sys.modules[late], "VALUE", 8))
    assert find_spec(late) is not None  # a question, which imports nothing
    exec(f"from {late} import VALUE", names)
    assert names["VALUE"] == 8
    del sys.modules[late]
    exec(f"from {late} import VALUE", names)
    assert names["VALUE"] == 7


def test_a_module_that_is_there_waits_for_nothing() -> None:
    called: list[str] = []
    call_after_import("json", lambda: called.append("json"))
    assert called == ["json"]


def test_nothing_is_called_for_a_module_that_was_forgotten(late: str) -> None:
    del sys.modules[late]
    called: list[str] = []
    call_after_import(late, lambda: called.append(late))
    forget_import_call(late)
    import_module(late)
    assert called == []


def test_uvicorn_is_whole_for_everybody_else() -> None:
    import uvicorn

    import ffhost.server.worker  # noqa: F401

    assert callable(uvicorn.run)
    assert uvicorn.Config is sys.modules["uvicorn.config"].Config
