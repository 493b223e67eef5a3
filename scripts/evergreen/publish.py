"""Publishing: the audited marts become one DuckDB file that is swapped in at once."""

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evergreen.errors import PublishFailed
from evergreen.paths import Warehouse

SCHEMA = "marts"
STORAGE_VERSION = "v1.2.0"
"""Oldest DuckDB that must open the file: most BI clients are older than the one that writes it."""


@dataclass(frozen=True)
class PublishReport:
    """The published file and the rows of each mart in it."""

    file: Path
    rows: dict[str, int]


def publish(warehouse: Warehouse, run: dict | None = None) -> PublishReport:
    """Copy the schema `marts` of the work file into a new file and swap it in.

    `run`: columns of `marts.refreshes` for the refresh that publishes, its refresh_id among them.
    The new file says that it is published; the work file is told after the swap.

    A reader that has the old file open goes on reading it whole; who opens it afterwards sees the
    new one. Raises PublishFailed, and then the old file stands as it was.
    """
    target = warehouse.published_file
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign_wal(target)
        rows = _write(warehouse.work_file, aside, run or {})
        _verify(aside, rows)
        _sync(aside)
        aside.replace(target)
        _sync(target.parent)
    except (OSError, duckdb.Error) as error:
        raise PublishFailed(
            f"could not publish {target}: {error}. The published version was not changed. "
            "Mend the cause (disk full? folder not writable?) and refresh again."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
        Path(f"{aside}.wal").unlink(missing_ok=True)
    return PublishReport(target, rows)


def _refuse_foreign_wal(target: Path) -> None:
    """A log beside the target means that somebody wrote to it; older DuckDBs would replay it."""
    wal = Path(f"{target}.wal")
    if wal.exists():
        raise PublishFailed(
            f"{wal} lies beside the published file: a program opened that file for writing. "
            "Close it, delete the .wal, and let readers open the file read-only."
        )


def _write(work_file: Path, aside: Path, run: dict) -> dict[str, int]:
    aside.unlink(missing_ok=True)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")  # long statements draw one on stdout
        con.execute(f"attach {_quoted(work_file)} as work (read_only)")
        con.execute(f"attach {_quoted(aside)} as aside (storage_version '{STORAGE_VERSION}')")
        con.execute(f"create schema aside.{SCHEMA}")
        names = _marts(con)
        for name in names:
            con.execute(
                f'create table aside.{SCHEMA}."{name}" as select * from work.{SCHEMA}."{name}"'
            )
        for column in run:
            con.execute(
                f'update aside.{SCHEMA}.refreshes set "{column}" = $1 where refresh_id = $2',
                [run[column], run["refresh_id"]],
            )
        _copy_comments(con)
        rows = {
            name: con.execute(f'select count(*) from work.{SCHEMA}."{name}"').fetchone()[0]
            for name in names
        }
        con.execute("checkpoint aside")
        con.execute("detach aside")
    return rows


def _marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute(
        "select table_name from duckdb_tables() where database_name = 'work' and schema_name = $1 "
        "union select view_name from duckdb_views() where database_name = 'work' "
        "and schema_name = $1 order by 1",
        [SCHEMA],
    )
    return [name for (name,) in found.fetchall()]


def _copy_comments(con: duckdb.DuckDBPyConnection) -> None:
    """Descriptions of marts and columns travel with the file, for BI tools that show them."""
    tables = con.execute(
        "select table_name, comment from duckdb_tables() where database_name = 'work' "
        "and schema_name = $1 and comment is not null",
        [SCHEMA],
    ).fetchall()
    columns = con.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'work' and schema_name = $1 and comment is not null",
        [SCHEMA],
    ).fetchall()
    for table, comment in tables:
        con.execute(f'comment on table aside.{SCHEMA}."{table}" is {_quoted(comment)}')
    for table, column, comment in columns:
        con.execute(f'comment on column aside.{SCHEMA}."{table}"."{column}" is {_quoted(comment)}')


def _verify(aside: Path, rows: dict[str, int]) -> None:
    """Open the new file as a reader would, and count."""
    with duckdb.connect(str(aside), read_only=True) as con:
        for name, expected in rows.items():
            found = con.execute(f'select count(*) from {SCHEMA}."{name}"').fetchone()[0]
            if found != expected:
                raise PublishFailed(f"{name} has {found} rows in the new file, not {expected}")


def _sync(path: Path) -> None:
    """Ask the disk to keep it: a swap must survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"
