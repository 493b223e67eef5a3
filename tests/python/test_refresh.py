"""Refreshes as a user sees them: all of it or nothing, and a clear word why."""

import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest

from evergreen.errors import AuditFailed, BuildFailed, InputRefused, Locked, PublishFailed
from evergreen.locking import lock
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.publish import STORAGE_VERSION, publish
from evergreen.refresh import refresh
from evergreen.run_log import RefreshLog
from evergreen.status import read_status

BIN = Path(sys.executable).parent


def evergreen(*arguments: object) -> subprocess.CompletedProcess:
    """The command as a user types it, from another folder."""
    return subprocess.run(
        [str(BIN / "evergreen"), *map(str, arguments)], cwd="/", capture_output=True, text=True
    )


def fingerprint(file: Path) -> tuple[int, int]:
    """Changes when the file is replaced."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


def write_required(landing: Path, orders: str, logins: str = "", surveys: str = "") -> Path:
    """A landing folder with the three required tables."""
    landing.mkdir(parents=True, exist_ok=True)
    (landing / "orders.csv").write_text("order_id,customer_id,ordered_at,amount\n" + orders)
    (landing / "logins.csv").write_text("login_id,customer_id,logged_in_at\n" + logins)
    (landing / "surveys.csv").write_text("response_id,customer_id,survey,sent_at\n" + surveys)
    return landing


def test_published_file_holds_marts_and_metrics_only(published):
    tables = published.query(
        "select distinct schema_name from duckdb_tables() where database_name = 'evergreen' "
        "order by schema_name"
    )
    assert tables == [("marts",), ("metrics",)]
    assert published.report.rows["customers"] > 100
    assert published.report.check_count > 30
    assert published.report.expectation_count > 50


def test_row_accounting_balances_and_shows_the_dirt(published):
    landed, judged, quarantined = published.query(
        "select sum(landed_count), sum(accepted_count + duplicate_count + quarantined_count), "
        "sum(quarantined_count) from marts.row_accounting"
    )[0]
    assert landed == judged == published.report.landed_count
    assert quarantined == published.report.quarantined_count > 0


def test_planted_dirt_gets_the_answers_it_must_get(published):
    """Every bad row of the demo is quarantined for its reason, or counted as a duplicate."""
    found: dict[str, Counter] = {table: Counter() for table in published.demo.rows}
    for table, reasons in published.query("select input, reasons from marts.quarantined_rows"):
        found[table].update(reasons.split(","))
    for table, rows in published.query(
        "select input, sum(duplicate_count)::bigint from marts.row_accounting group by input"
    ):
        found[table]["duplicate"] = rows
    for table, answers in published.demo.answers.items():
        expected = {answer: rows for answer, rows in answers.items() if answer != "accepted"}
        assert {answer: rows for answer, rows in found[table].items() if rows} == expected, table


def test_published_refresh_tells_of_itself(published):
    rows = published.query("select status, is_published, landed_count from marts.refreshes")
    assert rows == [("published", True, published.report.landed_count)]


def test_descriptions_travel_with_the_published_file(published):
    comments = published.query(
        "select comment from duckdb_columns() "
        "where table_name = 'customers' and column_name = 'state'"
    )
    assert "First match" in comments[0][0] or "first match" in comments[0][0]


def test_published_file_answers_every_query_of_the_dashboard_with_all_doors_shut(published):
    queries = sorted((PROJECT_DIR / "dashboard" / "queries").glob("*.sql"))
    assert len(queries) > 50
    with duckdb.connect(
        str(published.warehouse.published_file),
        read_only=True,
        config={"enable_external_access": "false", "lock_configuration": "true"},
    ) as con:
        answered = sum(bool(con.execute(file.read_text()).fetchall()) for file in queries)
        with pytest.raises(duckdb.Error, match="locked"):
            con.execute("set enable_external_access = true")
        with pytest.raises(duckdb.PermissionException):
            con.execute("select * from read_text('/etc/hostname')")
    assert answered > len(queries) / 2


def test_published_file_has_the_storage_version_of_older_clients(published):
    with duckdb.connect() as con:
        con.execute(f"attach '{published.warehouse.published_file}' as p (read_only)")
        tags = con.execute(
            "select tags from duckdb_databases() where database_name = 'p'"
        ).fetchone()
    assert STORAGE_VERSION == "v1.2.0"
    assert "v1.2.0" in str(tags[0])


def test_same_input_again_gives_the_same_marts(published, copied):
    before = {name: rows_of(copied, name) for name in ("customers", "customer_months")}
    refresh(copied, published.landing)
    assert {name: rows_of(copied, name) for name in before} == before


def rows_of(warehouse: Warehouse, mart: str) -> list[tuple]:
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        return sorted(map(str, con.execute(f"select * from marts.{mart}").fetchall()))


def test_refused_input_leaves_the_published_version_untouched(copied, tmp_path):
    landing = write_required(tmp_path / "landing", "")
    (landing / "orders.csv").write_text("order_id,customer,ordered_at,amount\n1,a,2024-01-01,5\n")
    before = fingerprint(copied.published_file)
    with pytest.raises(InputRefused, match=r"(?s)orders\.csv.*customer_id"):
        refresh(copied, landing)
    assert fingerprint(copied.published_file) == before
    status = read_status(copied)
    assert status.last_run["status"] == "refused"
    assert any("customer_id" in problem for problem in status.problems)


def test_file_of_mostly_bad_rows_is_refused(copied, tmp_path):
    """Over 5 % of a file in quarantine is a mapping mistake, not dirt."""
    bad = "".join(f"{n},a,2024-01-01,{n}\n" for n in range(100))
    landing = write_required(
        tmp_path / "landing", bad + "".join(f"x{n},a,soon,1\n" for n in range(20))
    )
    before = fingerprint(copied.published_file)
    with pytest.raises(InputRefused, match=r"(?s)quarantine_rate.*orders.*bad_time"):
        refresh(Warehouse(tmp_path / "fresh"), landing)
    with pytest.raises(InputRefused):
        refresh(copied, landing)
    assert fingerprint(copied.published_file) == before
    assert not (tmp_path / "fresh" / "published" / "evergreen.duckdb").exists()


def test_failed_audit_stops_the_publish(tmp_path):
    """Nine tenths of the orders vanish from a re-delivered file."""
    warehouse = Warehouse(tmp_path / "warehouse")
    landing = tmp_path / "landing"
    write_required(landing, "".join(f"{n},c{n},2024-01-{n % 28 + 1:02},5\n" for n in range(400)))
    refresh(warehouse, landing)
    before = fingerprint(warehouse.published_file)
    write_required(landing, "".join(f"{n},c{n},2024-01-{n % 28 + 1:02},5\n" for n in range(20)))
    with pytest.raises(AuditFailed, match="orders"):
        refresh(warehouse, landing)
    assert fingerprint(warehouse.published_file) == before
    assert read_status(warehouse).last_run["status"] == "audit_failed"


def test_failed_publish_leaves_the_old_file_and_no_litter(copied):
    before = fingerprint(copied.published_file)
    Path(f"{copied.published_file}.wal").touch()
    with pytest.raises(PublishFailed, match=r"\.wal"):
        publish(copied)
    Path(f"{copied.published_file}.wal").unlink()
    assert fingerprint(copied.published_file) == before
    left = {path.name for path in copied.published_file.parent.iterdir()}
    assert left == {"evergreen.duckdb", "osi_document.json"}


def test_failed_test_of_dbt_stops_the_publish(copied, published, monkeypatch):
    """Any other failed test is a failed build; its first rows are shown."""
    before = fingerprint(copied.published_file)
    monkeypatch.setattr("evergreen.build.QUARANTINE_TEST", "no such test")
    with pytest.raises(BuildFailed, match=r"(?s)quarantine_rate.*row: input="):
        refresh(copied, published.landing, variables={"max_quarantine_rate": 0})
    assert fingerprint(copied.published_file) == before


def test_past_day_is_published_without_comparing_drift(copied, published):
    report = refresh(copied, published.landing, as_of=date(2024, 6, 30))
    assert report.as_of_date == date(2024, 6, 30)
    assert any("drift is not compared" in warning for warning in report.warnings)


def test_damaged_published_file_is_moved_aside_and_healed(copied, published):
    copied.published_file.write_bytes(b"not a database")
    report = refresh(copied, published.landing)
    assert any("damaged" in warning for warning in report.warnings)
    assert rows_of(copied, "customers") == rows_of(published.warehouse, "customers")


def test_killed_before_the_swap_is_interrupted_and_after_it_published(copied, monkeypatch):
    with duckdb.connect(str(copied.work_file)) as con:
        con.execute("update raw.refreshes set status = 'running', is_published = false")
        con.execute(
            "insert into raw.refreshes (refresh_id, status, is_published) "
            "values ('killed', 'running', false)"
        )
    RefreshLog(copied, "landing")
    with duckdb.connect(str(copied.work_file)) as con:
        found = con.execute(
            "select status, is_published from raw.refreshes order by started_at nulls first"
        ).fetchall()
    assert found == [("interrupted", False), ("published", True), ("running", False)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{time_zone: UTC}", "Did you mean timezone"),
        ("{timezone: Mars/Base}", "no time zone"),
        ("[1]", "mapping"),
        ("{a", "no YAML"),
    ],
)
def test_wrong_vars_are_refused(given, message, tmp_path):
    landing = write_required(tmp_path / "landing", "1,a,2024-01-05,10\n")
    result = evergreen(
        "refresh", "--landing", landing, "--warehouse", tmp_path / "w", "--vars", given
    )
    assert result.returncode in (2, 3)
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_date_among_the_vars_is_understood(tmp_path):
    landing = write_required(tmp_path / "landing", "1,a,2024-01-05,10\n2,b,2024-03-01,20\n")
    report = refresh(
        Warehouse(tmp_path / "w"), landing, variables={"as_of_date": date(2024, 1, 31)}
    )
    assert report.as_of_date == date(2024, 1, 31)


@pytest.mark.parametrize("place", ["file", "file/below", "a#b"])
def test_impossible_warehouse_is_a_message(place, tmp_path):
    (tmp_path / "file").touch()
    landing = write_required(tmp_path / "landing", "")
    result = evergreen("refresh", "--landing", landing, "--warehouse", tmp_path / place)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr


def test_demo_data_never_overwrites_files_of_others(tmp_path):
    (tmp_path / "orders.csv").write_text("mine")
    result = evergreen("demo-data", "--out", tmp_path, "--customers", 1)
    assert result.returncode == 2
    assert (tmp_path / "orders.csv").read_text() == "mine"


def poll(file: str, stop: multiprocessing.Event, results: multiprocessing.Queue) -> None:
    """Read the published file again and again, as a BI tool would, on new connections."""
    seen, errors = set(), []
    while not stop.is_set():
        try:
            with duckdb.connect(file, read_only=True) as con:
                months = con.execute("select count(*) from marts.customer_months").fetchone()[0]
                runs = con.execute("select count(*) from marts.refreshes").fetchone()[0]
                seen.add((runs, months))
        except duckdb.Error as error:
            errors.append(str(error))
        time.sleep(0.02)
    results.put((seen, errors))


def test_reader_sees_the_old_version_or_the_new_one(copied):
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    reader = context.Process(target=poll, args=(str(copied.published_file), stop, results))
    reader.start()
    try:
        time.sleep(1)
        for _ in range(5):
            publish(copied)
            time.sleep(0.1)
    finally:
        stop.set()
        seen, errors = results.get(timeout=30)
        reader.join(timeout=30)
    assert errors == []
    assert len(seen) == 1


def test_second_refresh_is_refused_while_one_runs(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse")
    landing = write_required(tmp_path / "landing", "")
    who = (
        rf"`.*`, process {os.getpid()}, since \d{{4}}-.* UTC, on {re.escape(socket.gethostname())}"
    )
    with lock(warehouse), pytest.raises(Locked, match=rf"{who}.*kill {os.getpid()}"):
        refresh(warehouse, landing)


def test_lock_of_a_dead_process_is_no_obstacle(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse")
    code = (
        "import os, sys; from pathlib import Path; from evergreen.locking import lock; "
        "from evergreen.paths import Warehouse\n"
        "with lock(Warehouse(Path(sys.argv[1]))): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(warehouse.folder)], check=False)
    left = [warehouse.folder / ".load-x", warehouse.published_file.parent / ".evergreen.9.new"]
    for path in left:
        path.mkdir(parents=True)
    with lock(warehouse) as held:
        assert "killed or the machine stopped" in held.recovered
        assert not any(path.exists() for path in left)
    with lock(warehouse) as held:
        assert held.recovered is None


def test_who_asks_for_the_status_stops_no_refresh(tmp_path, monkeypatch):
    """The refresh waits the moment that the working file is read: read, it cannot be written."""
    warehouse = Warehouse(tmp_path / "warehouse")
    with lock(warehouse):
        pass
    moments = {}

    def begin() -> None:
        with lock(warehouse) as held:
            moments["begun"] = time.monotonic()
            assert held.recovered is None

    refreshing = threading.Thread(target=begin)

    def read(*_: object) -> None:
        refreshing.start()
        time.sleep(0.3)
        moments["read"] = time.monotonic()

    monkeypatch.setattr("evergreen.status._read_last_run", read)
    assert read_status(warehouse).running is None
    refreshing.join()
    assert moments["read"] < moments["begun"]


@pytest.mark.parametrize("empty", ["orders", "logins", "surveys", "all"])
def test_required_tables_may_be_empty(empty, tmp_path):
    rows = {
        "orders": "1,a,2024-01-05,10\n2,b,2024-03-01,20\n",
        "logins": "1,a,2024-01-06\n",
        "surveys": "1,a,nps,2024-01-07\n",
    }
    kept = {table: "" if empty in (table, "all") else text for table, text in rows.items()}
    landing = write_required(tmp_path / "landing", **kept)
    report = refresh(Warehouse(tmp_path / "warehouse"), landing)
    expected = {"orders": 1, "logins": 2, "surveys": 2, "all": 0}[empty]
    assert report.rows["customers"] == report.rows["customer_lifecycle"] == expected
    assert (report.as_of_date is None) == (empty == "all")


def test_as_of_cuts_and_counts_what_it_leaves_out(tmp_path):
    landing = write_required(tmp_path / "landing", "1,a,2024-01-05,10\n2,b,2024-03-01,20\n")
    warehouse = Warehouse(tmp_path / "warehouse")
    report = refresh(warehouse, landing, as_of=date(2024, 1, 31))
    assert report.rows["customers"] == 1
    assert report.as_of_date == date(2024, 1, 31)
    with duckdb.connect(str(warehouse.published_file), read_only=True) as con:
        counts = con.execute(
            "select accepted_count, after_as_of_count, quarantined_count from marts.row_accounting "
            "where input = 'orders'"
        ).fetchone()
    assert counts == (2, 1, 0)


def test_command_says_what_is_wrong_without_a_traceback(tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "order.csv").write_text("order_id\n")
    result = evergreen("refresh", "--landing", landing, "--warehouse", tmp_path / "w")
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert "orders" in result.stderr and "order.csv" in result.stderr


def test_status_before_the_first_refresh_names_the_next_step(tmp_path):
    result = evergreen("status", "--warehouse", tmp_path / "none")
    assert result.returncode == 8
    assert "evergreen refresh --landing" in result.stderr


def test_status_shows_reasons(published):
    result = evergreen("status", "--warehouse", published.warehouse.folder)
    assert result.returncode == 0, result.stderr
    assert "missing_id" in result.stdout
    # No model was fitted on 200 customers; what to suggest next is counted, and tried all the same.
    assert "next_product_probability" in result.stdout
    assert "churn_probability" not in result.stdout


@pytest.mark.parametrize("command", ["load", "refresh", "demo-data", "status"])
def test_every_command_has_help(command):
    result = evergreen(command, "--help")
    assert result.returncode == 0
    assert len(result.stdout) > 300
