"""Source files that lie in packages: ``src`` layouts, and folders with ``__init__.py``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from ffhost.errors import LoadError
from ffhost.loading.modules import (
    load_module,
    module_home_of,
    module_needs_its_package,
    plain_module_name,
)
from ffhost.loading.targets import check_target_statically, resolve_target

FILES = {
    "main.py": "from shop import orders\ndef f(request): return orders.name()\n",
    "src/shop/__init__.py": "LOADED = []\n",
    "src/shop/orders.py": """
from shop.prices import price
from . import prices
from . import LOADED
LOADED.append(__name__)
def name(): return 'orders'
def f(request): return price() + prices.price()
""",
    "src/shop/prices.py": "def price(): return 1\n",
    "lib/one/__init__.py": "",
    "lib/one/main.py": "import near\nfrom near import who\nimport importlib\nimport pickle\n"
    "from . import near as relative\n"
    "def f(request): return near.who() + who()\n"
    "def later(request):\n    import later\n    return later.who()\n"
    "def by_text(request): return importlib.import_module('near').who()\n"
    "def copied(request): return type(pickle.loads(pickle.dumps(near.Thing()))).__name__\n"
    "def one_module(request): return relative is near\n",
    "lib/one/near.py": "def who(): return 'one'\nclass Thing: pass\n",
    "lib/two/__init__.py": "",
    "lib/two/main.py": "import near\nimport shared\nimport json\n"
    "def f(request): return near.who() + shared.who() + json.dumps(1)\n",
    "lib/two/near.py": "def who(): return 'two'\n",
    "lib/two/shared.py": "def who(): return 'beside'\n",
    "lib/two/json.py": "raise SystemExit('the standard library comes first')\n",
    "lib/shared.py": "def who(): return 'above'\n",
    "lib/near/notes.txt": "a folder without __init__.py is not what is meant",
    "click/__init__.py": "",
    "click/main.py": "import click\n",
    "click/broken.py": "from . import (\n",
    "my-functions/__init__.py": "",
    "my-functions/main.py": "import helpers\ndef f(request): return helpers.who()\n",
    "my-functions/helpers.py": "def who(): return 'mine'\n",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def called(base: Path, target: str) -> object:
    return resolve_target(target, None, base).callable(None)


def test_a_file_of_a_package_is_imported_as_part_of_it(base: Path) -> None:
    resolved = resolve_target("src/shop/orders.py:f", None, base)
    assert resolved.callable(None) == 2
    assert plain_module_name(resolved.module.__name__) == "shop.orders"
    package = sys.modules[resolved.module.__name__.rpartition(".")[0]]
    assert list(map(plain_module_name, package.LOADED)) == ["shop.orders"]


def test_a_file_and_a_module_target_in_src_are_one_module(base: Path) -> None:
    by_file = resolve_target("src/shop/orders.py:f", None, base).module
    assert resolve_target("shop.orders:f", None, base).module is by_file
    assert load_module(base / "src/shop/__init__.py").orders is by_file


def test_a_single_target_that_imports_from_its_package_is_part_of_it(base: Path) -> None:
    alone = resolve_target("src/shop/orders.py:f", None, base, plain=True)
    assert alone.callable(None) == 2
    assert alone.module is resolve_target("shop.orders:f", None, base).module


@pytest.mark.parametrize(
    ("file", "needed"),
    [
        ("src/shop/orders.py", True),
        ("src/shop/prices.py", False),
        ("lib/one/main.py", True),
        ("lib/two/main.py", False),
        ("main.py", False),
        ("click/main.py", False),
        ("click/broken.py", False),
    ],
)
def test_a_file_needs_its_package_if_only_that_has_what_it_imports(
    base: Path, file: str, needed: bool
) -> None:
    assert module_needs_its_package(base / file) is needed


def test_a_plain_name_is_looked_for_beside_the_importing_file(base: Path) -> None:
    assert called(base, "lib/one/main.py:f") == "oneone"
    assert called(base, "lib/two/main.py:f") == "twoabove1"


def test_a_module_beside_the_importing_file_is_one_module_by_either_name(base: Path) -> None:
    assert called(base, "lib/one/main.py:one_module") is True
    near = resolve_target("lib/one/near.py:who", None, base).module
    assert near is resolve_target("lib/one/main.py:f", None, base).module.near
    assert plain_module_name(near.__name__) == "one.near"


def test_what_imports_by_a_text_looks_beside_the_file_too(base: Path) -> None:
    assert called(base, "lib/one/main.py:by_text") == "one"
    assert called(base, "lib/one/main.py:copied") == "Thing"


def test_a_module_that_is_written_later_is_found(base: Path) -> None:
    function = resolve_target("lib/one/main.py:later", None, base).callable
    with pytest.raises(ModuleNotFoundError, match="No module named 'later'"):
        function(None)
    (base / "lib/one/later.py").write_text("def who(): return 'late'\n")
    importlib.invalidate_caches()
    assert function(None) == "late"


def test_a_folder_whose_name_cannot_be_imported_is_not_a_package(base: Path) -> None:
    assert called(base, "my-functions/main.py:f") == "mine"
    assert module_home_of(base / "my-functions/main.py") == (str(base / "my-functions"), "main")


@pytest.mark.parametrize("target", ["src/shop/orders.py:f", "shop.orders:f", "lib/one/main.py:f"])
def test_the_source_is_found_without_importing_it(base: Path, target: str) -> None:
    found = check_target_statically(target, None, base)
    assert found is not None
    assert found.name == "f"


def test_what_a_package_takes_from_beside_is_found_without_importing_it(base: Path) -> None:
    with pytest.raises(LoadError, match="who takes no parameter"):
        check_target_statically("lib/one/main.py:who", None, base)


def test_a_module_that_is_nowhere_says_where_it_was_looked_for(base: Path) -> None:
    for find in (resolve_target, check_target_statically):
        with pytest.raises(LoadError) as raised:
            find("shop.order:f", None, base)
        assert str(raised.value.message) == (
            f"no module named 'shop.order' (looked in {base}, its src)"
        )
        assert raised.value.hint == "did you mean 'shop.orders:f'?"
