"""What a published file says of itself: which version it is, and hashes of its marts."""

from pathlib import Path

import duckdb

CLOCKS = {"quarantined_at_refresh", "fit_id", "fitted_at"}
"""Columns that name a run or a moment: they differ between two refreshes of the same files."""
BOOKS = {"refreshes", "refresh_changes"}
"""Marts of the runs themselves."""


def hash_marts(file: Path) -> dict[str, str]:
    """Rows and a hash of all they say, by mart; floating-point numbers in their first digits, for
    sums of them depend on the order in which threads come."""
    with duckdb.connect(str(file), read_only=True) as con:
        columns: dict[str, list[tuple[str, str]]] = {}
        for mart, column, kind in con.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where schema_name = 'marts' order by table_name, column_index"
        ).fetchall():
            if mart not in BOOKS and column not in CLOCKS:
                columns.setdefault(mart, []).append((column, kind))
        return {mart: _hash(con, mart, found) for mart, found in columns.items()}


def _hash(con: duckdb.DuckDBPyConnection, mart: str, columns: list[tuple[str, str]]) -> str:
    said = ", ".join(
        f"printf('%.6g', \"{name}\")" if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
        for name, kind in columns
    )
    rows, found = con.execute(
        f"select count(*), sum(hash({said})::hugeint) from marts.{mart}"
    ).fetchone()
    return f"{rows} rows, {found or 0:x}"


def read_mark(con: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None]:
    """The refresh that two tables of the file name as the newest, asked one after the other: two
    different ones would be a mixture of versions."""
    run = con.execute("select max(refresh_id) from marts.refreshes where is_published").fetchone()
    change = con.execute("select max(refresh_id) from marts.refresh_changes").fetchone()
    return run[0], change[0]
