"""The processes that run the tests at once: nothing is lost, whatever becomes of a test."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

from tests.forking import ROOT, Python

MANY = {
    "test_one": """
        import os, pathlib, warnings
        import pytest

        @pytest.fixture(scope="session")
        def noted():
            yield lambda: pathlib.Path(f"ran-{os.getpid()}").touch()
            pathlib.Path(f"ended-{os.getpid()}").touch()

        def test_passes(noted, tmp_path): noted()
        def test_fails(noted):
            noted()
            print("what it printed")
            assert {1: 2} == {1: 3}
        def test_warns(): warnings.warn("take care", DeprecationWarning)
        @pytest.mark.xfail
        def test_is_known_to_fail(): assert False
        """,
    "test_other": """
        import os, pathlib, time
        import pytest

        def test_waits_for_the_other_process():
            while not (ran := list(pathlib.Path().glob("ran-*"))):
                time.sleep(0.01)
            assert ran != [pathlib.Path(f"ran-{os.getpid()}")]
        def test_is_skipped(): pytest.skip("for a reason")
        """,
}
DEADLY = {
    "test_deadly": """
        import os
        def test_lives(): pass
        def test_kills(): os._exit(3)
        """,
    "test_waiting": "def test_waits(): pass",
}


def ran(folder: Path, files: dict[str, str], *options: str) -> tuple[int, str]:
    """Run *files* in two processes; return the exit status and what was printed."""
    (folder / "pytest.ini").touch()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    plugins = ["-p", "tests.workers", "-p", "no:cacheprovider"]
    command = ["-m", "pytest", *plugins, "--workers", "2", *options]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    output = folder / "output.txt"
    status = Python(command, folder, environ, output, output).wait()
    return status, output.read_text()


def test_two_files_run_at_once_and_each_test_is_reported(tmp_path: Path) -> None:
    status, output = ran(tmp_path, MANY)
    assert status == 1
    assert "1 failed, 3 passed, 1 skipped, 1 xfailed" in output, output
    for shown in ("what it printed", "Differing items", "DeprecationWarning: take care"):
        assert shown in output
    assert [each.name.replace("ran", "ended") for each in tmp_path.glob("ran-*")] == [
        each.name for each in tmp_path.glob("ended-*")
    ]


def test_the_first_failure_ends_the_run_if_it_is_asked_to(tmp_path: Path) -> None:
    status, output = ran(tmp_path, MANY, "-x")
    assert status == 1
    assert "stopping after 1 failures" in output
    assert len(list(tmp_path.glob("ended-*"))) == 1


def test_a_process_that_dies_ends_the_run_and_its_last_test_is_named(tmp_path: Path) -> None:
    status, output = ran(tmp_path, DEADLY)
    assert status == 4
    assert "a worker ended with 3, after test_deadly.py::test_lives" in output
