"""`erase`: one person leaves the warehouse, and stays out.

Hashes of the person's ids and addresses are written first. From then on no load lets the person in
again, and a run that was killed can be ended by running it again: what readers see is rewritten
before the work file, from which the ids can be found as long as it is the old one.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from evergreen.build import project_variables
from evergreen.contract import ledger_ddl, raw_ddl, read_contract
from evergreen.dashboard import build_dashboard
from evergreen.erase_files import Eraser, Removed, landed_lines, remove_traces, search
from evergreen.errors import EraseIncomplete, EvergreenError, InputRefused, Locked
from evergreen.export import export_parquet, read_exports
from evergreen.files import write_whole
from evergreen.load_mapping import BOOKS
from evergreen.locking import lock
from evergreen.paths import Warehouse
from evergreen.refresh import rebuild_locked
from evergreen.tombstones import (
    ADDRESS,
    BLANKS,
    ID,
    MENTIONS,
    ORDER,
    Tombstones,
    is_telling,
    owner_column,
    read_key,
    read_receipts,
    restore_tombstones,
    token,
)

Progress = Callable[[str, str], None]


@dataclass
class Person:
    """Whom an erasure is about: all that the warehouse knows the person by."""

    given: str
    ids: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def needles(self) -> list[str]:
        """Texts that must be found nowhere afterwards."""
        return sorted(self.ids | self.addresses | {self.given})

    def tokens(self, key: str) -> list[str]:
        """Hashes by which later deliveries are known."""
        of_kind = ((ID, self.ids), (ADDRESS, self.addresses), (ORDER, self.orders))
        return sorted(token(key, kind, value) for kind, values in of_kind for value in values)


@dataclass
class EraseReport:
    """What was done, and what is left to the user."""

    receipt: Path
    rows: dict[str, int]
    rewritten: list[str]
    searched_count: int
    vague_count: int
    landed: list[str]
    problems: list[str]


def erase(
    warehouse: Warehouse,
    customer: str,
    confirm: Callable[[Person], bool],
    landing: Path | None = None,
    progress: Progress | None = None,
) -> EraseReport | None:
    """Remove one person from every file of the warehouse. None where `confirm` says no.

    `customer`: a source id or an e-mail address. `landing`: where to look for files that still
    hold the person, by default the folder of the last refresh.

    Raises InputRefused where nothing names the customer, Locked, and EraseIncomplete where
    something still holds the person or the marts could not be built again.
    """
    tell = progress or (lambda step, line: None)
    if not customer.strip(BLANKS):
        raise InputRefused("CUSTOMER is blank: give an id or an e-mail address.")
    if not warehouse.work_file.exists():
        raise InputRefused(f"there is no warehouse at {warehouse.folder}: nothing to erase")
    with lock(warehouse):
        key = read_key(warehouse)
        _prepare(warehouse)
        person = find_person(warehouse, customer, key)
        begun = _begun(warehouse, customer, key)
        if not person.rows and not begun:
            raise InputRefused(_unknown(warehouse, customer, key))
        if not confirm(person):
            return None
        run = _Run(warehouse, key, person, begun or _receipt(customer, key), tell)
        return run.run(landing)


def find_person(warehouse: Warehouse, customer: str, key: str) -> Person:
    """Ids that are folded into the same person, their addresses and orders, and rows by input."""
    text = customer.strip(BLANKS)
    person = Person(text)
    with _connect(warehouse) as con:
        con.execute("set variable blanks = $1", [BLANKS])
        con.execute("create temp macro clean(v) as nullif(trim(v, getvariable('blanks')), '')")
        person.ids = set(_ids_of_address(con, text)) if "@" in text else set()
        if _is_named(con, text):
            person.ids.add(text)
        person.ids |= _folded(con, person.ids)
        person.addresses, person.shared = _addresses(con, person.ids)
        person.addresses |= {name.lower() for name in person.ids if "@" in name}
        if "@" in text and person.ids:
            person.addresses.add(text.lower())
        person.orders = _orders(con, person.ids)
        tests = Tombstones(con, key, person.tokens(key), [])
        if tests:
            person.rows = _rows(con, tests)
    return person


def _ids_of_address(con: duckdb.DuckDBPyConnection, address: str) -> list[str]:
    rows = con.execute(
        "select distinct clean(customer_id) from raw.customers"
        " where lower(clean(email)) = lower($1) and clean(customer_id) is not null",
        [address],
    ).fetchall()
    limit = project_variables()["max_ids_per_email"]
    if len(rows) > limit:
        raise InputRefused(
            f"{len(rows)} customers have the address {address}, which is no address of one person "
            f"(over {limit}). Name the customer by id."
        )
    return [row[0] for row in rows]


def _named_columns() -> list[tuple[str, str]]:
    """Every column of an input that holds ids of customers."""
    tables = read_contract().tables
    owners = [(table.name, column) for table in tables if (column := owner_column(table))]
    others = [(t.name, column) for t in tables for column in MENTIONS if column in t.column_names]
    return owners + others


def _is_named(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    return any(
        con.execute(
            f"select 1 from raw.{table} where clean({column}) = $1 limit 1", [text]
        ).fetchone()
        for table, column in _named_columns()
    )


def _folded(con: duckdb.DuckDBPyConnection, ids: set[str]) -> set[str]:
    """Ids that staging folds with these; where nothing was built, those merged into each other."""
    built = con.execute(
        "select 1 from duckdb_tables() where schema_name = 'intermediate'"
        " and table_name = 'int_customer_ids'"
    ).fetchone()
    pairs = (
        "select source_customer_id, customer_id from intermediate.int_customer_ids"
        if built
        else "select clean(customer_id), clean(merged_into) from raw.customers"
    )
    found = con.execute(
        f"with recursive pairs (one, other) as ({pairs}), linked (id) as ("
        " select unnest($1::varchar[]) union"
        " select case when pairs.one = linked.id then pairs.other else pairs.one end"
        " from linked inner join pairs on pairs.one = linked.id or pairs.other = linked.id)"
        " select id from linked where id is not null",
        [sorted(ids)],
    )
    return {row[0] for row in found.fetchall()}


def _addresses(con: duckdb.DuckDBPyConnection, ids: set[str]) -> tuple[set[str], set[str]]:
    """Addresses of the person, and those of them that other customers have as well."""
    found = con.execute(
        "select lower(clean(email)), count(*) filter (not list_contains($1::varchar[],"
        " coalesce(clean(customer_id), ''))) from raw.customers"
        " where lower(clean(email)) in (select lower(clean(email)) from raw.customers"
        " where list_contains($1::varchar[], clean(customer_id))) group by all",
        [sorted(ids)],
    ).fetchall()
    return {row[0] for row in found if not row[1]}, {row[0] for row in found if row[1]}


def _orders(con: duckdb.DuckDBPyConnection, ids: set[str]) -> set[str]:
    """Orders of the person that no row gives to somebody else."""
    found = con.execute(
        "select clean(order_id) from raw.orders where clean(order_id) is not null group by all"
        " having bool_and(coalesce(list_contains($1::varchar[], clean(customer_id)), false))",
        [sorted(ids)],
    )
    return {row[0] for row in found.fetchall()}


def _rows(con: duckdb.DuckDBPyConnection, tests: Tombstones) -> dict[str, int]:
    rows = {}
    for table in read_contract().tables:
        given = {name: f'"{name}"' for name in table.column_names}
        found = tests.filter(table.name, False, given)
        count = con.execute(
            f"select count(*) from raw.{table.name} where {found.is_erased}"
        ).fetchone()[0]
        if count:
            rows[table.name] = count
    lines = con.execute("select input, row_text from raw.malformed_lines").fetchall()
    for name, text in lines:
        if tests.named_in(text or ""):
            rows[name] = rows.get(name, 0) + 1
    return rows


def _begun(warehouse: Warehouse, customer: str, key: str) -> dict | None:
    """The receipt of an erasure of this customer that was not finished."""
    hashes = {token(key, kind, customer) for kind in (ID, ADDRESS)}
    return next(
        (
            receipt
            for receipt in read_receipts(warehouse)
            if receipt["status"] != "done" and hashes & set(receipt["tombstones"])
        ),
        None,
    )


def _unknown(warehouse: Warehouse, customer: str, key: str) -> str:
    hashes = {token(key, kind, customer) for kind in (ID, ADDRESS)}
    for receipt in read_receipts(warehouse):
        if hashes & set(receipt["tombstones"]):
            return (
                f"{customer!r} was erased on {receipt['erased_at'][:10]}, see "
                f"{warehouse.receipts / receipt['erasure_id']}.json, and nothing names them since."
            )
    return (
        f"no row names {customer!r}, neither as id of a customer nor as address in customers. "
        "Ids are compared exactly; `evergreen load` first if the files have not been loaded."
    )


def _receipt(customer: str, key: str) -> dict:
    now = datetime.now(UTC).replace(tzinfo=None)
    return {
        "erasure_id": f"erasure-{now:%Y%m%dT%H%M%S.%fZ}",
        "status": "begun",
        "customer": token(key, ADDRESS if "@" in customer else ID, customer),
        "erased_at": now.isoformat(timespec="seconds"),
        "tombstones": [],
        "person_columns": [],
        "rows": {},
        "blanked": {},
        "rewritten": [],
    }


def _connect(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    try:
        con = duckdb.connect(str(warehouse.work_file))
    except duckdb.IOException as error:
        raise Locked(
            f"{warehouse.work_file} cannot be opened: {str(error).splitlines()[0]} "
            "Close the program that has it open, then erase again."
        ) from None
    con.execute("set enable_progress_bar = false")
    return con


def _prepare(warehouse: Warehouse) -> None:
    """The tables of this version, in a work file of an older one as well."""
    with _connect(warehouse) as con:
        for statement in raw_ddl(read_contract()):
            con.execute(statement)
        if con.execute("from duckdb_schemas() where schema_name = $1", [BOOKS]).fetchone():
            for statement in ledger_ddl(read_contract(), BOOKS):
                con.execute(statement)
        restore_tombstones(con, warehouse)


@contextlib.contextmanager
def _without_arguments() -> Iterator[None]:
    """dbt writes the command line, which names the customer, to its target folder."""
    given, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = given


class _Run:
    """One erasure, once it is known whom it is about."""

    def __init__(
        self, warehouse: Warehouse, key: str, person: Person, receipt: dict, tell: Progress
    ) -> None:
        self._warehouse, self._key, self._person = warehouse, key, person
        self._receipt, self._tell = receipt, tell
        self._problems: list[str] = []
        self._removed_lines: list[tuple[str, int, str]] = []

    def run(self, landing: Path | None) -> EraseReport:
        self._bury()
        eraser = Eraser(self._key, self._receipt["tombstones"], self._receipt["person_columns"])
        self._rewrite_versions(eraser)
        self._tell("erase", f"writing {self._warehouse.work_file.name} anew")
        self._note(eraser.rewrite_work(self._warehouse.work_file))
        self._receipt["removed"] = remove_traces(self._warehouse)
        self._rebuild()
        self._export()
        landing = landing or self._told("landing")
        self._tell("erase", "searching what is left")
        searched = self._search(landing)
        vague = sum(not is_telling(name) for name in self._person.needles)
        sought, landed = [*self._person.needles, *self._person.orders], []
        if landing and landing.is_dir():
            landed = landed_lines(landing, sought, self._removed_lines)
        self._receipt |= {
            "status": "incomplete" if self._problems else "done",
            "searched_files": searched,
            "ids_not_searched_for": vague,
            "landing_lines": landed,
            "problems": self._problems,
        }
        self._save()
        report = EraseReport(
            self._file,
            self._receipt["rows"],
            self._receipt["rewritten"],
            searched,
            vague,
            landed,
            self._problems,
        )
        if self._problems:
            raise EraseIncomplete(report.problems, self._file)
        return report

    @property
    def _file(self) -> Path:
        return self._warehouse.receipts / f"{self._receipt['erasure_id']}.json"

    def _save(self) -> None:
        write_whole(self._file, json.dumps(self._receipt, indent=1, default=str) + "\n")

    def _bury(self) -> None:
        """The hashes, on disk before anything else is changed."""
        tokens = {*self._receipt["tombstones"], *self._person.tokens(self._key)}
        self._receipt["tombstones"] = sorted(tokens)
        self._save()
        with _connect(self._warehouse) as con:
            restore_tombstones(con, self._warehouse)

    def _rewrite_versions(self, eraser: Eraser) -> None:
        """What readers see first, so that they do not wait for the marts to be built again."""
        versions = sorted(self._warehouse.versions_folder.glob("*.duckdb"), reverse=True)
        for file in [self._warehouse.published_file, *versions]:
            if file.exists():
                self._tell("erase", f"writing {file.name} anew")
                eraser.rewrite_published(file)
                self._rewritten(file)

    def _note(self, removed: Removed) -> None:
        for name, count in removed.rows.items():
            self._receipt["rows"][name] = self._receipt["rows"].get(name, 0) + count
        self._receipt["blanked"] |= removed.blanked
        self._removed_lines = removed.lines
        known = self._receipt["person_columns"]
        known += [pair for pair in removed.person_columns if pair not in known]
        self._rewritten(self._warehouse.work_file)
        with _connect(self._warehouse) as con:
            restore_tombstones(con, self._warehouse)

    def _rewritten(self, file: Path) -> None:
        folder = self._warehouse.folder
        name = str(file.relative_to(folder) if file.is_relative_to(folder) else file)
        if name not in self._receipt["rewritten"]:
            self._receipt["rewritten"].append(name)
        self._save()

    def _told(self, name: str) -> Path | None:
        told = self._last_refresh()
        return Path(told[name]) if told and told[name] else None

    def _last_refresh(self) -> dict | None:
        try:
            return json.loads(self._warehouse.last_refresh_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def _rebuild(self) -> None:
        told = self._last_refresh()
        if not told:
            if self._warehouse.published_file.exists():
                self._problems.append(
                    "the marts were not built again, for how they were built is not known: run "
                    "`evergreen refresh`, or dbt build. The published file was rewritten without "
                    "the person."
                )
            return
        try:
            with _without_arguments():
                rebuild_locked(
                    self._warehouse,
                    Path(told["landing"]),
                    date.fromisoformat(told["as_of"]) if told["as_of"] else None,
                    told["target"],
                    told["variables"],
                    self._tell,
                )
        except EvergreenError as error:
            self._problems.append(
                f"the person is gone, but the marts could not be built again: {error} What readers "
                "see is the version before without the person's rows."
            )

    def _export(self) -> None:
        """Dashboards and Parquet files, from the published file as it is now."""
        if not self._warehouse.published_file.exists():
            return
        told = self._last_refresh() or {"variables": {}}
        currency = (project_variables() | told["variables"])["reporting_currency"]
        drawn = {"kind": "dashboard", "folder": str(self._warehouse.folder / "dashboard")}
        exports = read_exports(self._warehouse)
        for export in [*exports, *([drawn] if drawn not in exports else [])]:
            folder = Path(export["folder"])
            if not folder.exists():
                continue
            self._tell("export", str(folder))
            try:
                if export["kind"] == "parquet":
                    export_parquet(self._warehouse, folder)
                else:
                    build_dashboard(self._warehouse, folder, currency)
                self._rewritten(folder)
            except (EvergreenError, OSError) as error:
                self._problems.append(f"{folder} still holds the person: {error}")

    def _search(self, landing: Path | None) -> int:
        places = {self._warehouse.folder} | {
            Path(export["folder"]) for export in read_exports(self._warehouse)
        }
        passed_over = [self._warehouse.receipts, self._warehouse.key_file]
        passed_over += [landing] if landing else []
        count = 0
        for place in sorted(places):
            if place != self._warehouse.folder and place.is_relative_to(self._warehouse.folder):
                continue
            searched, found = search(place, self._person.needles, passed_over)
            count += searched
            for file in found:
                self._problems.append(
                    f"{file} still holds the person: delete it, or write it anew."
                )
        return count
