"""Serves the original below a mount, in its own environment: ``DispatcherMiddleware``."""

import argparse

import functions_framework
from functions_framework._http.gunicorn import GunicornApplication
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

parser = argparse.ArgumentParser()
for flag in ("target", "source", "mount", "host", "port"):
    parser.add_argument(f"--{flag}")
given = parser.parse_args()
app = functions_framework.create_app(given.target, given.source)
app = DispatcherMiddleware(NotFound(), {given.mount: app})
GunicornApplication(app, given.host, given.port, debug=False).run()
