"""Small landing folders for the tests of `evergreen.load`."""

from pathlib import Path

import duckdb

from evergreen.load import LoadReport, load
from evergreen.paths import Warehouse

ORDERS = "order_id,customer_id,ordered_at,amount\n"
LOGINS = "login_id,customer_id,logged_in_at\n"
SURVEYS = "response_id,customer_id,survey\n"


class Shop:
    """A landing folder with the required tables empty, and a warehouse to load it into."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing"
        self.landing.mkdir()
        self.warehouse = Warehouse(folder / "warehouse")
        self.put("orders.csv", ORDERS)
        self.put("logins.csv", LOGINS)
        self.put("surveys.csv", SURVEYS)

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file of the landing folder."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, mapping: Path | None = None) -> LoadReport:
        """Load the landing folder."""
        return load(self.warehouse, self.landing, mapping)

    def query(self, sql: str) -> list[tuple]:
        """Rows of a query on the work file."""
        with duckdb.connect(str(self.warehouse.work_file), read_only=True) as con:
            return con.execute(sql).fetchall()

    def lines(self, table: str = "orders", column: str = "order_id") -> list[tuple]:
        """(line, value) of each loaded row of a table."""
        return self.query(f"select _line, {column} from raw.{table} order by _file, _line")

    def malformed(self) -> list[tuple]:
        """(line, reason, text) of each malformed line."""
        return self.query(
            "select line_number, reason, row_text from raw.malformed_lines"
            " order by file, line_number"
        )
