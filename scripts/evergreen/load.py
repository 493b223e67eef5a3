"""`load`: from files in a landing folder to rows of text in the raw tables, with a ledger.

All in one transaction: a refused file leaves the work file as it was. Same files again: no change.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from evergreen.contract import Contract, Table, raw_ddl, read_contract
from evergreen.errors import InputRefused, Locked
from evergreen.incremental import forget, note_changes
from evergreen.load_files import (
    Fingerprint,
    LandedFile,
    Landing,
    check_readable,
    discover,
    fingerprint,
)
from evergreen.load_mapping import (
    Mapping,
    apply_mapping,
    known_sources,
    make_views,
    prepare_sources,
    read_mappings,
    settle_ledger,
    source_name,
    source_sink,
    unused_rows,
)
from evergreen.load_readers import (
    Batch,
    ReadResult,
    Sink,
    literal,
    nearest,
    quoted,
    read_file,
)
from evergreen.paths import DEMO_MARKER, Warehouse
from evergreen.tombstones import read_tombstones, restore_tombstones, write_email_salt

Progress = Callable[[str], None]


@dataclass(frozen=True)
class FileReport:
    """What happened to one file of one input.

    `outcome`: loaded, replaced, unchanged, returned (was missing, is back) or missing.
    """

    input: str
    file: str
    outcome: str
    landed_count: int = 0
    malformed_count: int = 0
    withdrawn_count: int = 0
    duplicate_of: str | None = None


@dataclass
class LoadReport:
    """What one load did, file by file.

    `mapped`: inputs rebuilt from a mapping. `is_changed`: whether a row or a ledger line differs.
    """

    files: list[FileReport] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    demo_row_count: int = 0
    is_changed: bool = False

    @property
    def landed_count(self) -> int:
        """Rows of all files that are there now, malformed lines included."""
        return sum(f.landed_count for f in self.files if f.outcome != "missing")

    @property
    def malformed_count(self) -> int:
        """Lines of those files that are no rows."""
        return sum(f.malformed_count for f in self.files if f.outcome != "missing")

    def lines(self) -> list[str]:
        """Short plain lines for a terminal or a log."""
        lines = [_file_line(file) for file in self.files]
        lines += [f"waiting: {name} (still being written; next refresh)" for name in self.waiting]
        if self.ignored:
            lines.append(f"ignored: {', '.join(self.ignored)} (no input of the contract)")
        lines += [f"mapped: {name}" for name in self.mapped]
        if self.demo_row_count:
            lines.append(
                f"demo: {self.demo_row_count} demo rows were removed, other files are here"
            )
        return lines + self.notes


def _file_line(file: FileReport) -> str:
    parts = [f"{file.landed_count} rows"]
    if file.malformed_count:
        parts.append(f"{file.malformed_count} malformed")
    if file.withdrawn_count:
        parts.append(f"{file.withdrawn_count} withdrawn")
    if file.duplicate_of:
        parts.append(f"same content as {file.duplicate_of}")
    return f"{file.outcome}: {file.file} -> {file.input} ({', '.join(parts)})"


def load(
    warehouse: Warehouse,
    landing: Path,
    mapping: Path | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Load what has changed in the landing folder into `raw`, all or nothing.

    `mapping`: a folder with one `<input>.sql` each for sources with columns of their own.
    Raises InputRefused (nothing was changed) and Locked (another program has the work file open).
    """
    contract = read_contract()
    mappings = read_mappings(mapping, contract) if mapping else {}
    found = discover(landing)
    check_readable(found.files)
    warehouse.folder.mkdir(parents=True, exist_ok=True)
    with (
        _connect(warehouse) as con,
        tempfile.TemporaryDirectory(dir=warehouse.folder, prefix=".load-") as scratch,
    ):
        con.execute("set timezone = 'UTC'")
        con.execute("set enable_progress_bar = false")  # some statements draw one on stdout
        con.begin()
        try:
            batch = Batch(con, datetime.now(UTC).replace(tzinfo=None), Path(scratch))
            run = _Load(warehouse, batch, contract, found, mappings, progress or (lambda _: None))
            report = run.run()
        except BaseException:
            con.rollback()
            raise
        con.commit()
    return report


def _connect(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(warehouse.work_file))
    except duckdb.IOException as error:
        raise Locked(
            f"{warehouse.work_file} cannot be opened: {str(error).splitlines()[0]} "
            "Close the program that has it open, then load again."
        ) from None


class _Load:
    """One run of `load`, inside its transaction."""

    def __init__(
        self,
        warehouse: Warehouse,
        batch: Batch,
        contract: Contract,
        landing: Landing,
        mappings: dict[str, Mapping],
        progress: Progress,
    ) -> None:
        self._warehouse = warehouse
        self._batch = batch
        self._con = batch.con
        self._contract = contract
        self._landing = landing
        self._mappings = mappings
        self._progress = progress
        self._is_demo = (landing.folder / DEMO_MARKER).is_file()
        self._report = LoadReport(waiting=list(landing.waiting))

    def run(self) -> LoadReport:
        for statement in raw_ddl(self._contract):
            self._con.execute(statement)
        self._read_tombstones()
        direct, sources = self._sort_files()
        self._keep_demo_apart()
        for table in self._contract.tables:
            if table.name not in self._mappings:
                self._sync(_sink(table), [f for f in direct if f.stem.lower() == table.name])
        if self._mappings:
            self._sync_sources(sources)
            self._map()
        self._check_required()
        return self._report

    def _read_tombstones(self) -> None:
        self._report.notes += restore_tombstones(self._con, self._warehouse)
        self._batch.tombstones = read_tombstones(self._con, self._warehouse)
        write_email_salt(self._con, self._warehouse)

    def _sort_files(self) -> tuple[list[LandedFile], list[LandedFile]]:
        """Files of contract tables, and files for the mappings; the rest is reported as ignored."""
        tables = set(self._contract.table_names) - self._mappings.keys()
        direct = [file for file in self._landing.files if file.stem.lower() in tables]
        rest = [file for file in self._landing.files if file.stem.lower() not in tables]
        self._report.ignored += self._landing.others
        if not self._mappings:
            self._report.ignored += [file.name for file in rest]
        return direct, rest if self._mappings else []

    def _sync_sources(self, files: Sequence[LandedFile]) -> None:
        """Land every source file in a table of its own columns, and show it as `landing.<name>`."""
        prepare_sources(self._con, self._contract)
        by_name: dict[str, list[LandedFile]] = {name: [] for name in known_sources(self._con)}
        for file in files:
            by_name.setdefault(source_name(file.stem), []).append(file)
        for name, its_files in sorted(by_name.items()):
            self._sync(source_sink(name), its_files)
        make_views(self._con)

    def _map(self) -> None:
        for mapping in self._mappings.values():
            self._progress(f"mapping {mapping.table.name}")
            erased = self._batch.tombstones
            if apply_mapping(self._con, mapping, self._batch.loaded_at, erased):
                self._report.mapped.append(mapping.table.name)
                self._report.is_changed = True
        settle_ledger(self._con, list(self._mappings.values()), self._batch.loaded_at)
        self._report.notes += unused_rows(self._con, list(self._mappings.values()))

    def _sync(self, sink: Sink, files: Sequence[LandedFile]) -> None:
        """Make the rows of one table those of its files; files that are gone keep theirs."""
        known = {row["file"]: row for row in self._ledger(sink)}
        outcomes: dict[str, str] = {}
        for file in files:
            mark = fingerprint(file)
            if mark is None:
                self._report.waiting.append(file.name)
                continue
            outcomes[file.name] = self._sync_file(sink, file, mark, known.get(file.name))
            self._report.is_changed |= outcomes[file.name] != "unchanged"
        gone = known.keys() - {file.name for file in files} - set(self._landing.waiting)
        for name in sorted(gone):
            self._set_status(sink, name, "missing")
            outcomes[name] = "missing"
            self._report.is_changed |= known[name]["status"] != "missing"
        self._mark_duplicates(sink)
        self._report.files += [
            _file_report(row, outcomes[row["file"]])
            for row in self._ledger(sink)
            if row["file"] in outcomes
        ]

    def _sync_file(
        self, sink: Sink, file: LandedFile, mark: Fingerprint, known: dict | None
    ) -> str:
        if known and known["content_hash"] == mark.content_hash:
            if known["status"] == "loaded":
                return "unchanged"
            self._set_status(sink, file.name, "loaded")
            return "returned"
        self._progress(f"loading {file.name}")
        old_rows = self._set_aside(sink, file) if known else None
        result = read_file(self._batch, file, sink)
        if sink.schema == "raw":
            new_rows = f"{sink.table} where _file = {literal(file.name)}"
            note_changes(self._con, self._contract.table(sink.name), new_rows, old_rows)
        withdrawn = self._count_withdrawn(sink, file, old_rows) if old_rows else 0
        self._write_ledger(sink, file, mark, result, withdrawn)
        self._note(file, result)
        return "replaced" if known else "loaded"

    def _set_aside(self, sink: Sink, file: LandedFile) -> str:
        """Move the rows of the version before out of the table, to be compared with the new."""
        self._con.execute(
            f"create or replace temp table old_rows as from {sink.table} where _file = $1",
            [file.name],
        )
        self._con.execute(f"delete from {sink.table} where _file = $1", [file.name])
        for ledger in ("files", "malformed_lines", "erased_rows"):
            self._con.execute(
                f"delete from {sink.books}.{ledger} where input = $1 and file = $2",
                [sink.name, file.name],
            )
        return "old_rows"

    def _count_withdrawn(self, sink: Sink, file: LandedFile, old_rows: str) -> int:
        """Ids of the old version that the new one lacks, as multisets."""
        columns = ", ".join(map(quoted, sink.key)) or "* exclude (_file, _line, _loaded_at)"
        row = self._con.execute(
            f"select count(*) from (select {columns} from {old_rows} except all"
            f" select {columns} from {sink.table} where _file = $1)",
            [file.name],
        ).fetchone()
        self._con.execute(f"drop table {old_rows}")
        return row[0]

    def _write_ledger(
        self, sink: Sink, file: LandedFile, mark: Fingerprint, result: ReadResult, withdrawn: int
    ) -> None:
        self._con.execute(
            f"insert into {sink.books}.files (input, file, content_hash, size_bytes, landed_count,"
            " malformed_count, withdrawn_count, status, is_demo, loaded_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, 'loaded', $8, $9)",
            [
                sink.name,
                file.name,
                mark.content_hash,
                mark.size_bytes,
                result.row_count + result.malformed_count + result.erased_count,
                result.malformed_count,
                withdrawn,
                self._is_demo,
                self._batch.loaded_at,
            ],
        )
        if result.erased_count:
            self._con.execute(
                f"insert into {sink.books}.erased_rows (input, file, row_count, amount)"
                " values ($1, $2, $3, $4)",
                [sink.name, file.name, result.erased_count, result.erased_amount],
            )

    def _note(self, file: LandedFile, result: ReadResult) -> None:
        self._report.notes += result.notes
        if result.erased_count:
            self._report.notes.append(
                f"{file.name}: {result.erased_count} rows of erased persons were not let in"
            )
        if result.extras:
            named = ", ".join(result.extras)
            self._report.notes.append(
                f"{file.name}: columns that the contract does not have, kept in raw: {named}"
            )

    def _set_status(self, sink: Sink, name: str, status: str) -> None:
        self._con.execute(
            f"update {sink.books}.files set status = $3"
            " where input = $1 and file = $2 and status <> $3",
            [sink.name, name, status],
        )

    def _mark_duplicates(self, sink: Sink) -> None:
        """A file is a duplicate of the one that brought the same content first."""
        self._con.execute(
            f"""
            update {sink.books}.files set duplicate_of = first_files.duplicate_of
            from (
                select file, nullif(
                    first_value(file) over (
                        partition by content_hash order by loaded_at, file
                    ), file) as duplicate_of
                from {sink.books}.files where input = $1
            ) as first_files
            where files.input = $1 and files.file = first_files.file
                and files.duplicate_of is distinct from first_files.duplicate_of
            """,
            [sink.name],
        )

    def _ledger(self, sink: Sink) -> list[dict]:
        cursor = self._con.execute(
            f"from {sink.books}.files where input = $1 and coalesce(is_demo, false) = $2"
            " order by file",
            [sink.name, self._is_demo],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _keep_demo_apart(self) -> None:
        """Real files drive out the demo, from all tables; a demo never joins real files.

        The demo that a first `dbt build` landed has no content hash; any load drives it out.
        """
        if self._is_demo and self._con.execute("from raw.files where not is_demo").fetchall():
            raise InputRefused(
                f"{self._landing.folder} holds demo data, and the warehouse holds files of yours. "
                "Name another folder with --warehouse."
            )
        unwanted = "is_demo and content_hash is null" if self._is_demo else "is_demo"
        demo = self._con.execute(
            f"select distinct input from raw.files where {unwanted} order by input"
        ).fetchall()
        if not self._landing.files or not demo:
            return
        for (name,) in demo:
            row = self._con.execute(
                f"delete from raw.{quoted(name)} where _file in"
                f" (select file from raw.files where {unwanted} and input = $1)",
                [name],
            ).fetchone()
            self._report.demo_row_count += row[0]
        for ledger in ("malformed_lines", "erased_rows"):
            self._con.execute(
                f"delete from raw.{ledger} where (input, file) in"
                f" (select (input, file) from raw.files where {unwanted})"
            )
        self._con.execute(f"delete from raw.files where {unwanted}")
        # What was learnt from the demo says nothing about real customers.
        self._con.execute("delete from raw.model_parameters")
        self._con.execute("delete from raw.model_nodes")
        forget(self._con)
        self._report.is_changed = True

    def _check_required(self) -> None:
        """Each required table must have had a file, now or before, or have a mapping."""
        known = self._con.execute("select distinct input from raw.files")
        there = {row[0] for row in known.fetchall()} | self._mappings.keys()
        missing = [name for name in self._contract.required_tables if name not in there]
        if missing:
            raise InputRefused(_missing_tables(missing, self._landing, self._report))


def _sink(table: Table) -> Sink:
    ids = tuple(column.name for column in table.columns if column.kind == "id")
    return Sink("raw", table.name, "raw", table.column_names, table.required_columns, ids)


def _file_report(row: dict, outcome: str) -> FileReport:
    counts = {k: row[k] for k in ("landed_count", "malformed_count", "withdrawn_count")}
    if outcome != "replaced":
        counts["withdrawn_count"] = 0
    return FileReport(
        row["input"], row["file"], outcome, duplicate_of=row["duplicate_of"], **counts
    )


def _missing_tables(missing: Sequence[str], landing: Landing, report: LoadReport) -> str:
    names = [file.name for file in landing.files] + list(landing.others)
    found = ", ".join(names) if names else "no files"
    stems = sorted({file.stem for file in landing.files})
    hints = "".join(f" For {table}:{hint}" for table in missing if (hint := nearest(table, stems)))
    waiting = f" Still being written: {', '.join(report.waiting)}." if report.waiting else ""
    return (
        f"No file for the required input{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
        f"in {landing.folder}. Found: {found}.{hints}{waiting} "
        f"Deliver {', '.join(f'{name}.csv' for name in missing)} (a header line alone will do), "
        "or map them (mappings/cdnow/logins.sql maps no rows at all)."
    )
