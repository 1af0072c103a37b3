"""``ffhost new``: one more function, with its test and its entry in functions.yaml."""

from __future__ import annotations

import ast
import keyword
import os
import re
from pathlib import Path

import click

from ffhost.cli.exit_messages import CommandFailed, WrongCommandUse
from ffhost.cli.scaffold.templates import SIGNATURES
from ffhost.config import DEFAULT_FILE


@click.command()
@click.argument("name")
@click.option("--signature", "-s", type=click.Choice(SIGNATURES), default="http", show_default=True)
@click.option(
    "-c",
    "--config",
    default=DEFAULT_FILE,
    show_default=True,
    metavar="PATH",
    type=click.Path(),
    help="The file.",
)
@click.option(
    "--source", default="main.py", show_default=True, metavar="FILE", help="File for its code."
)
@click.option("--path", help="Its path. Default: /NAME.")
@click.option("--async", "asynchronous", is_flag=True, help="Write a coroutine function.")
@click.option("--test/--no-test", "tested", default=True, help="Write a test in tests/.")
def command(
    name: str,
    signature: str,
    config: str,
    source: str,
    path: str | None,
    asynchronous: bool,
    tested: bool,
) -> None:
    """Add the function NAME: code, a test, and an entry with examples.

    Comments, order and format of functions.yaml stay as they are. Nothing that exists is
    replaced; if a name or a file is taken, nothing is written.

    \b
    Examples:
      ffhost new resize
      ffhost new on-upload --signature cloudevent --source events.py
      ffhost new order --signature typed --path /orders
    """
    from ffhost.cli.scaffold.new_files import show_written_path, write_command_file

    file = Path(config)
    files = _files(name, signature, file, source, path or f"/{name}", asynchronous, tested)
    for each, text in files.items():
        write_command_file(each, text)
    for each in files:
        click.echo(f"wrote {show_written_path(each)}")
    option = "" if config == DEFAULT_FILE else f" -c {config}"
    click.echo(f"\nnext:\n  ffhost test {name}{option}")


def _files(
    name: str,
    signature: str,
    file: Path,
    source: str,
    path: str,
    asynchronous: bool,
    tested: bool,
) -> dict[Path, str]:
    """Return the files to write, each with its whole text.

    Raises:
        CommandFailed: a name is taken, or a file cannot be changed
    """
    import yaml

    from ffhost.cli.scaffold.templates import (
        scaffold_code,
        scaffold_entry,
        scaffold_test,
        template_identifier,
    )
    from ffhost.cli.scaffold.yaml_edit import insert_scaffolded_entry

    _check_name(name)
    text = _read_config(file, name)
    code = file.parent / source
    entry = scaffold_entry(name, signature, f"{source}:{template_identifier(name)}", path)
    values = yaml.safe_load(entry)[name]
    files = {
        file: insert_scaffolded_entry(text, name, values, entry),
        code: _with_code(
            code,
            template_identifier(name),
            scaffold_code(name, signature, asynchronous=asynchronous),
            signature,
        ),
    }
    _check_result(file, files[file], name)
    test = file.parent / "tests" / f"test_{template_identifier(name)}.py"
    if tested:
        if test.exists():
            raise CommandFailed(f"{test} exists already; nothing was written", "add --no-test")
        files[test] = scaffold_test(name, signature, path, file.name)
    return files


def _check_name(name: str) -> None:
    from ffhost.cli.scaffold.templates import IMPORTS, template_identifier
    from ffhost.config.settings import NAME_PATTERN

    if not re.fullmatch(NAME_PATTERN, name):
        raise WrongCommandUse(
            f"{name!r} is not a valid function name",
            "a letter, then at most 62 letters, digits, '-' and '_'",
        )
    imported = {line.split()[-1] for lines in IMPORTS.values() for line in lines}
    if keyword.iskeyword(template_identifier(name)) or template_identifier(name) in {
        *imported,
        "log",
    }:
        raise WrongCommandUse(f"{name!r} means something else in Python", "choose another name")


def _read_config(file: Path, name: str) -> str:
    if file.is_dir():
        raise WrongCommandUse(
            f"{str(file)!r} is a folder", "pass the file in it that is to be changed"
        )
    if not file.exists():
        raise WrongCommandUse(f"no such file: {str(file)!r}", "'ffhost init' writes one")
    from ffhost.config.files import read_config_tree
    from ffhost.errors import ConfigError

    problems: list[object] = []
    tree = read_config_tree(file, file, problems)  # type: ignore[arg-type]
    if problems:
        raise ConfigError(problems)  # type: ignore[arg-type]
    functions = tree.value.get("functions") if tree is not None and tree.value else None
    if functions is not None and name in (functions[1].value or {}):
        origin = functions[1].value[name][0].origin
        raise CommandFailed(f"{origin.place}: the function {name!r} exists already")
    return file.read_text(encoding="utf-8-sig")


def _with_code(file: Path, function: str, code: str, signature: str) -> str:
    """Return the source with the function added at its end and its imports at its top."""
    from ffhost.cli.scaffold.templates import IMPORTS, LOGGER, scaffold_imports

    needed = list(IMPORTS[signature])
    if not file.exists():
        head = f'"""The function {function}."""\n\nfrom __future__ import annotations\n\n'
        logger = f"{LOGGER}\n\n\n" if "log." in code else ""
        return head + scaffold_imports(set(needed)) + ("\n" if logger else "\n\n") + logger + code
    text = file.read_text(encoding="utf-8-sig")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise CommandFailed(f"{file}:{error.lineno}: syntax error: {error.msg}") from error
    defined = _names(tree)
    wanted = re.findall(r"^(?:async )?(?:def|class) (\w+)", code, re.MULTILINE)
    taken = next((each for each in wanted if each in defined), None)
    if taken is not None:
        raise CommandFailed(f"{file} defines {taken!r} already", "choose another name or --source")
    lines = text.splitlines(keepends=True)
    missing = [line for line in needed if line.split()[-1] not in defined]
    block = "".join(f"{line}\n" for line in missing)
    if "log." in code and "log" not in defined:
        block += f"\n{LOGGER}\n"
    at = _after_imports(tree)
    if block and at == 0 and text.strip():
        block += "\n"
    before, after = "".join(lines[:at]), "".join(lines[at:])
    joined = (before + block + after).rstrip("\n")
    return f"{joined}\n\n\n{code}" if joined else code


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds at its top level."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {each.asname or each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return names


def _after_imports(tree: ast.Module) -> int:
    """Return the line after the last import of the module's head, or after its docstring."""
    line = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not isinstance(node, ast.Import | ast.ImportFrom) and not docstring:
            break
        line = node.end_lineno or line
    return line


def _check_result(file: Path, text: str, name: str) -> None:
    """Refuse a name or path that the rest of the file does not allow.

    Raises:
        ConfigError: the problems that the new entry causes
    """
    from tempfile import TemporaryDirectory

    from ffhost.config import ConfigSources, attempt_config
    from ffhost.errors import ConfigError

    with TemporaryDirectory() as folder:
        trial = Path(folder) / file.name
        trial.write_text(text, encoding="utf-8")
        problems = attempt_config(
            ConfigSources(file.name, dict(os.environ), cwd=Path(folder))
        ).problems
    ours = [each for each in problems if each.path.startswith(f"functions.{name}")]
    if ours:
        raise ConfigError(ours)
