import functions_framework
import main
import pytest
from functions_framework import _function_registry, _typed_event
from functions_framework.exceptions import FunctionsFrameworkException


def client(target):
    return functions_framework.create_app(target, main.__file__).test_client()


def test_the_function_takes_the_type():
    assert main.mirrored(main.Point(1, 2)).to_dict() == {"x": 2, "y": 1}


def test_a_client_sends_json():
    answer = client("mirrored").post("/", json={"x": 1, "y": 2})
    assert answer.status_code == 200
    assert answer.get_json(force=True) == {"x": 2, "y": 1}
    assert client("length").post("/", json={"x": 3, "y": 4}).text == "5.0"


def test_the_registry_knows_the_types():
    assert _function_registry.REGISTRY_MAP["mirrored"] == "typed"
    assert _function_registry.get_func_input_type("mirrored").__name__ == "Point"


def test_a_type_that_cannot_be_read_is_refused():
    def wrong(value: int): ...

    with pytest.raises(FunctionsFrameworkException):
        _typed_event.register_typed_event(None, wrong)
