"""What a warehouse file says of itself: hashes of its tables, and which version it is."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

CLOCKS = {"refresh_id", "quarantined_at_refresh", "fit_id", "fitted_at", "loaded_at"}
"""Columns that name a run or a moment: they differ between two refreshes of the same files."""
BOOKS = {"refreshes", "refresh_changes"}
"""Marts of the runs themselves."""


def hash_tables(file: Path, schemas: Sequence[str] = ("marts",), digits: int = 6) -> dict[str, str]:
    """Rows and a hash of all they say, by `schema.table`; the order of rows does not count.

    `digits`: those of floating-point numbers that count, for sums of them depend on the order in
    which threads come. Raises ValueError where the file has no such table.
    """
    with duckdb.connect(str(file), read_only=True) as con:
        columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for schema, table, column, kind in con.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where list_contains($1::varchar[], schema_name) and database_name = "
            "current_database() order by schema_name, table_name, column_name",
            [list(schemas)],
        ).fetchall():
            if table not in BOOKS and column not in CLOCKS:
                columns.setdefault((schema, table), []).append((column, kind))
        if not columns:
            raise ValueError(f"{file} has no table in {', '.join(schemas)}")
        return {
            f"{schema}.{table}": _hash(con, f"{schema}.{table}", found, digits)
            for (schema, table), found in columns.items()
        }


def differing_tables(
    one: Path, other: Path, schemas: Sequence[str] = ("marts",), digits: int = 6
) -> list[str]:
    """Tables that only one of two files has, or whose rows are not the same in both."""
    found, expected = (hash_tables(file, schemas, digits) for file in (one, other))
    return different(found, expected)


def different(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Names of which two results of hash_tables say different things."""
    return [
        name
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]


def _hash(
    con: duckdb.DuckDBPyConnection, table: str, columns: list[tuple[str, str]], digits: int
) -> str:
    said = ", ".join(
        f"printf('%.{digits}g', \"{name}\")" if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
        for name, kind in columns
    )
    names = "; ".join(f"{name} {kind}" for name, kind in columns)
    rows, found, shape = con.execute(
        f"select count(*), sum(hash({said})::hugeint), hash($1) from {table}", [names]
    ).fetchone()
    return f"{rows} rows, {found or 0:x}, columns {shape:x}"


def read_mark(con: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None]:
    """The refresh that two tables of the file name as the newest, asked one after the other: two
    different ones would be a mixture of versions."""
    run = con.execute("select max(refresh_id) from marts.refreshes where is_published").fetchone()
    change = con.execute("select max(refresh_id) from marts.refresh_changes").fetchone()
    return run[0], change[0]
