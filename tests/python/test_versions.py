"""The last versions are kept, and readers can be given one of them again."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import InputRefused, NothingToDo, PublishFailed
from evergreen.locking import lock
from evergreen.paths import Warehouse
from evergreen.refresh import refresh
from evergreen.status import read_status
from evergreen.versions import list_versions, note_rollback, place_beside, rollback, version_of


def go_back(warehouse: Warehouse, refresh_id: str | None = None) -> str:
    """A rollback as the command does it; gives the version that readers see then."""
    with lock(warehouse):
        before, version = rollback(warehouse, refresh_id)
        assert note_rollback(warehouse, before, version) is None
    return version.refresh_id


def kept(warehouse: Warehouse) -> list[str]:
    return [version.refresh_id for version in list_versions(warehouse)]


def runs(warehouse: Warehouse) -> list[tuple]:
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        return con.execute(
            "select status, is_published, message from raw.refreshes order by refresh_id"
        ).fetchall()


def test_the_last_versions_are_kept_without_a_copy(quick, copied, published):
    first = published.report.refresh_id
    (copied.versions_folder / f"{first}.duckdb").unlink()  # as an older Evergreen left it
    ids = [refresh(copied, published.landing).refresh_id for _ in range(2)]
    assert kept(copied) == [*reversed(ids), first]
    ids.append(refresh(copied, published.landing).refresh_id)
    assert kept(copied) == list(reversed(ids))
    newest = copied.versions_folder / f"{ids[-1]}.duckdb"
    assert newest.samefile(copied.published_file)
    refresh(copied, published.landing, variables={"keep_versions": 1})
    assert len(kept(copied)) == 1
    with pytest.raises(InputRefused, match="keep_versions"):
        refresh(copied, published.landing, variables={"keep_versions": 0})


def test_where_no_link_can_be_made_versions_are_copies(quick, copied, published, monkeypatch):
    def refuse(*_):
        raise OSError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    report = refresh(copied, published.landing)
    assert report.warnings == []
    newest = copied.versions_folder / f"{report.refresh_id}.duckdb"
    assert not newest.samefile(copied.published_file)
    assert version_of(newest) == report.refresh_id
    assert [path.name for path in copied.versions_folder.glob(".*")] == []


def test_rollback_gives_the_version_before_and_the_next_refresh_publishes_anew(
    quick, copied, published
):
    first = published.report.refresh_id
    second = refresh(copied, published.landing).refresh_id
    reader = duckdb.connect(str(copied.published_file), read_only=True)
    assert go_back(copied) == first
    assert reader.execute("select count(*) from marts.refreshes").fetchone() == (2,)
    reader.close()
    assert version_of(copied.published_file) == first
    assert runs(copied)[-1][:2] == ("rolled_back_to", False)
    assert runs(copied)[-1][2] == f"readers see {first} again, in place of {second}"
    status = read_status(copied)
    assert status.problems == []
    assert any(f"older version, {first}, not the newest, {second}" in n for n in status.notices)
    with pytest.raises(NothingToDo, match=f"older than {first}"):
        go_back(copied)
    assert go_back(copied, second) == second
    assert read_status(copied).notices == []
    go_back(copied)
    with pytest.raises(NothingToDo, match=f"{second}.* was published"):
        refresh(copied, published.landing, resume=True)
    third = refresh(copied, published.landing).refresh_id
    assert version_of(copied.published_file) == third
    assert read_status(copied).notices == []
    assert kept(copied) == [third, second, first]


def test_wrong_rollbacks_change_nothing(quick, copied, published):
    first = published.report.refresh_id
    with pytest.raises(NothingToDo, match="no version nobody is kept"):
        go_back(copied, "nobody")
    with pytest.raises(NothingToDo, match=r"readers see .* already"):
        go_back(copied, first)
    refresh(copied, published.landing)
    wal = Path(f"{copied.published_file}.wal")
    wal.touch()
    with pytest.raises(PublishFailed, match=r"\.wal lies beside"):
        go_back(copied)
    wal.unlink()
    (copied.versions_folder / f"{first}.duckdb").write_bytes(b"garbage")
    with pytest.raises(NothingToDo, match="older than"):
        go_back(copied)
    assert version_of(copied.published_file) != first


def test_rollback_serves_readers_even_where_the_working_file_is_damaged(quick, copied, published):
    refresh(copied, published.landing)
    copied.work_file.write_bytes(b"garbage" * 1000)
    result = CliRunner().invoke(app, ["rollback", "--warehouse", str(copied.folder)])
    assert result.exit_code == 0, result.output
    assert version_of(copied.published_file) == published.report.refresh_id
    assert "not noted" in result.output


def test_the_command_lists_and_swaps(quick, copied, published):
    second = refresh(copied, published.landing).refresh_id
    ask = CliRunner().invoke
    listed = ask(app, ["rollback", "--list", "--warehouse", str(copied.folder)]).output
    assert listed.splitlines()[0].startswith(second)
    assert listed.splitlines()[0].endswith("readers see this one")
    assert listed.splitlines()[1].startswith(published.report.refresh_id)
    mine = copied.versions_folder / "mine.duckdb"
    mine.hardlink_to(copied.published_file)
    again = ask(app, ["rollback", "--list", "--warehouse", str(copied.folder)]).output
    assert again == listed  # a file that somebody put there is not ours
    told = ask(app, ["rollback", "--warehouse", str(copied.folder)]).output
    assert f"Readers see {published.report.refresh_id} again" in told


def test_no_version_is_said(tmp_path):
    asked = CliRunner().invoke(app, ["rollback", "--list", "--warehouse", str(tmp_path)])
    assert asked.exit_code == 0
    assert "No version is kept" in asked.output
    nothing = CliRunner().invoke(app, ["rollback", "--warehouse", str(tmp_path)])
    assert isinstance(nothing.exception, NothingToDo)
    assert list(tmp_path.glob("*")) == [tmp_path / ".lock"]


def test_a_version_is_placed_whole_or_not_at_all(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    target.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "hardlink_to", fail)
    monkeypatch.setattr("evergreen.versions.shutil.copyfile", fail)
    with pytest.raises(OSError, match="No space left"):
        place_beside(source, target)
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def make_older(warehouse: Warehouse, hours: float) -> None:
    """Move the moment at which the published version was published."""
    ended = datetime.now() - timedelta(hours=hours)
    with duckdb.connect(str(warehouse.published_file)) as con:
        con.execute("update marts.refreshes set ended_at = $1", [ended])


def test_an_old_version_is_a_problem_where_somebody_says_how_old_it_may_be(copied):
    make_older(copied, 30)
    assert read_status(copied).problems == []
    assert read_status(copied, max_age_hours=40).problems == []
    status = read_status(copied, max_age_hours=26)
    assert any("hours ago, more than 26" in problem for problem in status.problems)
    assert 29 < status.age_hours < 55  # the clock of the test machine may have a zone


@pytest.mark.parametrize(
    ("ended", "remedy"),
    [
        ("build_failed", "--resume"),
        ("audit_failed", "data_docs"),
        ("machine_failed", "--resume"),
        ("running", "--resume"),
        ("refused", "mend the file"),
    ],
)
def test_status_says_what_to_do_next(ended, remedy, copied):
    with duckdb.connect(str(copied.work_file)) as con:
        con.execute(
            "insert into raw.refreshes (refresh_id, status, is_published, message) "
            "values ('9', $1, false, 'it broke')",
            [ended],
        )
    status = read_status(copied)
    assert len(status.problems) == len(status.remedies) == 1
    assert "it broke" in status.problems[0]
    assert remedy in status.remedies[0]


def test_a_running_command_is_no_problem(copied):
    with lock(copied):
        status = read_status(copied)
    assert status.problems == []
    assert status.running.process == os.getpid()
    assert any("running now" in notice for notice in status.notices)
    assert read_status(copied).running is None


def test_status_for_monitors_is_one_json_object(copied):
    make_older(copied, 100)
    result = CliRunner().invoke(
        app,
        ["status", "--warehouse", str(copied.folder), "--format", "json", "--max-age-hours", "1"],
    )
    told = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == 8
    assert told["is_healthy"] is False
    assert told["published"]["refresh_id"]
    assert len(told["problems"]) == len(told["remedies"]) == 1


def test_status_imports_nothing_heavy():
    """It answers in about a second because it leaves dbt and Great Expectations alone."""
    code = (
        "import sys; import evergreen.cli, evergreen.status\n"
        "print([n for n in ('dbt', 'great_expectations', 'scipy', 'pandas') if n in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
