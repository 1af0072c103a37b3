"""Targets: what is accepted, and the whole message for what is not, imported or only read."""

from __future__ import annotations

import functools
import inspect
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from ffhost.errors import LoadError
from ffhost.loading.targets import (
    check_target_statically,
    form_of_target,
    is_async_target,
    kind_of_target,
    resolve_target,
    signature_of_target,
)
from ffhost.signatures.parameters import parameter_annotation

MAIN = """
    import functools
    import ffhost
    from helpers import shared as renamed
    from helpers import *
    import helpers
    import pack.part

    VERSION = "1"

    def plain(request): return "plain"

    @ffhost.cloud_event
    def on_upload(event): return "uploaded"

    @ffhost.http
    async def hello(request): return "hello"

    class Handler:
        def __init__(self): self.calls = 0
        def handle(self, request): return "handled"
        def __call__(self, request): return "called"
        class Inner:
            @staticmethod
            def act(request): return "acted"

    handler = Handler()
    bound = handler.handle
    curried = functools.partial(plain)
    alias = plain

    def wsgi(environ, start_response): return []
    async def asgi(scope, receive, send): pass

    if VERSION:
        try:
            def conditional(request): return "conditional"
        finally:
            pass
"""

HELPERS = """
    def shared(request): return "shared"
    def starred(request): return "starred"
    def _hidden(request): return "hidden"
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write(folder, "fn/main.py", MAIN)
    write(folder, "fn/helpers.py", HELPERS)
    write(folder, "fn/pack/__init__.py", "from .part import act\nfrom . import part\n")
    write(folder, "fn/pack/part.py", "def act(request): return 'act'")
    write(folder, "fn/pack/act.py", "")
    write(folder, "fn/bad_import.py", "import nothing_like_it\n")
    write(folder, "fn/near_import.py", "def f():\n    pass\nimport helprs\n")
    write(folder, "fn/bad_submodule.py", "import helpers.nope\n")
    write(folder, "fn/bad_relative.py", "from .nope import x\n")
    write(folder, "fn/bad_name.py", "from helpers import nope\n")
    write(folder, "fn/bad_nested.py", "import bad_import\n")
    write(folder, "fn/bad_syntax.py", "def f(:\n    pass\n")
    write(folder, "fn/nested_syntax.py", "\nimport bad_syntax\n")
    write(folder, "fn/null.py", "x = '\0'\n")
    write(folder, "fn/raises.py", "import os\nbucket = os.environ['NO_SUCH_BUCKET']\n")
    write(folder, "fn/divides.py", "def f():\n    return 1 / 0\nf()\n")
    write(folder, "fn/leaves.py", "import sys\nsys.exit(3)\n")
    write(folder, "fn/silent.py", "raise BaseException\n")
    write(folder, "fn/empty.py", "x = 1\n")
    write(folder, "fn/notes.txt", "")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


ACCEPTED = {
    "plain": "plain",
    "on_upload": "uploaded",
    "alias": "plain",
    "renamed": "shared",
    "starred": "starred",
    "helpers.shared": "shared",
    "pack.part.act": "act",
    "pack.act": "act",
    "conditional": "conditional",
    "handler": "called",
    "handler.handle": "handled",
    "bound": "handled",
    "curried": "plain",
    "Handler.Inner.act": "acted",
}


@pytest.mark.parametrize("attribute", ACCEPTED)
def test_a_function_is_found_by_every_way_to_it(base: Path, attribute: str) -> None:
    resolved = resolve_target(f"fn/main.py:{attribute}", None, base)
    assert resolved.callable(None) == ACCEPTED[attribute]
    assert resolved.display == f"fn/main.py:{attribute}"
    assert resolved.file == base / "fn/main.py"
    assert resolved.attribute == attribute
    check_target_statically(f"fn/main.py:{attribute}", None, base)


def test_a_target_may_have_a_source_or_name_a_module(base: Path) -> None:
    by_source = resolve_target("hello", "fn/main.py", base)
    assert by_source.callable is resolve_target("fn/main.py:hello", None, base).callable
    assert by_source.import_seconds > 0
    by_module = resolve_target("fn.pack.part:act", None, base)
    assert by_module.callable(None) == "act"
    assert by_module.module.__name__.endswith(".fn.pack.part")
    assert resolve_target("json:dumps", None, base).callable([]) == "[]"
    assert resolve_target("builtins:len", None, base).file is None
    for target in (
        "fn.pack.part:act",
        "json:dumps",
        "builtins:len",
        "math:sqrt",
        "json.decoder:scanstring",
    ):
        check_target_statically(target, None, base)


REFUSED: dict[str, tuple[str, str, str | None, tuple[str, ...]]] = {
    "no place": (
        "hello",
        "'hello' does not say where the function is",
        "write 'main.py:hello', or give its file as source",
        (),
    ),
    "dots instead of a colon": (
        "fn.main.hello",
        "'fn.main.hello' does not say where the function is",
        "write 'fn.main:hello', or give its file as source",
        (),
    ),
    "no function": (
        "fn/main.py",
        "'fn/main.py' does not name a function",
        "write 'fn/main.py:NAME'",
        (),
    ),
    "nothing after the colon": (
        "fn/main.py:",
        "'fn/main.py:' does not name a function",
        "write 'fn/main.py:NAME'",
        (),
    ),
    "no name": ("fn/main.py:a-b", "'a-b' is not the name of a function", None, ()),
    "no file": (
        "fn/mian.py:hello",
        "no file 'fn/mian.py' (looked in {base})",
        "did you mean 'fn/main.py'?",
        (),
    ),
    "no folder": (
        "fnn/main.py:hello",
        "no file 'fnn/main.py' (looked in {base})",
        "did you mean 'fn/main.py'?",
        (),
    ),
    "nothing near": ("zzz/qqq.py:hello", "no file 'zzz/qqq.py' (looked in {base})", None, ()),
    "a folder": ("fn/:hello", "'fn/' is a folder", "name the file, such as 'fn/main.py'", ()),
    "no Python file": (
        "fn/notes.txt:hello",
        "'fn/notes.txt' is not a Python file",
        "its name has to end with .py",
        (),
    ),
    "no module": (
        "fn.mian:hello",
        "no module named 'fn.mian' (looked in {base})",
        "did you mean 'fn.main:hello'?",
        (),
    ),
    "no package": (
        "zzzz.main:hello",
        "no module named 'zzzz.main' (looked in {base} and among installed packages)",
        None,
        (),
    ),
    "syntax": (
        "fn/bad_syntax.py:f",
        "fn/bad_syntax.py:1: syntax error: invalid syntax",
        None,
        ("def f(:",),
    ),
    "missing attribute": (
        "fn/main.py:helo",
        "fn/main.py does not define 'helo'",
        "did you mean 'hello'?",
        ("it defines plain, on_upload (cloudevent), hello (http), wsgi, asgi, conditional",),
    ),
    "missing attribute of nothing": (
        "fn/empty.py:hello",
        "fn/empty.py does not define 'hello'",
        None,
        ("it defines no function",),
    ),
    "a class": (
        "fn/main.py:Handler",
        "Handler is a class, not a function",
        "write 'handler = Handler()' in fn/main.py and name 'handler'",
        (),
    ),
    "a value": ("fn/main.py:VERSION", "VERSION is not a function but of type str", None, ()),
    "a module": (
        "fn/main.py:helpers",
        "helpers is a module, not a function",
        "write ':' before the function",
        (),
    ),
}


def refusal(act: Callable[[], Any], base: Path) -> tuple[str, str | None, tuple[str, ...]]:
    with pytest.raises(LoadError) as caught:
        act()
    error = caught.value
    assert str(error) == error.message
    assert error.exit_code == 2
    return error.message.replace(str(base), "{base}"), error.hint, error.notes


@pytest.mark.parametrize("way", [resolve_target, check_target_statically], ids=["imported", "read"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_reads_the_same_imported_or_read(
    base: Path, case: str, way: Callable[..., Any]
) -> None:
    target, *expected = REFUSED[case]
    assert refusal(lambda: way(target, None, base), base) == tuple(expected)


@pytest.mark.parametrize(
    ("missing", "listed", "hint"),
    [
        ("nothing_like_it", "Nothing.Like-it >= 2", "pip install -r fn/requirements.txt"),
        (
            "nothing_like_it",
            "another",
            "add it to requirements.txt, then: pip install -r fn/requirements.txt",
        ),
        ("flask", "another", "pip install 'ffhost[flask]'"),
    ],
)
def test_a_missing_package_comes_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, listed: str, hint: str
) -> None:
    monkeypatch.setattr(sys, "path", [each for each in sys.path if "site-packages" not in each])
    monkeypatch.setitem(sys.modules, missing, None)  # type: ignore[arg-type]
    (tmp_path / "fn").mkdir()
    (tmp_path / "fn" / "main.py").write_text(f"import {missing}\n")
    (tmp_path / "fn" / "requirements.txt").write_text(f"# what it needs\n{listed}\n")
    _, found, _ = refusal(lambda: resolve_target("fn/main.py:f", None, tmp_path), tmp_path)
    assert found == hint


IMPORT_REFUSED: dict[str, tuple[str, str, str | None, tuple[str, ...]]] = {
    "not installed": (
        "fn/bad_import.py:f",
        "fn/bad_import.py was found, but it imports 'nothing_like_it', which is not installed",
        "install it, or add it to requirements.txt",
        ("fn/bad_import.py:1: import nothing_like_it",),
    ),
    "not installed, by module": (
        "fn.bad_import:f",
        "fn.bad_import was found, but it imports 'nothing_like_it', which is not installed",
        "install it, or add it to requirements.txt",
        ("fn/bad_import.py:1: import nothing_like_it",),
    ),
    "not installed, further in": (
        "fn/bad_nested.py:f",
        "fn/bad_nested.py was found, but it imports 'nothing_like_it', which is not installed",
        "install it, or add it to requirements.txt",
        ("fn/bad_import.py:1: import nothing_like_it",),
    ),
    "misspelt sibling": (
        "fn/near_import.py:f",
        "fn/near_import.py was found, but it imports 'helprs', which is not installed",
        "did you mean 'helpers'?",
        ("fn/near_import.py:3: import helprs",),
    ),
    "no such submodule": (
        "fn/bad_submodule.py:f",
        "fn/bad_submodule.py was found, but it imports 'helpers.nope', which does not exist",
        "did you mean 'helpers'?",
        ("fn/bad_submodule.py:1: import helpers.nope",),
    ),
    "no such sibling": (
        "fn/bad_relative.py:f",
        "fn/bad_relative.py was found, but it imports 'nope', which does not exist",
        None,
        ("fn/bad_relative.py:1: from .nope import x",),
    ),
    "no such name": (
        "fn/bad_name.py:f",
        "fn/bad_name.py was found, but it cannot import name 'nope' from 'helpers' "
        "({base}/fn/helpers.py)",
        None,
        ("fn/bad_name.py:1: from helpers import nope",),
    ),
    "syntax further in": (
        "fn/nested_syntax.py:f",
        "fn/bad_syntax.py:1: syntax error: invalid syntax",
        None,
        ("def f(:",),
    ),
    "environment": (
        "fn/raises.py:f",
        "fn/raises.py raises KeyError when it is imported: 'NO_SUCH_BUCKET'",
        "set the environment variable NO_SUCH_BUCKET",
        ("fn/raises.py:2: bucket = os.environ['NO_SUCH_BUCKET']",),
    ),
    "exception": (
        "fn/divides.py:f",
        "fn/divides.py raises ZeroDivisionError when it is imported: division by zero",
        None,
        ("fn/divides.py:2: return 1 / 0",),
    ),
    "no exception but": (
        "fn/silent.py:f",
        "fn/silent.py raises BaseException when it is imported",
        None,
        ("fn/silent.py:1: raise BaseException",),
    ),
    "exit": (
        "fn/leaves.py:f",
        "fn/leaves.py ends the process when it is imported (exit status 3)",
        "keep sys.exit below: if __name__ == '__main__'",
        ("fn/leaves.py:2: sys.exit(3)",),
    ),
    "attribute of an object": (
        "fn/main.py:handler.handel",
        "fn/main.py:handler has no attribute 'handel'",
        "did you mean 'handle'?",
        (),
    ),
    "WSGI": (
        "fn/main.py:wsgi",
        "wsgi is a WSGI application, not a function",
        "write signature: wsgi",
        (),
    ),
    "ASGI": (
        "fn/main.py:asgi",
        "asgi is an ASGI application, not a function",
        "write signature: asgi",
        (),
    ),
}


@pytest.mark.parametrize("case", IMPORT_REFUSED)
def test_what_the_import_shows(base: Path, case: str) -> None:
    target, *expected = IMPORT_REFUSED[case]
    assert refusal(lambda: resolve_target(target, None, base), base) == tuple(expected)


@pytest.mark.parametrize("way", [resolve_target, check_target_statically], ids=["imported", "read"])
def test_null_bytes_are_a_syntax_error(base: Path, way: Callable[..., Any]) -> None:
    message, _, _ = refusal(lambda: way("fn/null.py:f", None, base), base)
    assert message == "fn/null.py:1: syntax error: source code string cannot contain null bytes"


def test_what_is_wrong_with_a_source_is_said_of_the_source(base: Path) -> None:
    for source, message in (
        ("fn/mian.py", "no file 'fn/mian.py' (looked in {base})"),
        ("fn", "'fn' is a folder"),
        ("fn.main", "no file 'fn.main' (looked in {base})"),
    ):
        with pytest.raises(LoadError) as caught:
            resolve_target("hello", source, base)
        assert caught.value.key == "source"
        assert caught.value.message.replace(str(base), "{base}") == message
    assert caught.value.hint == "source takes a file; for a module write target: 'fn.main:NAME'"


def test_a_target_with_a_file_and_a_source_contradict(base: Path) -> None:
    assert refusal(lambda: resolve_target("fn/main.py:hello", "main.py", base), base) == (
        "'fn/main.py:hello' names 'fn/main.py', but source names 'main.py' as well",
        "write only target: 'fn/main.py:hello', or target: 'hello' with the source",
        (),
    )


def test_applications_are_targets_where_the_signature_says_so(base: Path) -> None:
    for name in ("wsgi", "asgi"):
        target = f"fn/main.py:{name}"
        found = resolve_target(target, None, base, allow_app=True).callable
        assert form_of_target(found).application == name
        check_target_statically(target, None, base, signature=name)


def test_applications_of_frameworks_are_recognised() -> None:
    import falcon
    import falcon.asgi
    import flask
    from starlette.applications import Starlette

    apps = [falcon.App(), flask.Flask("x"), falcon.asgi.App(), Starlette()]
    assert [form_of_target(app).application for app in apps] == ["wsgi", "wsgi", "asgi", "asgi"]


class Calls:
    """Callables of each kind, as instances and methods."""

    async def wait(self, request: object) -> None: ...

    async def __call__(self, request: object) -> None: ...


def sync(request: object, extra: int = 0, *more: int, key: int = 1) -> None: ...


async def waits(data: object, context: object) -> None: ...


def yields(request: object) -> Any:
    yield 1


async def yields_later(request: object) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("target", "expected", "required"),
    [
        (sync, "sync", 1),
        (partial(sync, None), "sync", 0),
        (waits, "async", 2),
        (partial(waits, None), "async", 1),
        (partial(partial(waits, None), None), "async", 0),
        (Calls(), "async", 1),
        (Calls().wait, "async", 1),
        (partial(Calls().wait), "async", 1),
        (partial(Calls()), "async", 1),
        (yields, "generator", 1),
        (yields_later, "async_generator", 1),
        (partial(yields_later, 1), "async_generator", 0),
        (len, "sync", 1),
        (print, "sync", 0),
        (lambda a, b, /, c: None, "sync", 3),
        (type("Odd", (), {"__call__": lambda self: None})(), "sync", 0),
    ],
)
def test_kinds_and_arguments_of_callables(
    target: Callable[..., Any], expected: str, required: int
) -> None:
    assert kind_of_target(target) == form_of_target(target).kind == expected
    assert is_async_target(target) == (expected == "async")
    assert form_of_target(target).required == required


@pytest.mark.parametrize(
    "target", [sync, waits, yields, yields_later, Calls.wait, lambda: 1, lambda a, b=1, /, c=2: 1]
)
def test_a_function_s_code_says_what_inspect_would(target: FunctionType) -> None:
    code, given = target.__code__, target.__defaults__
    copied = FunctionType(code, {}, "copied", given)
    copied.__kwdefaults__, copied.__annotations__ = target.__kwdefaults__, target.__annotations__
    copied.__signature__ = inspect.signature(target)  # type: ignore[attr-defined]
    assert form_of_target(target) == form_of_target(copied)


def test_what_a_function_says_of_itself_counts_more_than_its_code() -> None:
    @functools.wraps(waits)
    def wrapper(*arguments: Any) -> Any:
        return waits(*arguments)

    form = form_of_target(wrapper)
    assert (form.kind, form.positional, form.required) == ("sync", ("data", "context"), 2)


def test_an_annotation_that_only_type_checkers_know_does_no_harm() -> None:
    """Python 3.14 evaluates it when it is asked for, and before that it has to be text."""
    name = "Missing" if sys.version_info >= (3, 14) else "'Missing'"
    made: dict[str, Any] = {}
    code = f"def hello(request: {name}, /, more: int = 1): pass"
    exec(compile(code, "main.py", "exec", dont_inherit=True), made)
    assert list(signature_of_target(made["hello"]).parameters) == ["request", "more"]
    form = form_of_target(made["hello"])
    assert form.required == 1
    assert parameter_annotation(made["hello"], form) == "Missing"
