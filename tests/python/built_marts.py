"""Warehouses with a few marts built in them, and a mart's rows beside those expected."""

import json
import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb
import yaml

from evergreen.build import run_dbt
from evergreen.load import load
from evergreen.paths import Warehouse

SHOWN = 12
HEADERS = {
    "orders": "order_id,customer_id,ordered_at,amount",
    "logins": "login_id,customer_id,logged_in_at",
    "surveys": "response_id,customer_id,survey",
}
"""The required inputs when a test has no rows for them."""
Rows = dict[tuple, dict]


def write_landing(folder: Path, **tables: str) -> Path:
    """A landing folder of a few rows, each table given as CSV; required ones may be left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, text in ({name: f"{line}\n" for name, line in HEADERS.items()} | tables).items():
        (folder / f"{table}.csv").write_text(text)
    return folder


def table(columns: str, rows: Iterable[str]) -> str:
    """CSV text with a header."""
    return "\n".join([columns.replace(" ", ""), *(row.strip() for row in rows)]) + "\n"


def built(
    folder: Path,
    landing: Path,
    marts: Iterable[str],
    as_of: date | None = None,
    mapping: Path | None = None,
) -> Warehouse:
    """The landing folder loaded and the marts built, without the tests of dbt."""
    warehouse = Warehouse(folder)
    load(warehouse, landing, mapping)
    build_marts(warehouse, marts, as_of, mapping)
    return warehouse


def build_marts(
    warehouse: Warehouse,
    marts: Iterable[str],
    as_of: date | None = None,
    mapping: Path | None = None,
) -> None:
    """The marts and what feeds them, from what is loaded."""
    variables = _source_variables(mapping) | ({"as_of_date": str(as_of)} if as_of else {})
    text = json.dumps(variables, default=str)
    skipped = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    selected = ("--select", *(f"+{mart}" for mart in marts))
    done = run_dbt(warehouse, ["build", *skipped, *selected, "--vars", text])
    if done.exception:
        raise done.exception
    failed = [node for node in done.result.results if node.status not in ("success", "pass")]
    assert done.success, f"{len(failed)} failed, first: {failed[0].node.name}: {failed[0].message}"


def _source_variables(mapping: Path | None) -> dict:
    file = mapping / "vars.yml" if mapping else None
    return yaml.safe_load(file.read_text()) if file and file.exists() else {}


def query(warehouse: Warehouse, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        return con.execute(sql).fetchall()


def mart(warehouse: Warehouse, name: str, key: Iterable[str]) -> Rows:
    """Every row of a mart by its key."""
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        rows = con.execute(f"from marts.{name}")
        columns = [column[0] for column in rows.description]
        found = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
    by_key = {tuple(row[column] for column in key): row for row in found}
    assert len(by_key) == len(found), f"{name}: several rows with one key"
    return by_key


def assert_mart_equals(warehouse: Warehouse, name: str, key: list[str], expected: Rows) -> None:
    """All rows and all columns: a column that nobody recomputed is a difference as well."""
    assert expected, "no rows expected: the comparison shows nothing"
    found = mart(warehouse, name, key)
    lines = differences(expected, found)
    if found:
        recomputed = {*key, *next(iter(expected.values()))}
        left_out = next(iter(found.values())).keys() - recomputed
        lines += [f"column {column}: not recomputed" for column in sorted(left_out)]
    assert not lines, f"{name}, {len(lines)} differences, first:\n" + "\n".join(lines[:SHOWN])


def differences(expected: Rows, got: Rows) -> list[str]:
    """Readable lines, one for each row or cell that differs."""
    lines = [f"{show(key)}: row missing from the mart" for key in expected.keys() - got.keys()]
    lines += [f"{show(key)}: row not expected" for key in got.keys() - expected.keys()]
    for key in expected.keys() & got.keys():
        lines += [
            f"{show(key)} {column}: expected {value}, got {got[key].get(column, 'no column')}"
            for column, value in expected[key].items()
            if column not in got[key] or not is_same(value, got[key][column])
        ]
    return sorted(lines)


def is_same(expected, got) -> bool:
    if isinstance(expected, float) and isinstance(got, float):
        return math.isclose(expected, got, rel_tol=1e-9, abs_tol=1e-9)
    return expected == got


def show(values: Iterable) -> str:
    return " ".join(str(value) for value in values)
