"""A full disk, a folder that is not ours, too little memory, a damaged file: what is said, with
which exit code, and that readers do not notice."""

import contextlib
import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from typer.testing import CliRunner

from evergreen.build import build
from evergreen.cli import app
from evergreen.errors import (
    BuildFailed,
    InputRefused,
    MachineFailed,
    PublishFailed,
    WorkFileDamaged,
)
from evergreen.errors import machine_error as explain
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.publish import publish
from evergreen.refresh import refresh
from evergreen.status import read_status

EVERGREEN = [sys.executable, "-c", "from evergreen.cli import main; main()"]


def marks(warehouse: Warehouse) -> tuple:
    """Changes when the published file is replaced or written to; reads it as well."""
    found = warehouse.published_file.stat()
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        count = con.execute("select count(*) from marts.customers").fetchone()[0]
    return found.st_ino, found.st_mtime_ns, count


@contextlib.contextmanager
def file_size_limit(size: int):
    """Files can grow to so many bytes: writing beyond fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)


def test_no_room_for_the_new_version(quick, copied, published):
    before = marks(copied)
    kept = sorted(path.name for path in copied.published_file.parent.iterdir())
    size = copied.work_file.stat().st_size
    # The working file may be written, but no copy of its marts as a new file.
    quick.errors["publish"] = PublishFailed("not this time")
    with pytest.raises(PublishFailed):
        refresh(copied, published.landing)
    with file_size_limit(2**20), pytest.raises(PublishFailed, match="was not changed"):
        publish(copied)
    assert marks(copied) == before
    assert sorted(path.name for path in copied.published_file.parent.iterdir()) == kept
    assert copied.work_file.stat().st_size <= size + 2**20
    assert refresh(copied, published.landing, resume=True).rows["customers"] == before[2]


def test_a_refresh_on_a_full_disk_says_so(copied, published):
    """The whole command, with a real limit: the working file cannot grow."""
    before = marks(copied)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    result = subprocess.run(
        [*EVERGREEN, "refresh", "--landing", published.landing, "--warehouse", copied.folder],
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    told = " ".join(result.stderr.split())
    assert result.returncode == MachineFailed.exit_code == 10, told
    assert "no room to write" in told and "df -h" in told and "--resume" in told
    assert "Traceback" not in told
    assert marks(copied) == before
    with duckdb.connect(str(copied.work_file)) as con:  # it opens, with all that was in it
        assert con.execute("select count(*) from marts.customers").fetchone()[0] == before[2]


def test_a_refresh_that_is_refused_before_its_first_step_is_in_the_books(copied, published):
    mapping = copied.folder / "mapping"
    mapping.mkdir()
    (mapping / "vars.yml").write_text("[1]")
    with pytest.raises(InputRefused, match="must hold lines"):
        refresh(copied, published.landing, mapping)
    status = read_status(copied)
    assert status.last_run["status"] == "refused"
    assert "vars.yml" in status.problems[0]


def test_a_full_disk_at_any_step_is_not_a_fault_of_evergreen(quick, copied, published):
    before = marks(copied)
    quick.errors["build"] = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "work.duckdb")
    with pytest.raises(MachineFailed, match="no room to write"):
        refresh(copied, published.landing)
    assert marks(copied) == before
    status = read_status(copied)
    assert status.last_run["status"] == "machine_failed"
    assert "--resume" in status.remedies[0]
    refresh(copied, published.landing, resume=True)
    assert read_status(copied).problems == []


def test_too_little_memory_names_the_setting(quick, copied, published):
    """DuckDB's own error, as it comes through a model of dbt."""
    sql = "create table t as select range as n, random() as r from range(9000000)"
    with (
        duckdb.connect(config={"memory_limit": "10MB", "temp_directory": ""}) as con,
        pytest.raises(duckdb.OutOfMemoryException) as raised,
    ):
        con.execute(sql)
    quick.errors["build"] = BuildFailed(f"1 of dbt's models failed\n- model x: {raised.value}")
    with pytest.raises(MachineFailed, match="EVERGREEN_MEMORY_LIMIT"):
        refresh(copied, published.landing)


# Modes do not bind root, unless it gives its capabilities away.
WITHOUT_RIGHTS = """
import ctypes
from evergreen.cli import main
if ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()):
    raise SystemExit("cannot give rights away")
main()
"""


def bound(*arguments: object) -> subprocess.CompletedProcess:
    """The command as run by somebody whom the modes of files and folders bind."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_RIGHTS, *map(str, arguments)], capture_output=True, text=True
    )


@contextlib.contextmanager
def closed(*folders: Path):
    """Folders that can be read and not written to."""
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")


@needs_linux
@pytest.mark.parametrize("place", ["new", "there"])
def test_a_folder_that_cannot_be_written_to_is_a_message(place, tmp_path, published):
    folder = tmp_path / place
    (tmp_path / "there").mkdir()
    with closed(tmp_path / "there", tmp_path):
        result = bound("refresh", "--landing", published.landing, "--warehouse", folder)
    told = " ".join(result.stderr.split())
    assert result.returncode == 10, told
    assert "not allowed" in told and f"chown -R USER {folder}" in told
    assert "Traceback" not in told


@needs_linux
def test_a_published_folder_that_cannot_be_written_to_leaves_readers_alone(copied, published):
    before = marks(copied)
    code = WITHOUT_RIGHTS.removesuffix("main()\n") + (
        "import sys; from pathlib import Path\n"
        "from evergreen.paths import Warehouse; from evergreen.publish import publish\n"
        "publish(Warehouse(Path(sys.argv[1])))\n"
    )
    with closed(copied.published_file.parent):
        done = subprocess.run(
            [sys.executable, "-c", code, str(copied.folder)], capture_output=True, text=True
        )
    assert "PublishFailed" in done.stderr and "Permission denied" in done.stderr
    assert marks(copied) == before


@needs_linux
def test_who_may_only_read_can_ask_for_the_status(copied):
    with closed(copied.folder, copied.published_file.parent):
        result = bound("status", "--warehouse", copied.folder)
    assert result.returncode == 0, result.stderr


def test_the_way_out_of_a_damaged_working_file_works(copied, published, monkeypatch):
    """Every command of the message is run as it stands, with the landing folder put in."""
    before = marks(copied)
    size = copied.work_file.stat().st_size
    with copied.work_file.open("r+b") as file:
        file.write(os.urandom(size // 2))
    command = [*EVERGREEN, "refresh", "--landing", str(published.landing)]
    result = subprocess.run(
        [*command, "--warehouse", str(copied.folder)], capture_output=True, text=True
    )
    assert result.returncode == WorkFileDamaged.exit_code == 11, result.stderr
    assert marks(copied) == before
    assert any("is damaged" in problem for problem in read_status(copied).problems)
    move, remove, again = re.findall(r"^  (mv .*|rm .*|evergreen .*)$", result.stderr, re.M)
    for line in (move, remove):
        subprocess.run(line, shell=True, check=True)
    assert again.startswith("evergreen refresh --landing DIR")
    # Tests of dbt are not the point here.
    monkeypatch.setattr("evergreen.build.build", partial(build, with_tests=False))
    report = refresh(copied, published.landing)
    # The same files again: a warning of the audit, and nothing else.
    assert [warning for warning in report.warnings if "days_advanced" not in warning] == []
    assert marks(copied)[2] == before[2]
    with duckdb.connect(str(copied.published_file), read_only=True) as con:
        runs = con.execute("select count(*) from marts.refreshes where is_published").fetchone()
    assert runs == (2,)  # the history came back from the published file
    assert read_status(copied).problems == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("IO Error: Could not write all bytes to file x: No space left on device", MachineFailed),
        ("Out of Memory Error: failed to pin block of size 256.0 KiB", MachineFailed),
        ('IO Error: Cannot open file "x": Permission denied', MachineFailed),
        ("Corrupt database file: computed checksum 1 does not match stored 2", WorkFileDamaged),
        ("Catalog Error: Table with name x does not exist!", None),
        ("1 failed\n  row: text=No space left on device, Permission denied", None),
    ],
)
def test_errors_are_told_apart(text, kind, tmp_path):
    found = explain(BuildFailed(text), tmp_path, tmp_path / "work.duckdb")
    assert type(found) is (kind or type(None))
    if found:
        assert "published version is as it was" in str(found)


def test_a_log_of_json_has_one_object_a_line_and_ends_with_the_exit_code(
    quick, copied, published, monkeypatch
):
    def draw(place: Warehouse, currency: str, progress: Callable[[str], None]) -> SimpleNamespace:
        progress("a page")
        return SimpleNamespace(index=place.folder / "dashboard" / "index.html")

    monkeypatch.setattr("evergreen.dashboard.build_dashboard", draw)
    command = ["refresh", "--landing", str(published.landing), "--warehouse", str(copied.folder)]
    quick.errors["metrics"] = BuildFailed("it broke")
    failed = CliRunner().invoke(app, [*command, "--log-format", "json"])
    lines = [json.loads(line) for line in failed.stdout.splitlines()]
    assert failed.exit_code == lines[-1]["exit_code"] == 4
    assert (lines[-1]["status"], lines[-1]["message"]) == ("build_failed", "it broke")
    resumed = CliRunner().invoke(app, [*command, "--resume", "--log-format", "json"])
    lines = [json.loads(line) for line in resumed.stdout.splitlines()]
    assert resumed.exit_code == lines[-1]["exit_code"] == 0
    assert lines[-1]["status"] == "published"
    assert [line["message"] for line in lines if line["event"] == "warning"] == []
    for line in lines:
        assert {"time", "refresh_id", "step", "event", "message"} <= line.keys()
        assert line["refresh_id"] == lines[0]["refresh_id"]
    events = [(line["event"], line["step"]) for line in lines]
    assert events[:2] == [("started", None), ("step_skipped", "load")]
    assert ("step_started", "publish") in events
    assert [line["seconds"] >= 0 for line in lines if line["event"] == "step_ended"] == [True] * 3


def test_exit_codes_are_told_in_the_help_and_in_the_readme():
    told = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    readme = (PROJECT_DIR / "README.md").read_text()
    for code in range(13):
        assert re.search(rf"(^|\D){code} ", told), code
        assert f"| {code} |" in readme, code
