"""Text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def align_table_columns(rows: Sequence[Sequence[str]]) -> str:
    """Align the cells of *rows*; a column that is empty in all of them is left out."""
    kept = [index for index in range(len(rows[0])) if any(row[index] for row in rows[1:])]
    widths = {index: max(len(row[index]) for row in rows) for index in kept}
    lines = ["  ".join(row[index].ljust(widths[index]) for index in kept) for row in rows]
    return "".join(line.rstrip() + "\n" for line in lines)
