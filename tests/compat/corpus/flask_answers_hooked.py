"""The table of ``flask_answers`` again, with something on the application.

Then all of Flask runs for each call, and the answers are the same.
"""

import flask
from flask_answers import forms  # noqa: F401

flask.current_app.before_request(lambda: None)
flask.current_app.after_request(lambda response: response)
flask.current_app.teardown_request(lambda error: None)
