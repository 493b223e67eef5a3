"""The published marts as Parquet: same rows and types, swapped at once, no foreign file lost."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from evergreen import export, files
from evergreen.errors import InputRefused, PublishFailed
from evergreen.export import MARKER, export_parquet
from evergreen.paths import PROJECT_DIR, Warehouse

WIDE = {"HUGEINT": "BIGINT"}
KILLED = """
import os, signal, sys
from pathlib import Path
from evergreen import export
from evergreen.paths import Warehouse

swap, when = export.swap_folder, sys.argv[3]
def killed(aside, target):
    if when == "after":
        swap(aside, target)
    os.kill(os.getpid(), signal.SIGKILL)
export.swap_folder = killed
export.export_parquet(Warehouse(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def evergreen(*arguments: object) -> subprocess.CompletedProcess:
    """The command line of this tree."""
    command = "from evergreen.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR / "scripts")}
    return subprocess.run(
        [sys.executable, "-c", command, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def exported(published, tmp_path_factory) -> Path:
    """The small demo as Parquet. Tests must not change it."""
    folder = tmp_path_factory.mktemp("parquet") / "marts_as_parquet"
    export_parquet(published.warehouse, folder)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Warehouse:
    """A published file of two tables that a test may change."""
    warehouse = Warehouse(tmp_path / "warehouse")
    publish_version(warehouse, 1)
    return warehouse


def publish_version(warehouse: Warehouse, version: int, rows: int = 1000) -> None:
    """A file in which every row of both tables names the version, swapped in."""
    warehouse.published_file.parent.mkdir(parents=True, exist_ok=True)
    aside = warehouse.published_file.with_suffix(".aside")
    with duckdb.connect(str(aside)) as con:
        con.execute("create schema marts")
        for table in ("customers", "orders_by_day"):
            con.execute(
                f"create table marts.{table} as select i as id, {version} as version, "
                f"1.50::decimal(18, 2) as amount, '=1+1' as note, date '2024-12-31' as as_of_date "
                f"from range({rows}) t(i)"
            )
        con.execute("comment on table marts.customers is 'One row per customer''s id.'")
        con.execute("comment on column marts.customers.note is 'Größe\n\"quoted\"'")
    aside.replace(warehouse.published_file)


def read(folder: Path, table: str = "customers", what: str = "*") -> list[tuple]:
    with duckdb.connect() as con:
        return con.execute(
            f"select {what} from read_parquet('{folder}/marts/{table}.parquet')"
        ).fetchall()


def versions(folder: Path) -> set[int]:
    """Versions of the rows of both tables."""
    return {
        version
        for table in ("customers", "orders_by_day")
        for (version,) in read(folder, table, "distinct version")
    }


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_published_mart_is_a_file_with_its_rows_and_types(published, exported):
    tables = published.query("select schema_name, table_name from duckdb_tables()")
    assert len(tables) >= 50
    assert files_of(exported) == {MARKER} | {f"{schema}/{name}.parquet" for schema, name in tables}
    with duckdb.connect() as con:
        con.execute(f"attach '{published.warehouse.published_file}' as p (read_only)")
        for schema, name in tables:
            table, file = (
                f"p.{schema}.{name}",
                f"read_parquet('{exported}/{schema}/{name}.parquet')",
            )
            types, found = (
                [row[:2] for row in con.execute(f"describe from {source}").fetchall()]
                for source in (table, file)
            )
            assert found == [(name, WIDE.get(kind, kind)) for name, kind in types], table
            for one, other in ((table, file), (file, table)):
                left = con.execute(f"(from {one}) except all (from {other})").fetchall()
                assert not left, f"{table}: {left[:1]}"


def test_sums_of_counts_are_exact_whole_numbers(small, tmp_path):
    """DuckDB would write its widest integer as a rounded double."""
    with duckdb.connect(str(small.published_file)) as con:
        con.execute("alter table marts.customers alter id type hugeint using 9007199254740993")
    export_parquet(small, tmp_path / "out")
    assert read(tmp_path / "out", what="distinct id, typeof(id)") == [(9007199254740993, "BIGINT")]


def test_money_stays_decimal(exported):
    kinds = {row[2] for row in schema(exported / "marts" / "customers.parquet", "net_revenue")}
    assert kinds == {("DECIMAL", 18, 2)}


def schema(file: Path, column: str) -> list[tuple]:
    with duckdb.connect() as con:
        return con.execute(
            "select name, type, (converted_type, precision, scale) "
            f"from parquet_schema('{file}') where name = '{column}'"
        ).fetchall()


def test_files_are_compressed_with_zstd(exported):
    with duckdb.connect() as con:
        found = con.execute(
            f"select distinct compression from parquet_metadata('{exported}/marts/*.parquet')"
        ).fetchall()
    assert found == [("ZSTD",)]


def metadata(file: Path) -> dict[str, str]:
    with duckdb.connect() as con:
        return dict(
            con.execute(
                f"select decode(key), decode(value) from parquet_kv_metadata('{file}')"
            ).fetchall()
        )


def test_descriptions_travel_with_the_files(published, exported):
    rows = published.query("select table_name, column_name, comment from duckdb_columns()")
    tables = dict(
        published.query(
            "select table_name, comment from duckdb_tables() where schema_name = 'marts'"
        )
    )
    for mart, comment in tables.items():
        found = metadata(exported / "marts" / f"{mart}.parquet")
        expected = {f"description.{column}": text for table, column, text in rows if table == mart}
        assert found["description"] == comment
        assert {key: found[key] for key in expected} == expected
        assert found["as_of_date"] == str(published.report.as_of_date)


def test_text_and_quotes_stay_as_they_are(small, tmp_path):
    export_parquet(small, tmp_path / "out")
    assert read(tmp_path / "out", what="distinct note, amount::varchar") == [("=1+1", "1.50")]
    found = metadata(tmp_path / "out" / "marts" / "customers.parquet")
    assert found["description"] == "One row per customer's id."
    assert found["description.note"] == 'Größe\n"quoted"'


def test_empty_marts_keep_their_columns(small, tmp_path):
    publish_version(small, 1, rows=0)
    report = export_parquet(small, tmp_path / "out")
    assert set(report.rows.values()) == {0}
    assert read(tmp_path / "out") == []
    with duckdb.connect() as con:
        described = con.execute(
            f"describe from read_parquet('{tmp_path}/out/marts/customers.parquet')"
        ).fetchall()
    assert [row[1] for row in described][:4] == ["BIGINT", "INTEGER", "DECIMAL(18,2)", "VARCHAR"]


def test_other_readers_get_rows_and_decimals(exported):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="pandas reads Parquet by it")
    frame = pandas.read_parquet(exported / "marts" / "customers.parquet", dtype_backend="pyarrow")
    assert str(frame["net_revenue"].dtype) == "decimal128(18, 2)[pyarrow]"
    assert len(frame) == read(exported, what="count(*)")[0][0]


def test_metrics_are_exported_where_the_file_has_them(small, tmp_path):
    with duckdb.connect(str(small.published_file)) as con:
        con.execute("create schema metrics; create schema other")
        con.execute("create table metrics.metric_values as select 'nps' as metric, 0.5 as value")
        con.execute("create table other.scratch as select 1 as a")
    report = export_parquet(small, tmp_path / "out")
    assert sorted(report.rows) == [
        "marts/customers.parquet",
        "marts/orders_by_day.parquet",
        "metrics/metric_values.parquet",
    ]


def test_again_replaces_everything(small, tmp_path):
    folder = tmp_path / "out"
    export_parquet(small, folder)
    folder.chmod(0o750)
    with duckdb.connect(str(small.published_file)) as con:
        con.execute("drop table marts.orders_by_day")
        con.execute("update marts.customers set version = 2")
    (folder / ".DS_Store").touch()  # a file browser was here
    export_parquet(small, folder)
    assert files_of(folder) == {MARKER, "marts/customers.parquet"}
    assert read(folder, what="distinct version") == [(2,)]
    assert folder.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_link_stays_a_link(small, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for version in (1, 2):
        publish_version(small, version)
        export_parquet(small, tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert versions(tmp_path / "real") == {version}


@pytest.mark.parametrize("has_marker", [False, True])
def test_folder_with_files_of_others_is_refused(small, tmp_path, has_marker):
    folder = tmp_path / "out"
    if has_marker:
        export_parquet(small, folder)
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "mine.txt").write_text("mine")
    before = files_of(folder)
    publish_version(small, 2)
    with pytest.raises(PublishFailed, match=r"not written by this command.*mine\.txt"):
        export_parquet(small, folder)
    assert files_of(folder) == before
    assert not has_marker or versions(folder) == {1}


def test_empty_folder_is_taken_and_a_file_is_not(small, tmp_path):
    (tmp_path / "empty").mkdir()
    export_parquet(small, tmp_path / "empty")
    assert versions(tmp_path / "empty") == {1}
    (tmp_path / "file").touch()
    with pytest.raises(PublishFailed, match="is a file"):
        export_parquet(small, tmp_path / "file")


def test_unreadable_marker_is_refused(small, tmp_path):
    export_parquet(small, tmp_path / "out")
    (tmp_path / "out" / MARKER).write_text("{")
    with pytest.raises(PublishFailed, match="cannot be read"):
        export_parquet(small, tmp_path / "out")


def test_nothing_published_says_what_to_do(tmp_path):
    with pytest.raises(InputRefused, match="evergreen refresh --landing"):
        export_parquet(Warehouse(tmp_path), tmp_path / "out")
    done = evergreen("publish", "--parquet", tmp_path / "out", "--warehouse", tmp_path)
    assert done.returncode == 3
    assert "nothing is published" in done.stderr
    assert "Traceback" not in done.stderr


def test_folder_that_cannot_be_written_is_an_error_without_traceback(small, tmp_path):
    (tmp_path / "file").touch()
    done = evergreen("publish", "--parquet", tmp_path / "file" / "out", "--warehouse", small.folder)
    assert done.returncode == 7
    assert "could not write" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_says_what_it_wrote(small, tmp_path):
    done = evergreen("publish", "--parquet", tmp_path / "out", "--warehouse", small.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"2,000 rows in 2 files: {tmp_path / 'out'}"
    assert json.loads((tmp_path / "out" / MARKER).read_text())["as_of_date"] == "2024-12-31"


@pytest.mark.parametrize(("when", "expected"), [("before", 1), ("after", 2)])
def test_killed_before_the_swap_leaves_the_old_and_after_it_the_new(
    small, tmp_path, when, expected
):
    folder = tmp_path / "out"
    export_parquet(small, folder)
    publish_version(small, 2)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(small.folder), str(folder), when],
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR / "scripts")},
    )
    assert done.returncode == -signal.SIGKILL
    assert versions(folder) == {expected}
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".out.")]
    assert len(left) == (when == "before")
    export_parquet(small, folder)
    assert versions(folder) == {2}
    assert not any(path.exists() for path in left)


def test_what_a_running_export_has_aside_stays(small, tmp_path):
    other = tmp_path / f".out.{os.getppid()}.new"
    other.mkdir()
    (other / MARKER).write_text('{"files": []}')
    export_parquet(small, tmp_path / "out")
    assert other.exists()


def test_error_while_writing_leaves_the_old(small, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    export_parquet(small, folder)
    publish_version(small, 2)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "swap_folder", full)
    with pytest.raises(PublishFailed, match="No space left"):
        export_parquet(small, folder)
    assert versions(folder) == {1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "warehouse"]


def test_without_exchange_the_folder_is_replaced_all_the_same(small, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for version in (1, 2):
        publish_version(small, version)
        export_parquet(small, tmp_path / "out")
        assert versions(tmp_path / "out") == {version}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "warehouse"]


def test_an_open_file_is_read_to_its_end(small, tmp_path):
    publish_version(small, 1, rows=500_000)
    export_parquet(small, tmp_path / "out")
    with (tmp_path / "out" / "marts" / "customers.parquet").open("rb") as file:
        start = file.read(1000)
        publish_version(small, 2)
        export_parquet(small, tmp_path / "out")
        copy = tmp_path / "copy.parquet"
        copy.write_bytes(start + file.read())
    with duckdb.connect() as con:
        found = con.execute(f"select version, count(*) from '{copy}' group by version").fetchall()
    assert found == [(1, 500_000)]


def test_readers_see_no_error_while_the_folder_is_replaced(small, tmp_path):
    folder = tmp_path / "out"
    export_parquet(small, folder)
    stop = threading.Event()
    seen, errors = [], []

    def poll() -> None:
        while not stop.is_set():
            try:
                seen.append(read(folder, what="min(version), max(version), count(*)")[0])
            except duckdb.Error as error:
                errors.append(str(error))

    readers = [threading.Thread(target=poll) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(2, 12):
        publish_version(small, version)
        export_parquet(small, folder)
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert all(low == high and count == 1000 for low, high, count in seen)
    assert len({low for low, _, _ in seen}) > 1


def test_every_mart_and_column_is_described_in_the_published_file(published):
    tables = published.query(
        "select table_name from duckdb_tables() "
        "where database_name = 'evergreen' and comment is null"
    )
    columns = published.query(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = 'evergreen' and comment is null"
    )
    assert tables == []
    assert columns == []


def test_every_mart_answers_with_the_safety_settings(published, tmp_path):
    """As BI should open it: no other file can be read or written, and no setting changed."""
    marts = published.query("select table_name from duckdb_tables() where schema_name = 'marts'")
    with duckdb.connect(str(published.warehouse.published_file), read_only=True) as con:
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        rows = {
            mart: con.execute(f"select count(*) from marts.{mart}").fetchone()[0]
            for (mart,) in marts
        }
        for attempt in (
            "select * from read_csv('/etc/hosts')",
            f"copy marts.customers to '{tmp_path / 'stolen.csv'}'",
            f"attach '{tmp_path / 'other.duckdb'}' as other",
            "set enable_external_access = true",
            "delete from marts.customers",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(attempt)
    assert len(rows) >= 50
    assert rows.items() <= published.report.rows.items()
