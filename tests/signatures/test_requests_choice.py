"""Which request object a function gets: the first that applies."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import flask
import pytest
from flask import jsonify
from flask import request as flask_request

from ffhost.errors import LoadError
from ffhost.signatures.requests import choice, native_adapter
from ffhost.signatures.requests.choice import adapter_for, choose_request, uses_flask

PLAIN: dict[str, Any] = {"json": ModuleType("json"), "NUMBER": 1, "name": "flask"}


def chosen(
    word: str = "auto",
    annotated: str | None = None,
    marked: str | None = None,
    namespace: dict[str, Any] = PLAIN,
    *,
    has_file: bool = True,
    is_async: bool = False,
    flask_installed: bool = True,
) -> str:
    module = ModuleType("module")
    vars(module).update(namespace)
    return choose_request(
        word,
        annotated,
        marked,
        uses_flask(module),
        has_file=has_file,
        is_async=is_async,
        flask_installed=flask_installed,
    )


def test_the_file_wins_over_everything() -> None:
    assert chosen("ffhost", "flask", "starlette", {"flask": flask}) == "ffhost"
    assert chosen("starlette", "flask") == "starlette"


def test_then_the_annotation_and_then_the_decorator() -> None:
    assert chosen(annotated="native", marked="starlette", namespace={"flask": flask}) == "ffhost"
    assert chosen(annotated="flask", marked="starlette") == "flask"
    assert chosen(marked="starlette", namespace={"flask": flask}) == "starlette"


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


def test_then_flask_for_sync_functions_without_a_file_if_it_is_installed() -> None:
    assert chosen(has_file=False) == "flask"
    assert chosen(has_file=False, is_async=True) == "ffhost"
    assert chosen(has_file=False, flask_installed=False) == "ffhost"
    assert chosen() == "ffhost"


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_a_missing_extra_is_an_error_at_load_that_names_it(
    framework: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda name: False)
    with pytest.raises(LoadError) as caught:
        adapter_for(framework, "hello", None, None)
    assert str(caught.value) == (
        f"hello gets a {framework} request, but {framework} is not installed: "
        f"install ffhost[{framework}]"
    )
    assert caught.value.exit_code == 2


def test_ffhost_s_own_request_needs_nothing() -> None:
    assert adapter_for("ffhost", "hello", None, None) == native_adapter()
