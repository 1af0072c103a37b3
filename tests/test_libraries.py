"""What is used of the inside of libraries: where it stands, and that it is checked."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from ffhost._library import InstalledLibrary, has_attribute
from ffhost.errors import StartupError
from tests.sources import nodes

TOGETHER = "source trees"
ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ffhost"

ADAPTERS = (
    "fronts/_falcon_response.py",
    "observability/tracing/_otel.py",
    "server/_gunicorn.py",
    "server/_uvicorn.py",
    "signatures/_falcon.py",
    "signatures/_werkzeug.py",
    "signatures/requests/_flask.py",
    "signatures/requests/_flask_contexts.py",
)
LIBRARIES = frozenset(
    {"falcon", "flask", "gunicorn", "opentelemetry", "starlette", "uvicorn", "uvicorn_worker"}
    | {"werkzeug"}
)

# Names that begin with an underscore, and not of one of the libraries.
OTHERS = {
    "_thread": "the module",
    "_asdict": "named tuples",
    "_fields": "named tuples",
    "_replace": "named tuples",
    "_Environ": "os: the class of os.environ",
    "_exit": "os",
    "_current_frames": "sys",
    "_getframe": "sys",
    "_get_running_loop": "asyncio",
    "_run_exitfuncs": "atexit, as multiprocessing uses it",
    "_get_attributes": "cloudevents.v1.abstract, for those who derive from it",
}

REPLACED = {
    "ffhost.server._gunicorn.GunicornBoundSocket._is_listening",
    "ffhost.fronts._falcon_response.AsgiFrontResponse._media",
    "ffhost.fronts._falcon_response.AsgiFrontResponse._registered_callbacks",
    "ffhost.fronts._falcon_response.AsgiFrontResponse._sse",
    # Used with versions of Flask that were tried, and no others.
    "ffhost.signatures.requests._flask_contexts.RequestContext._session",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def others() -> Iterator[Path]:
    """Yield our modules that are not adapters."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.relative_to(PACKAGE).as_posix() not in ADAPTERS:
            yield file


def defined(node: ast.AST) -> str | None:
    """Return the name of a function, a class, a variable or an attribute of ``self``."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr if isinstance(node.value, ast.Name) and node.value.id == "self" else None
    return None


def used(node: ast.AST) -> list[str]:
    """Return the name of an attribute, or all parts of names that are imported."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("ffhost"):
        return [*(node.module or "").split("."), *(each.name for each in node.names)]
    if isinstance(node, ast.Import):
        return ".".join(each.name for each in node.names).split(".")
    return []


def test_no_module_but_an_adapter_uses_a_private_name_of_a_library() -> None:
    ours: dict[str, set[str]] = {}
    found: list[tuple[Path, int, str]] = []
    for file in others():
        names = ours.setdefault(file.relative_to(PACKAGE).parts[0], set())
        for node in nodes(file):
            name = defined(node)
            if name is not None:
                names.add(name)
            for name in used(node):
                if is_private(name) and name not in OTHERS:
                    found.append((file, getattr(node, "lineno", 0), name))
    foreign = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file, line, name in found
        if name not in ours[file.relative_to(PACKAGE).parts[0]]
    ]
    assert foreign == []


def classes(room: str) -> Iterator[tuple[type, list[type]]]:
    """Yield the classes of *room* with those that they derive from and that are not ours."""
    for file in sorted((PACKAGE / room).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                bases = [
                    each for each in value.__mro__ if each.__module__.split(".")[0] in LIBRARIES
                ]
                if bases:
                    yield value, bases


@pytest.mark.parametrize("room", ["fronts", "observability", "server", "signatures"])
def test_no_class_replaces_a_private_name_of_the_class_that_it_derives_from(room: str) -> None:
    replaced = [
        f"{ours.__module__}.{ours.__name__}.{name}"
        for ours, bases in classes(room)
        for name in vars(ours)
        if is_private(name)
        and name != "_abc_impl"
        and any(has_attribute(each, name) for each in bases)
    ]
    assert set(replaced) <= REPLACED


def test_all_that_the_server_takes_from_its_libraries_is_checked() -> None:
    from ffhost.server import _gunicorn, _uvicorn

    libraries = (_gunicorn.gunicorn, _uvicorn.uvicorn, _uvicorn.worker)
    checked = {name for library in libraries for _, name in library.required}
    unchecked = []
    for ours, bases in classes("server"):
        if ours.__module__ == "ffhost.server.single_process":  # uvicorn's documented server
            continue
        lineage = [each for each in ours.__mro__ if each.__module__.startswith("ffhost.")]
        trees = [ast.parse(textwrap.dedent(inspect.getsource(each))) for each in lineage]
        own = {defined(node) for tree in trees for node in ast.walk(tree)}
        taken = {name for name in vars(ours) if any(hasattr(each, name) for each in bases)}
        taken |= {
            node.attr
            for node in ast.walk(trees[0])
            if isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in ("self", "cls", "super()")
            and node.attr not in own
        }
        unchecked += [
            f"{ours.__name__}.{name}"
            for name in sorted(taken - checked)
            if not name.startswith("__")
        ]
    assert unchecked == []


@pytest.mark.parametrize("name", ["gunicorn", "uvicorn", "uvicorn_worker", "fcntl"])
def test_servers_and_locks_of_one_system_are_imported_in_one_place(name: str) -> None:
    importing = re.compile(rf"^\s*(import|from) {name}\b", re.MULTILINE)
    files = [
        file.relative_to(PACKAGE)
        for file in PACKAGE.rglob("*.py")
        if importing.search(file.read_text())
    ]
    places = {each.parts[0] for each in files}
    assert places == ({"_file_locks.py", "server"} if name == "fcntl" else {"server"})


# What happens where something is missing


def make(scope: object) -> object:
    return scope


class Cycle:
    def run(self) -> None:
        self.task = None


def library() -> InstalledLibrary:
    return InstalledLibrary("uvicorn", tested="0.54.0")


def refused(message: str) -> Any:
    version = metadata.version("uvicorn")
    return pytest.raises(StartupError, match=f"^{re.escape(message.format(version=version))}$")


def test_what_is_there_is_taken_also_if_only_a_method_assigns_it() -> None:
    found = library()
    found.require(Cycle, {"run": "run", "task": "keep the task"})
    assert found.required == [(Cycle, "run"), (Cycle, "task")]


def test_a_missing_name_is_told_with_library_and_version() -> None:
    with refused(
        "uvicorn {version} has no Cycle.stop, which ffhost needs to stop a cycle; "
        "install a version that has it: pip install 'uvicorn==0.54.0'"
    ):
        library().require(Cycle, {"run": "run", "stop": "stop a cycle"})


def test_a_missing_parameter_is_told_with_library_and_version() -> None:
    with refused(
        "uvicorn {version} has no parameter flow of make, which ffhost needs to make one; "
        "install a version that has it: pip install 'uvicorn==0.54.0'"
    ):
        library().require_parameters(make, {"flow": "make one"})


def test_a_missing_module_is_told_with_library_and_version() -> None:
    with (
        refused(
            "uvicorn {version} has no uvicorn.nothing, which ffhost needs to serve; "
            "install a version that has it: pip install 'uvicorn==0.54.0'"
        ),
        library().imports(),
    ):
        importlib.import_module("uvicorn.nothing")


def test_a_library_that_is_not_installed_is_an_import_error_as_anywhere() -> None:
    with pytest.raises(ModuleNotFoundError), InstalledLibrary("nothing", tested="1").imports():
        importlib.import_module("nothing")


def test_a_server_whose_library_has_changed_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def hello(request):\n    return 'hello'\n")
    program = """
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
        del HttpToolsProtocol.on_url
        from ffhost.cli import main
        main(["serve", "--target", "hello", "--port", "0"])
        """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    version = metadata.version("uvicorn")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"ffhost: uvicorn {version} has no HttpToolsProtocol.on_url, which ffhost "
        "needs to collect the target of a request; install a version that has it: "
        "pip install 'uvicorn==0.54.0'\n",
    )


@pytest.mark.parametrize("missing", ["fcntl"])
def test_everything_but_the_server_is_imported_without(missing: str) -> None:
    program = f"""
        import sys
        sys.modules[{missing!r}] = None
        import ffhost.asgi, ffhost.wsgi, ffhost.testing, ffhost.cli
        import ffhost.host.tick_file, ffhost.observability.metrics.publisher
        from ffhost import _file_locks
        assert _file_locks.try_lock_bytes(0) and not _file_locks.AVAILABLE
        """
    environ = {**os.environ, "FUNCTION_TARGET": "hello"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, env=environ)
