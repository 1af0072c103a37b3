"""What ``ffhost init`` and ``ffhost new`` write, as plain texts with ``$name`` in them."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from ffhost.cli.scaffold.schema_file import SCHEMA_FILE
from ffhost.config import DEFAULT_FILE

SIGNATURES = ("http", "typed", "cloudevent", "event")

HEADING = f"""\
# yaml-language-server: $schema={SCHEMA_FILE}
# What ffhost serves; 'ffhost check' reports mistakes in this file. The line above lets an editor
# complete and explain the keys; 'ffhost schema > {SCHEMA_FILE}' renews it.
"""

IMPORTS: Mapping[str, tuple[str, ...]] = {
    "http": ("import ffhost",),
    "typed": ("from pydantic import BaseModel", "import ffhost"),
    "cloudevent": (
        "import logging",
        "from cloudevents.core.v1.event import CloudEvent",
        "import ffhost",
    ),
    "event": ("import logging", "from typing import Any", "import ffhost"),
}
"""Imports that the code of each signature needs."""

LOGGER = "log = logging.getLogger(__name__)"

CODE: Mapping[str, str] = {
    "http": '''@ffhost.http
${async_}def $function(request: ffhost.Request) -> str:
    """Return a greeting for the name in the query."""
    return f"Hello, {request.args.get('name', 'world')}!\\n"
''',
    "typed": '''class $input(BaseModel):
    """What ${function}() takes."""

    item: str
    quantity: int = 1


class $output(BaseModel):
    """What ${function}() returns."""

    message: str


@ffhost.typed
${async_}def $function(given: $input) -> $output:
    """Return what was sent; a body that does not validate is answered with 422."""
    return $output(message=f"{given.quantity} x {given.item}")
''',
    "cloudevent": '''@ffhost.cloud_event
${async_}def $function(event: CloudEvent) -> None:
    """Log an event."""
    log.info("received", extra={"type": event.get_type(), "data": event.get_data()})
''',
    "event": '''@ffhost.event
${async_}def $function(data: dict[str, Any], context: Any) -> None:
    """Log a background event."""
    log.info("received", extra={"type": context.event_type, "data": data})
''',
}

EXAMPLES: Mapping[str, str] = {
    "http": """- name: greets by name
  request: {path: "$path?name=Ada"}
  response: {status: 200, body: "Hello, Ada!\\n"}
""",
    "typed": """- name: says what was given
  request: {json: {item: tea, quantity: 2}}
  response: {status: 200, json: {message: 2 x tea}}
- name: refuses what does not fit
  request: {json: {quantity: many}}
  response: {status: 422}
""",
    "cloudevent": """- name: takes an event
  event: {type: com.example.created, data: {id: 7}}
  response: {status: 204}
""",
    "event": """- name: takes a message
  event:
    context:
      eventId: "1"
      eventType: google.pubsub.topic.publish
      resource: projects/p/topics/t
    data: {attributes: {kind: test}}
  response: {status: 204}
""",
}
"""The examples of an entry in functions.yaml."""

TESTS: Mapping[str, str] = {
    "http": """def test_${function}_greets_by_name() -> None:
    with client(CONFIG) as host:
        answer = host.get("$path?name=Ada")
    assert (answer.status, answer.text) == (200, "Hello, Ada!\\n")
""",
    "typed": """def test_${function}_says_what_was_given() -> None:
    with client(CONFIG) as host:
        answer = host.post("$path", json={"item": "tea", "quantity": 2})
    assert (answer.status, answer.json()) == (200, {"message": "2 x tea"})


def test_${function}_refuses_what_does_not_fit() -> None:
    with client(CONFIG) as host:
        answer = host.post("$path", json={"quantity": "many"})
    assert answer.status == 422
""",
    "cloudevent": """def test_${function}_takes_an_event() -> None:
    event = make_cloud_event(type="com.example.created", source="/test", data={"id": 7})
    with client(CONFIG) as host:
        answer = host.send("$path", event)
    assert answer.status == 204
""",
    "event": """def test_${function}_takes_a_message() -> None:
    event = pubsub_event({"id": 7})
    with client(CONFIG) as host:
        answer = host.send("$path", event)
    assert answer.status == 204
""",
}

TEST_IMPORTS: Mapping[str, str] = {
    "http": "client",
    "typed": "client",
    "cloudevent": "client, make_cloud_event",
    "event": "client, pubsub_event",
}

_TEST_HEAD = '''"""Calls $name in process, as ffhost serves it."""

from __future__ import annotations

from pathlib import Path

from ffhost.testing import $imports

CONFIG = Path(__file__).parents[1] / "$config"


'''


def fill_template(text: str, **names: str) -> str:
    """Fill *names* into *text*."""
    return Template(text).substitute(names)


def template_identifier(name: str) -> str:
    """Return the Python name for the function *name* of a configuration."""
    return name.replace("-", "_")


def scaffold_code(name: str, signature: str, *, asynchronous: bool = False) -> str:
    """Write the function *name*."""
    function = template_identifier(name)
    camel = "".join(word[:1].upper() + word[1:] for word in function.split("_"))
    return fill_template(
        CODE[signature],
        function=function,
        input=f"{camel}Input",
        output=f"{camel}Output",
        async_="async " if asynchronous else "",
    )


def scaffold_entry(name: str, signature: str, target: str, path: str, indent: int = 2) -> str:
    """Write the entry of the function *name* for functions.yaml, *indent* deep."""
    own = "" if path == f"/{name}" else f"  path: {path}\n"
    examples = fill_template(EXAMPLES[signature], path=path)
    lines = [f"{name}:", f"  target: {target}", *own.splitlines(), "  examples:"]
    lines += [f"    {line}" for line in examples.splitlines()]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def scaffold_test(name: str, signature: str, path: str, config: str = DEFAULT_FILE) -> str:
    """Write the test of the function *name*."""
    head = fill_template(_TEST_HEAD, name=name, imports=TEST_IMPORTS[signature], config=config)
    return head + fill_template(TESTS[signature], function=template_identifier(name), path=path)


def scaffold_module(functions: Mapping[str, str]) -> str:
    """Write a module with *functions*, name to signature."""
    lines = {line for signature in functions.values() for line in IMPORTS[signature]}
    text = (
        '"""The functions that functions.yaml names."""\n\nfrom __future__ import annotations\n\n'
    )
    text += scaffold_imports(lines) + "\n\n"
    if "import logging" in lines:
        text = text[:-1] + LOGGER + "\n\n\n"
    return text + "\n\n".join(
        scaffold_code(name, signature) for name, signature in functions.items()
    )


def scaffold_imports(lines: set[str]) -> str:
    """Order import lines: the standard library first, then the rest."""
    standard = {line for line in lines if line.split()[1] in ("logging", "typing")}
    groups = [sorted(group, key=_plain_first) for group in (standard, lines - standard)]
    return "\n".join("".join(f"{line}\n" for line in group) for group in groups if group)


def _plain_first(line: str) -> tuple[bool, str]:
    return (line.startswith("from"), line)


TEMPLATES: Mapping[str, Mapping[str, str]] = {
    "http": {"hello": "http"},
    "typed": {"order": "typed"},
    "cloudevent": {"on-event": "cloudevent"},
    "event": {"on-message": "event"},
    "mixed": {"hello": "http", "order": "typed", "on-event": "cloudevent", "on-message": "event"},
}
"""Templates of ``ffhost init``: the functions of each, and their signatures."""


def scaffold_configuration(functions: Mapping[str, str]) -> str:
    """Write a functions.yaml with *functions*, name to signature."""
    text = HEADING + "version: 1\n\nfunctions:\n"
    entries = (
        scaffold_entry(name, signature, f"main.py:{template_identifier(name)}", f"/{name}")
        for name, signature in functions.items()
    )
    return text + "\n".join(entries)
