"""What is personal stays in the work file, and an erased person is nowhere.

One person is erased from a warehouse with a marker in every personal column of every row, good and
bad, and everything that the erasure and its refresh made is searched.
"""

import csv
import json
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from evergreen import erase as erase_module
from evergreen.build import _offending_rows, build
from evergreen.contract import read_contract
from evergreen.dashboard import build_dashboard
from evergreen.erase import EraseReport, Person, erase
from evergreen.errors import AuditFailed, EraseIncomplete
from evergreen.export import export_parquet
from evergreen.load import load
from evergreen.paths import Warehouse
from evergreen.refresh import remember
from evergreen.tombstones import BLANKS, SALT_VARIABLE

MARKER = "zebra.marker"
SALT = "pepper.of.the.house"
BAD = {
    "customers": [
        {"customer_id": "", "email": f"{MARKER}.no-id@mail.example"},
        {"customer_id": "bad time", "email": f"{MARKER}.time@mail.example", "created_at": "soon"},
        {"customer_id": "twice", "email": f"{MARKER}.one@mail.example"},
        {"customer_id": "twice", "email": f"{MARKER}.two@mail.example"},
        {"customer_id": "copy", "email": f"{MARKER}.copy@mail.example"},
        {"customer_id": "copy", "email": f"{MARKER}.copy@mail.example"},
        {"customer_id": f"{MARKER}@id.example", "created_at": "never"},
    ],
    "surveys": [
        {"response_id": "odd", "customer_id": "x", "survey": "none", "answer": f"I am {MARKER}"},
        {"response_id": "", "customer_id": "x", "survey": "exit", "answer": MARKER},
    ],
    "subscriptions": [
        {"subscription_id": "s", "customer_id": "x", "started_at": "?", "cancel_reason": MARKER},
    ],
}


def read(path: Path) -> tuple[list[str], list[dict]]:
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        return list(reader.fieldnames or []), list(reader)


def write(path: Path, names: list[str], rows: list[dict]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def mark(landing: Path) -> None:
    """A marker in every personal column; addresses that are equal stay equal."""
    for name, bad in BAD.items():
        path = landing / f"{name}.csv"
        names, rows = read(path)
        for row in rows:
            row.pop(None, None)
            if row.get("email"):
                row["email"] = f"{MARKER}.{row['email'].strip()}"
            for column in ("answer", "cancel_reason"):
                if row.get(column):
                    row[column] = f"{row[column]} {MARKER}.x@mail.example +49 170 5550{'1' * 5}"
        write(path, [*names, "full_name"], [{**row, "full_name": MARKER} for row in [*rows, *bad]])
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"too,few,{MARKER}\n\n{MARKER}@line.example\n")


def drop(landing: Path, ids: set[str], orders: set[str]) -> None:
    """The landing folder without the rows of one person; blank lines keep the others' numbers."""
    for table in read_contract().tables:
        path = landing / f"{table.name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(_kept(table.name, line, ids, orders) for line in lines) + "\n")


def _kept(table: str, line: str, ids: set[str], orders: set[str]) -> str:
    cells = [cell.strip(BLANKS) for cell in line.split(",")]
    if table == "referrals" and len(cells) == 5 and cells[1] not in ids and cells[3] in ids:
        return ",".join([*cells[:3], "", cells[4]])
    is_of_person = cells[0] in orders if table == "order_items" else bool(ids & set(cells))
    return "" if is_of_person else line


@dataclass(frozen=True)
class Erased:
    """A warehouse with marks from which one person was erased, and what was known before."""

    warehouse: Warehouse
    landing: Path
    person: Person
    report: EraseReport
    said: list[str]
    counts: list[tuple]
    amounts: list[tuple]
    holders: list[str]


COUNTS = "select input, file, landed_count, withdrawn_count from {} order by all"
AMOUNTS = "select input, file, landed_amount from marts.row_accounting order by all"


def query(file: Path, sql: str) -> list[tuple]:
    """Rows of a DuckDB file."""
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def whom(warehouse: Warehouse) -> str:
    """An id of a person with several ids and orders, whom another customer referred if possible."""
    return query(
        warehouse.work_file,
        "select max(ids.source_customer_id) from intermediate.int_customer_ids as ids"
        " left join staging.stg_orders as orders using (customer_id)"
        " left join staging.stg_referrals as referrals"
        " on referrals.referred_customer_id = ids.source_customer_id"
        " where not ids.is_test group by ids.customer_id having count(distinct order_id) > 0"
        " order by count(distinct ids.source_customer_id) > 1 desc,"
        " count(referral_id) > 0 desc, ids.customer_id limit 1",
    )[0][0]


def copied(source: Warehouse, folder: Path) -> Warehouse:
    """A copy with everything that can hold a person but the dashboard, which takes long."""
    shutil.copytree(source.folder, folder / "warehouse")
    warehouse = Warehouse(folder / "warehouse")
    warehouse.versions_folder.mkdir(mode=0o700, exist_ok=True)
    version = warehouse.versions_folder / "20240101T000000Z.duckdb"
    shutil.copy(warehouse.published_file, version)
    version.chmod(0o600)
    shutil.copy(warehouse.published_file, warehouse.published_file.with_suffix(".damaged"))
    export_parquet(warehouse, folder / "export")
    return warehouse


@pytest.fixture(scope="module")
def erased(published, tmp_path_factory) -> Erased:
    """Everything that a user may have, of a landing folder with marks: what is in no file after the
    erasure has not come into one with the refresh that is part of it, either."""
    folder, landing = (
        tmp_path_factory.mktemp("erased"),
        tmp_path_factory.mktemp("marks") / "landing",
    )
    shutil.copytree(published.landing, landing)
    mark(landing)
    asked: list[Person] = []
    found: list[str] = []

    def confirm(person: Person) -> bool:
        asked.append(person)
        found.extend(holders(folder, *person.needles))
        return True

    umask = os.umask(0o022)
    try:
        warehouse = copied(published.warehouse, folder)
        build_dashboard(warehouse)
        amounts = query(warehouse.published_file, AMOUNTS)
        customer = whom(warehouse)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SALT_VARIABLE, SALT)
            said = load(warehouse, landing).lines()
        counts = query(warehouse.work_file, COUNTS.format("raw.files"))
        remember(warehouse, landing, None, None, {"max_quarantine_rate": 0.5})
        with pytest.MonkeyPatch.context() as patch:  # dbt writes it to its target folder
            patch.setattr(sys, "argv", ["evergreen", "erase", customer, "--yes"])
            report = erase(warehouse, customer, confirm, None, lambda *line: said.append(str(line)))
    finally:
        os.umask(umask)
    return Erased(warehouse, landing, asked[0], report, said, counts, amounts, found)


@pytest.fixture
def marked(erased: Erased) -> Warehouse:
    return erased.warehouse


def test_no_mark_of_a_person_leaves_the_work_file(erased: Erased) -> None:
    assert holders(erased.landing, MARKER) == ["customers.csv", "subscriptions.csv", "surveys.csv"]
    assert holders(erased.warehouse.folder.parent, MARKER) == ["warehouse/work.duckdb"]
    assert erased.said and not any(MARKER in line for line in erased.said)


def test_the_salt_of_addresses_is_in_the_work_file_only(marked: Warehouse) -> None:
    """Not in what dbt renders and keeps, nor in logs; and the hashes are made with it."""
    assert holders(marked.folder.parent, SALT) == ["warehouse/work.duckdb"]
    with duckdb.connect(str(marked.work_file), read_only=True) as con:
        differing, count = con.execute(
            "select count(*) filter (customers.email_hash <> sha256($1 || lower(trim(raw.email)))),"
            " count(*) from staging.stg_customers as customers inner join raw.customers as raw"
            " on trim(raw.customer_id) = customers.customer_id where email_hash is not null",
            [SALT],
        ).fetchone()
    assert differing == 0 and count > 100


def test_rows_that_fail_a_test_are_told_without_what_is_personal(marked: Warehouse) -> None:
    """Messages of a failed build are printed, kept in logs and published with the refresh."""
    for table in BAD:
        rows = _offending_rows(marked, f"select * from staging.base_{table} order by file_line")
        rows += _offending_rows(marked, f"select * from raw.{table} order by _line")
        assert len(rows) == 10 and not any(MARKER in row for row in rows), rows


def test_only_what_readers_open_is_open_to_them(marked: Warehouse) -> None:
    """Readers: whom the umask of the one who refreshes lets in."""
    for_readers = [marked.published_file.parent, marked.folder / "dashboard"]
    opened, closed = set(), set()
    for path in marked.folder.rglob("*"):
        is_open = stat.S_IMODE(path.stat().st_mode) & 0o044
        (opened if is_open else closed).add(path)
    assert marked.published_file in opened
    assert {marked.work_file, marked.key_file, marked.data_docs, marked.lock_file} <= closed
    assert marked.versions_folder in closed  # the versions in it are links to what readers open
    for path in {path for path in opened | closed if path.parent != marked.versions_folder}:
        is_for_readers = any(path.is_relative_to(folder) for folder in for_readers)
        assert (path in opened) == is_for_readers, path
    assert stat.S_IMODE((marked.folder.parent / "export").stat().st_mode) & 0o044


def test_what_is_set_aside_can_still_be_found(marked: Warehouse) -> None:
    with duckdb.connect(str(marked.published_file), read_only=True) as con:
        found = con.execute(
            "select reasons, row_text from marts.quarantined_rows"
            " where input = 'customers' and row_text like '%bad time%'"
        ).fetchall()
        lines = con.execute(
            "select distinct row_text from marts.quarantined_rows"
            " where input in ('customers', 'surveys') and reasons = 'malformed_line'"
        ).fetchall()
        reasons = con.execute(
            "select stated_reason from marts.win_back_candidates where stated_reason is not null"
        ).fetchall()
    assert lines == [("[not shown]",)]
    ((reason, text),) = found
    assert reason == "bad_time"
    assert {name: value for name, value in json.loads(text).items() if value is not None} == {
        "customer_id": "bad time",
        "created_at": "soon",
        "email": "[not shown]",
        "full_name": "[not shown]",
    }
    assert reasons and all(text.endswith(" [e-mail] [number]") for (text,) in reasons)


def test_an_erased_person_is_in_no_file(erased: Erased) -> None:
    assert len(erased.person.ids) > 1
    assert {
        "work.duckdb",
        "evergreen.duckdb",
        "20240101T000000Z.duckdb",
        "customers.parquet",
    } <= {Path(name).name for name in erased.holders}
    assert any(name.startswith("warehouse/dashboard/") for name in erased.holders)
    assert holders(erased.warehouse.folder.parent, *erased.person.needles) == []
    assert erased.report.searched_count > 20
    assert any(line.startswith("customers.csv:") for line in erased.report.landed)


def test_rows_and_money_of_an_erased_person_are_accounted_for(erased: Erased) -> None:
    file = erased.warehouse.published_file
    assert query(file, COUNTS.format("marts.row_accounting")) == erased.counts
    assert query(file, AMOUNTS) == erased.amounts
    found = query(
        file, "select input, erased_count from marts.row_accounting where erased_count > 0"
    )
    assert dict(found) == erased.report.rows
    assert query(file, "select sum(erased_amount) from marts.row_accounting")[0][0] > 0
    differing = query(
        file,
        "select * from marts.row_accounting where landed_count"
        " <> accepted_count + duplicate_count + quarantined_count + erased_count"
        " or landed_amount"
        " <> accepted_amount + duplicate_amount + quarantined_amount + erased_amount",
    )
    assert differing == []


def test_marts_are_those_of_a_build_without_the_person(erased: Erased, tmp_path: Path) -> None:
    shutil.copytree(erased.landing, tmp_path / "landing")
    drop(tmp_path / "landing", erased.person.ids, erased.person.orders)
    other = Warehouse(tmp_path / "warehouse")
    load(other, tmp_path / "landing")
    with duckdb.connect(str(other.work_file)) as con:  # no fit between the two
        con.execute(f"attach '{erased.warehouse.work_file}' as one (read_only)")
        for table in ("model_parameters", "model_nodes"):
            con.execute(f"insert into raw.{table} by name from one.raw.{table}")
    build(other, with_tests=False)
    differing = []
    with duckdb.connect() as con:
        con.execute(f"attach '{erased.warehouse.published_file}' as one (read_only)")
        con.execute(f"attach '{other.work_file}' as other (read_only)")
        tables = con.execute(
            "select table_name from duckdb_tables() where database_name = 'one'"
            " and schema_name = 'marts'"
        ).fetchall()
        assert len(tables) > 40
        for (table,) in tables:
            left_out = OF_THE_RUN.get(table, [])
            if left_out is None:
                continue
            rest = f"* exclude ({', '.join(left_out)})" if left_out else "*"
            one, two = (f"select {rest} from {name}.marts.{table}" for name in ("one", "other"))
            count = con.execute(
                f"select count(*) from (({one} except all {two}) union all"
                f" ({two} except all {one}))"
            ).fetchone()[0]
            if count:
                differing.append(f"{table}: {count}")
    assert differing == []


OF_THE_RUN = {
    "refreshes": None,
    "refresh_changes": None,
    "model_parameters": None,
    "quarantined_rows": ["quarantined_at_refresh"],
    "row_accounting": [
        "landed_count",
        "landed_amount",
        "erased_count",
        "erased_amount",
        "withdrawn_count",
    ],
}
"""What differs between two runs, or because of the erasure itself."""


def test_readers_lose_the_person_when_the_marts_cannot_be_built(
    published, tmp_path: Path, monkeypatch
) -> None:
    warehouse = copied(published.warehouse, tmp_path)
    customer = whom(warehouse)
    asked: list[Person] = []

    def refused(*_, **__):
        raise AuditFailed("drift")

    monkeypatch.setattr(erase_module, "rebuild_locked", refused)
    with pytest.raises(EraseIncomplete, match="drift"):
        erase(warehouse, customer, lambda person: not asked.append(person))
    assert holders(tmp_path, *asked[0].needles) == []
    assert query(warehouse.published_file, "select count(*) from marts.customers")[0][0] > 150
    monkeypatch.setattr(erase_module, "rebuild_locked", lambda *_, **__: None)
    again = erase(warehouse, customer, lambda person: True)
    assert json.loads(again.receipt.read_text())["status"] == "done"
    assert len(list(warehouse.receipts.iterdir())) == 1


def holders(folder: Path, *needles: str) -> list[str]:
    """Files with one of the texts in their bytes or, where these are packed, in their values."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (in_bytes(path, needles) or in_values(path, needles))
    ]


def in_bytes(path: Path, needles: tuple[str, ...]) -> bool:
    text = path.read_bytes()
    return any(needle.encode() in text for needle in needles)


def in_values(path: Path, needles: tuple[str, ...]) -> bool:
    if path.suffix not in (".duckdb", ".parquet"):
        return False
    with duckdb.connect() as con:
        if path.suffix == ".parquet":
            return in_table(con, f"read_parquet('{path}')", needles)
        con.execute(f"attach '{path}' as f (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'f'"
        ).fetchall()
        return any(in_table(con, f'f.{schema}."{table}"', needles) for schema, table in tables)


def in_table(con: duckdb.DuckDBPyConnection, source: str, needles: tuple[str, ...]) -> bool:
    columns = con.execute(f"describe from {source}").fetchall()
    texts = [f'"{name}"' for name, kind, *_ in columns if kind == "VARCHAR"]
    tests = " or ".join(
        f"contains({text}, ${i + 1})" for text in texts for i in range(len(needles))
    )
    if not tests:
        return False
    return bool(con.execute(f"select 1 from {source} where {tests} limit 1", needles).fetchone())
