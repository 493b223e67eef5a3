"""Mappings: one SELECT per input of the contract, over source files with columns of their own.

Source files land as text in the schema `landed`, with their ledger in `landed_books`. A mapping
sees them as views `landing.<name>`, without files that only repeat the content of another.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from evergreen.contract import Contract, Table, ledger_ddl
from evergreen.errors import InputRefused
from evergreen.incremental import note_changes
from evergreen.load_readers import Sink, check_types, literal, make_landing_table, nearest, quoted
from evergreen.tombstones import Tombstones

ROWS, BOOKS, VIEWS = "landed", "landed_books", "landing"


@dataclass(frozen=True)
class Mapping:
    """The SELECT that makes one input, and the names of the landing tables that it reads."""

    table: Table
    name: str
    sql: str
    sources: tuple[str, ...]


def read_mappings(folder: Path, contract: Contract) -> dict[str, Mapping]:
    """Mappings of a folder by input, in the order of the contract. Raises InputRefused."""
    if not folder.is_dir():
        raise InputRefused(f"The mapping folder {folder} is not there. Name one under mappings/.")
    files = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    if not files:
        raise InputRefused(
            f"The mapping folder {folder} holds no .sql file. "
            "Write one <input>.sql for each input that you want to fill."
        )
    for stem, path in files.items():
        if stem not in contract.table_names:
            raise InputRefused(
                f'{path.name}: "{stem}" is no input of the contract.'
                f"{nearest(stem, contract.table_names)} "
                f"Inputs: {', '.join(contract.table_names)}."
            )
    return {
        table.name: _read_mapping(files[table.name], table)
        for table in contract.tables
        if table.name in files
    }


def _read_mapping(path: Path, table: Table) -> Mapping:
    name = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"{name}: cannot be read as UTF-8 text ({error}).") from None
    # A connection of its own: a failed statement would end the load's transaction.
    with duckdb.connect() as con:
        try:
            statements = con.extract_statements(text)
        except duckdb.Error as error:
            raise InputRefused(_sql_error(name, error)) from None
        kinds = [statement.type for statement in statements]
        if kinds != [duckdb.StatementType.SELECT]:
            found = ", ".join(kind.name for kind in kinds) or "nothing"
            raise InputRefused(f"{name}: a mapping is a single SELECT; found {found}.")
        tree = con.execute("select json_serialize_sql($1::varchar)", [text]).fetchone()[0]
    return Mapping(table, name, text, tuple(sorted(set(_landing_tables(json.loads(tree))))))


def _landing_tables(node: object) -> Iterator[str]:
    """Names of the landing tables in a parsed statement."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and str(node.get("schema_name")).lower() == VIEWS:
            yield node["table_name"].lower()
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _landing_tables(child)


def _sql_error(name: str, error: duckdb.Error) -> str:
    return f"{name}: {str(error).strip().splitlines()[0]} Mend the mapping and load again."


def source_name(stem: str) -> str:
    """Name of the landing table of a file stem or folder: lower case, letters, digits, _."""
    return re.sub(r"[^a-z0-9]", "_", stem.lower())


def source_sink(name: str) -> Sink:
    """Where the files of one source go."""
    return Sink(ROWS, name, BOOKS)


def prepare_sources(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the schemas and the ledger of the source files."""
    for schema in (ROWS, BOOKS, VIEWS):
        con.execute(f"create schema if not exists {schema}")
    for statement in ledger_ddl(contract, BOOKS):
        con.execute(statement)
    con.execute(f"create table if not exists {BOOKS}.mappings (input varchar, built_from varchar)")


def known_sources(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the sources that have ever landed."""
    rows = con.execute(f"select distinct input from {BOOKS}.files order by input").fetchall()
    return [row[0] for row in rows]


def make_views(con: duckdb.DuckDBPyConnection) -> None:
    """One view `landing.<name>` per source, without the rows of duplicate files.

    A mapping may add up or join: with a file delivered twice, sums would double.
    """
    for name in known_sources(con):
        make_landing_table(con, source_sink(name), [])
        con.execute(
            f"create or replace view {VIEWS}.{quoted(name)} as from {ROWS}.{quoted(name)}"
            f" where _file not in (select file from {BOOKS}.files"
            f" where input = {literal(name)} and duplicate_of is not null)"
        )


def apply_mapping(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, loaded_at: datetime, erased: Tombstones
) -> bool:
    """Rebuild one input if its sources or its SQL changed; whether it was rebuilt."""
    built_from = _built_from(con, mapping)
    known = con.execute(
        f"select built_from from {BOOKS}.mappings where input = $1", [mapping.table.name]
    ).fetchone()
    if known and known[0] == built_from:
        return False
    _run(con, mapping)
    _check_output(con, mapping)
    _replace_rows(con, mapping, loaded_at, erased)
    con.execute(f"delete from {BOOKS}.mappings where input = $1", [mapping.table.name])
    con.execute(f"insert into {BOOKS}.mappings values ($1, $2)", [mapping.table.name, built_from])
    return True


def _built_from(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """Hash of the SQL, the contract's columns and the content of every file that it reads."""
    files = con.execute(
        f"select input, file, content_hash, duplicate_of from {BOOKS}.files"
        " where list_contains($1, input) order by all",
        [list(mapping.sources)],
    ).fetchall()
    told = repr((mapping.sql, mapping.table.column_names, files))
    return hashlib.sha256(told.encode()).hexdigest()


def _run(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    try:
        con.execute(f"create or replace temp table mapped as\n{mapping.sql}")
    except duckdb.Error as error:
        raise InputRefused(_sql_error(mapping.name, error)) from None


def _check_output(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Required columns, types, and rows that name the file and line that they come from."""
    table = mapping.table
    described = [(row[0], row[1]) for row in con.execute("describe mapped").fetchall()]
    names = [name.lower() for name, _ in described]
    for column in ("_file", "_line"):
        if column not in names:
            raise InputRefused(
                f"{mapping.name}: the output has no column {column}. Select _file and _line of the "
                f"landing table that a row stands for, so that the row can be traced."
            )
    for column in table.required_columns:
        if column not in names:
            raise InputRefused(
                f'{mapping.name}: the required column "{column}" of {table.name} is missing. '
                f"The output has: {', '.join(names)}.{nearest(column, names)}"
            )
    ids = {column.name for column in table.columns if column.kind == "id"}
    check_types(mapping.name, [(name, kind, name.lower() in ids) for name, kind in described])
    strange = con.execute(
        "select count(*), any_value(_file) from mapped where _line is null or _file is null"
        f" or _file not in (select file from {BOOKS}.files)"
    ).fetchone()
    if strange[0]:
        raise InputRefused(
            f"{mapping.name}: {strange[0]} rows do not name the file and line that they come from "
            f"(_file is {strange[1]!r}). Take _file and _line from the table of the FROM clause."
        )


def _replace_rows(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, loaded_at: datetime, erased: Tombstones
) -> None:
    """Swap the input's rows and ledger lines for those of `mapped`."""
    table = f"raw.{quoted(mapping.table.name)}"
    con.execute(f"create or replace temp table old_rows as from {table}")
    con.execute(f"delete from {table}")
    _insert_mapped(con, mapping, loaded_at, erased)
    note_changes(con, mapping.table, table, "old_rows")
    con.execute(
        "create or replace temp table withdrawn as select _file, count(*) as row_count from ("
        " select * exclude (_line, _loaded_at) from old_rows"
        f" except all select * exclude (_line, _loaded_at) from {table}) group by _file"
    )
    _write_ledger(con, mapping, loaded_at)
    for name in ("old_rows", "withdrawn", "mapped"):
        con.execute(f"drop table {name}")


def _insert_mapped(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, loaded_at: datetime, erased: Tombstones
) -> None:
    """Insert the rows of `mapped`; those of erased persons are counted and stay outside."""
    name = mapping.table.name
    names = [row[0] for row in con.execute("describe mapped").fetchall()]
    given = {name.lower(): name for name in names}
    known = [column for column in mapping.table.column_names if column in given]
    extras = [n for n in names if n.lower() not in {*known, "_file", "_line"}]
    values = {column: f"{quoted(given[column])}::varchar" for column in known}
    if extras:
        pairs = ", ".join(f"{literal(n)}, {quoted(n)}::varchar" for n in extras)
        values["_extra"] = f"json_object({pairs})::varchar"
    con.execute("delete from raw.erased_rows where input = $1", [name])
    condition = ""
    if erased:
        found = erased.filter(name, False, values)
        values, condition = found.values, f" where not ({found.is_erased})"
        con.execute(
            "insert into raw.erased_rows (input, file, row_count, amount)"
            f" select $1, _file, count(*), sum({found.amount}) from mapped"
            f" where {found.is_erased} group by _file",
            [name],
        )
    con.execute(
        f"insert into raw.{quoted(name)}"
        f" ({', '.join([*map(quoted, values), '_file', '_line', '_loaded_at'])})"
        f" select {', '.join([*values.values(), '_file', '_line', '$1'])} from mapped{condition}",
        [loaded_at],
    )


def _write_ledger(con: duckdb.DuckDBPyConnection, mapping: Mapping, loaded_at: datetime) -> None:
    """One line for each file that gave rows; of a mapping that gave none, for each that it reads.

    A file that repeats another of its source gets a line of 0 rows that names the other.
    """
    name = mapping.table.name
    con.execute("delete from raw.files where input = $1", [name])
    con.execute("delete from raw.malformed_lines where input = $1", [name])
    con.execute(
        f"""
        insert into raw.files (input, file, content_hash, size_bytes, landed_count, malformed_count,
            withdrawn_count, duplicate_of, status, is_demo, loaded_at)
        select $input, sources.file, sources.content_hash, sources.size_bytes,
            coalesce(given.row_count, 0), 0, coalesce(withdrawn.row_count, 0),
            sources.duplicate_of, sources.status, false, $loaded_at
        from {BOOKS}.files as sources
        left join (select _file, count(*) as row_count from mapped group by _file) as given
            on given._file = sources.file
        left join withdrawn on withdrawn._file = sources.file
        where given.row_count is not null
            or (list_contains($sources, sources.input)
                and (sources.duplicate_of is not null or (select count(*) from mapped) = 0))
        """,
        {"input": name, "sources": list(mapping.sources), "loaded_at": loaded_at},
    )


def settle_ledger(
    con: duckdb.DuckDBPyConnection, mappings: Sequence[Mapping], loaded_at: datetime
) -> None:
    """Carry over what changes without a rebuild: the status of files, malformed lines, and rows of
    erased persons that no mapping ever saw.

    A file's malformed lines are counted once: with the first input whose mapping reads it.
    """
    con.execute(
        "update raw.files set landed_count = landed_count - erased_rows.row_count"
        " from raw.erased_rows where files.input = erased_rows.input"
        " and files.file = erased_rows.file and erased_rows.source is not null"
    )
    con.execute("delete from raw.erased_rows where source is not null")
    con.execute(
        "delete from raw.malformed_lines where list_contains($1, input)",
        [[mapping.table.name for mapping in mappings]],
    )
    con.execute(
        "update raw.files set landed_count = landed_count - malformed_count, malformed_count = 0"
        " where list_contains($1, input) and malformed_count > 0",
        [[mapping.table.name for mapping in mappings]],
    )
    con.execute(
        f"update raw.files set status = sources.status from {BOOKS}.files as sources"
        " where list_contains($1, files.input) and files.file = sources.file"
        " and files.status <> sources.status",
        [[mapping.table.name for mapping in mappings]],
    )
    for source in known_sources(con):
        readers = [mapping for mapping in mappings if source in mapping.sources]
        if readers:
            _settle_source(con, source, readers[0].table.name, loaded_at)


def _settle_source(
    con: duckdb.DuckDBPyConnection, source: str, name: str, loaded_at: datetime
) -> None:
    con.execute(
        f"insert into raw.malformed_lines by name select * replace ($1 as input)"
        f" from {BOOKS}.malformed_lines where input = $2",
        [name, source],
    )
    con.execute(
        f"""
        insert into raw.files (input, file, content_hash, size_bytes, landed_count, malformed_count,
            withdrawn_count, duplicate_of, status, is_demo, loaded_at)
        select $input, file, content_hash, size_bytes, 0, 0, 0, duplicate_of, status, false,
            $loaded_at
        from {BOOKS}.files as sources
        where input = $source and (malformed_count > 0 or file in (
            select file from {BOOKS}.erased_rows where input = $source)) and not exists (
            select 1 from raw.files where files.input = $input and files.file = sources.file)
        """,
        {"input": name, "source": source, "loaded_at": loaded_at},
    )
    con.execute(
        f"""
        update raw.files set
            landed_count = files.landed_count + sources.malformed_count,
            malformed_count = sources.malformed_count
        from {BOOKS}.files as sources
        where files.input = $1 and sources.input = $2 and files.file = sources.file
        """,
        [name, source],
    )
    con.execute(
        "insert into raw.erased_rows select $1, file, row_count, amount, input"
        f" from {BOOKS}.erased_rows where input = $2",
        [name, source],
    )
    con.execute(
        f"""
        update raw.files set landed_count = files.landed_count + sources.row_count
        from {BOOKS}.erased_rows as sources
        where files.input = $1 and sources.input = $2 and files.file = sources.file
        """,
        [name, source],
    )


def unused_rows(con: duckdb.DuckDBPyConnection, mappings: Sequence[Mapping]) -> list[str]:
    """Notes on source rows that stand in no input under their own line."""
    used = " union all ".join(
        f"select _file, _line from raw.{quoted(mapping.table.name)}" for mapping in mappings
    )
    notes = []
    for source in known_sources(con):
        rows = con.execute(
            f"""
            select landed._file, count(*), count(*) filter (used._line is null)
            from {VIEWS}.{quoted(source)} as landed
            left join (select distinct _file, _line from ({used})) as used
                on used._file = landed._file and used._line = landed._line
            group by landed._file order by landed._file
            """
        ).fetchall()
        is_read = any(source in mapping.sources for mapping in mappings)
        notes += [note for row in rows if (note := _unused_note(*row, is_read))]
    return notes


def _unused_note(file: str, row_count: int, unused_count: int, is_read: bool) -> str | None:
    if not is_read:
        return f"{file}: no mapping reads it; its {row_count} rows reached no input"
    if unused_count == row_count:
        return (
            f"{file}: its {row_count} rows are looked up or added up only, none is a row of its own"
        )
    if unused_count:
        return f"{unused_count} of {row_count} rows of {file} reached no input"
    return None
