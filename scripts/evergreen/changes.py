"""What a new version changes: rows added, removed and changed, mart by mart."""

import json
from collections.abc import Sequence

import duckdb

from evergreen.files import quoted
from evergreen.paths import Warehouse

ITSELF = "refresh_changes"
"""The mart that these rows become is not counted in itself."""
NOT_CONTENT = ("as_of_date",)
"""Columns that differ from day to day and say nothing of a change."""


def find_keys(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> dict[str, list[str]]:
    """Key columns of each mart of the attached database `work`: its primary key, else what a test
    of dbt's manifest holds unique. A mart without either has none."""
    keys = _tested_keys(warehouse)
    keys |= dict(
        con.execute(
            "select table_name, constraint_column_names from duckdb_constraints() where "
            "database_name = 'work' and schema_name = 'marts' and constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    return keys


def _tested_keys(warehouse: Warehouse) -> dict[str, list[str]]:
    written = warehouse.folder / "target" / "manifest.json"
    if not written.exists():
        return {}
    keys: dict[str, list[str]] = {}
    for node in json.loads(written.read_text(encoding="utf-8"))["nodes"].values():
        test = node.get("test_metadata") or {}
        if node.get("attached_node") and test.get("name") in ("unique", "unique_together"):
            columns = test["kwargs"].get("columns") or [test["kwargs"]["column_name"]]
            keys.setdefault(node["attached_node"].split(".")[-1], columns)
    return keys


def compare(
    con: duckdb.DuckDBPyConnection, marts: Sequence[str], keys: dict[str, list[str]]
) -> list[tuple]:
    """For each mart: rows before and after, added, removed and changed between the attached
    databases `before` and `aside`.

    Rows are matched by key and their content is compared without the as-of date, in the columns
    that both versions have. Without a key, rows are matched by all that they say, so that none is
    changed (null). A mart that the version before did not have has null rows before.
    """
    columns = _columns(con)
    return [
        (mart, *_compare_mart(con, mart, columns, keys.get(mart)))
        for mart in sorted(marts)
        if mart != ITSELF
    ]


def _compare_mart(
    con: duckdb.DuckDBPyConnection, mart: str, columns: dict, key: list[str] | None
) -> tuple:
    before, after = columns.get(("before", mart)), columns[("aside", mart)]
    if before is None:
        count = con.execute(f'select count(*) from aside.marts."{mart}"').fetchone()[0]
        return None, count, count, None, None
    shared = [name for name in after if name in before and name not in NOT_CONTENT]
    if key and not set(key) <= set(shared):
        key = None
    names = ", ".join(f'"{name}"' for name in key or shared)
    content = [name for name in shared if key and name not in key]
    said = f"hash({', '.join(_said(name, after[name]) for name in content)})" if content else "0"
    row = con.execute(
        f"""
        with rows_of_both as (
            select {names}, {said} as said, 1 as is_new from aside.marts."{mart}"
            union all by name
            select {names}, {said} as said, 0 as is_new from before.marts."{mart}"
        ),
        counted as (
            select
                sum(is_new) as new_count,
                sum(1 - is_new) as old_count,
                min(said) <> max(said) as is_changed
            from rows_of_both
            group by {names}
        )
        select
            coalesce(sum(old_count), 0)::bigint,
            coalesce(sum(new_count), 0)::bigint,
            coalesce(sum(greatest(new_count - old_count, 0)), 0)::bigint,
            coalesce(sum(greatest(old_count - new_count, 0)), 0)::bigint,
            count(*) filter (is_changed and new_count > 0 and old_count > 0)
        from counted
        """
    ).fetchone()
    return (*row[:4], row[4] if key else None)


def _said(name: str, kind: str) -> str:
    """Sums of floating-point numbers differ in their last digits from run to run."""
    if kind in ("DOUBLE", "FLOAT"):
        return f"""printf('%.9g', "{name}")"""
    return f'"{name}"'


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for database, table, column, kind in con.execute(
        "select database_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name in ('before', 'aside') and schema_name = 'marts' "
        "order by column_index"
    ).fetchall():
        found.setdefault((database, table), {})[column] = kind
    return found


def attach_before(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> bool:
    """Attach the published version as `before`; false where there is none to read."""
    try:
        con.execute(f"attach {quoted(warehouse.published_file)} as before (read_only)")
    except duckdb.Error:
        return False
    return True
