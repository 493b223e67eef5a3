"""Verdicts on landed rows without dbt: its compiled SQL, run again on other rows in seconds.

dbt builds an empty warehouse once. Each copy of it then runs the same statements in the same order.
"""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from load_helpers import LOGINS, ORDERS, SURVEYS

from evergreen import build
from evergreen.load import load
from evergreen.paths import Warehouse

MODELS = "+row_accounting +quarantined_rows"
NO_QUARANTINE_LIMIT = '{"max_quarantine_rate": 1}'


@dataclass(frozen=True)
class Verdicts:
    """An empty warehouse, and the statements that judge what lands in a copy of it."""

    template: Path
    statements: tuple[str, ...] = field(repr=False)

    def judge(self, warehouse: Warehouse) -> None:
        """Build every table of staging and the two marts of accounting from what was loaded."""
        with duckdb.connect(str(warehouse.work_file)) as con:
            con.execute("set timezone = 'UTC'")
            for statement in self.statements:
                con.execute(statement)


def compile_verdicts(folder: Path) -> Verdicts:
    """Build the empty warehouse by dbt, and keep the SQL of its tables (views stay as they are)."""
    landing = folder / "landing"
    landing.mkdir(parents=True)
    for name, header in (("orders", ORDERS), ("logins", LOGINS), ("surveys", SURVEYS)):
        (landing / f"{name}.csv").write_text(header)
    warehouse = Warehouse(folder / "template")
    load(warehouse, landing)
    arguments = ["build", "--select", MODELS, "--vars", NO_QUARANTINE_LIMIT]
    arguments += ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    result = build.run_dbt(warehouse, arguments)
    assert result.success, result
    nodes = [result.node for result in result.result.results]
    statements = tuple(
        f"create or replace table {node.relation_name} as\n{node.compiled_code}"
        for node in nodes
        if node.resource_type == "model" and node.config.materialized != "view"
    )
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute("delete from raw.files")
    return Verdicts(warehouse.work_file, statements)
