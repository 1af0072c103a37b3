"""``ffhost build``: from functions to a folder that is an app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option(
    "-c",
    "--config",
    metavar="PATH",
    type=click.Path(),
    help="File or folder. Default: ./functions.yaml.",
)
@click.option("--target", help="Without a file: the one function; FUNCTION_TARGET says the same.")
@click.option("--source", help="File of the target (FUNCTION_SOURCE, main.py).")
@click.option("--signature-type", help="Signature of the target (FUNCTION_SIGNATURE_TYPE, http).")
@click.option("--out", default="build", show_default=True, metavar="DIR", help="The app's folder.")
@click.option("--force", is_flag=True, help="Overwrite files that were changed since.")
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Leave out files or folders. Repeatable."
)
@click.option(
    "--include",
    multiple=True,
    metavar="PATTERN",
    help="Take files that are left out because they may hold secrets. Repeatable.",
)
@click.option("--python", metavar="VERSION", help="Python of the image, such as 3.12.")
def command(**options: Any) -> None:
    """Write an app folder: sources, requirements.txt, Dockerfile, Procfile and more.

    The folder can be built into an image, pushed to a buildpack, or served as it is. Run
    it again after a change: what you changed in the folder yourself is never overwritten
    without --force.

    \b
    Examples:
      ffhost build
      ffhost build -c functions.yaml --out build
      ffhost build --target hello --source main.py
      docker build -t functions build
    """
    from ffhost.cli.options import echo_unseen_names
    from ffhost.cli.portable_sources import portable_command_sources
    from ffhost.config import load_config
    from ffhost.deploy.app import build_app
    from ffhost.deploy.manifests import image_name

    given = portable_command_sources(options)
    out = options["out"]
    config = load_config(given)
    echo_unseen_names(config)
    built = build_app(
        config,
        given,
        Path.cwd() / out,
        shown=out,
        force=options["force"],
        exclude=options["exclude"],
        include=options["include"],
        python=options["python"],
    )
    for note in built.notes:
        click.echo(f"note: {note}", err=True)
    print_build_report(out, built.written)
    steps = " && ".join([f"cd {out}", *built.install, built.command])
    click.echo(f"serve it:  {steps}")
    click.echo(f"image:     docker build -t {image_name(config)} {out}")


def print_build_report(out: str, written: Any) -> None:
    """Write in one line what was done, and list the files that were kept."""
    counts = ("created", "updated", "unchanged", "removed", "kept")
    told = [f"{len(getattr(written, each))} {each}" for each in counts if getattr(written, each)]
    click.echo(f"{out}: {', '.join(told) or 'nothing to write'}")
    for each in written.kept:
        click.echo(f"  kept your change: {each}")
