"""Publishing: the audited marts and metrics become one DuckDB file that is swapped in at once."""

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from evergreen import versions
from evergreen.changes import attach_before, compare, find_keys
from evergreen.errors import PublishFailed
from evergreen.files import quoted, shared_files, sync
from evergreen.paths import Warehouse

Close = Callable[[int], dict]
"""Given the rows of all marts, the columns of `marts.refreshes` for the refresh that publishes."""

SCHEMAS = ("marts", "metrics")
STORAGE_VERSION = "v1.2.0"
"""Oldest DuckDB that must open the file: most BI clients are older than the one that writes it."""


@dataclass(frozen=True)
class PublishReport:
    """The published file and the rows of each table in it; those of metrics as metrics.NAME.

    `run`: columns of `marts.refreshes` as the file tells of itself. `changes`: its rows of
    `marts.refresh_changes`. `warnings`: versions that could not be kept.
    """

    file: Path
    rows: dict[str, int]
    run: dict = field(default_factory=dict)
    changes: list[tuple] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Written:
    rows: dict[tuple[str, str], int]
    run: dict
    changes: list[tuple]


def publish(
    warehouse: Warehouse, close: Close | None = None, keep_versions: int = versions.DEFAULT_KEPT
) -> PublishReport:
    """Copy the schemas `marts` and `metrics` of the work file into a new file and swap it in.

    `close` is asked for the line of the refresh that publishes, its refresh_id included, at the
    last moment. The new file says that it is published, and what it changes; the work file is told
    after the swap. So many `keep_versions` stay in the folder of versions.

    A reader that has the old file open goes on reading it whole; who opens it afterwards sees the
    new one. Raises PublishFailed, and then the old file stands as it was.
    """
    with shared_files():
        return _publish(warehouse, close, keep_versions)


def _publish(warehouse: Warehouse, close: Close | None, keep_versions: int) -> PublishReport:
    target = warehouse.published_file
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    warnings: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign_wal(target)
        written = _write(warehouse, aside, close)
        _verify(aside, written.rows)
        sync(aside)
        _publish_definitions(warehouse)
        _keep(warehouse, warnings)  # of a version that was published before versions were kept
        aside.replace(target)
        sync(target.parent)
    except (OSError, duckdb.Error) as error:
        raise PublishFailed(
            f"could not publish {target}: {error}. The published version was not changed. "
            "Mend the cause and refresh again with --resume."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
            Path(f"{aside}.wal").unlink(missing_ok=True)
    _keep(warehouse, warnings, keep_versions)
    return PublishReport(
        target,
        {
            name if schema == "marts" else f"{schema}.{name}": n
            for (schema, name), n in written.rows.items()
        },
        written.run,
        written.changes,
        warnings,
    )


def _keep(warehouse: Warehouse, warnings: list[str], count: int | None = None) -> None:
    """Keep what readers see. Where that fails they are served all the same."""
    try:
        versions.keep(warehouse)
        if count:
            versions.drop_old(warehouse, count)
    except OSError as error:
        warnings.append(f"warning: no version to roll back to could be kept: {error}")


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


def _write(warehouse: Warehouse, aside: Path, close: Close | None) -> _Written:
    aside.unlink(missing_ok=True)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")  # long statements draw one on stdout
        con.execute(f"attach {quoted(warehouse.work_file)} as work (read_only)")
        con.execute(f"attach {quoted(aside)} as aside (storage_version '{STORAGE_VERSION}')")
        for schema in SCHEMAS:
            con.execute(f"create schema aside.{schema}")
        tables = _tables(con)
        for schema, name in tables:
            con.execute(
                f'create table aside.{schema}."{name}" as select * from work.{schema}."{name}"'
            )
        copy_comments(con)
        run, changes = _tell_of_itself(con, warehouse, tables, close) if close else ({}, [])
        rows = {(schema, name): _count(con, schema, name) for schema, name in tables}
        con.execute("checkpoint aside")
        con.execute("detach aside")
    return _Written(rows, run, changes)


def _tell_of_itself(
    con: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    tables: list[tuple[str, str]],
    close: Close,
) -> tuple[dict, list[tuple]]:
    """Write into the new file the line of its refresh, and what differs from the version before."""
    marts = [name for schema, name in tables if schema == "marts"]
    attach_before(con, warehouse)
    changes = compare(con, marts, find_keys(con, warehouse))
    run = close(sum(_count(con, "marts", mart) for mart in marts) + len(changes))
    refresh_id = run["refresh_id"]
    names = ", ".join(f'"{column}" = ${place + 2}' for place, column in enumerate(run))
    con.execute(
        f"update aside.marts.refreshes set {names} where refresh_id = $1",
        [refresh_id, *run.values()],
    )
    changes = [(refresh_id, *change, run["as_of_date"]) for change in changes]
    if changes:
        con.executemany(
            f"insert into aside.marts.refresh_changes values ({', '.join('?' * 8)})", changes
        )
    return run, changes


def _count(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> int:
    return con.execute(f'select count(*) from aside.{schema}."{name}"').fetchone()[0]


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
