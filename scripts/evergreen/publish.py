"""Publishing: the audited marts and metrics become one DuckDB file that is swapped in at once."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evergreen.errors import PublishFailed
from evergreen.files import quoted, shared_files, sync
from evergreen.paths import Warehouse

SCHEMAS = ("marts", "metrics")
STORAGE_VERSION = "v1.2.0"
"""Oldest DuckDB that must open the file: most BI clients are older than the one that writes it."""


@dataclass(frozen=True)
class PublishReport:
    """The published file and the rows of each table in it; those of metrics as metrics.NAME."""

    file: Path
    rows: dict[str, int]


def publish(warehouse: Warehouse, run: dict | None = None) -> PublishReport:
    """Copy the schemas `marts` and `metrics` of the work file into a new file and swap it in.

    `run`: columns of `marts.refreshes` for the refresh that publishes, its refresh_id among them.
    The new file says that it is published; the work file is told after the swap.

    A reader that has the old file open goes on reading it whole; who opens it afterwards sees the
    new one. Raises PublishFailed, and then the old file stands as it was.
    """
    with shared_files():
        return _publish(warehouse, run)


def _publish(warehouse: Warehouse, run: dict | None) -> PublishReport:
    target = warehouse.published_file
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign_wal(target)
        rows = _write(warehouse.work_file, aside, run or {})
        _verify(aside, rows)
        sync(aside)
        _publish_definitions(warehouse)
        aside.replace(target)
        sync(target.parent)
    except (OSError, duckdb.Error) as error:
        raise PublishFailed(
            f"could not publish {target}: {error}. The published version was not changed. "
            "Mend the cause (disk full? folder not writable?) and refresh again."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
        Path(f"{aside}.wal").unlink(missing_ok=True)
    return PublishReport(
        target,
        {
            name if schema == "marts" else f"{schema}.{name}": n
            for (schema, name), n in rows.items()
        },
    )


def _publish_definitions(warehouse: Warehouse) -> None:
    """Definitions of the metrics as dbt writes them for other semantic tools, beside the file."""
    written = warehouse.folder / "target" / "osi_document.json"
    if not written.exists():
        return  # built by hand, and somewhere else
    aside = warehouse.definitions.with_name(f".{warehouse.definitions.name}.{os.getpid()}.new")
    try:
        shutil.copyfile(written, aside)
        aside.replace(warehouse.definitions)
    finally:
        aside.unlink(missing_ok=True)


def _refuse_foreign_wal(target: Path) -> None:
    """A log beside the target means that somebody wrote to it; older DuckDBs would replay it."""
    wal = Path(f"{target}.wal")
    if wal.exists():
        raise PublishFailed(
            f"{wal} lies beside the published file: a program opened that file for writing. "
            "Close it, delete the .wal, and let readers open the file read-only."
        )


def _write(work_file: Path, aside: Path, run: dict) -> dict[tuple[str, str], int]:
    aside.unlink(missing_ok=True)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")  # long statements draw one on stdout
        con.execute(f"attach {quoted(work_file)} as work (read_only)")
        con.execute(f"attach {quoted(aside)} as aside (storage_version '{STORAGE_VERSION}')")
        for schema in SCHEMAS:
            con.execute(f"create schema aside.{schema}")
        tables = _tables(con)
        for schema, name in tables:
            con.execute(
                f'create table aside.{schema}."{name}" as select * from work.{schema}."{name}"'
            )
        for column in run:
            con.execute(
                f'update aside.marts.refreshes set "{column}" = $1 where refresh_id = $2',
                [run[column], run["refresh_id"]],
            )
        copy_comments(con)
        rows = {
            (schema, name): con.execute(f'select count(*) from work.{schema}."{name}"').fetchone()[
                0
            ]
            for schema, name in tables
        }
        con.execute("checkpoint aside")
        con.execute("detach aside")
    return rows


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'work' "
        "and schema_name in $1 union select schema_name, view_name from duckdb_views() "
        "where database_name = 'work' and schema_name in $1 order by all",
        [list(SCHEMAS)],
    ).fetchall()


def copy_comments(con: duckdb.DuckDBPyConnection) -> None:
    """Descriptions of tables and columns travel with the file, for BI tools that show them.

    The connection has the one as `work` and the other as `aside`.
    """
    tables = con.execute(
        "select schema_name, table_name, comment from duckdb_tables() "
        "where database_name = 'work' and schema_name in $1 and comment is not null union all "
        "select schema_name, view_name, comment from duckdb_views() "
        "where database_name = 'work' and schema_name in $1 and comment is not null",
        [list(SCHEMAS)],
    ).fetchall()
    columns = con.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'work' and schema_name in $1 and comment is not null",
        [list(SCHEMAS)],
    ).fetchall()
    for schema, table, comment in tables:
        con.execute(f'comment on table aside.{schema}."{table}" is {quoted(comment)}')
    for schema, table, column, comment in columns:
        con.execute(f'comment on column aside.{schema}."{table}"."{column}" is {quoted(comment)}')


def _verify(aside: Path, rows: dict[tuple[str, str], int]) -> None:
    """Open the new file as a reader would, and count."""
    with duckdb.connect(str(aside), read_only=True) as con:
        for (schema, name), expected in rows.items():
            found = con.execute(f'select count(*) from {schema}."{name}"').fetchone()[0]
            if found != expected:
                raise PublishFailed(f"{name} has {found} rows in the new file, not {expected}")
