"""The table of ``flask_surface`` again, with something on the application.

Then all of Flask runs for each call, and the answers are the same.
"""

import flask
from flask_surface import accessors, body_first  # noqa: F401

flask.current_app.before_request(lambda: None)
flask.current_app.after_request(lambda response: response)
flask.current_app.teardown_request(lambda error: None)
