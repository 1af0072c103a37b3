"""What is imported before workers are forked, because a single target will most likely need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffhost.config import ConfigSources, load_config
from ffhost.host.early_imports import import_likely_request, likely_gets_flask_request

PLAIN = "def hello(request):\n    return 'hello'\n"


def likely(folder: Path, text: str | None, *, file: str = "main.py", **flags: str) -> bool:
    """Return what is guessed for the function ``hello`` of *text*."""
    if text is not None:
        (folder / file).write_text(text)
    given = {"target": "hello", "source": str(folder / file), **flags}
    sources = ConfigSources(
        cwd=folder, flags={key: (f"--{key}", value) for key, value in given.items()}
    )
    config = load_config(sources)
    import_likely_request(config)  # whatever is wrong, it raises nothing
    return likely_gets_flask_request(config)


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        (PLAIN, True),
        (f"import functions_framework\n\n\n@functions_framework.http\n{PLAIN}", True),
        (f"async def other(request): ...\n\n\n{PLAIN}", True),
        (f"@functions_framework.cloud_event\ndef other(event): ...\n\n\n{PLAIN}", True),
        (f"async {PLAIN}", False),
        (f"@functions_framework.cloud_event\n{PLAIN}", False),
        (f"@log\n@functions_framework.typed(Order)\n{PLAIN}", False),
        ("from other import hello\n", False),
        ("hello = Flask('app')\n", False),
        (None, False),
    ],
)
def test_a_plain_function_likely_gets_flasks_request(
    tmp_path: Path, text: str | None, guess: bool
) -> None:
    assert likely(tmp_path, text) is guess


@pytest.mark.parametrize("package", ["flask", "werkzeug", "jinja2"])
def test_nothing_is_guessed_where_the_function_brings_its_own_flask(
    tmp_path: Path, package: str
) -> None:
    (tmp_path / package).mkdir()
    assert not likely(tmp_path, PLAIN)


def test_nothing_is_guessed_for_events_and_for_starlettes_request(tmp_path: Path) -> None:
    assert not likely(tmp_path, PLAIN, signature_type="event")
    sources = ConfigSources(
        cwd=tmp_path,
        environ={"FUNCTION_USE_ASGI": "true"},
        flags={"target": ("--target", "hello"), "source": ("--source", "main.py")},
    )
    assert not likely_gets_flask_request(load_config(sources))


def test_nothing_is_guessed_for_functions_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(PLAIN)
    (tmp_path / "functions.yaml").write_text(
        "version: 1\nfunctions:\n  hello: {target: 'main.py:hello'}\n"
    )
    sources = ConfigSources(cwd=tmp_path, config=str(tmp_path / "functions.yaml"))
    assert not likely_gets_flask_request(load_config(sources))
