"""The pages that are made from the code: ``reference.md`` and ``cli.md``.

``python docs/generate.py`` writes both; a test compares them with what is committed.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).parent
NOTE = "<!-- written by make reference; change the docstrings and help texts instead -->"

MODULES = ("ffhost", "ffhost.testing", "ffhost.pytest_plugin", "ffhost.errors")
"""The public modules, in the order of the page."""

_SECTION = re.compile(r"^(Args|Returns|Raises|Example):$", re.MULTILINE)


# The Python API


def public_names(module: str) -> list[str]:
    """Return the public names of *module*: its ``__all__``, else what it defines itself."""
    found = import_module(module)
    if hasattr(found, "__all__"):
        return list(found.__all__)
    return [
        name
        for name, value in vars(found).items()
        if not name.startswith(("_", "pytest_"))
        and callable(value)
        and getattr(value, "__module__", module) == module
    ]


def public_members(owner: type) -> list[tuple[str, Any]]:
    """Return the documented methods and properties that *owner* defines itself."""
    return [
        (name, value)
        for name, value in vars(owner).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or (_is_property(value) and value.__doc__))
    ]


def reference() -> str:
    """Return the page of the Python API."""
    lines = [
        "# Python API",
        "",
        NOTE,
        "",
        "What may be imported. Everything else in `ffhost` is internal and may change in any "
        "version. `ffhost.asgi:app` and `ffhost.wsgi:app` are named on the command line of a "
        "server, `python:ffhost.gunicorn` on that of gunicorn: see [Deployment](deployment.md).",
        "",
    ]
    for module in MODULES:
        lines += [f"## {module}", ""]
        lines += [*_prose(inspect.getdoc(import_module(module)) or ""), ""]
        for name in public_names(module):
            lines += [*_definition(module, name), ""]
    return _page(lines)


def _definition(module: str, name: str) -> Iterator[str]:
    value = getattr(import_module(module), name)
    yield f"### `{module}.{name}`"
    yield ""
    documented = documented_of(value)
    if documented is value and _is_callable_here(value):
        yield from ("```python", _signature(name, value), "```", "")
    yield from documentation(inspect.getdoc(documented) or "")
    yield from _number(value)
    if not inspect.isclass(documented):
        return
    for member, each in public_members(documented):
        yield ""
        yield f"#### `{name}.{member}{'' if _is_property(each) else '()'}`"
        yield ""
        if not _is_property(each):
            yield from ("```python", _signature(member, each), "```", "")
        yield from documentation(inspect.getdoc(each) or "")


def _number(error: Any) -> Iterator[str]:
    """Return the line with the status or the exit code of an error."""
    if isinstance(getattr(error, "status", None), int):
        yield from ("", f"Status {error.status}.")
    elif isinstance(getattr(error, "exit_code", None), int):
        yield from ("", f"The command exits with {error.exit_code}.")


def documented_of(value: Any) -> Any:
    """Return what holds the docstring of *value*: a fixture's function, or an object's class."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return value
    return getattr(value, "__wrapped__", None) or type(value)


def _is_callable_here(value: Any) -> bool:
    """Whether *value* has a signature of its own, and not that of a class above it."""
    return inspect.isfunction(value) or "__init__" in vars(value)


def _is_property(value: object) -> bool:
    return isinstance(value, property) or type(value).__name__ == "_once"


def _signature(name: str, value: Any) -> str:
    """Return the call of *value* with its annotations, one argument a line if it is long."""
    signature = inspect.signature(value)
    arguments = list(_arguments(signature))
    result = signature.return_annotation
    shown = inspect.isclass(value) or result is inspect.Signature.empty
    ending = ")" if shown else f") -> {_annotation(result)}"
    short = f"{name}({', '.join(arguments)}{ending}"
    if len(short) <= 90:
        return short
    return f"{name}(\n" + "".join(f"    {each},\n" for each in arguments) + ending


def _arguments(signature: inspect.Signature) -> Iterator[str]:
    """Return each argument as it is written, with the bare star or slash in its place."""
    before: inspect.Parameter | None = None
    starred = False
    for each in signature.parameters.values():
        if each.name == "self":
            continue
        if before and before.kind is before.POSITIONAL_ONLY and each.kind is not before.kind:
            yield "/"
        starred = starred or each.kind is each.VAR_POSITIONAL
        if each.kind is each.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield _argument(each)
        before = each


def _argument(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    text = stars.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_annotation(parameter.annotation)}"
        return text if parameter.default is parameter.empty else f"{text} = {_default(parameter)}"
    return text if parameter.default is parameter.empty else f"{text}={_default(parameter)}"


def _default(parameter: inspect.Parameter) -> str:
    shown = repr(parameter.default)
    return "..." if shown == "<factory>" else shown  # a dataclass makes it anew each time


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def documentation(docstring: str) -> Iterator[str]:
    """Return a docstring of ours as Markdown."""
    parts = _SECTION.split(docstring)
    yield from _prose(parts[0])
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        block, rest = _indented(body)
        yield ""
        if title == "Example":
            yield from ("```python", block, "```")
        elif title == "Returns":
            yield from _prose(f"**Returns:** {block}")
        else:
            yield from (f"**{'Arguments' if title == 'Args' else title}:**", "")
            yield from _listed(block)
        if rest:
            yield ""
            yield from _prose(rest)


def _indented(body: str) -> tuple[str, str]:
    """Return the indented lines that *body* begins with, dedented, and the text after them."""
    lines = body.strip("\n").splitlines()
    count = next(
        (number for number, line in enumerate(lines) if line and not line.startswith(" ")),
        len(lines),
    )
    block = textwrap.dedent("\n".join(lines[:count])).strip("\n")
    return block, "\n".join(lines[count:]).strip()


def _listed(block: str) -> Iterator[str]:
    """Return ``name: text`` entries, whose further lines are indented, as a list."""
    for entry in re.split(r"\n(?! )", block):
        name, _, text = " ".join(entry.split()).partition(": ")
        yield f"- `{name}`: {_code(text)}"


def _prose(text: str) -> Iterator[str]:
    yield from _code(text.strip()).splitlines()


def _code(text: str) -> str:
    text = re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)
    return re.sub(r"(?<![\w*])\*(\w+)\*(?![\w*])", r"`\1`", text)


# The command line


def commands() -> dict[str, click.Command]:
    """Return every command by the words that call it."""
    from ffhost.cli import COMMANDS, cli
    from ffhost.cli.framework_command import command as framework

    context = click.Context(cli)
    found: dict[str, click.Command] = {"ffhost": cli}
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None, name
        found[f"ffhost {name}"] = command
    return {**found, "functions-framework": framework}


def command_line() -> str:
    """Return the page of the command line."""
    lines = ["# Command line", "", NOTE, ""]
    for words, command in commands().items():
        lines += [f"## {words}", "", *_help(command.help or ""), ""]
        lines += ["```text", f"{words} {' '.join(_usage(command))}".rstrip(), "```", ""]
        if isinstance(command, click.Group):
            lines += _overview()
        lines += [*_options(command), ""]
        if command.epilog:
            lines += [*_help(command.epilog), ""]
    return _page(lines)


def _overview() -> list[str]:
    from ffhost.cli import COMMANDS

    rows = [f"| [`{name}`](#ffhost-{name}) | {text} |" for name, text in COMMANDS.items()]
    return ["| command | what it does |", "| --- | --- |", *rows, ""]


def _usage(command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        yield from ("[OPTIONS]", "COMMAND", "...")
        return
    yield "[OPTIONS]"
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            name = parameter.metavar or (parameter.name or "").upper()
            name = name if parameter.required else f"[{name.strip('[]')}]"
            yield f"{name}..." if parameter.nargs == -1 and "..." not in name else name


def _options(command: click.Command) -> Iterator[str]:
    shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if not shown:
        return
    yield "| option | what it does |"
    yield "| --- | --- |"
    for option in shown:
        names = ", ".join(f"`{each}`" for each in [*option.opts, *option.secondary_opts])
        value = "" if option.is_flag or option.count else f" `{_value(option)}`"
        cells = f"| {names}{value} | {_cell(option)} |"
        yield cells


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar.replace("|", "\\|")
    if isinstance(option.type, click.Choice):
        return "\\|".join(str(each) for each in option.type.choices)
    return (option.type.name or "value").upper().replace(" RANGE", "")


def _cell(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|")
    if option.show_default and not isinstance(option.default, bool):
        text = f"{text} Default: `{option.default}`.".strip()
    return text


def _help(text: str) -> Iterator[str]:
    """Return a help text as Markdown: what click leaves as it is becomes a block."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if not paragraph.startswith("\b"):
            yield from ("\n".join(paragraph.splitlines()), "")
            continue
        head, *rest = paragraph.removeprefix("\b\n").splitlines()
        if head.startswith(" "):
            yield from ("```text", textwrap.dedent("\n".join([head, *rest])), "```", "")
        else:
            yield from (head, "", "```text", textwrap.dedent("\n".join(rest)), "```", "")


def _page(lines: list[str]) -> str:
    text = "\n".join(lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def pages() -> dict[Path, str]:
    """Return the text of every page by its file."""
    return {FOLDER / "reference.md": reference(), FOLDER / "cli.md": command_line()}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
