"""Answers from files with Starlette's response, which both servers send."""

import os
import tempfile

from starlette.responses import FileResponse

SIZES = {"small": 100 * 1024, "large": 10 * 1024 * 1024}
FILES = {}
for _name, _size in SIZES.items():
    _file = tempfile.NamedTemporaryFile()  # noqa: SIM115 -- removed when the worker ends
    _file.write(os.urandom(_size))
    _file.flush()
    FILES[_name] = _file


async def send_small(request):
    return FileResponse(FILES["small"].name)


async def send_large(request):
    return FileResponse(FILES["large"].name)
