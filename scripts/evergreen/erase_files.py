"""Files without a person: DuckDB files are copied into fresh ones, for DuckDB keeps the bytes of
deleted rows; what a refresh makes again is removed; and what is left is searched."""

import contextlib
import gzip
import hashlib
import json
import mmap
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from evergreen.contract import read_contract
from evergreen.files import quoted, sync
from evergreen.incremental import STATE
from evergreen.load_mapping import BOOKS, ROWS, VIEWS, make_views
from evergreen.load_readers import LOADER_COLUMNS
from evergreen.paths import Warehouse
from evergreen.publish import SCHEMAS, STORAGE_VERSION, copy_comments
from evergreen.tombstones import (
    MARK,
    MENTIONS,
    Tombstones,
    define_tests,
    is_telling,
    words,
)

PERSONS = ("customer_id", "source_customer_id", "referrer_id", *MENTIONS)
"""Columns of marts that hold ids of customers. A row with the person in one of them goes."""
BUILT = ("staging", "intermediate", "marts", "metrics", "rules")
"""Schemas of the work file that dbt and a refresh make again."""
MADE_AGAIN = ("target", "logs", "tmp", "gx", "data_docs", "baseline", "runs")
PLACES = ("published", "versions")
LEFT_BEHIND = (".load-*", ".*.new*", ".dashboard-*", "*.tmp", "*.damaged*")
LEFT_BEHIND += tuple(f"{place}/{name}" for place in PLACES for name in (".*.new*", "*.damaged*"))


@dataclass
class Removed:
    """What was taken out of the work file: rows by input, and columns where the person stood."""

    rows: dict[str, int] = field(default_factory=dict)
    blanked: dict[str, int] = field(default_factory=dict)
    person_columns: list[list[str]] = field(default_factory=list)
    lines: list[tuple[str, int, str]] = field(default_factory=list)
    """(file, line, hash of the file's content) of each row."""


class Eraser:
    """Copies DuckDB files without the persons that the hashes stand for."""

    def __init__(self, key: str, tokens: Sequence[str], learnt: Sequence[Sequence[str]]) -> None:
        self._key, self._tokens, self._learnt = key, list(tokens), list(learnt)

    def rewrite_published(self, file: Path) -> None:
        """A published version, without the rows of the person. Raises OSError, duckdb.Error."""
        with self._aside(file) as (con, aside):
            con.execute(f"attach {quoted(file)} as work (read_only)")
            con.execute(f"attach {quoted(aside)} as aside (storage_version '{STORAGE_VERSION}')")
            define_tests(con, self._key, self._tokens)
            for schema in SCHEMAS:
                con.execute(f"create schema aside.{schema}")
                for table in _tables(con, "work", schema):
                    _copy_scrubbed(con, schema, table)
            copy_comments(con)

    def rewrite_work(self, file: Path) -> Removed:
        """The work file with what landed, without the rows of the person and without the tables
        that dbt builds."""
        removed = Removed()
        with duckdb.connect(str(file)) as con:
            con.execute("checkpoint")  # or a log with the rows would stay beside the new file
        with self._aside(file) as (con, aside):
            con.execute(f"attach {quoted(file)} as work (read_only)")
            con.execute(f"attach {quoted(aside)} as aside")
            define_tests(con, self._key, self._tokens)
            for schema in _schemas(con):
                con.execute(f"create schema if not exists aside.{_name(schema)}")
                for table in _tables(con, "work", schema):
                    if schema != ROWS and not (
                        schema == "raw" and table in read_contract().table_names
                    ):
                        _copy_scrubbed(con, schema, table)
            self._copy_raw(con, removed)
            con.execute("use aside")
            if _tables(con, "work", BOOKS):
                con.execute(f"create schema {VIEWS}")
                make_views(con)
            con.execute("use memory")
        return removed

    def _copy_raw(self, con: duckdb.DuckDBPyConnection, removed: Removed) -> None:
        columns = "input varchar, file varchar, line bigint, amount decimal(18, 2)"
        con.execute(f"create temp table gone ({columns})")
        tests = Tombstones(con, self._key, self._tokens, self._learnt)
        for table in read_contract().tables:
            names = _columns(con, "raw", table.name)
            given = {name: _name(name) for name in names if name not in LOADER_COLUMNS}
            found = tests.filter(table.name, False, given)
            source = f'work.raw."{table.name}"'
            con.execute(
                f"insert into gone select {quoted(table.name)},"
                " coalesce(_file, '(no file recorded)'), _line,"
                f" {_amount(con, table.name, found.amount)} from {source} as landed"
                f" where {found.is_erased}"
            )
            kept = ", ".join(f"{value} as {_name(name)}" for name, value in found.values.items())
            con.execute(
                f'create table aside.raw."{table.name}" as select {kept}, _file, _line, _loaded_at'
                f" from {source} where not ({found.is_erased})"
            )
            differs = " or ".join(
                f"{value} is distinct from {_name(name)}"
                for name, value in found.values.items()
                if value != given[name]
            )
            blanked = con.execute(
                f"select count(*) from {source}"
                f" where not ({found.is_erased}) and ({differs or 'false'})"
            ).fetchone()[0]
            if blanked:
                removed.blanked[table.name] = blanked
        rows = con.execute("select input, count(*) from gone group by input order by input")
        removed.rows = dict(rows.fetchall())
        self._copy_sources(con, tests, removed)
        self._drop_lines(con, tests, removed)
        _count_erased(con, "raw")
        removed.lines = con.execute(
            "select distinct gone.file, gone.line, files.content_hash from gone"
            " inner join work.raw.files on files.input = gone.input and files.file = gone.file"
            " where gone.line is not null and files.content_hash is not null"
        ).fetchall()

    def _copy_sources(
        self, con: duckdb.DuckDBPyConnection, tests: Tombstones, removed: Removed
    ) -> None:
        """Files of a mapping: rows that became rows of the person, and all that name the person."""
        if not _tables(con, "work", BOOKS):
            return
        for table in _tables(con, "work", ROWS):
            names = [n for n in _columns(con, ROWS, table) if n not in LOADER_COLUMNS]
            source = f"work.{ROWS}.{_name(table)}"
            gave = (
                "(_file, _line) in (select (file, line) from gone where file in"
                f" (select file from work.{BOOKS}.files where input = {quoted(table)}))"
            )
            for name in names:
                if con.execute(
                    f"select 1 from {source} where {gave} and erased_person({_name(name)}) limit 1"
                ).fetchone():
                    tests.learn(table, name)
                    removed.person_columns.append([table, name])
            found = tests.filter(table, True, {name: _name(name) for name in names})
            con.execute(
                f"create table aside.{ROWS}.{_name(table)} as from {source}"
                f" where not ({gave}) and not ({found.is_erased})"
            )
            con.execute(
                f"insert into aside.{BOOKS}.erased_rows (input, file, row_count)"
                f" select {quoted(table)}, _file, count(*) from {source}"
                f" where not ({gave}) and ({found.is_erased}) group by _file"
            )
            _add_up(con, BOOKS)

    def _drop_lines(
        self, con: duckdb.DuckDBPyConnection, tests: Tombstones, removed: Removed
    ) -> None:
        """Malformed lines that name the person."""
        for schema in ("raw", BOOKS):
            if not _tables(con, "work", schema):
                continue
            lines = con.execute(
                f"select input, file, line_number, row_text from work.{schema}.malformed_lines"
            ).fetchall()
            named = [line[:3] for line in lines if tests.named_in(line[3] or "")]
            for line in named:
                con.execute(
                    f"delete from aside.{schema}.malformed_lines"
                    " where input = $1 and file = $2 and line_number = $3",
                    list(line),
                )
                if schema == "raw":
                    con.execute("insert into gone values ($1, $2, $3, null)", list(line))
                    removed.rows[line[0]] = removed.rows.get(line[0], 0) + 1
                else:
                    con.execute(
                        f"insert into aside.{BOOKS}.erased_rows (input, file, row_count)"
                        " values ($1, $2, 1)",
                        list(line[:2]),
                    )
            _recount_malformed(con, schema)
            if schema == BOOKS:
                _add_up(con, BOOKS)

    @contextlib.contextmanager
    def _aside(self, file: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        """A connection, and a fresh file that takes the place of the old one at the end."""
        aside = file.with_name(f".{file.name}.{os.getpid()}.new")
        aside.unlink(missing_ok=True)
        try:
            with duckdb.connect() as con:
                con.execute("set enable_progress_bar = false")
                con.execute(f"set temp_directory = {quoted(file.parent / '.load-erase')}")
                yield con, aside
                con.execute("checkpoint aside")
                con.execute("detach aside")
            sync(aside)
            if file.exists():
                shutil.copymode(file, aside)
            aside.replace(file)
            Path(f"{file}.wal").unlink(missing_ok=True)
            sync(file.parent)
        finally:
            aside.unlink(missing_ok=True)
            Path(f"{aside}.wal").unlink(missing_ok=True)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _schemas(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute(
        "select distinct schema_name from duckdb_tables() where database_name = 'work'"
        " and not list_contains($1, schema_name) order by schema_name",
        [[*BUILT, VIEWS]],
    )
    return [row[0] for row in found.fetchall()]


def _tables(con: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    found = con.execute(
        "select table_name from duckdb_tables() where database_name = $1 and schema_name = $2"
        " order by table_name",
        [database, schema],
    )
    return [row[0] for row in found.fetchall()]


def _columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = 'work'"
        " and schema_name = $1 and table_name = $2 order by column_index",
        [schema, table],
    )
    return [row[0] for row in found.fetchall()]


def _texts(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = 'work'"
        " and schema_name = $1 and table_name = $2 and data_type = 'VARCHAR'",
        [schema, table],
    )
    return [row[0] for row in found.fetchall()]


def _copy_scrubbed(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """A table without rows of the person; other texts that name the person become a mark. What is
    known of the last build is left behind: the next one builds everything."""
    texts = _texts(con, schema, table)
    tests = [f"erased_person({_name(name)})" for name in texts if name in PERSONS]
    tests += [f"erased_json({_name(name)})" for name in texts if name == "row_text"]
    marked = [
        f"case when erased_text({_name(name)}) then {quoted(MARK)} else {_name(name)} end"
        f" as {_name(name)}"
        for name in texts
        if name not in PERSONS
    ]
    replace = f" replace ({', '.join(marked)})" if marked else ""
    where = f" where not ({' or '.join(tests)})" if tests and table != "malformed_lines" else ""
    if schema == "raw" and table in STATE:
        where = " where false"
    place = f"{_name(schema)}.{_name(table)}"
    con.execute(f"create table aside.{place} as select *{replace} from work.{place}{where}")


def _amount(con: duckdb.DuckDBPyConnection, table: str, simple: str) -> str:
    """The money of a landed row as staging read it, where it was built; else as plain decimals."""
    if f"base_{table}" not in _tables(con, "work", "staging"):
        return simple
    return (
        f"coalesce((select max(base.accounted_amount) from work.staging.base_{table} as base"
        f" where base.file = landed._file and base.file_line = landed._line), {simple})"
    )


def _count_erased(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    con.execute(
        f"insert into aside.{schema}.erased_rows (input, file, row_count, amount)"
        " select input, file, count(*), sum(amount) from gone group by input, file"
    )
    _add_up(con, schema)


def _add_up(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """One line per input, file and source, so that nobody reads two persons apart."""
    con.execute(
        f"create or replace temp table counted as select input, file,"
        " sum(row_count)::bigint as row_count, sum(amount)::decimal(18, 2) as amount, source"
        f" from aside.{schema}.erased_rows group by input, file, source"
    )
    con.execute(f"delete from aside.{schema}.erased_rows")
    con.execute(f"insert into aside.{schema}.erased_rows by name from counted")


def _recount_malformed(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    con.execute(
        f"update aside.{schema}.files set malformed_count = (select count(*)"
        f" from aside.{schema}.malformed_lines as lines"
        " where lines.input = files.input and lines.file = files.file)"
    )


# What is made again, and what is left ----------------------------------------------------------


def remove_traces(warehouse: Warehouse) -> list[str]:
    """Remove what a refresh makes again and what killed runs left behind; names of it."""
    found = [warehouse.folder / name for name in MADE_AGAIN]
    found += [path for pattern in LEFT_BEHIND for path in warehouse.folder.glob(pattern)]
    found = sorted(path for path in found if path.exists())
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [str(path.relative_to(warehouse.folder)) for path in found]


def search(folder: Path, needles: Sequence[str], passed_over: Sequence[Path]) -> tuple[int, list]:
    """Files below a folder that were searched, and those that hold one of the texts as a word.

    DuckDB and Parquet files compress, so their values are searched; of all others the bytes.
    """
    telling = [needle for needle in needles if is_telling(needle)]
    if not telling:
        return 0, []
    pattern = _pattern(telling)
    count, found = 0, []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(path.is_relative_to(other) for other in passed_over):
            continue
        count += 1
        is_packed = path.suffix in (".duckdb", ".parquet")
        if _has_value(path, pattern) if is_packed else _has_bytes(path, pattern):
            found.append(path)
    return count, found


def _pattern(needles: Sequence[str]) -> str:
    """C1 as a word: in C12 it is another id, and so is c1. As JSON writes it, too."""
    written = {form for needle in needles for form in (needle, json.dumps(needle)[1:-1])}
    either = "|".join(_folded(re.escape(form), form) for form in sorted(written))
    return f"(^|[^0-9A-Za-z])({either})($|[^0-9A-Za-z])"


def _folded(pattern: str, text: str) -> str:
    """Case counts in ids, and not in addresses."""
    return f"(?i:{pattern})" if "@" in text else pattern


def _has_bytes(path: Path, pattern: str) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return re.search(pattern.encode(), text) is not None


def _has_value(path: Path, pattern: str) -> bool:
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        if path.suffix == ".parquet":
            return _holds(con, f"read_parquet({quoted(path)})", pattern)
        con.execute(f"attach {quoted(path)} as work (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'work'"
        ).fetchall()
        return any(
            _holds(con, f"work.{_name(schema)}.{_name(table)}", pattern) for schema, table in tables
        )


def _holds(con: duckdb.DuckDBPyConnection, source: str, pattern: str) -> bool:
    described = con.execute(f"describe from {source}").fetchall()
    tests = [
        f"regexp_matches({_name(name)}, $1)" for name, kind, *_ in described if kind == "VARCHAR"
    ]
    if not tests:
        return False
    found = con.execute(f"select 1 from {source} where {' or '.join(tests)} limit 1", [pattern])
    return found.fetchone() is not None


def landed_lines(
    folder: Path, needles: Sequence[str], removed: Sequence[tuple[str, int, str]]
) -> list[str]:
    """`file:line` of each line of landed files that was removed from the warehouse, or in which one
    of the texts stands as a word. Of a Parquet file, `file:row`; a file that cannot be read, alone.
    """
    telling = {_as_compared(needle) for needle in needles if is_telling(needle)}
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(folder))
        lines = {line for file, line, content in removed if file == name}
        if lines:
            content = hash_of(path)
            lines = {line for file, line, known in removed if (file, known) == (name, content)}
        try:
            lines |= set(_lines_with(path, telling))
        except (OSError, EOFError, duckdb.Error):
            found.append(name)
        found += [f"{name}:{number}" for number in sorted(lines)]
    return found


def hash_of(path: Path) -> str:
    """SHA-256 of the bytes, as the ledger has it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines_with(path: Path, telling: set[str]) -> Iterator[int]:
    if path.suffix == ".parquet":
        yield from _rows_with(path, telling)
        return
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            text = line.decode("utf-8", "replace")
            folded = text.lower()
            if any(needle.lower() in folded for needle in telling) and any(
                _as_compared(form) in telling
                for word in words(text)
                for form in (word, word.rstrip(".!?"))
            ):
                yield number


def _as_compared(text: str) -> str:
    """Case counts in ids, and not in addresses."""
    return text.lower() if "@" in text else text


def _rows_with(path: Path, telling: set[str]) -> Iterator[int]:
    with duckdb.connect() as con:
        source = f"read_parquet({quoted(path)}, file_row_number = true)"
        names = [row[0] for row in con.execute(f"describe from {source}").fetchall()]
        con.execute(
            "create temp macro compared(v) as (case when contains(v, '@') then lower(v) else v end)"
        )
        values = ", ".join(f"compared({_name(name)}::varchar)" for name in names)
        rows = con.execute(
            f"select file_row_number + 1 from {source}"
            f" where list_has_any([{values}], $1::varchar[]) order by 1",
            [sorted(telling)],
        )
        yield from (row[0] for row in rows.fetchall())
