"""What user code gets for functions-framework's imports, and what nobody else gets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ffhost.loading import compat, decorators
from ffhost.loading.modules import load_module

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    compat.install_compat_names()

    def load_text(text: str, *, folder: str = "one") -> ModuleType:
        source = tmp_path / folder / "main.py"
        source.parent.mkdir(exist_ok=True)
        source.write_text(text)
        return load_module(source)

    yield load_text
    compat.uninstall_compat_names()


def mark(function: Any) -> decorators.SignatureMark:
    found: decorators.SignatureMark = getattr(function, decorators.SIGNATURE)
    return found


def test_the_decorators_mark_the_function_and_return_it(load: Load) -> None:
    module = load(
        "import functions_framework\n"
        "import functions_framework.aio\n"
        "class Point:\n"
        "    from_dict = classmethod(lambda cls, value: cls())\n"
        "@functions_framework.http\n"
        "def web(request): ...\n"
        "@functions_framework.cloud_event\n"
        "def event(event): ...\n"
        "@functions_framework.typed\n"
        "def annotated(point: Point): ...\n"
        "@functions_framework.typed(Point)\n"
        "def named(point): ...\n"
        "@functions_framework.aio.http\n"
        "async def quick(request): ...\n"
        "@functions_framework.aio.cloud_event\n"
        "async def quick_event(event): ...\n"
    )
    assert mark(module.web) == decorators.SignatureMark("http", request="flask")
    assert mark(module.event) == decorators.SignatureMark("cloudevent")
    assert mark(module.annotated) == decorators.SignatureMark("typed")
    assert mark(module.named) == decorators.SignatureMark("typed", module.Point)
    assert mark(module.quick) == decorators.SignatureMark("http", request="starlette")
    assert mark(module.quick_event) == decorators.SignatureMark("cloudevent")
    assert module.web.__name__ == "web"


@pytest.mark.parametrize(
    "statement",
    [
        "from functions_framework import http",
        "from functions_framework.aio import http",
        "from functions_framework import aio; http = aio.http",
        "import functions_framework as ff; http = ff.http",
        "import importlib; http = importlib.import_module('functions_framework').http",
    ],
)
def test_every_form_of_import_gets_ours(load: Load, statement: str) -> None:
    module = load(f"{statement}\n@http\ndef web(request): ...\n")
    assert mark(module.web).kind == "http"


def test_two_folders_with_functions_of_one_name_do_not_meet(load: Load) -> None:
    one = load("import functions_framework\n@functions_framework.http\ndef handle(request): ...")
    other = load(
        "import functions_framework\n@functions_framework.cloud_event\ndef handle(event): ...",
        folder="other",
    )
    assert (mark(one.handle).kind, mark(other.handle).kind) == ("http", "cloudevent")


def test_error_handlers_are_marked_with_what_they_answer_for(load: Load) -> None:
    module = load(
        "import functions_framework\n"
        "@functions_framework.errorhandler(ZeroDivisionError)\n"
        "def divided(error): ...\n"
        "@functions_framework.errorhandler(404)\n"
        "def missing(error): ...\n"
    )
    from werkzeug.exceptions import NotFound

    assert getattr(module.divided, decorators.HANDLES) == (ZeroDivisionError,)
    assert getattr(module.missing, decorators.HANDLES) == (NotFound,)


def test_the_old_names_of_the_cloudevents_sdk_are_its_own_classes(load: Load) -> None:
    module = load(
        "from cloudevents.http import CloudEvent, from_http, from_json, to_json, is_binary\n"
        "from cloudevents.http import to_structured, to_binary\n"
        "from cloudevents.http.event import CloudEvent as Again\n"
        "from cloudevents.conversion import to_dict, to_json as convert\n"
        "from cloudevents.exceptions import MissingRequiredFields\n"
        "from cloudevents.abstract import CloudEvent as Abstract\n"
        "from cloudevents.sdk.event import v1\n"
        "from cloudevents.pydantic import CloudEvent as Model\n"
        "import cloudevents.exceptions as cloud_exceptions\n"
        "import cloudevents.http\n"
        "import cloudevents.conversion\n"
        "Third = cloudevents.http.CloudEvent\n"
    )
    from cloudevents.v1.http import CloudEvent

    assert module.CloudEvent is module.Again is module.Third is CloudEvent
    event = module.CloudEvent({"type": "t", "source": "s"}, {"a": 1})
    assert b'"data": {"a": 1}' in module.to_json(event)
    assert module.cloud_exceptions.MissingRequiredFields is module.MissingRequiredFields


def test_the_new_names_of_the_cloudevents_sdk_stay_beside_the_old(load: Load) -> None:
    module = load(
        "import cloudevents.http\n"
        "import cloudevents.core\n"
        "from cloudevents.core.v1.event import CloudEvent\n"
        "core = cloudevents.core\n"
    )
    from cloudevents.core.v1.event import CloudEvent

    assert module.CloudEvent is CloudEvent
    assert module.core is sys.modules["cloudevents.core"]


def test_the_context_of_background_functions_can_be_imported_by_every_name(load: Load) -> None:
    module = load(
        "from google.cloud.functions.context import Context\n"
        "from google.cloud.functions_v1.context import Context as V1\n"
        "import google.cloud.functions.context\n"
        "import google.cloud.functions_v1beta2.context as beta\n"
        "Dotted = google.cloud.functions.context.Context\n"
    )
    assert module.Context is module.V1 is module.Dotted is module.beta.Context
    context = module.Context(eventId="1", eventType="t")
    assert (context.event_id, context.event_type, context.resource) == ("1", "t", "")


def test_installed_google_packages_are_not_hidden(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site/google/cloud/ffhost_probe").mkdir(parents=True)
    (tmp_path / "site/google/cloud/ffhost_probe/__init__.py").write_text("HERE = True\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    module = load(
        "import google.cloud.functions.context\n"
        "import google.cloud.ffhost_probe\n"
        "from google.cloud import ffhost_probe\n"
        "seen = google.cloud.ffhost_probe.HERE and ffhost_probe.HERE\n"
    )
    assert module.seen


def test_a_name_that_the_old_sdk_does_not_have_is_told_as_such(load: Load) -> None:
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        load("from cloudevents.http import Nothing\n", folder="wrong")
