"""Where things are: the project, and one warehouse folder with all that a run makes."""

from dataclasses import dataclass
from pathlib import Path

DEMO_MARKER = ".evergreen-demo"
"""File in a landing folder that says: simulated. Demo rows never mix with real ones."""

PROJECT_DIR = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Warehouse:
    """The folder of a warehouse. Everything a run writes lies below it."""

    folder: Path

    @property
    def work_file(self) -> Path:
        """DuckDB file that dbt builds in. Never read by BI."""
        return self.folder / "work.duckdb"

    @property
    def published_file(self) -> Path:
        """DuckDB file that readers open: schemas `marts` and `metrics`."""
        return self.folder / "published" / "evergreen.duckdb"

    @property
    def definitions(self) -> Path:
        """Definitions of the metrics for other semantic tools (Open Semantic Interchange)."""
        return self.published_file.with_name("osi_document.json")

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages of the last audit."""
        return self.folder / "data_docs"

    @property
    def lock_file(self) -> Path:
        """Held while a load or a refresh runs."""
        return self.folder / ".lock"


def default_warehouse() -> Warehouse:
    """The warehouse of the project folder."""
    return Warehouse(PROJECT_DIR / "warehouse")
