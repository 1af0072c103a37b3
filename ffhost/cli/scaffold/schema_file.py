"""The JSON schema beside a new functions.yaml, for editors."""

from __future__ import annotations

from pathlib import Path

from ffhost.cli.scaffold.new_files import write_command_file

SCHEMA_FILE = ".ffhost/functions.schema.json"
"""Where it is; the first line of a new functions.yaml names it."""


def scaffold_schema_file(folder: Path) -> Path:
    """Write the schema of this version beside the functions.yaml in *folder*; return its path."""
    from ffhost.config.json_schema import config_schema_json

    file = folder / SCHEMA_FILE
    write_command_file(file, config_schema_json())
    return file
