"""Media types by the endings of file names, which Falcon wants and the host does not need."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_system_media_types() -> Iterator[None]:
    """Make a Falcon application without reading the system's lists of media types.

    Falcon would copy them for static files, which the host never serves through it. To read
    ``/etc/mime.types`` takes a fiftieth of a start. Who needs the lists reads them later.
    """
    before = mimetypes.inited
    mimetypes.inited = True
    try:
        yield
    finally:
        mimetypes.inited = before
