"""A refresh that failed goes on where it stopped, or says why it does not."""

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from evergreen import build as build_module
from evergreen.build import build
from evergreen.errors import AuditFailed, BuildFailed, InputRefused, NothingToDo
from evergreen.locking import lock
from evergreen.paths import Warehouse
from evergreen.refresh import refresh
from evergreen.run_log import KEPT_CHANGES, KEPT_RUNS, Finished, RefreshLog

LATER = ["metrics", "audit", "publish"]


@pytest.fixture
def landing(published, tmp_path) -> Path:
    """The landing folder of the published warehouse, to be changed."""
    return Path(shutil.copytree(published.landing, tmp_path / "landing"))


def asked(warehouse: Warehouse, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        return con.execute(sql).fetchall()


def fail_at(quick, warehouse: Warehouse, landing: Path, step: str, **options) -> None:
    """A refresh that fails at a step; `quick.ran` is empty afterwards."""
    quick.errors[step] = BuildFailed("it broke")
    with pytest.raises(BuildFailed, match="it broke"):
        refresh(warehouse, landing, **options)
    quick.ran.clear()


def test_it_goes_on_where_it_stopped(quick, copied, landing):
    quick.outcomes["build"] = Finished("build", message="warning: look at this")
    fail_at(quick, copied, landing, "metrics")
    failed = asked(copied, "select max(refresh_id) from raw.refreshes")[0][0]
    report = refresh(copied, landing, resume=True)
    assert quick.ran == LATER
    assert report.warnings == ["warning: look at this"]
    run = asked(
        copied,
        "select resumed_from, status, load_seconds, build_seconds, metrics_seconds is not null, "
        "publish_seconds is not null, duration_seconds is not null, published_count from "
        f"raw.refreshes where refresh_id = '{report.refresh_id}'",
    )
    total = sum(n for name, n in report.rows.items() if not name.startswith("metrics."))
    with duckdb.connect(str(copied.published_file), read_only=True) as con:
        changes = con.execute("select count(*) from marts.refresh_changes").fetchone()[0]
        told = con.execute(
            "select resumed_from, status, published_count from marts.refreshes "
            f"where refresh_id = '{report.refresh_id}'"
        ).fetchall()
    assert run == [(failed, "published", None, None, True, True, True, total)]
    assert told == [(failed, "published", total)]
    assert changes == report.rows["refresh_changes"]


def test_the_ledger_says_which_step_failed_and_which_were_skipped(quick, copied, landing):
    fail_at(quick, copied, landing, "audit")
    last = "(select max(refresh_id) from raw.refreshes)"
    steps = f"select step, status from raw.refresh_steps where refresh_id = {last}"
    assert asked(copied, steps) == [
        ("load", "done"),
        ("build", "done"),
        ("fit", "done"),
        ("metrics", "done"),
        ("audit", "failed"),
    ]
    seconds = f"select fit_seconds, audit_seconds from raw.refreshes where refresh_id = {last}"
    ((fit_seconds, audit_seconds),) = asked(copied, seconds)
    assert fit_seconds is None and audit_seconds >= 0
    refresh(copied, landing, resume=True)
    assert asked(copied, steps)[:5] == [
        ("load", "skipped"),
        ("build", "skipped"),
        ("fit", "skipped"),
        ("metrics", "skipped"),
        ("audit", "done"),
    ]


def test_it_can_fail_again_and_be_resumed_again(quick, copied, landing):
    fail_at(quick, copied, landing, "metrics")
    fail_at(quick, copied, landing, "audit", resume=True)
    refresh(copied, landing, resume=True)
    assert quick.ran == ["audit", "publish"]


@pytest.mark.parametrize(("outcome", "then"), [("new", ["score", *LATER]), ("kept", LATER)])
def test_only_a_new_fit_is_scored_after_it(outcome, then, quick, copied, landing):
    quick.outcomes["fit"] = Finished("fit", outcome)
    fail_at(quick, copied, landing, then[0])
    refresh(copied, landing, resume=True)
    assert quick.ran == then


def test_a_killed_run_is_resumed_too(quick, copied, landing):
    """What a killed process leaves: a run and a step that never ended, and a lock that names it."""
    quick.errors["metrics"] = SystemExit(9)
    with pytest.raises(SystemExit):
        refresh(copied, landing)
    quick.ran.clear()
    with duckdb.connect(str(copied.work_file)) as con:
        con.execute("update raw.refreshes set status = 'running' where status = 'interrupted'")
        con.execute("update raw.refresh_steps set status = 'running' where status = 'failed'")
    held = json.loads(copied.lock_file.read_text())
    copied.lock_file.write_text(json.dumps(held | {"is_released": False}))
    events = []
    refresh(copied, landing, resume=True, listener=events.append)
    assert quick.ran == LATER
    assert events[0]["event"] == "recovered"
    statuses = asked(copied, "select status from raw.refreshes order by refresh_id")
    assert statuses == [("published",), ("interrupted",), ("published",)]


def test_a_run_that_was_stopped_right_after_its_swap_is_published(
    quick, copied, landing, monkeypatch
):
    def stop(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(RefreshLog, "keep_changes", stop)
        refresh(copied, landing)
    with pytest.raises(NothingToDo, match="was published"):
        refresh(copied, landing, resume=True)
    RefreshLog(copied, "landing")
    runs = asked(copied, "select status, is_published from raw.refreshes order by refresh_id")
    assert runs == [("published", True), ("published", True), ("running", False)]
    assert asked(copied, "select count(*) > 50 from raw.refresh_changes") == [(True,)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("file", r"logins\.csv in .* changed"),
        ("new file", r"orders/more\.csv in .* changed, came"),
        ("gone", r"logins\.csv in .* changed, came or went"),
        ("vars", "vars changed since: {}, now {'default_margin_rate': 0.5}"),
        ("as_of", "as_of changed since: none, now 2024-06-30"),
        ("code", "code changed since"),
        ("load", "has worked on the warehouse since"),
    ],
)
def test_it_refuses_where_something_changed(change, message, quick, copied, landing, monkeypatch):
    fail_at(quick, copied, landing, "metrics")
    options: dict = {}
    match change:
        case "file":
            with (landing / "logins.csv").open("a") as file:
                file.write("new,c1,2024-12-31,success,\n")
        case "new file":
            (landing / "orders").mkdir()
            (landing / "orders" / "more.csv").write_text("order_id\n")
        case "gone":
            (landing / "logins.csv").unlink()
        case "vars":
            options["variables"] = {"default_margin_rate": 0.5}
        case "as_of":
            options["as_of"] = date(2024, 6, 30)
        case "code":
            monkeypatch.setattr("evergreen.resume.CODE", ("dbt_project.yml",))
        case "load":
            with lock(copied):
                pass
    runs = asked(copied, "select count(*) from raw.refreshes")
    with pytest.raises(NothingToDo, match=message):
        refresh(copied, landing, resume=True, **options)
    assert quick.ran == []
    assert asked(copied, "select count(*) from raw.refreshes") == runs  # it is no run
    if options:  # a mistake of who asked: asked rightly, it goes on
        refresh(copied, landing, resume=True)
        assert quick.ran == LATER


def test_nothing_to_resume_is_said(quick, copied, landing, tmp_path):
    with pytest.raises(NothingToDo, match="was published"):
        refresh(copied, landing, resume=True)
    with pytest.raises(NothingToDo, match="never refreshed"):
        refresh(Warehouse(tmp_path / "new"), landing, resume=True)
    fail_at(quick, copied, landing, "load")
    with pytest.raises(NothingToDo, match="before its first step was done"):
        refresh(copied, landing, resume=True)


def test_a_failed_audit_is_tried_again(quick, copied, landing):
    quick.errors["audit"] = AuditFailed("too few")
    with pytest.raises(AuditFailed):
        refresh(copied, landing)
    quick.ran.clear()
    quick.errors["audit"] = AuditFailed("too few")
    with pytest.raises(AuditFailed):
        refresh(copied, landing, resume=True)
    assert quick.ran == ["audit"]


def test_dbt_goes_on_after_the_nodes_that_passed(copied, monkeypatch):
    """`dbt retry` with the results that were kept: only what failed or was skipped is built."""
    log = RefreshLog(copied, "landing")
    chosen = {
        "select": "resource_type:seed assert_quarantine_rate",
        "variables": {"max_quarantine_rate": 0},
    }
    with pytest.raises(InputRefused, match="quarantine_rate"):
        build(copied, **chosen)
    log.keep_results("build")
    kept = copied.runs_folder / log.refresh_id
    first = json.loads((kept / "run_results.json").read_text())["results"]
    assert len(first) > 5
    asked_of_dbt = []
    run_dbt = build_module.run_dbt
    monkeypatch.setattr(
        build_module,
        "run_dbt",
        lambda w, a, *more: (asked_of_dbt.append(a), run_dbt(w, a, *more))[1],
    )
    again = RefreshLog(copied, "landing")
    with pytest.raises(InputRefused, match="quarantine_rate"):
        build(copied, **chosen, retry_from=kept)
    retried = json.loads((copied.folder / "target" / "run_results.json").read_text())["results"]
    again.keep_results("build", kept)
    assert [arguments[0] for arguments in asked_of_dbt] == ["retry"]
    ids = [result["unique_id"] for result in retried]
    ids = [name for name in ids if not name.startswith("operation.")]  # the hook at the start
    assert ids == ["test.evergreen.assert_quarantine_rate"]
    both = copied.runs_folder / again.refresh_id / "run_results.json"
    ids = [result["unique_id"] for result in json.loads(both.read_text())["results"]]
    assert sorted(ids) == sorted(result["unique_id"] for result in first)


def test_what_dbt_said_is_kept_for_thirty_runs(copied):
    log = RefreshLog(copied, "landing")
    for number in range(KEPT_RUNS + 5):
        (copied.runs_folder / f"2020-{number:03}").mkdir(parents=True)
    (copied.folder / "target" / "run_results.json").write_text('{"results": []}')
    log.keep_results("build")
    kept = sorted(path.name for path in copied.runs_folder.iterdir())
    assert len(kept) == KEPT_RUNS
    assert kept[0] > "2020-005" and kept[-1] == log.refresh_id


def test_changes_are_those_between_the_two_versions(quick, copied, landing):
    with duckdb.connect(str(copied.work_file)) as con:
        con.execute("update marts.customers set as_of_date = as_of_date + 1")
        con.execute("update marts.customer_months set order_count = order_count + 1")
        ids = [f"'{row[0]}'" for row in con.execute(
            "select customer_id from marts.customers order by customer_id limit 3"
        ).fetchall()]  # fmt: skip
        con.execute(f"delete from marts.customers where customer_id = {ids[0]}")
        con.execute(f"update marts.customers set country = 'new' where customer_id = {ids[1]}")
        con.execute(f"update marts.customers set customer_id = 'new' where customer_id = {ids[2]}")
        customers = con.execute("select count(*) from marts.customers").fetchone()[0]
        months = con.execute("select count(*) from marts.customer_months").fetchone()[0]
    report = refresh(copied, landing)
    with duckdb.connect(str(copied.published_file), read_only=True) as con:
        found = {row[1]: row[2:7] for row in con.execute(
            f"from marts.refresh_changes where refresh_id = '{report.refresh_id}'"
        ).fetchall()}  # fmt: skip
    assert found["customers"] == (customers + 1, customers, 1, 2, 1)
    assert found["customer_months"] == (months, months, 0, 0, months)
    assert found["customer_advocacy"][2:] == (0, 0, 0)
    assert found["quarantined_rows"][2:] == (0, 0, None)  # it has no key
    assert set(found) == {n for n in report.rows if "." not in n} - {"refresh_changes"}
    rows = asked(copied, "from raw.refresh_changes order by all")
    with duckdb.connect(str(copied.published_file), read_only=True) as con:
        assert con.execute("from marts.refresh_changes order by all").fetchall() == rows


def test_changes_of_ninety_refreshes_are_kept(copied):
    log = RefreshLog(copied, "landing")
    day = date(2024, 12, 31)
    log.keep_changes([(f"9{n:03}", "customers", 1, 1, 0, 0, 0, day) for n in range(95)])
    kept = asked(copied, "select min(refresh_id), count(*) from raw.refresh_changes")
    assert kept == [("9005", KEPT_CHANGES)]


def test_a_new_working_file_learns_its_history_from_what_is_published(quick, copied, landing):
    report = refresh(copied, landing)
    copied.work_file.unlink()
    RefreshLog(copied, "landing")
    runs = asked(copied, "select refresh_id, status from raw.refreshes order by refresh_id")
    assert len(runs) == 3
    assert runs[1] == (report.refresh_id, "published")
    assert asked(copied, "select count(*) > 50 from raw.refresh_changes") == [(True,)]
