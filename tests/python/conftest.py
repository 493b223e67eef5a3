"""Fixtures: one small published warehouse for the tests that only read."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from evergreen.demo import DemoReport, generate
from evergreen.paths import Warehouse
from evergreen.refresh import RefreshReport, refresh


@dataclass(frozen=True)
class Published:
    """A warehouse with one refresh of demo data behind it."""

    warehouse: Warehouse
    landing: Path
    demo: DemoReport
    report: RefreshReport

    def query(self, sql: str) -> list[tuple]:
        """Rows of the published file."""
        with duckdb.connect(str(self.warehouse.published_file), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """200 customers over a year with dirt, refreshed once. Tests must not change it."""
    folder = tmp_path_factory.mktemp("published")
    landing = folder / "landing"
    demo = generate(200, 12, 5, landing, dirt=0.03)
    warehouse = Warehouse(folder / "warehouse")
    return Published(warehouse, landing, demo, refresh(warehouse, landing))
