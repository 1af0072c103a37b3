"""What comes from outside takes time in proportion to its size, however it is made.

Each case is large enough to take minutes or hours where a loop stands in a loop, and a fraction
of a second where none does.
"""

from __future__ import annotations

import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ffhost.auth.key_fetcher import DOCUMENT_LIMIT, key_file_reader
from ffhost.auth.key_sources import KeysUnreadable
from ffhost.config import ConfigSources, attempt_config
from ffhost.config.diagnostics import ConfigProblem
from ffhost.config.dotenv import read_dotenv
from ffhost.config.files import MAX_BYTES
from ffhost.config.interpolation import interpolate_variables
from ffhost.config.mask import PLAIN
from ffhost.config.nodes import ConfigText
from ffhost.config.units import ByteSize, Duration
from ffhost.config.watcher import fingerprint_config_files
from ffhost.config.yaml_reader import YamlError, read_yaml
from ffhost.errors import RequestError
from ffhost.events.filters import compile_event_filters
from ffhost.events.incoming_events import read_events
from ffhost.events.subscriptions import Subscription, SubscriptionTable
from ffhost.web.byte_ranges import parse_ranges
from ffhost.web.fields import Fields, parse_urlencoded
from ffhost.web.forms import parse_form
from ffhost.web.forwarded import trust_forwarded
from ffhost.web.json_text import read_json
from ffhost.web.mediatypes import parse_media_type_options
from ffhost.web.messages import Message

PATIENCE_SECONDS = 30
N = 250_000
"""Characters: about what a head may have."""


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Make a case that would take minutes fail, instead of waiting for it."""

    def stop(*_: object) -> None:
        raise AssertionError("it takes more than linear time")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def refused(reads: Callable[..., object], *arguments: object) -> None:
    with pytest.raises((ValueError, RequestError)):
        reads(*arguments)


def dotenv(text: str) -> dict[str, tuple[str, int]]:
    return read_dotenv(ConfigText(".env", text=text), [])


def yaml_fault(text: str) -> str:
    problems: list[ConfigProblem] = []
    with pytest.raises(YamlError) as caught:
        read_yaml(ConfigText("f.yaml", text=text), problems)
    return str(caught.value)


def forwarded(text: str, networks: int) -> None:
    trust = trust_forwarded([f"10.{number}.0.0/16" for number in range(networks)])
    assert trust is not None
    trust(Message("GET", "/", headers={"x-forwarded-for": text}, client=("10.0.0.1", 1)))


def lists(count: int) -> None:
    fields = Fields(parse_urlencoded("&".join(f"f{number}=1" for number in range(count))))
    assert len(list(fields.lists())) == len(fields.to_dict(flat=False)) == count
    assert all(fields.getlist(name) == ["1"] for name in fields)


LINEAR: dict[str, Callable[[], object]] = {
    ".env: spaces before the name": lambda: dotenv(" " * N + "x"),
    ".env: spaces within a value": lambda: dotenv("A=a" + " " * N + "b"),
    ".env: spaces before a sign": lambda: dotenv("A=a" + " " * N + "b#"),
    ".env: spaces after a quote": lambda: dotenv("A='x'" + " " * N + "y"),
    ".env: an escape without an end": lambda: dotenv('A="' + "\\" * N),
    "YAML: brackets in a broken line": lambda: yaml_fault("a: [x, y z: }" + "[" * N),
    "YAML: a reference in a broken line": lambda: yaml_fault("a: [x, ${}" + "[" * N + "}"),
    "a reference that is not closed": lambda: interpolate_variables("$${" + "$${A:-" * N, {}),
    "a duration of spaces": lambda: refused(Duration.parse, "1" + " " * N + "x"),
    "a duration of parts": lambda: refused(Duration.parse, "1s" * 50_000),
    "a size of spaces": lambda: refused(ByteSize.parse, "1" + " " * N + "x"),
    "masked: addresses": lambda: PLAIN.text("://a" + "@" * N + "?" * N),
    "masked: PEM": lambda: PLAIN.text("-----BEGIN A-----" * (N // 10)),
    "Range: spaces": lambda: parse_ranges("bytes=" + " " * N + "x", 10),
    "Range: spaces after a number": lambda: parse_ranges("bytes=1" + " " * N + "x", 10),
    "Range: digits": lambda: parse_ranges("bytes=" + "1" * N + "x", 10),
    "Range: many": lambda: parse_ranges("bytes=" + "1-2," * N, 10),
    "Content-Type: spaces": lambda: parse_media_type_options("a; b" + " " * N + ";" * N),
    "Content-Type: a quote without an end": lambda: parse_media_type_options('a; b="' + "\\" * N),
    "X-Forwarded-For: addresses": lambda: forwarded("10.9.9.9," * (N // 9), 200),
    "X-Forwarded-For: colons": lambda: forwarded(":" * N, 1),
    "fields of a query": lambda: lists(9_999),
    "escapes of a query": lambda: parse_urlencoded("%ff" * 50_000),
    "a part's header": lambda: refused(
        parse_form, "multipart/form-data; boundary=x", b"--x\r\n" + b"a: b\r\n" * N
    ),
    "near boundaries": lambda: parse_form(
        f"multipart/form-data; boundary={'-' * 69}x",
        b"--"
        + b"-" * 69
        + b'x\r\nContent-Disposition: form-data; name=a; filename=""\r\n\r\n'
        + b"-" * 5_000_000
        + b"\r\n--"
        + b"-" * 69
        + b"x--",
    ),
    "JSON: nested": lambda: refused(read_json, b"[" * 5_000_000),
    "JSON: nested objects": lambda: refused(read_json, b'{"a":' * N),
    "JSON: a long number": lambda: refused(read_json, b"1" * 5_000_000),
    "an event with many attributes": lambda: read_events(
        {f"ce-a{number}": "%41" * 80 for number in range(1000)}
        | {"ce-id": "1", "ce-source": "/", "ce-type": "t", "ce-specversion": "1.0"},
        b"",
    ),
    "an event with a long attribute": lambda: read_events(
        {"ce-a": '"' + "\\" * N + '"'}
        | {"ce-id": "1", "ce-source": "/", "ce-type": "t", "ce-specversion": "1.0"},
        b"",
    ),
    "a batch of nothing": lambda: refused(
        read_events,
        {"content-type": "application/cloudevents-batch+json"},
        b"[" + b"{}," * N + b"{}]",
    ),
}


@pytest.mark.parametrize("case", LINEAR.values(), ids=LINEAR)
def test_it_is_read_in_linear_time(case: Callable[[], object]) -> None:
    case()


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[{a: "])
def test_yaml_that_is_nested_without_end_is_refused(opening: str) -> None:
    assert yaml_fault(opening * 100_000) == "nested deeper than 64 levels"


@pytest.mark.parametrize("text", [f"{'9' * 400}s", f"1h{'9' * 400}s"])
def test_a_duration_without_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this number is too large"):
        Duration.parse(text)


def test_a_size_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this number is too large"):
        ByteSize.parse(f"{'9' * 400}B")
    found = problems_of(tmp_path, f"server: {{max_body_size: {'9' * 400}B}}\n")
    assert any(": server.max_body_size: expected a size" in each for each in found)


def test_many_types_beside_many_subscriptions_to_any_type_are_held_once_each() -> None:
    count = 3_000
    (any_type,) = compile_event_filters([{"prefix": {"source": "/9/"}}])
    entries = [
        Subscription(f"{kind}-{number}", (each,))
        for number in range(count)
        for kind, each in (
            ("any", any_type),
            ("one", any_type._replace(types=frozenset({f"t{number}"}))),
        )
    ]
    tracemalloc.start()
    table = SubscriptionTable(entries)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 10_000_000
    found = table.match({"type": "t7", "source": "/9/", "id": "1"}).functions
    assert found[7:10] == ("any-7", "one-7", "any-8")
    assert len(found) == count + 1


# Files that are none


@pytest.fixture(params=["pipe", "device"])
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A file that never begins or never ends, and what it is."""
    if request.param == "device":
        return Path("/dev/zero"), "device"
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path, "pipe"


def problems_of(folder: Path, text: str) -> list[str]:
    (folder / "functions.yaml").write_text(text)
    problems = attempt_config(ConfigSources("functions.yaml", cwd=folder)).problems
    return [str(each) for each in problems]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("env_file: {}\n", "functions.yaml:1:11: "),
        (
            "functions: {{a: {{target: 'm:a', env: {{K: {{from_file: {}}}}}}}}}\n",
            "functions.yaml:1:53: functions.a.env.K.from_file: ",
        ),
    ],
)
def test_a_pipe_or_a_device_is_not_read(
    endless: tuple[Path, str], tmp_path: Path, text: str, place: str
) -> None:
    path, kind = endless
    found = problems_of(tmp_path, text.format(path))
    assert f"{place}{str(path)!r}: expected a file, got a {kind}" in found


def test_a_pipe_or_a_device_is_no_configuration(endless: tuple[Path, str], tmp_path: Path) -> None:
    path, kind = endless
    problems = attempt_config(ConfigSources(str(path), cwd=tmp_path)).problems
    assert [each.message for each in problems] == [f"expected a file, got a {kind}"]
    assert fingerprint_config_files([path]) == fingerprint_config_files([path])


def test_keys_are_read_from_files_only_and_up_to_a_limit(
    endless: tuple[Path, str], tmp_path: Path
) -> None:
    path, kind = endless
    with pytest.raises(KeysUnreadable, match=f"expected a file, got a {kind}"):
        key_file_reader(path)()
    large = tmp_path / "keys.json"
    large.write_bytes(b" " * (DOCUMENT_LIMIT + 1))
    with pytest.raises(KeysUnreadable, match=f"it is larger than {DOCUMENT_LIMIT} bytes"):
        key_file_reader(large)()


@pytest.mark.parametrize("name", ["functions.yaml", ".env", "key"])
def test_a_file_above_the_limit_is_not_a_configuration(name: str, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / "key").touch()
    text = "env_file: .env\nfunctions: {a: {target: 'm:a', env: {K: {from_file: key}}}}\n"
    (tmp_path / "functions.yaml").write_text(text)
    with (tmp_path / name).open("ab") as file:
        file.truncate(MAX_BYTES + 1)
    problems = attempt_config(ConfigSources("functions.yaml", cwd=tmp_path)).problems
    assert any("larger than 8MiB; this is not a configuration" in str(each) for each in problems)
