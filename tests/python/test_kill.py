"""Killed refreshes, and readers while versions are swapped: the scripts that check both, small."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from evergreen.locking import lock
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh

sys.path.insert(0, str(PROJECT_DIR / "scripts"))

from kill_check import COMMAND, Case, _kill_after, _look, kill_rounds
from reader_check import read_while
from version_marks import hash_tables


def older(published, folder: Path) -> Path:
    """The published warehouse, but readers see an older version: without some rows of a mart."""
    base = Path(shutil.copytree(published.warehouse.folder, folder))
    warehouse = Warehouse(base)
    shutil.rmtree(warehouse.versions_folder)
    aside = warehouse.published_file.with_suffix(".aside")
    shutil.copyfile(warehouse.published_file, aside)
    aside.replace(warehouse.published_file)
    with duckdb.connect(str(warehouse.published_file)) as con:
        con.execute("delete from marts.stage_transitions where customer_id < 'c2'")
    return base


def make_case(published, folder: Path) -> Case:
    """A case whose undisturbed refresh is that of the fixture."""
    base = older(published, folder / "base")
    with duckdb.connect(str(published.warehouse.work_file), read_only=True) as con:
        seconds = con.execute("select max(duration_seconds) from raw.refreshes").fetchone()[0]
    before = hash_tables(Warehouse(base).published_file)
    after = hash_tables(published.warehouse.published_file)
    assert before["marts.stage_transitions"] != after["marts.stage_transitions"]
    return Case(base, published.landing, seconds, before, after)


def test_three_kills_and_what_comes_after(published, tmp_path):
    """Each refresh runs on what the kill before left; the last one is not killed."""
    case = make_case(published, tmp_path)
    killed = list(kill_rounds(case, tmp_path, kills=3, seed=18, recover_every=3))
    assert [kill.faults for kill in killed] == [(), (), ()]
    assert [kill.seen for kill in killed] == ["before"] * 3
    assert killed[-1].recovery != "none"
    warehouse = Warehouse(tmp_path / "killed")
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        statuses = con.execute("select status from raw.refreshes order by refresh_id").fetchall()
    assert statuses[0] == statuses[-1] == ("published",)
    assert set(statuses[1:-1]) <= {("interrupted",)}


def test_the_check_sees_a_mixture_and_a_broken_file(published, tmp_path):
    case = make_case(published, tmp_path)
    assert _look(case.base, case) == ("before", [])
    file = Warehouse(case.base).published_file
    with duckdb.connect(str(file)) as con:
        con.execute("update marts.refresh_changes set refresh_id = '9'")
        con.execute("delete from marts.customers where customer_id < 'c2'")
    seen, faults = _look(case.base, case)
    assert seen == "after"
    assert any("two versions in one file" in fault for fault in faults)
    assert any(fault.startswith("marts.customers: ") for fault in faults)
    file.write_bytes(b"garbage" * 1000)
    assert _look(case.base, case)[0] == "unreadable"


def test_a_kill_ends_the_whole_process_group_and_names_the_step(published, tmp_path):
    log = tmp_path / "log.jsonl"
    assert _kill_after(0.5, tmp_path / "warehouse", published.landing, log) == "start"
    lock = tmp_path / "warehouse" / ".lock"
    assert not lock.exists() or not json.loads(lock.read_text() or "{}").get("is_released")


def test_sigterm_ends_with_a_last_line_and_is_recovered_from(published, tmp_path):
    warehouse = tmp_path / "warehouse"
    command = [*COMMAND, "refresh", "--landing", published.landing, "--warehouse", warehouse]
    process = subprocess.Popen(
        [*map(str, command), "--log-format", "json"], stdout=subprocess.PIPE, text=True
    )
    began = [json.loads(process.stdout.readline()) for _ in range(2)]  # started, step load
    process.terminate()
    last = json.loads(process.communicate()[0].splitlines()[-1])
    assert process.returncode == last["exit_code"] == 143
    assert (last["status"], last["refresh_id"]) == ("interrupted", began[0]["refresh_id"])
    with lock(Warehouse(warehouse)) as held:
        assert f"process {process.pid}" in held.recovered


def test_readers_see_one_version_whole_and_no_error(quick, copied, published):
    ids = {published.report.refresh_id}

    def work() -> None:
        ids.update(refresh(copied, published.landing).refresh_id for _ in range(2))

    reads = read_while(copied.published_file, work)
    assert reads.errors == []
    assert reads.mixed == []
    assert reads.count > 5
    assert reads.versions.keys() <= ids
    assert len(reads.versions) > 1
