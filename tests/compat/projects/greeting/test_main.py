from unittest.mock import Mock, patch

import flask
import main
import pytest


@pytest.fixture(scope="module")
def app():
    return flask.Flask(__name__)


def test_a_mock_is_a_request():
    request = Mock(get_json=Mock(return_value={"name": "Ada"}), args={"name": "nobody else"})
    assert main.hello(request) == "Hello, Ada!"


def test_a_request_context_of_the_test(app):
    with app.test_request_context(query_string={"name": "<b>"}):
        assert main.hello(flask.request) == "Hello, &lt;b&gt;!"


def test_a_request_with_json(app):
    with app.test_request_context(json={"name": "Lin"}):
        assert main.hello(flask.request) == "Hello, Lin!"


def test_the_name_is_escaped():
    with patch("main.escape", return_value="patched") as escape:
        assert main.hello(Mock(get_json=Mock(return_value=None), args={})) == "Hello, patched!"
    escape.assert_called_once_with("World")
