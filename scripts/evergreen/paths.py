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
    def versions_folder(self) -> Path:
        """Published versions that are kept, one DuckDB file each, named after its refresh."""
        return self.folder / "versions"

    @property
    def key_file(self) -> Path:
        """Random text that salts hashes of ids and addresses. Only its owner can read it."""
        return self.folder / "key"

    @property
    def receipts(self) -> Path:
        """One JSON file for each erasure, without the id."""
        return self.folder / "receipts"

    @property
    def exports_file(self) -> Path:
        """Folders to which the published version was exported, and how."""
        return self.folder / "exports.json"

    @property
    def last_refresh_file(self) -> Path:
        """What the last refresh was told, so that an erasure can build the same marts."""
        return self.folder / "last_refresh.json"

    @property
    def runs_folder(self) -> Path:
        """What dbt said in each of the last runs: <refresh_id>/run_results.json."""
        return self.folder / "runs"

    @property
    def lock_file(self) -> Path:
        """Held while a load, a fit, a refresh or a rollback runs; says by whom."""
        return self.folder / ".lock"


def default_warehouse() -> Warehouse:
    """The warehouse of the project folder."""
    return Warehouse(PROJECT_DIR / "warehouse")
