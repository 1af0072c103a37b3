"""The tick file, between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ffhost.host.tick_file import ScheduleTickFile, schedule_tick_file_path

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Other:
    """Another process that runs *code* with the file ``file``, and then waits."""

    def __init__(self, path: Path, code: str) -> None:
        program = (
            "import sys, time\nfrom pathlib import Path\n"
            "from ffhost.host.tick_file import ScheduleTickFile\n"
            f"file = ScheduleTickFile(Path({str(path)!r}))\n{textwrap.dedent(code)}\n"
            "print('done', flush=True)\ntime.sleep(60)"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_only_one_process_leads_and_another_does_as_soon_as_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    other = Other(path, "assert file.try_to_lead()")
    file = ScheduleTickFile(path)
    assert not file.try_to_lead()
    other.kill()
    assert file.try_to_lead()


def test_a_call_that_runs_in_another_process_is_known(tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    other = Other(path, "assert file.try_to_claim('a')")
    file = ScheduleTickFile(path)
    assert file.try_to_lead()
    assert not file.try_to_claim("a")
    assert file.try_to_claim("b")
    other.kill()
    assert file.try_to_claim("a")


def test_a_child_that_a_function_starts_does_not_keep_the_lead(tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    other = Other(
        path,
        """
        import os
        assert file.try_to_lead()
        os.set_inheritable(file._descriptor, True)
        child = os.fork()
        if child == 0:
            time.sleep(60)
        Path(str(file.path) + '.child').write_text(str(child))
        """,
    )
    child = int(Path(f"{path}.child").read_text())
    try:
        other.kill()
        assert ScheduleTickFile(path).try_to_lead()
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_was_ticked_is_read_by_the_next(tmp_path: Path) -> None:
    file = ScheduleTickFile(tmp_path / "ticks")
    assert file.read() == {}
    file.write({"a long key of a schedule": NOON, "another": NOON})
    file.write({"a": NOON.replace(microsecond=123456)})
    assert file.read() == {"a": NOON.replace(microsecond=123456)}


@pytest.mark.parametrize("content", [b"{", b"[]\n", b'{"a": "b"}\n', b'{"a": 1e300}\n', b"\xff"])
def test_a_file_that_cannot_be_read_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ticks"
    path.write_bytes(content)
    assert ScheduleTickFile(path).read() == {}


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ticks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="ticks"):
        ScheduleTickFile(tmp_path / "ticks")
    assert not (tmp_path / "elsewhere").exists()


def test_hosts_of_one_parent_are_told_apart_by_their_names(tmp_path: Path) -> None:
    one = schedule_tick_file_path(["functions.yaml", "0.0.0.0:8080"], tmp_path)
    assert one == schedule_tick_file_path(["functions.yaml", "0.0.0.0:8080"], tmp_path)
    assert one != schedule_tick_file_path(["functions.yaml", "0.0.0.0:8081"], tmp_path)
    assert one.parent.stat().st_mode & 0o777 == 0o700


def test_the_files_of_hosts_that_have_ended_are_removed(tmp_path: Path) -> None:
    folder = schedule_tick_file_path(["a"], tmp_path).parent
    gone = folder / "ticks-4194305-7-0123456789abcdef"
    used = folder / "ticks-4194306-7-0123456789abcdef"
    gone.touch()
    other = Other(used, "assert file.try_to_lead()")
    mine = schedule_tick_file_path(["a"], tmp_path)
    ScheduleTickFile(mine)
    schedule_tick_file_path(["a"], tmp_path)
    assert sorted(folder.iterdir()) == sorted([mine, used])
    other.kill()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / f"ffhost-{os.geteuid()}").write_text("not a folder")
    with pytest.raises(OSError, match=r"ffhost-\d+"):
        schedule_tick_file_path(["a"], tmp_path)
