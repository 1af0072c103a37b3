"""A call that is kept as an example: where it is written, and that it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ffhost.cli.commands.test import command
from ffhost.errors import Conflict
from ffhost.host.console.example_entry import console_example_as_yaml
from ffhost.host.console.example_file import with_console_example
from tests.host.console.asking import OPEN, Desk

ITEM = console_example_as_yaml({"name": "new", "request": {"method": "GET", "body": "a: ${B}\n#"}})

BLOCK = """\
# the head
functions:
  hello:  # says hello
    target: main.py:hello
    # the last word

  # about the other
  other: {target: "main.py:other"}  # at its end
"""


@pytest.mark.parametrize(
    ("before", "function"),
    [
        (BLOCK, "hello"),
        (BLOCK, "other"),
        ("functions:\n    hello:\n        target: main.py:hello", "hello"),
        ("functions:\n  hello: {target: 'a.py:b', config: {a: [1, 2]}}\nserver: {}\n", "hello"),
        ("functions:\n  hello:\n    config: |\n      x\n\n    target: a.py:b\n\n# end\n", "hello"),
        (
            "functions:\n  hello:\n    target: a.py:b\n    config:\n      text: |\n        x\n",
            "hello",
        ),
        (
            "functions:\n  hello:\n    examples:\n    - name: old\n      # why\n"
            "      response: {status: 200}\n    # after\n    target: a.py:b\n",
            "hello",
        ),
        ("functions:\n  hello:\n    target: a\n    examples:\n      - {name: old}\n\n\n", "hello"),
        ("functions: {hello: {target: 'a.py:b'}}\n", "hello"),
        ("functions:\n  hello: {\n    target: 'a.py:b',  # why\n  }\n", "hello"),
        ("functions:\n  hello:\n    examples: [{name: x}]  # one\n    target: a\n", "hello"),
        ("functions:\n  hello: {target: a, examples: []}\n", "hello"),
        ('{"functions": {"hello": {"target": "a", "examples": [\n {"name": "x"}\n]}}}', "hello"),
    ],
)
def test_everything_else_of_the_file_stays_as_it_was(before: str, function: str) -> None:
    after, line = with_console_example(before, function, ITEM)
    assert "new" in after.splitlines()[line - 1]
    examples = yaml.safe_load(after)["functions"][function]["examples"]
    assert examples[-1] == {"name": "new", "request": {"method": "GET", "body": "a: $${B}\n#"}}
    for each in before.splitlines():
        comment = each.partition("#")[2]
        assert comment in after


def test_the_lines_of_an_example_stand_where_a_person_would_write_them() -> None:
    after, line = with_console_example(BLOCK, "hello", ITEM)
    assert after == BLOCK.replace(
        "    target: main.py:hello\n",
        "    target: main.py:hello\n"
        "    examples:\n"
        "      - name: new\n"
        "        request:\n"
        "          method: GET\n"
        '          body: "a: $${B}\\n#"\n',
    )
    assert line == 6


def test_a_mapping_in_braces_becomes_a_block_with_its_comment() -> None:
    after, _ = with_console_example(BLOCK, "other", ITEM)
    assert '  other: # at its end\n    target: "main.py:other"\n    examples:\n' in after


@pytest.mark.parametrize(
    "before",
    [
        "functions:\n  hello:\n    target: a\n    examples: x\n",
        "functions:\n  other:\n    target: a\n",
        "functions:\n  hello: &it\n    target: a\n  again: *it\n",
    ],
)
def test_where_no_place_can_be_found_nothing_is_written(before: str) -> None:
    with pytest.raises(Conflict):
        with_console_example(before, "hello", ITEM)


CODE = """
def greet(request):
    data = request.get_json()
    return {"hello": data["name"], "token": "abcdefgh"}

def boom(request):
    raise ValueError
"""
CONFIG = (
    OPEN
    + """
server: {debug: true}
auth: {staff: {keys: {ada: {from_env: KEY}}}}
functions:
  # greets people
  greet: {target: "main.py:greet", request: flask, auth: staff}  # politely
  boom: {target: "main.py:boom"}
"""
)


def test_a_call_becomes_an_example_that_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "opensesame-opensesame")
    desk = Desk(tmp_path, CODE, CONFIG, KEY="opensesame-opensesame")
    fields = [
        ("x-api-key", "opensesame-opensesame"),
        ("authorization", "Bearer opensesame-opensesame"),
        ("content-type", "application/json"),
    ]
    assert desk.call("/greet?a=1", "POST", fields=fields, body=b'{"name": "Ada"}').status == 200
    assert desk.call("/boom").status == 500
    boom, greet = (each["id"] for each in desk.get("calls")["calls"][:2])
    assert desk.get("session")["keeps_examples"] is True
    kept = [
        desk.post("examples", {"call": greet, "name": "greets"}),
        desk.post("examples", {"call": boom, "name": "fails"}),
    ]
    text = (tmp_path / "functions.yaml").read_text()
    assert "# greets people" in text
    assert "# politely" in text
    assert "opensesame" not in text
    assert kept[0]["yaml"].strip().splitlines()[0].strip() == "- name: greets"
    assert text.splitlines()[kept[0]["line"] - 1].strip() == "- name: greets"
    examples = yaml.safe_load(text)["functions"]["greet"]["examples"]
    expected: dict[str, Any] = {
        "name": "greets",
        "request": {"method": "POST", "path": "/greet?a=1", "json": {"name": "Ada"}},
        "response": {"status": 200, "json": {"hello": "Ada"}},
    }
    assert examples == [expected]
    desk.close()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0, result.output


def test_an_example_that_cannot_be_kept_is_a_conflict(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CODE, CONFIG, KEY="opensesame-opensesame")
    desk.call("/boom")
    call = desk.last()["id"]
    assert desk.send("examples", {"call": call, "name": ""}).status == 400
    assert desk.send("examples", {"call": "unknown", "name": "a"}).status == 404
    desk.call("/boom", "POST", body=b"\xff\xfe")
    assert desk.send("examples", {"call": desk.last()["id"], "name": "a"}).status == 409
    (tmp_path / "functions.yaml").write_text("functions: {other: {target: 'main.py:boom'}}\n")
    assert desk.send("examples", {"call": call, "name": "a"}).status == 409
    desk.close()
