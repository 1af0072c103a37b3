"""Old names for code that no host has loaded: in processes of their own, as they stay imported."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
from importlib import import_module
from pathlib import Path

import cloudevents.v1
import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "standin"


def run(code: str, *, path: tuple[Path, ...] = (STAND_IN,)) -> None:
    """Run *code* in an interpreter that knows ffhost and the folders of *path*."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *path)))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_stand_in_is_our_package_and_brings_the_other_old_names() -> None:
    run("""
        import sys
        import functions_framework
        import functions_framework.aio
        import functions_framework.execution_id
        from functions_framework import _cli, _function_registry, _typed_event, background_event
        from functions_framework import event_conversion, exceptions, execution_id, logging
        from functions_framework.request_timeout import ThreadingTimeout
        import ffhost.loading.compat.framework.execution_id as ours
        assert execution_id is ours is sys.modules["functions_framework.execution_id"]

        from cloudevents.http import CloudEvent
        from cloudevents.http.event import CloudEvent as Again
        import cloudevents.conversion, cloudevents.sdk.event.v1
        from cloudevents.v1.http.event import CloudEvent as Real
        assert CloudEvent is Again is Real
        import cloudevents.core.v1.event
        import importlib
        util = importlib.import_module("cloudevents.http.util")
        assert util.__name__ == "cloudevents.v1.http.util"

        from google.cloud.functions.context import Context
        from google.cloud.functions_v1.context import Context as Old
        assert Context is Old
    """)


def test_a_host_brings_them_too_and_libraries_see_one_class() -> None:
    run("""
        import sys
        from ffhost.loading import compat
        compat.install_compat_names()
        compat.install_compat_names()
        assert sum("LastResort" in type(each).__name__ for each in sys.meta_path) == 1
        assert "LastResort" in type(sys.meta_path[-1]).__name__
        import json, email.message
        assert "LastResort" in type(sys.meta_path[-1]).__name__
        from cloudevents.http.event import CloudEvent
        assert "LastResort" in type(sys.meta_path[0]).__name__
        from cloudevents.v1.http import CloudEvent as Real
        assert CloudEvent is Real
        compat.uninstall_compat_names()
        try:
            import cloudevents.conversion
        except ModuleNotFoundError as error:
            assert error.name == "cloudevents.conversion", error.name
        else:
            raise AssertionError
        compat.switch_compat_names(on=False)
        compat.install_compat_names()
        assert not any("LastResort" in type(each).__name__ for each in sys.meta_path)
    """)


def test_what_is_installed_wins(tmp_path: Path) -> None:
    original = tmp_path / "functions_framework"
    original.mkdir()
    (original / "__init__.py").write_text("import cloudevents.exceptions\nORIGINAL = True\n")
    context = tmp_path / "google/cloud/functions"
    context.mkdir(parents=True)
    (context / "__init__.py").write_text("")
    (context / "context.py").write_text("Context = 'installed'\n")
    info = tmp_path / "functions_framework-3.9.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: functions-framework\nVersion: 3.9.1\n"
    )
    run(
        """
        from ffhost.loading import compat
        compat.install_compat_names()
        import cloudevents.http  # the finder stands in front from here on
        import functions_framework
        from google.cloud.functions.context import Context
        assert functions_framework.ORIGINAL and Context == "installed"
        from importlib.metadata import version
        assert version("functions-framework") == "3.9.1"
        """,
        path=(tmp_path, STAND_IN),
    )


def test_the_version_can_be_asked_for_and_nothing_is_listed_as_installed() -> None:
    run("""
        from importlib.metadata import PackageNotFoundError, distribution, distributions, version
        import functions_framework
        assert version("functions-framework") == version("Functions_Framework") == "3.10.0"
        assert distribution("functions-framework").files is None
        assert distribution("functions-framework").requires is None
        names = {each.metadata["Name"] for each in distributions()}
        assert "functions-framework" not in names
        try:
            version("functions-framework-extras")
        except PackageNotFoundError:
            pass
        else:
            raise AssertionError
    """)


def test_a_function_starts_its_own_server_through_the_command(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import functions_framework\n"
        "from functions_framework import _cli\n"
        "@functions_framework.http\n"
        "def hello(request): return 'hi'\n"
        "if __name__ == '__main__':\n"
        "    _cli._cli(['--target', 'goodbye', '--port', '0'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "main.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, STAND_IN)))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "main.py does not define 'goodbye'" in ran.stderr


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("functions_framework", "functions_framework/__init__.pyi"),
        ("functions_framework.execution_id", "functions_framework/execution_id.pyi"),
        ("cloudevents.http", "cloudevents-stubs/http/__init__.pyi"),
        ("cloudevents.http.event", "cloudevents-stubs/http/event.pyi"),
        ("cloudevents.core", "cloudevents/core/__init__.py"),
        ("google.cloud.functions.context", "google-stubs/cloud/functions/context.pyi"),
    ],
)
def test_type_checkers_find_the_old_names_beside_what_is_installed(name: str, file: str) -> None:
    finder = pytest.importorskip("mypy.modulefinder")
    places = (str(STAND_IN), sysconfig.get_path("purelib"))
    options = import_module("mypy.options").Options()
    cache = finder.FindModuleCache(finder.SearchPaths((), (), places, ()), None, options)
    found = cache.find_module(name)
    assert isinstance(found, str)
    assert found.endswith(file)


def test_there_is_a_stub_for_each_module_that_the_old_sdk_had() -> None:
    home = Path(cloudevents.v1.__path__[0])
    modules = {str(each.relative_to(home).with_suffix("")) for each in home.rglob("*.py")}
    stubs = STAND_IN / "cloudevents-stubs"
    written = {str(each.relative_to(stubs).with_suffix("")) for each in stubs.rglob("*.pyi")}
    assert written == modules - {"__init__"}


def test_without_the_stand_in_there_is_our_package_all_the_same() -> None:
    run("""
        import sys
        sys.path[:] = [each for each in sys.path if not each.endswith("standin")]
        from ffhost.loading import compat
        compat.install_compat_names()
        import functions_framework.aio
        from functions_framework.exceptions import MissingTargetException
        assert functions_framework.__name__ == "ffhost.loading.compat.framework"
    """)
