"""The published marts as Parquet files, for tools that cannot read a DuckDB file.

The folder is written aside and exchanged with the old one in a single step of the file system, so
that who looks finds all of the old version or all of the new one. A file that a reader already has
open stays readable to its end, for the system keeps it until it is closed.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evergreen import __version__
from evergreen.errors import InputRefused, PublishFailed
from evergreen.files import quoted, shared_files, swap_folder, sync, write_whole
from evergreen.paths import Warehouse

SCHEMAS = ("marts", "metrics")
MARKER = ".evergreen-export.json"
"""File in the folder that lists what was written there. Without it the folder is somebody's."""
OF_THE_DESKTOP = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""Files that file browsers leave wherever somebody has looked."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ExportReport:
    """The folder, and the rows of each file in it by its path below the folder."""

    folder: Path
    rows: dict[str, int]


def export_parquet(
    warehouse: Warehouse, folder: Path, progress: Progress | None = None
) -> ExportReport:
    """Write each published table to `folder`/<schema>/<table>.parquet and swap the folder in.

    Types stay those of the tables: decimal(18,2) for money, text as it is; only sums of counts
    (hugeint) become bigint. Descriptions travel as key-value metadata: `description` of the table
    and `description.<column>`. All files come from one version, read in one transaction.

    Raises InputRefused when nothing is published, PublishFailed when the folder holds anything that
    was not written here or cannot be written. The folder then stays as it was.
    """
    if not warehouse.published_file.exists():
        raise InputRefused(
            f"nothing is published at {warehouse.published_file}: "
            "run `evergreen refresh --landing DIR`"
        )
    with shared_files():
        report = _export(warehouse, folder, progress or (lambda line: None))
    note_export(warehouse, "parquet", report.folder)
    return report


def _export(warehouse: Warehouse, folder: Path, progress: Progress) -> ExportReport:
    target = folder.resolve()  # through a link, or the link itself would be exchanged
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        _refuse_foreign(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(target)
        _begin(aside, target)
        rows = _write(warehouse.published_file, aside, progress)
        swap_folder(aside, target)
        sync(target.parent)
    except (OSError, duckdb.Error) as error:
        raise PublishFailed(
            f"could not write {target}: {error}. What was there before was not changed. "
            "Mend the cause (disk full? folder not writable?) and publish again."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return ExportReport(target, rows)


def note_export(warehouse: Warehouse, kind: str, folder: Path) -> None:
    """Keep in mind where copies of the published version lie: an erasure writes them anew."""
    known = read_exports(warehouse)
    entry = {"kind": kind, "folder": str(folder)}
    if entry not in known:
        write_whole(warehouse.exports_file, json.dumps([*known, entry], indent=1) + "\n")


def read_exports(warehouse: Warehouse) -> list[dict]:
    """Kind (parquet or dashboard) and folder of each export. Raises InputRefused."""
    try:
        return json.loads(warehouse.exports_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise InputRefused(
            f"{warehouse.exports_file} cannot be read ({error}). Restore it, or remove it and "
            "export again to each folder that holds a copy."
        ) from None


def _refuse_foreign(target: Path) -> None:
    """What was not written here must not vanish with the next version."""
    if not target.exists():
        return
    if not target.is_dir():
        raise PublishFailed(f"{target} is a file: give a folder, which may be new")
    found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
    foreign = sorted(
        name for name in found - _listed(target) if Path(name).name not in OF_THE_DESKTOP
    )
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise PublishFailed(
            f"{target} holds files that were not written by this command, which replaces the whole "
            f"folder: {', '.join(foreign[:3])}{more}. Move them, or give another folder."
        )


def _listed(folder: Path) -> set[str]:
    """What an earlier run says it wrote there; nothing when there is no word of it."""
    marker = folder / MARKER
    try:
        return {MARKER, *json.loads(marker.read_text())["files"]}
    except FileNotFoundError:
        return set()
    except (ValueError, KeyError, TypeError) as error:
        raise PublishFailed(
            f"{marker} cannot be read ({error}): who wrote this folder is not known. Remove the "
            "folder, or give another one."
        ) from error


def _clear_leftovers(target: Path) -> None:
    """Folders of runs that were killed. A run that still goes on keeps its own."""
    prefix = f".{target.name}."
    for path in target.parent.iterdir():
        pid, _, kind = path.name.removeprefix(prefix).partition(".")
        is_ours = path.name.startswith(prefix) and pid.isdigit() and kind in ("new", "old")
        if is_ours and (path / MARKER).exists() and not _is_running(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _begin(aside: Path, target: Path) -> None:
    """The new folder, marked from its first moment on, with the rights of the one it replaces."""
    aside.mkdir()
    (aside / MARKER).write_text(json.dumps({"files": []}))
    if target.exists():
        shutil.copymode(target, aside)


def _write(published: Path, aside: Path, progress: Progress) -> dict[str, int]:
    rows = {}
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"attach {quoted(published)} as published (read_only)")
        con.execute("use published")
        con.execute("begin")
        tables = _tables(con)
        as_of_date = con.execute("select max(as_of_date) from marts.customers").fetchone()[0]
        for number, (schema, table) in enumerate(tables, 1):
            name = f"{schema}/{table}.parquet"
            progress(f"{name}, {number} of {len(tables)}")
            (aside / schema).mkdir(exist_ok=True)
            rows[name] = _copy(con, schema, table, aside / name, str(as_of_date or ""))
            sync(aside / name)
    marker = {
        "files": list(rows),
        "rows": rows,
        "as_of_date": as_of_date and as_of_date.isoformat(),
        "code_version": __version__,
    }
    (aside / MARKER).write_text(json.dumps(marker, indent=1) + "\n")
    for path in (aside / MARKER, *(aside / schema for schema in SCHEMAS), aside):
        if path.exists():
            sync(path)
    return rows


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return con.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'published' and list_contains($1, schema_name) "
        "order by schema_name, table_name",
        [SCHEMAS],
    ).fetchall()


def _copy(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, file: Path, as_of_date: str
) -> int:
    described = _metadata(con, schema, table, as_of_date)
    con.execute(
        f"copy ({_select(con, schema, table)}) to {quoted(file)} "
        f"(format parquet, compression zstd, kv_metadata {described})"
    )
    expected = con.execute(f'select count(*) from "{schema}"."{table}"').fetchone()[0]
    found = con.execute(f"select count(*) from read_parquet({quoted(file)})").fetchone()[0]
    if found != expected:
        raise PublishFailed(f"{schema}.{table} has {found} rows in {file}, not {expected}")
    return found


def _select(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """All columns. Sums of counts are 128 bits wide in DuckDB, which Parquet would round."""
    wide = con.execute(
        "select column_name from duckdb_columns() where database_name = 'published' "
        "and schema_name = $1 and table_name = $2 and data_type = 'HUGEINT'",
        [schema, table],
    ).fetchall()
    casts = ", ".join(f'"{name}"::bigint as "{name}"' for (name,) in wide)
    return f'select *{f" replace ({casts})" if wide else ""} from "{schema}"."{table}"'


def _metadata(con: duckdb.DuckDBPyConnection, schema: str, table: str, as_of_date: str) -> str:
    """Descriptions of the table and its columns as a literal of DuckDB."""
    of = [schema, table]
    described = con.execute(
        "select 'description', comment from duckdb_tables() where database_name = 'published' "
        "and schema_name = $1 and table_name = $2 and comment is not null union all "
        "select 'description.' || column_name, comment from duckdb_columns() where "
        "database_name = 'published' and schema_name = $1 and table_name = $2 "
        "and comment is not null",
        of,
    ).fetchall()
    pairs = {"evergreen_version": __version__, "as_of_date": as_of_date} | dict(described)
    return "{" + ", ".join(f"{quoted(key)}: {quoted(pairs[key])}" for key in pairs) + "}"
