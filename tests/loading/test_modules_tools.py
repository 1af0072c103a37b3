"""What looks modules up by name works for private modules: pickle, typing, mock, logging."""

from __future__ import annotations

import linecache
import logging
import pickle
import re
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType

import pytest

from ffhost.loading.modules import (
    innermost_user_frame,
    load_module,
    plain_module_name,
    user_error_text,
    user_stack_text,
    with_plain_module_names,
)

ROOT = Path(__file__).parents[2]


def load(folder: Path, *, plain: bool = False, **files: str) -> ModuleType:
    """Write *files* (``main`` is ``main.py``) into *folder* and load its main module."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return load_module(folder / "main.py", plain=plain)


SHAPES = """
    from __future__ import annotations
    import dataclasses, enum, typing
    import pydantic

    class Colour(enum.Enum):
        RED = "red"

    @dataclasses.dataclass
    class Point:
        x: int
        colour: Colour = Colour.RED
        after: typing.ClassVar[int] = 1

    class Pair(typing.NamedTuple):
        one: int
        two: Point

    class Order(pydantic.BaseModel):
        point: Point
        next: Order | None = None
"""


@pytest.fixture
def shapes(tmp_path: Path) -> ModuleType:
    return load(
        tmp_path / "fn",
        shapes=SHAPES,
        main="""
            import io, pickle, shapes

            def round_trip(value): return pickle.loads(pickle.dumps(value))
            def loads(data): return pickle.loads(data)
            def load(data): return pickle.load(io.BytesIO(data))
            def unpickler(data): return pickle.Unpickler(io.BytesIO(data)).load()
            def slowly(data): return pickle._Unpickler(io.BytesIO(data)).load()

            class Careful(pickle.Unpickler):
                def find_class(self, module, name):
                    self.asked = module, name
                    return super().find_class(module, name)

            def careful(data): return Careful(io.BytesIO(data)).load()
        """,
    )


def test_pickle_round_trips_inside_a_folder(shapes: ModuleType) -> None:
    point = shapes.shapes.Point(3)
    assert shapes.round_trip(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    assert shapes.round_trip(shapes.shapes.Pair(1, point)) == (1, point)
    assert shapes.round_trip(shapes.shapes.Colour.RED) is shapes.shapes.Colour.RED


@pytest.mark.parametrize("form", ["loads", "load", "unpickler", "slowly", "careful"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_made_by_plain_python_is_read_by_the_folders_code(
    shapes: ModuleType, form: str, protocol: int
) -> None:
    private = shapes.shapes.__name__
    shapes.shapes.Point.__module__ = "shapes"
    sys.modules["shapes"] = shapes.shapes
    try:
        data = pickle.dumps(shapes.shapes.Point(4, None), protocol=protocol)
    finally:
        del sys.modules["shapes"]
        shapes.shapes.Point.__module__ = private
    assert private.encode() not in data
    assert getattr(shapes, form)(data) == shapes.shapes.Point(4, None)


def test_pickle_of_everybody_else_is_as_before() -> None:
    assert pickle.loads(pickle.dumps({"a": Path("x")})) == {"a": Path("x")}
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(b"cshapes\nPoint\n.")


def test_dataclasses_and_type_hints_resolve_in_their_own_module(shapes: ModuleType) -> None:
    import dataclasses
    import typing

    module = shapes.shapes
    hints = typing.get_type_hints(module.Point)
    assert hints["colour"] is module.Colour
    assert [field.name for field in dataclasses.fields(module.Point)] == ["x", "colour"]
    assert typing.get_type_hints(module.Pair)["two"] is module.Point


def test_pydantic_models_resolve_forward_references(shapes: ModuleType) -> None:
    order = shapes.shapes.Order.model_validate({"point": {"x": 1}, "next": {"point": {"x": 2}}})
    assert order.next.point == shapes.shapes.Point(2)


def test_a_pydantic_import_string_means_the_folders_module(tmp_path: Path) -> None:
    main = load(
        tmp_path,
        helpers="def who(): return 'mine'",
        main="""
            import pydantic
            class Settings(pydantic.BaseModel):
                call: pydantic.ImportString
            def call(): return Settings(call="helpers.who").call()
        """,
    )
    assert main.call() == "mine"


def test_loggers_are_named_privately_and_shown_plainly(tmp_path: Path) -> None:
    main = load(tmp_path, main="import logging\nlog = logging.getLogger(__name__)\n")
    assert logging.getLogger(main.__name__) is main.log
    assert plain_module_name(main.log.name) == "main"


def test_a_logging_configuration_may_name_classes_of_the_folder(tmp_path: Path) -> None:
    main = load(
        tmp_path,
        formats="""
            import logging
            class Loud(logging.Formatter):
                def format(self, record): return record.getMessage().upper()
        """,
        main="""
            import logging.config
            class Bare(logging.config.BaseConfigurator): pass
            def resolve(name): return Bare({}).resolve(name)
        """,
    )
    assert plain_module_name(main.resolve("formats.Loud").__module__) == "formats"
    assert main.resolve("logging.StreamHandler") is logging.StreamHandler


def test_mock_patches_the_folders_module_for_the_time_of_the_block(tmp_path: Path) -> None:
    files = {
        "helpers": "def who(): return 'real'",
        "main": """
            import helpers
            from unittest import mock
            def call():
                with mock.patch("helpers.who", return_value="patched") as patched:
                    seen = helpers.who()
                return seen, helpers.who()

            @mock.patch("helpers.who", return_value="patched")
            def decorated(patched): return helpers.who()
            def call_decorated(): return decorated()

            def of_builtins():
                with mock.patch("builtins.len", return_value=99):
                    return len([])
        """,
    }
    one, two = load(tmp_path / "a", **files), load(tmp_path / "b", **files)
    for main in (one, two):
        assert main.call() == ("patched", "real")
        assert main.call_decorated() == "patched"
        assert main.of_builtins() == 99
    assert len([]) == 0


def test_tracebacks_show_real_files_and_lines(tmp_path: Path) -> None:
    main = load(
        tmp_path,
        helpers="def fail():\n    return {}['missing']  # here\n",
        main="def call():\n    import helpers\n    return helpers.fail()\n",
    )
    with pytest.raises(KeyError) as caught:
        main.call()
    text = "".join(traceback.format_exception(caught.value))
    assert f'File "{tmp_path / "helpers.py"}", line 2, in fail' in text
    assert "return {}['missing']  # here" in text
    assert linecache.getline(main.__file__ or "", 2) == "    import helpers\n"


def test_the_source_can_be_inspected(tmp_path: Path) -> None:
    import inspect

    main = load(tmp_path, main="def call():\n    return 1\n")
    assert inspect.getsource(main.call) == "def call():\n    return 1\n"
    assert inspect.getmodule(main.call) is main
    assert inspect.getsourcefile(main.call) == str(tmp_path / "main.py")


def test_a_debugger_stops_at_the_users_line(tmp_path: Path) -> None:
    import bdb

    main = load(tmp_path, main="def call():\n    value = 1\n    return value\n")
    stops: list[tuple[str, int]] = []

    class Recorder(bdb.Bdb):
        def user_line(self, frame: object) -> None:
            stops.append((frame.f_code.co_filename, frame.f_lineno))  # type: ignore[attr-defined]
            self.set_continue()

    recorder = Recorder()
    recorder.set_break(str(tmp_path / "main.py"), 3)
    traced_by = sys.gettrace()
    try:
        recorder.runcall(main.call)
    finally:
        sys.settrace(traced_by)  # to continue takes the trace function off, coverage's too
    assert (str(tmp_path / "main.py"), 2) in stops or (str(tmp_path / "main.py"), 3) in stops


def test_import_errors_tell_plain_names(tmp_path: Path) -> None:
    main = load(
        tmp_path,
        helpers="",
        main="""
            import importlib
            def missing(): import helpers.nope
            def missing_relative(): from .nope import x
            def missing_name(): from helpers import nope
            def missing_string(): importlib.import_module("helpers.nope")
        """,
    )
    expected = {
        "missing": "No module named 'helpers.nope'; 'helpers' is not a package",
        "missing_relative": "No module named 'nope'",
        "missing_name": f"cannot import name 'nope' from 'helpers' ({tmp_path / 'helpers.py'})",
        "missing_string": "No module named 'helpers.nope'; 'helpers' is not a package",
    }
    for name, message in expected.items():
        with pytest.raises(ImportError) as caught:
            getattr(main, name)()
        assert with_plain_module_names(str(caught.value)) == message
    with pytest.raises(ModuleNotFoundError) as caught:
        main.missing()
    assert (caught.value.name, str(caught.value)) == ("helpers.nope", expected["missing"])


def test_a_stack_begins_at_user_code_also_those_of_a_chain(tmp_path: Path) -> None:
    with pytest.raises(KeyError) as caught:
        load(
            tmp_path,
            helpers="1 / 0\n",
            main="try:\n    import helpers\nexcept ZeroDivisionError:\n    {}['x']\n",
        )
    own = innermost_user_frame(caught.value.__traceback__)
    assert own is not None
    assert (own.tb_frame.f_code.co_filename, own.tb_lineno) == (str(tmp_path / "main.py"), 4)
    text = user_error_text(caught.value)
    places = re.findall(r'File "(.*)", line (\d+)', text)
    assert [(Path(file).name, int(line)) for file, line in places] == [
        ("main.py", 2),
        ("helpers.py", 1),
        ("main.py", 4),
    ]
    assert text.endswith("KeyError: 'x'\n")


def test_a_stack_without_user_code_is_shown_whole() -> None:
    with pytest.raises(ValueError, match="of the host") as caught:
        raise ValueError("of the host")
    assert user_error_text(caught.value) == "".join(traceback.format_exception(caught.value))


def test_a_live_stack_begins_at_user_code(tmp_path: Path) -> None:
    main = load(tmp_path, main="def call(back): return back()\n")
    text = main.call(lambda: user_stack_text(sys._getframe()))
    assert text.startswith(f'  File "{tmp_path / "main.py"}", line 1, in call\n')


@pytest.mark.parametrize(
    ("private", "plain"),
    [
        ("_ffhost_images_0a1b2c3d.app.resize", "app.resize"),
        ("_ffhost_images_0a1b2c3d", "images"),
        ("_ffhost_my_fn_0a1b2c3d.main", "main"),
        ("json.decoder", "json.decoder"),
        ("", ""),
    ],
)
def test_plain_names(private: str, plain: str) -> None:
    assert plain_module_name(private) == plain
    assert with_plain_module_names(f"in {private!r} at") == f"in {plain!r} at"


def test_the_private_name_depends_on_the_folder_only(tmp_path: Path) -> None:
    """So that workers can read each other's pickles."""
    main = load(tmp_path, main="")
    code = f"from ffhost.loading.modules import load_module\nfrom pathlib import Path\n\
print(load_module(Path({str(tmp_path / 'main.py')!r})).__name__)"
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == main.__name__
