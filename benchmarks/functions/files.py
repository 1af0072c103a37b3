"""Answers from files, which both servers send."""

import os
import tempfile

import flask

SIZES = {"small": 100 * 1024, "large": 10 * 1024 * 1024}
FILES = {}
for _name, _size in SIZES.items():
    _file = tempfile.NamedTemporaryFile()  # noqa: SIM115 -- removed when the worker ends
    _file.write(os.urandom(_size))
    _file.flush()
    FILES[_name] = _file


def send_small(request):
    return flask.send_file(FILES["small"].name, mimetype="application/octet-stream")


def send_large(request):
    return flask.send_file(FILES["large"].name, mimetype="application/octet-stream")


def open_small(request):
    return open(FILES["small"].name, "rb")


def open_large(request):
    return open(FILES["large"].name, "rb")
