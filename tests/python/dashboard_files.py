"""Published files for tests of the dashboard, made from the contracts of the marts in no time."""

from functools import cache
from pathlib import Path

import duckdb
import yaml

from evergreen.paths import PROJECT_DIR, Warehouse

METRICS = (
    "create table metrics.metric_values (metric varchar, label varchar, type varchar, "
    "unit varchar, question varchar, description varchar, period_start date, value double, "
    "previous_value double, baseline_date date, baseline_value double, change double, "
    "as_of_date date)",
    "create table metrics.metric_months (metric varchar, month date, value double, "
    "is_complete boolean, as_of_date date)",
)


@cache
def contracts() -> dict[str, tuple[tuple[str, str], ...]]:
    """Columns with their types of every mart."""
    found = {}
    for file in sorted((PROJECT_DIR / "models" / "marts").glob("*/*.yml")):
        for model in yaml.safe_load(file.read_text()).get("models") or []:
            found[model["name"]] = tuple((c["name"], c["data_type"]) for c in model["columns"])
    return found


def empty_file(folder: Path, has_metrics: bool = True, without: tuple[str, ...] = ()) -> Warehouse:
    """A warehouse whose published file has all marts and no row. `without`: marts left out."""
    warehouse = Warehouse(folder)
    warehouse.published_file.parent.mkdir(parents=True)
    with duckdb.connect(str(warehouse.published_file)) as con:
        con.execute("create schema marts")
        for name, columns in contracts().items():
            if name not in without:
                body = ", ".join(f'"{column}" {kind}' for column, kind in columns)
                con.execute(f"create table marts.{name} ({body})")
        if has_metrics:
            con.execute("create schema metrics")
            for statement in METRICS:
                con.execute(statement)
    return warehouse


def add(warehouse: Warehouse, mart: str, *rows: dict) -> None:
    """Add rows to a mart; columns that a row does not name are null."""
    schema = "metrics" if mart.startswith("metric_") else "marts"
    with duckdb.connect(str(warehouse.published_file)) as con:
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            places = ", ".join("?" for _ in row)
            con.execute(
                f"insert into {schema}.{mart} ({names}) values ({places})", list(row.values())
            )
