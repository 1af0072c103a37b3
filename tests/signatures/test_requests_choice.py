"""Which request object a function gets: the first that applies."""

from __future__ import annotations

import functools
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import flask
import pytest
from flask import jsonify
from flask import request as flask_request

from ffhost.errors import LoadError
from ffhost.loading.modules import load_module
from ffhost.signatures.requests import native_request_adapter, request_choice
from ffhost.signatures.requests.flask_use import target_uses_flask_request
from ffhost.signatures.requests.request_choice import choose_request_object, request_adapter_for
from tests.conftest import Serve

PLAIN: dict[str, Any] = {"json": ModuleType("json"), "NUMBER": 1, "name": "flask"}


def chosen(
    word: str = "auto",
    annotated: str | None = None,
    marked: str | None = None,
    namespace: dict[str, Any] = PLAIN,
    *,
    asgi: bool = False,
    has_file: bool = True,
    is_async: bool = False,
    installed: bool = True,
) -> str:
    module = ModuleType("module")
    vars(module).update(namespace)
    return choose_request_object(
        word,
        annotated,
        marked,
        lambda: target_uses_flask_request(SimpleNamespace(), module),
        asgi=asgi,
        has_file=has_file,
        is_async=is_async,
        installed=lambda _framework: installed,
    )


def test_the_file_wins_over_everything() -> None:
    assert chosen("ffhost", "flask", "starlette", {"flask": flask}) == "ffhost"
    assert chosen("starlette", "flask") == "starlette"


def test_then_the_annotation_and_then_the_flag_and_then_the_decorator() -> None:
    assert chosen(annotated="native", marked="starlette", namespace={"flask": flask}) == "ffhost"
    assert chosen(annotated="flask", asgi=True) == "flask"
    assert chosen(marked="flask", asgi=True, namespace={"flask": flask}) == "starlette"
    assert chosen(asgi=True, has_file=False, installed=False) == "starlette"
    assert chosen(marked="starlette", namespace={"flask": flask}) == "starlette"


def test_a_plain_function_decorated_for_functions_framework_gets_flask_s_if_installed() -> None:
    assert chosen(marked="flask") == chosen(marked="flask", has_file=False) == "flask"
    assert chosen(marked="flask", installed=False) == "ffhost"
    assert chosen(marked="flask", is_async=True) == "ffhost"
    assert chosen(marked="flask", is_async=True, has_file=False) == "starlette"


OF_FLASK = {
    "module": flask,
    "function": jsonify,
    "class": flask.Response,
    "proxy": flask_request,
    "object": flask.Blueprint("b", "b"),
}


@pytest.mark.parametrize("kind", OF_FLASK)
def test_then_anything_of_flask_among_the_globals_of_the_module(kind: str) -> None:
    value = OF_FLASK[kind]
    assert chosen(namespace={**PLAIN, "anything": value}) == "flask"
    assert chosen(namespace={**PLAIN, "anything": value}, is_async=True) == "flask"


def test_an_extension_of_flask_counts_as_flask() -> None:
    assert chosen(namespace={"cors": ModuleType("flask_cors")}) == "flask"


def test_flask_in_a_private_module_that_the_module_holds_counts(tmp_path: Path) -> None:
    (tmp_path / "answers.py").write_text("from flask import jsonify\ndef one(): return jsonify(1)")
    (tmp_path / "between.py").write_text("import answers")
    sources = {
        "module": "import between",
        "function": "from answers import one",
        "nothing": "import json",
    }
    found = {}
    for name, text in sources.items():
        (tmp_path / f"{name}_main.py").write_text(f"{text}\ndef main(request): return 1")
        module = load_module(tmp_path / f"{name}_main.py")
        found[name] = target_uses_flask_request(module.main, module)
    assert found == {"module": True, "function": True, "nothing": False}


def imports_it(request: Any) -> Any:
    from flask import jsonify

    return jsonify(1)


def imports_it_inside(request: Any) -> Any:
    def answer() -> Any:
        import werkzeug.exceptions

        return werkzeug.exceptions.NotFound()

    return answer()


def only_says_it(request: Any) -> Any:
    return request.flask.werkzeug


class Callable:
    def __call__(self, request: Any) -> Any:
        import flask

        return flask.g


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (imports_it, True),
        (imports_it_inside, True),
        (functools.partial(imports_it), True),
        (Callable(), True),
        (only_says_it, False),
        (len, False),
    ],
)
def test_an_import_in_the_function_s_own_code_counts_and_a_name_does_not(
    target: Any, expected: bool
) -> None:
    function = getattr(target, "__code__", None)
    if function is not None:  # alone: this module imports Flask itself
        target = FunctionType(function, {})
    elif isinstance(target, functools.partial):
        target = functools.partial(FunctionType(target.func.__code__, {}))
    elif isinstance(target, Callable):
        target = FunctionType(Callable.__call__.__code__, {})
    assert target_uses_flask_request(target, ModuleType("module")) is expected


def test_without_a_file_a_coroutine_function_gets_starlette_s_and_others_flask_s() -> None:
    assert chosen(has_file=False) == "flask"
    assert chosen(has_file=False, is_async=True) == "starlette"
    assert chosen(has_file=False, installed=False) == "ffhost"
    assert chosen(has_file=False, is_async=True, installed=False) == "ffhost"
    assert chosen() == chosen(is_async=True) == "ffhost"


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_a_missing_extra_is_an_error_at_load_that_names_it(
    framework: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_choice, "is_request_framework_installed", lambda name: False)
    with pytest.raises(LoadError) as caught:
        request_adapter_for(framework, "hello", None, None)
    assert str(caught.value) == (
        f"hello gets a {framework} request, but {framework} is not installed: "
        f"install ffhost[{framework}]"
    )
    assert caught.value.exit_code == 2


def test_ffhost_s_own_request_needs_nothing() -> None:
    assert request_adapter_for("ffhost", "hello", None, None) == native_request_adapter()


WHAT = """
    import functions_framework

    @functions_framework.http
    def decorated(request): return what(request)
    def plain(request): return what(request)
    async def coroutine(request): return what(request)
    def falcon(request, response): response.text = what(request)

    def what(request):
        packages = {each.__module__.partition(".")[0] for each in type(request).__mro__}
        return next(each for each in ("flask", "starlette", "falcon") if each in packages)
"""
FILE = """
    version: 1
    defaults: {request: %s}
    functions:
      decorated: {target: "main.py:decorated"}
      plain: {target: "main.py:plain"}
      own: {target: "main.py:plain", request: auto}
      coroutine: {target: "main.py:coroutine"}
      falcon: {target: "main.py:falcon"}
"""


@pytest.mark.parametrize(
    ("default", "environ", "expected"),
    [
        ("auto", {}, "flask ffhost ffhost ffhost ffhost"),
        ("flask", {}, "flask flask ffhost flask ffhost"),
        ("starlette", {}, "starlette starlette ffhost starlette ffhost"),
        (
            "auto",
            {"FUNCTION_USE_ASGI": "True"},
            "starlette starlette starlette starlette ffhost",
        ),
    ],
)
def test_the_default_for_all_functions_and_the_variable_are_heeded(
    serve: Serve, default: str, environ: dict[str, str], expected: str
) -> None:
    host = serve(WHAT, FILE % default, environ=environ)
    names = ("decorated", "plain", "own", "coroutine", "falcon")
    answers = [host.get(f"/{name}").text for name in names]
    assert " ".join(answers) == expected.replace("ffhost", "falcon")


def test_flask_used_by_a_function_with_another_request_is_told_what_to_write(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
        def name(): return __import__("flask").current_app.name
        def main(request): return name()
    """
    host = serve(code, "version: 1\nfunctions: {main: {target: 'main.py:main'}}")
    assert host.get("/main").status == 500
    crashes = [each for each in caplog.records if each.getMessage() == "function_crashed"]
    (crash,) = crashes
    assert crash._ffhost_event["hint"] == "request: flask"  # type: ignore[attr-defined]
