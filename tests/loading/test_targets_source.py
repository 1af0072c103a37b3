"""Reading functions without running them: decorators, arguments, re-exports."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ffhost.errors import LoadError
from ffhost.loading.targets import (
    TargetDefinition,
    check_target_statically,
    inspect_target_source,
    resolve_target,
    targets_defined_in_source,
)


def write(folder: Path, **files: str) -> Path:
    """Write *files*, ``pack__part`` as ``pack/part.py``; give the path of ``main.py``."""
    for name, text in files.items():
        path = folder / f"{re.sub(r'(?<=[a-z])__(?=.)', '/', name)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder / "main.py"


DECORATED = """
    import functions_framework
    import functions_framework as ff
    import functions_framework.aio
    from functions_framework import aio, http as page, cloud_event
    from functions_framework.aio import http as async_page
    import ffhost, ffhost.loading.decorators
    from ffhost import typed
    from decorators import http as exported, mine
    from models import Order

    @functions_framework.http
    def a(request): ...
    @ff.cloud_event
    def b(event): ...
    @functions_framework.aio.http
    async def c(request): ...
    @aio.cloud_event
    async def d(event): ...
    @page
    def e(request): ...
    @cloud_event
    def f(event): ...
    @async_page
    async def g(request): ...
    @ffhost.event
    def h(data, context): ...
    @typed
    def i(order: Order): ...
    @typed(Order)
    def j(order): ...
    @ffhost.typed(input_type=Order)
    def k(order): ...
    @exported
    def l(request): ...
    @mine(3)
    @ffhost.loading.decorators.http
    def m(request): ...
    @mine
    def n(request): ...
    @{}["x"]
    def o(request): ...
    def p(request): ...
"""


def test_decorators_are_resolved_through_imports_and_aliases(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main=DECORATED,
        decorators="from functions_framework import http\ndef mine(f): return f",
        models="class Order: ...",
    )
    functions = inspect_target_source(main).functions
    assert {name: found.signature for name, found in functions.items()} == {
        "a": "http",
        "b": "cloudevent",
        "c": "http",
        "d": "cloudevent",
        "e": "http",
        "f": "cloudevent",
        "g": "http",
        "h": "event",
        "i": "typed",
        "j": "typed",
        "k": "typed",
        "l": "http",
        "m": "http",
        "n": None,
        "o": None,
        "p": None,
    }
    assert [functions[name].input_type for name in "ijk"] == [None, "Order", "Order"]
    assert functions["i"].annotations == ("Order",)
    assert functions["c"].decorators == ("functions_framework.aio.http",)
    assert functions["m"].decorators == ("mine", "ffhost.loading.decorators.http")
    assert functions["o"].decorators == ("?",)


def test_a_function_is_described_as_its_source_shows_it(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="""
            from cloudevents.http import CloudEvent as Event
            import flask

            async def a(event: Event, *, key=1): ...
            def b(request: "flask.Request", /, extra: int = 1, *more): yield 1
            async def c(x, y: list[int], *, needed): yield
            def d():
                def inner(): yield
        """,
    )
    assert list(inspect_target_source(main).functions.values()) == [
        TargetDefinition(
            name="a", file=main, line=5, is_async=True, is_generator=False, signature=None,
            input_type=None, decorators=(), required=1, positional=1, keyword=None,
            parameters=("event",), annotations=("cloudevents.http.CloudEvent",),
        ),
        TargetDefinition(
            name="b", file=main, line=6, is_async=False, is_generator=True, signature=None,
            input_type=None, decorators=(), required=1, positional=None, keyword=None,
            parameters=("request", "extra"), annotations=("flask.Request", "int"),
        ),
        TargetDefinition(
            name="c", file=main, line=7, is_async=True, is_generator=True, signature=None,
            input_type=None, decorators=(), required=2, positional=2, keyword="needed",
            parameters=("x", "y"), annotations=(None, "list[int]"),
        ),
        TargetDefinition(
            name="d", file=main, line=8, is_async=False, is_generator=False, signature=None,
            input_type=None, decorators=(), required=0, positional=0, keyword=None,
            parameters=(), annotations=(),
        ),
    ]  # fmt: skip


REEXPORTS = {
    "from parts import act": "act",
    "from parts import act as other": "other",
    "from .parts import act": "act",
    "from parts import *": "act",
    "import parts": "parts.act",
    "from . import parts": "parts.act",
    "from pack import act": "act",
    "from pack.deep import act": "act",
    "import pack.deep": "pack.deep.act",
    "import pack.deep as deep": "deep.act",
    "from pack import deep": "deep.act",
    "from pack.up import act": "act",
    "from chain import act": "act",
    "from parts import act as _act\nact = _act": "act",
    "try:\n    from nowhere import act\nexcept ImportError:\n    from parts import act": "act",
}


@pytest.mark.parametrize("statement", REEXPORTS)
def test_functions_are_followed_through_imports_of_the_folder(
    tmp_path: Path, statement: str
) -> None:
    write(
        tmp_path,
        main=statement,
        parts="def act(request): ...",
        chain="from links import *",
        links="from pack import act",
        pack____init__="from .act import act",
        pack__act="def act(request): ...",
        pack__deep="from ..parts import act",
        pack__up="from .. import parts\nact = parts.act\nfrom ..parts import act",
    )
    found = check_target_statically(f"main.py:{REEXPORTS[statement]}", None, tmp_path)
    assert found is not None
    assert (found.name, found.parameters) == ("act", ("request",))


UNKNOWN = [
    "from json import loads as act",
    "from json import *",
    "import functools\nact = functools.partial(print)",
    "act = make()",
    "act, other = make()",
    "def __getattr__(name): ...",
    "for act in []: ...",
    "with open('x') as act: ...",
    "from main import act",
    "act = lambda request: 1",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_the_source_does_not_tell_is_not_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, main=text)
    if text == "from main import act":
        with pytest.raises(LoadError):
            check_target_statically("main.py:act", None, tmp_path)
    else:
        assert check_target_statically("main.py:act", None, tmp_path) is None


ARGUMENTS = {
    "def act(): ...": {
        None: "act takes no parameter; the signature http gives the request",
        "event": "act takes no parameter; the signature event gives data and context",
    },
    "def act(one): ...": {
        None: None,
        "cloudevent": None,
        "event": "act takes (one); the signature event gives data and context",
    },
    "def act(one, two): ...": {
        None: None,
        "event": None,
        "typed": "act takes (one, two); the signature typed gives the input",
    },
    "def act(one, two=2): ...": {None: None, "event": None, "cloudevent": None},
    "def act(*all): ...": {None: None, "event": None, "cloudevent": None},
    "def act(a, b, c): ...": {
        None: "act takes (a, b, c); the signature http gives the request",
    },
    "def act(one, *, key): ...": {
        None: "act needs the keyword 'key', which a call does not have; "
        "the signature http gives the request",
    },
    "import ffhost\n@ffhost.event\ndef act(data): ...": {
        None: "act takes (data); the signature event gives data and context",
    },
    "from cloudevents.http import CloudEvent\ndef act(event: CloudEvent, more): ...": {
        None: "act takes (event, more); the signature cloudevent gives the event",
    },
    "import other\n@other.changes\ndef act(): ...": {None: None, "event": None},
}


@pytest.mark.parametrize("text", ARGUMENTS)
def test_arguments_have_to_fit_the_signature(tmp_path: Path, text: str) -> None:
    write(tmp_path, main=text)
    for signature, expected in ARGUMENTS[text].items():
        if expected is None:
            assert (
                check_target_statically("main.py:act", None, tmp_path, signature=signature)
                is not None
            )
            continue
        with pytest.raises(LoadError) as caught:
            check_target_statically("main.py:act", None, tmp_path, signature=signature)
        assert caught.value.message == expected
        line = text.count("\n") + 1
        assert caught.value.notes == (f"defined in main.py:{line}",)


def test_reading_runs_nothing(tmp_path: Path) -> None:
    write(tmp_path, pack____init__="raise SystemExit", pack__main="def act(request): ...\n1 / 0")
    assert check_target_statically("pack.main:act", None, tmp_path) is not None
    assert check_target_statically("pack/main.py:act", None, tmp_path) is not None


def test_the_functions_of_a_file_with_what_it_re_exports(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="""
            import json
            from parts import one as uno, Thing, _private
            def two(request): ...
            def _hidden(): ...
            three = two
        """,
        parts="def one(request): ...\nclass Thing: ...\ndef _private(): ...",
    )
    found = targets_defined_in_source(main)
    assert {name: (each.name, each.file.name) for name, each in found.items()} == {
        "two": ("two", "main.py"),
        "uno": ("uno", "parts.py"),
    }


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    main = write(tmp_path, main="def one(): ...")
    first = inspect_target_source(main)
    assert inspect_target_source(main) is first
    main.write_text("def other(): ...")
    assert list(inspect_target_source(main).functions) == ["other"]


def test_a_thousand_functions_of_one_file_parse_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ast

    parsed: list[str] = []
    parse = ast.parse

    def counting(source: bytes, filename: str) -> ast.Module:
        parsed.append(filename)
        return parse(source, filename)

    monkeypatch.setattr(ast, "parse", counting)
    text = "\n".join(f"def f{i}(request): return {i}" for i in range(1000))
    main = write(tmp_path, main=text)
    for i in range(1000):
        assert check_target_statically(f"main.py:f{i}", None, tmp_path) is not None
    assert parsed == [str(main)]


NAMES = st.sampled_from(["a", "b", "c"])
STATEMENTS = st.one_of(
    st.builds("def {}(x): return x".format, NAMES),
    st.builds("{} = {}".format, NAMES, st.sampled_from(["1", "print", "a", "b", "[]"])),
    st.builds("from part import {} as {}".format, NAMES, NAMES),
    st.builds("class {}: pass".format, NAMES),
    st.builds("if {}:\n    def {}(y): pass\nelse:\n    z = 1".format, st.just("True"), NAMES),
)


@given(lines=st.lists(STATEMENTS, max_size=6), name=NAMES, part=st.lists(NAMES, max_size=3))
@example(lines=["def a(x): return x", "b = a", "class a: pass"], name="b", part=[])
def test_reading_never_refuses_what_importing_accepts(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], name: str, part: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("generated")
    write(folder, part="\n".join(f"def {each}(x): pass" for each in part))
    write(folder, main="\n".join(lines))
    try:
        resolve_target(f"main.py:{name}", None, folder)
    except LoadError:
        return
    check_target_statically(f"main.py:{name}", None, folder)
