"""The input contract, read from `models/staging/_sources.yml`, and the tables that it asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from evergreen.paths import PROJECT_DIR

STAGING = PROJECT_DIR / "models" / "staging"
SOURCES_FILE = STAGING / "_sources.yml"
LEDGER_FILE = STAGING / "_ledger.yml"

# What the loader adds to the columns of a contract table, with their types.
LANDING_COLUMNS = (
    ("_extra", "varchar"),
    ("_file", "varchar"),
    ("_line", "bigint"),
    ("_loaded_at", "timestamp"),
)


@dataclass(frozen=True)
class Column:
    """One column of an input table. `kind` is what staging makes of its text: id, time, ...

    `pii`: address or text where it holds more of a person than an id; no mart shows it as it is.
    """

    name: str
    kind: str
    is_required: bool
    pii: str | None = None


@dataclass(frozen=True)
class Table:
    """One input table. A required table must be there, but may be empty."""

    name: str
    columns: tuple[Column, ...]
    is_required: bool

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the contract columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that every file of this table must have."""
        return tuple(column.name for column in self.columns if column.is_required)


@dataclass(frozen=True)
class LedgerTable:
    """A table in which the loader keeps its books: (column, type) pairs."""

    name: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Contract:
    """All input tables and ledger tables, in the order of the file."""

    tables: tuple[Table, ...]
    ledger: tuple[LedgerTable, ...]

    def table(self, name: str) -> Table:
        """The input table of that name. Raises KeyError."""
        return {table.name: table for table in self.tables}[name]

    @property
    def table_names(self) -> tuple[str, ...]:
        """Names of the input tables, in order."""
        return tuple(table.name for table in self.tables)

    @property
    def personal_columns(self) -> set[str]:
        """Names of columns that hold more of a person than an id."""
        return {column.name for table in self.tables for column in table.columns if column.pii}

    @property
    def required_tables(self) -> tuple[str, ...]:
        """Names of the tables that must be there."""
        return tuple(table.name for table in self.tables if table.is_required)


@cache
def read_contract() -> Contract:
    """Read the contract: the input tables, and the loader's books."""
    return Contract(
        tables=tuple(_table(entry) for entry in _source_tables(SOURCES_FILE)),
        ledger=tuple(_ledger_table(entry) for entry in _source_tables(LEDGER_FILE)),
    )


def _source_tables(path: Path) -> list[dict]:
    """Tables of the one source that a file of dbt sources holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]


def raw_ddl(contract: Contract, schema: str = "raw") -> list[str]:
    """Statements that make the schema, the input tables and the ledger where they are not there."""
    statements = [f"create schema if not exists {schema}"]
    for table in contract.tables:
        columns = [(name, "varchar") for name in table.column_names]
        statements += _create(schema, table.name, [*columns, *LANDING_COLUMNS])
    return statements + ledger_ddl(contract, schema)


def ledger_ddl(contract: Contract, schema: str = "raw") -> list[str]:
    """Statements that make the ledger tables where they are not there."""
    statements = []
    for table in contract.ledger:
        statements += _create(schema, table.name, table.columns)
    return statements


def _create(schema: str, name: str, columns: Iterable[tuple[str, str]]) -> list[str]:
    """Create a table, or give a table of an older contract the columns that it lacks."""
    columns = list(columns)
    body = ", ".join(f'"{column}" {kind}' for column, kind in columns)
    create = f"create table if not exists {schema}.{name} ({body})"
    return [create] + [
        f'alter table {schema}.{name} add column if not exists "{column}" {kind}'
        for column, kind in columns
    ]


def _table(entry: dict) -> Table:
    columns = tuple(_column(column) for column in entry["columns"])
    return Table(entry["name"], columns, bool(entry["config"]["meta"]["required"]))


def _column(entry: dict) -> Column:
    meta = entry["config"]["meta"]
    return Column(entry["name"], meta["kind"], bool(meta["required"]), meta.get("pii"))


def _ledger_table(entry: dict) -> LedgerTable:
    columns = tuple((column["name"], column["data_type"]) for column in entry["columns"])
    return LedgerTable(entry["name"], columns)
