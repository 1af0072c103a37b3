from unittest.mock import Mock, patch

import flask
import functions_framework
import main
import pytest


@pytest.fixture(scope="module")
def app():
    return flask.Flask(__name__)


@pytest.fixture
def client():
    app = functions_framework.create_app("hello", main.__file__)
    return app.test_client()


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


def test_a_client_gets_the_answer(client):
    answer = client.get("/?name=Ada")
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "Hello, Ada!")
    assert client.post("/any/path", json={"name": "Lin"}).data == b"Hello, Lin!"


def test_a_client_gets_the_errors(client):
    missing = client.get("/?name=nobody")
    assert missing.status_code == 404
    assert "nobody is here" in missing.text
    assert client.get("/?name=zero").status_code == 418
    broken = client.get("/?name=broken")
    assert broken.status_code == 500
    assert broken.headers["X-Google-Status"] == "crash"


def test_the_contexts_of_flask_are_there(client):
    answer = client.put("/above?name=context").get_json()
    assert answer == {"seen": "/above", "url": "/below", "method": "PUT"}


def test_exceptions_come_through_while_testing():
    app = functions_framework.create_app("hello", main.__file__)
    app.testing = True
    with pytest.raises(RuntimeError, match="broken"):
        app.test_client().get("/?name=broken")


def test_the_application_is_one_of_flask():
    app = functions_framework.create_app("hello", main.__file__)
    assert isinstance(app, flask.Flask)
    assert app.name == "hello"
    with app.test_request_context("/x"):
        assert flask.request.path == "/x"
