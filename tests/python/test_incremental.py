"""A build of what changed gives the tables of a whole build, whatever came, went or changed.

EVERGREEN_FUZZ=deep makes more deliveries of more seeds.
"""

import os
import shutil
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from evergreen import incremental
from evergreen.build import build
from evergreen.demo import generate
from evergreen.load import load
from evergreen.paths import PROJECT_DIR, Warehouse

sys.path.insert(0, str(PROJECT_DIR / "scripts"))

from deliveries import Deliveries
from version_marks import differing_tables

IS_DEEP = os.environ.get("EVERGREEN_FUZZ") == "deep"
SEEDS = range(1, 9) if IS_DEEP else (1,)
DAYS = 8 if IS_DEEP else 2
OF_THE_BUILD = (
    "stg_changed_days",
    "int_touched_customers",
    "int_touched_rhythms",
    "int_touched_states",
)


def build_changes(warehouse: Warehouse, as_of: date | None = None) -> bool:
    """As a refresh does, without tests; whether only changes were built."""
    changes_only = incremental.plan(warehouse, {})
    build(warehouse, as_of, with_tests=False, changes_only=changes_only)
    incremental.settle(warehouse, {})
    return changes_only


def whole_build(warehouse: Warehouse, folder: Path, as_of: date | None = None) -> Warehouse:
    """The same landed rows, built from nothing but them."""
    whole = Warehouse(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with duckdb.connect(str(whole.work_file)) as con:
        con.execute(f"attach '{warehouse.work_file}' as landed (read_only)")
        con.execute("create schema raw")
        tables = "select table_name from duckdb_tables() where database_name = 'landed' and "
        for (table,) in con.execute(tables + "schema_name = 'raw'").fetchall():
            con.execute(f"create table raw.{table} as from landed.raw.{table}")
    build(whole, as_of, with_tests=False)
    return whole


def differences(one: Warehouse, other: Warehouse) -> list[str]:
    """Tables that are not the same in both. Of a double, ten digits count."""
    schemas = ("staging", "intermediate", "marts")
    found = differing_tables(one.work_file, other.work_file, schemas, digits=10)
    return [table for table in found if table.split(".")[1] not in OF_THE_BUILD]


def count(warehouse: Warehouse, table: str) -> int:
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        return con.execute(f"select count(*) from {table}").fetchone()[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_builds_of_changes_equal_whole_builds(seed: int, tmp_path: Path) -> None:
    generate(400, 10, seed, tmp_path / "demo", dirt=0.01)
    landing, warehouse = tmp_path / "landing", Warehouse(tmp_path / "warehouse")
    deliveries = Deliveries(tmp_path / "demo", landing, seed, DAYS)
    load(warehouse, landing)
    assert not build_changes(warehouse), "the first build is a whole one"
    for number in range(DAYS):
        told = deliveries.land_day(number)
        load(warehouse, landing)
        assert build_changes(warehouse)
        touched = count(warehouse, "intermediate.int_touched_customers")
        assert 0 < touched < count(warehouse, "intermediate.int_customers") / 2
        whole = whole_build(warehouse, tmp_path / "whole")
        assert differences(warehouse, whole) == [], f"day {number}, and {told} was changed"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Path]:
    """80 customers whom nothing but the planted rows below touches, built whole."""
    folder = tmp_path_factory.mktemp("built")
    landing, warehouse = folder / "landing", Warehouse(folder / "warehouse")
    generate(80, 10, 3, landing)
    for name, header, rows in PLANTED:
        (landing / name).mkdir()
        (landing / f"{name}.csv").rename(landing / name / "demo.csv")
        (landing / name / "planted.csv").write_text("\n".join([header, *rows, ""]))
    load(warehouse, landing)
    build_changes(warehouse)
    return warehouse, landing


ORDERS = "order_id,customer_id,ordered_at,amount,status,refund_amount,refunded_at"
CUSTOMERS = "customer_id,created_at,email,merged_into,is_test"
CROWD = [f"crowd_{number}" for number in range(21)]
"""One more than the customers who may share an address as one person."""
PLANTED = [
    (
        "orders",
        ORDERS,
        [
            "moved,from,2024-03-01,10.00,paid,,",
            "refunded,refunder,2024-03-01,20.00,paid,,",
            "refunded_soon,patient,2024-03-01,20.00,refunded,20.00,2025-01-10",
            "withdrawn,leaver,2024-03-01,30.00,paid,,",
            "fine,conflicted,2024-03-01,40.00,paid,,",
            "merged,twin_1,2024-03-01,50.00,paid,,",
            "tested,tester,2024-03-01,60.00,paid,,",
            "itemed,basket,2024-03-01,70.00,paid,,",
            "alone,,2024-03-01,80.00,paid,,",
        ],
    ),
    ("order_items", "order_id,line_number,product_id,quantity,unit_price", ["itemed,1,case,1,70"]),
    (
        "customers",
        CUSTOMERS,
        [
            "twin_1,2024-02-01,one@example.com,,",
            "twin_2,2024-02-02,two@example.com,,",
            "tester,2024-02-01,,,",
            "early,2025-01-05,,,",
            *(f"{name},2024-02-01,crowd@example.com,," for name in CROWD[:-1]),
        ],
    ),
    (
        "subscriptions",
        "subscription_id,customer_id,started_at,monthly_amount",
        ["running,subscriber,2024-01-20,10.00"],
    ),
]


def test_each_kind_of_change_reaches_its_customers(built, tmp_path: Path) -> None:
    warehouse, landing = built
    changed = {
        "orders": PLANTED[0][2][:],
        "customers": PLANTED[2][2][:],
        "order_items": ["itemed,1,lens,1,70"],
    }
    refund = "refunded,refunder,2024-03-01,20.00,paid,"
    for old, new in [
        ("moved,from", "moved,to"),
        (f"{refund},", f"{refund}20.00,2024-05-01"),
        ("withdrawn,leaver,2024-03-01,30.00,paid,,", ""),
        ("two@example.com", "one@example.com"),
        ("tester,2024-02-01,,,", "tester,2024-02-01,,,true"),
    ]:
        for table, rows in changed.items():
            changed[table] = [new_row for row in rows if (new_row := row.replace(old, new))]
    changed["customers"].append(f"{CROWD[-1]},2024-02-01,crowd@example.com,,")
    headers = {name: header for name, header, _ in PLANTED}
    for table, rows in changed.items():
        text = "\n".join([headers[table], *rows, ""])
        (landing / table / "planted.csv").write_text(text)
    (landing / "orders" / "late.csv").write_text(
        f"{ORDERS}\nlate,latecomer,2024-03-05,90.00,paid,,\n"
        "fine,conflicted,2024-03-01,41.00,paid,,\n,nobody,2024-03-05,1.00,paid,,\n"
    )
    load(warehouse, landing)
    assert build_changes(warehouse)
    touched = {"from", "to", "refunder", "leaver", "conflicted", "twin_1", "twin_2", "tester"}
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        found = con.execute("select customer_id from intermediate.int_touched_customers").fetchall()
    assert {row[0] for row in found} == touched | {"basket", "latecomer", *CROWD}
    assert differences(warehouse, whole_build(warehouse, tmp_path / "whole")) == []


@pytest.mark.parametrize("as_of", [date(2025, 1, 20), date(2024, 11, 15)])
def test_time_alone_changes_what_it_changes(built, tmp_path: Path, as_of: date) -> None:
    warehouse, _ = built
    assert build_changes(warehouse, as_of)
    assert differences(warehouse, whole_build(warehouse, tmp_path / "whole", as_of)) == []


def test_nothing_new_touches_nobody(built) -> None:
    warehouse, landing = built
    load(warehouse, landing)
    build_changes(warehouse)
    load(warehouse, landing)
    assert build_changes(warehouse)
    for table in OF_THE_BUILD[1:]:
        assert count(warehouse, f"intermediate.{table}") == 0, table
    assert count(warehouse, "intermediate.int_customer_activities") > 1000


def test_only_a_finished_build_of_the_same_project_is_continued(
    built, monkeypatch, tmp_path
) -> None:
    warehouse = Warehouse(tmp_path / "copied")
    warehouse.folder.mkdir()
    shutil.copy(built[0].work_file, warehouse.work_file)
    assert incremental.plan(warehouse, {"as_of_date": "2024-10-01"}), "the day may be another"
    assert not incremental.plan(warehouse, {}), "the build that went on from it did not end"
    incremental.settle(warehouse, {})
    assert not incremental.plan(warehouse, {"timezone": "Europe/Berlin"})
    assert not incremental.plan(warehouse, {}), (
        "it was dropped, so that nothing goes on from a mixture"
    )
    incremental.settle(warehouse, {})
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute(
            "insert into raw.changed_rows select 'logins', 'L' || range, 'a' from range(99999)"
        )
    assert not incremental.plan(warehouse, {}), "most rows changed"
    for name, other in (("__version__", "other"), ("hash_files", lambda *given: "other")):
        incremental.settle(warehouse, {})
        with monkeypatch.context() as changed:
            changed.setattr(incremental, name, other)
            assert not incremental.plan(warehouse, {}), name


def test_plain_dbt_build_drops_what_a_refresh_could_continue(built, tmp_path) -> None:
    warehouse = Warehouse(tmp_path / "copied")
    warehouse.folder.mkdir()
    shutil.copy(built[0].work_file, warehouse.work_file)
    assert count(warehouse, "raw.builds") == 1
    build(warehouse, select="stg_calendar", with_tests=False)
    assert count(warehouse, "raw.builds") == 0
