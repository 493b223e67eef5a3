"""The ledger: what a second, third and later load does, and what `raw` looks like after it."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from load_helpers import ORDERS, Shop

from evergreen.contract import raw_ddl, read_contract
from evergreen.errors import InputRefused, Locked
from evergreen.paths import DEMO_MARKER


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\no1,c1,t,1\no2,c2,t,2\n")
    return shop


def outcome(report, file: str) -> str:
    return {f.file: f.outcome for f in report.files}[file]


def everything(shop: Shop) -> list:
    return [
        shop.query(f"from raw.{table} order by all")
        for table in ("orders", "logins", "surveys", "files", "malformed_lines")
    ]


def test_contract_is_read_from_the_sources_file() -> None:
    contract = read_contract()
    assert contract.required_tables == ("orders", "logins", "surveys")
    orders = contract.table("orders")
    assert orders.required_columns == ("order_id", "customer_id", "ordered_at", "amount")
    assert [c.name for c in orders.columns if c.kind == "id"][:2] == ["order_id", "customer_id"]


def test_ddl_makes_every_table_with_its_columns_and_is_idempotent() -> None:
    contract = read_contract()
    with duckdb.connect() as con:
        con.execute("create schema raw; create table raw.orders (order_id varchar)")
        for _ in range(2):
            for statement in raw_ddl(contract):
                con.execute(statement)
        found = dict(
            con.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_schema = 'raw' and table_name = 'orders'"
            ).fetchall()
        )
        assert set(contract.table("orders").column_names) < found.keys()
        assert [found[c] for c in ("_extra", "_file", "_line", "_loaded_at")] == [
            "VARCHAR",
            "VARCHAR",
            "BIGINT",
            "TIMESTAMP",
        ]
        tables = con.execute(
            "select count(*) from information_schema.tables where table_schema = 'raw'"
        ).fetchone()
        assert tables[0] == len(contract.tables) + len(contract.ledger)


def test_the_same_files_again_change_nothing(shop: Shop) -> None:
    first = shop.load()
    before = everything(shop)
    second = shop.load()
    assert first.is_changed and not second.is_changed
    assert {f.outcome for f in second.files} == {"unchanged"}
    assert everything(shop) == before


def test_changed_content_replaces_its_own_rows_and_counts_the_withdrawn(shop: Shop) -> None:
    shop.put("orders/other.csv", ORDERS + "o9,c9,t,9\n")
    shop.load()
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\no2,c2,t,3\nbad\n")
    report = shop.load()
    assert outcome(report, "orders.csv") == "replaced"
    # One of the two copies of o1; o2 is still there, corrected.
    assert shop.query("select withdrawn_count from raw.files where file = 'orders.csv'") == [(1,)]
    assert shop.lines() == [(2, "o1"), (3, "o2"), (2, "o9")]
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\n")
    shop.load()
    assert shop.malformed() == []


def test_file_that_is_gone_is_missing_and_its_rows_stay(shop: Shop) -> None:
    shop.load()
    content = (shop.landing / "orders.csv").read_bytes()
    (shop.landing / "orders.csv").unlink()
    gone = shop.load()
    assert outcome(gone, "orders.csv") == "missing" and gone.is_changed
    assert shop.query("select status from raw.files where file = 'orders.csv'") == [("missing",)]
    assert len(shop.lines()) == 3
    assert not shop.load().is_changed
    shop.put("orders.csv", content)
    assert outcome(shop.load(), "orders.csv") == "returned"
    assert shop.query("select status from raw.files where file = 'orders.csv'") == [("loaded",)]
    assert len(shop.lines()) == 3


def test_the_same_content_under_another_name_is_marked(shop: Shop) -> None:
    shop.load()
    shop.put("orders/again.csv", (shop.landing / "orders.csv").read_bytes())
    report = shop.load()
    query = "select file, duplicate_of from raw.files where input = 'orders' order by file"
    assert shop.query(query) == [("orders.csv", None), ("orders/again.csv", "orders.csv")]
    assert len(shop.lines()) == 6
    assert any("same content as orders.csv" in line for line in report.lines())
    shop.put("orders.csv", ORDERS)
    shop.load()
    assert shop.query(query) == [("orders.csv", None), ("orders/again.csv", None)]


def test_a_refused_file_leaves_the_work_file_as_it_was(shop: Shop) -> None:
    shop.load()
    before = everything(shop)
    shop.put("orders.csv", ORDERS + "o7,c1,t,1\n")
    shop.put("surveys.csv", "response_id\n")
    with pytest.raises(InputRefused):
        shop.load()
    assert everything(shop) == before


def test_real_files_drive_out_the_demo(shop: Shop) -> None:
    shop.warehouse.folder.mkdir()
    with duckdb.connect(str(shop.warehouse.work_file)) as con:
        for statement in raw_ddl(read_contract()):
            con.execute(statement)
        for table in ("orders", "tickets"):
            con.execute(
                f"insert into raw.{table} (customer_id, _file) values ('d', 'demo_{table}.csv')"
            )
            con.execute(
                "insert into raw.files (input, file, status, is_demo)"
                " values ($1, 'demo_' || $1 || '.csv', 'loaded', true)",
                [table],
            )
    report = shop.load()
    assert report.demo_row_count == 2
    assert any("demo" in line for line in report.lines())
    assert shop.query("select count(*) from raw.files where is_demo") == [(0,)]
    assert shop.query("select count(*) from raw.tickets") == [(0,)]
    assert len(shop.lines()) == 3


def test_simulated_files_never_join_real_ones(shop: Shop) -> None:
    (shop.landing / DEMO_MARKER).touch()
    assert shop.load().demo_row_count == 0
    assert shop.query("select distinct is_demo from raw.files") == [(True,)]
    assert not shop.load().is_changed
    (shop.landing / DEMO_MARKER).unlink()
    report = shop.load()
    assert report.demo_row_count > 0
    assert shop.query("select distinct is_demo from raw.files") == [(False,)]
    (shop.landing / DEMO_MARKER).touch()
    with pytest.raises(InputRefused, match="--warehouse"):
        shop.load()


def test_order_and_split_of_files_do_not_matter(shop: Shop, tmp_path: Path) -> None:
    shop.load()
    (tmp_path / "b").mkdir()
    other = Shop(tmp_path / "b")
    (other.landing / "orders.csv").unlink()
    other.put("orders/2.csv", ORDERS + "o1,c1,t,1\no1,c1,t,1\n")
    other.put("orders/1.csv", "amount,ordered_at,customer_id,order_id\n2,t,c2,o2\n")
    other.load()
    query = "select * exclude (_file, _line, _loaded_at) from raw.orders order by all"
    assert shop.query(query) == other.query(query)


def test_work_file_open_elsewhere_is_told(shop: Shop) -> None:
    shop.load()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
            str(shop.warehouse.work_file),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        with pytest.raises(Locked, match=r"work\.duckdb"):
            shop.load()
    finally:
        holder.communicate(b"\n")


def test_nothing_is_left_in_the_warehouse_but_the_work_file_and_the_key(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1\n\n")
    shop.load()
    found = {path.name for path in shop.warehouse.folder.iterdir()}
    assert found == {"key", "work.duckdb"}
