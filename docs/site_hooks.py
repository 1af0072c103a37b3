"""What mkdocs cannot know: files outside of ``docs/`` that pages link to become part of the site.

In the repository a page links to ``../examples/sse/README.md``. On the site that file is
``repository/examples/sse/README.md``, and the links from and to it are written anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
ROOT = DOCS.parent
OUTSIDE = "repository"
_LINK = re.compile(r"(\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add what the pages link to outside of ``docs/``, and what that links to in turn."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    known: set[str] = {file.src_uri for file in files}
    while waiting:
        page = waiting.pop()
        for target in _linked(page):
            uri = _uri(target)
            if uri in known:
                continue
            known.add(uri)
            files.append(File.generated(config, uri, abs_src_path=str(target)))
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Write the links of one page anew, as they lead on the site."""
    uri: str = page.file.src_uri
    folder = _source(uri).parent

    def written_anew(match: re.Match[str]) -> str:
        target = _resolve(folder, match[2])
        if target is None:
            return match[0]
        return match[1] + os.path.relpath(_uri(target), Path(uri).parent).replace(os.sep, "/")

    return _LINK.sub(written_anew, markdown)


def _linked(page: Path) -> Iterator[Path]:
    for match in _LINK.finditer(page.read_text()):
        target = _resolve(page.parent, match[2])
        if target is not None:
            yield target


def _resolve(folder: Path, link: str) -> Path | None:
    """Return the file that *link* leads to from *folder*; None for what is no file here."""
    target = (folder / link).resolve()
    if target.is_dir():
        target /= "README.md"
    return target if target.is_file() and target.is_relative_to(ROOT) else None


def _uri(target: Path) -> str:
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    return f"{OUTSIDE}/{target.relative_to(ROOT).as_posix()}"


def _source(uri: str) -> Path:
    return ROOT / uri.removeprefix(f"{OUTSIDE}/") if uri.startswith(OUTSIDE) else DOCS / uri
