"""The JSON schema beside a new functions.yaml, for editors."""

from __future__ import annotations

from pathlib import Path

from ffhost.cli.scaffold.new_files import write

SCHEMA_FILE = ".ffhost/functions.schema.json"
"""Where it is; the first line of a new functions.yaml names it."""


def write_schema(folder: Path) -> Path:
    """Write the schema of this version beside the functions.yaml in *folder*; return its path."""
    from ffhost.config.json_schema import schema_json

    file = folder / SCHEMA_FILE
    write(file, schema_json())
    return file
