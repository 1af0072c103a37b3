"""``ffhost init``: a new project, or a functions.yaml for existing folders."""

from __future__ import annotations

from pathlib import Path

import click

from ffhost.cli.exit_messages import WrongCommandUse
from ffhost.cli.scaffold.templates import TEMPLATES
from ffhost.config import DEFAULT_FILE

_OPTION = "--from-functions-framework"


class _Init(click.Command):
    """The parser that lets ``--from-functions-framework`` take all names that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        repeated: list[str] = []
        taking = False
        for arg in args:
            if arg == _OPTION:
                taking = True
                continue
            taking = taking and not arg.startswith("-")
            repeated += [_OPTION, arg] if taking else [arg]
        if args and args[-1] == _OPTION:
            repeated.append(_OPTION)  # click says that a value is missing
        return super().parse_args(ctx, repeated)


@click.command(cls=_Init)
@click.argument("folder", default=".", metavar="[DIR]")
@click.option(
    "--template",
    type=click.Choice(list(TEMPLATES)),
    help="Functions of the new project. Default: http.",
)
@click.option(
    _OPTION,
    "existing",
    multiple=True,
    metavar="DIR...",
    help="Write functions.yaml for the functions-framework projects in these folders.",
)
def command(folder: str, template: str | None, existing: tuple[str, ...]) -> None:
    """Begin a project in DIR: functions.yaml, main.py, requirements.txt and a test.

    With --from-functions-framework only functions.yaml is new. The functions are
    found by reading the sources, which are neither run nor changed; so are the
    variables of Dockerfiles, .env and env.yaml. Folders below those that are named
    are found too. functions-framework is replaced by ffhost in requirements.txt,
    pyproject.toml and Dockerfiles, and ffhost is added where nothing names it.

    \b
    Examples:
      ffhost init
      ffhost init shop --template mixed
      ffhost init --from-functions-framework .
      ffhost init --from-functions-framework services/resize services/notify
    """
    if existing:
        if template is not None:
            raise WrongCommandUse(f"{_OPTION} takes no template")
        from ffhost.cli.scaffold.migration import migrate_projects

        click.echo(migrate_projects(Path(folder), [Path(each) for each in existing]), nl=False)
        return
    click.echo(_begin(Path(folder), template or "http"), nl=False)


def _begin(folder: Path, template: str) -> str:
    """Write a new project; return the text that tells the user about it."""
    from ffhost.cli.scaffold.new_files import show_written_path, write_command_file, write_new_files
    from ffhost.cli.scaffold.schema_file import scaffold_schema_file
    from ffhost.cli.scaffold.templates import scaffold_configuration, scaffold_module, scaffold_test

    functions = TEMPLATES[template]
    files = {
        folder / DEFAULT_FILE: scaffold_configuration(functions),
        folder / "main.py": scaffold_module(functions),
        **{
            folder / "tests" / f"test_{name.replace('-', '_')}.py": scaffold_test(
                name, signature, f"/{name}"
            )
            for name, signature in functions.items()
        },
    }
    write_new_files(files)
    written = [*files]
    requirements = folder / "requirements.txt"
    before = requirements.read_text("utf-8-sig") if requirements.exists() else ""
    if "ffhost" not in before:
        separator = "" if not before or before.endswith("\n") else "\n"
        write_command_file(requirements, f"{before}{separator}ffhost\n")
        written.append(requirements)
    written.append(scaffold_schema_file(folder))
    first = next(iter(functions))
    lines = [f"wrote {show_written_path(path)}" for path in written]
    step = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    call = {"http": f"ffhost invoke {first} --path '/{first}?name=Ada'"}.get(
        functions[first], f'ffhost invoke {first} --data \'{{"item": "tea"}}\''
    )
    return (
        "\n".join(lines)
        + f"\n\nnext:\n{step}  ffhost test       # run the examples in functions.yaml\n"
        + f"  {call}\n  ffhost dev        # serve it on http://localhost:8080, and each edit\n"
    )
