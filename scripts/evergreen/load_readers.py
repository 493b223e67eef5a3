"""From one landed file into one table of text, by DuckDB's own readers.

Every row gets the file and the physical line on which it starts. A file whose lines all stand for
one record each is read in one go. A file with blank lines, line breaks in quotes, mixed line ends,
malformed lines or repeated headers is cut into records first (`_Records`), because DuckDB numbers
records and not lines, swallows what follows a quote that is never closed, and reads nothing of a
file whose line ends it guessed wrong: all of them without an error.
"""

import csv
import difflib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from evergreen.errors import EvergreenError, InputRefused
from evergreen.load_files import LandedFile, TextFacts, check_text, text_lines, unpack
from evergreen.tombstones import Tombstones

MAX_COLUMNS = 2000
MAX_RECORD_CHARS = 4_000_000
# A character of UTF-8 takes up to 4 bytes.
MAX_LINE_BYTES = 4 * MAX_RECORD_CHARS
DELIMITERS = (",", ";", "\t", "|")
MALFORMED_BATCH = 5_000
LOADER_COLUMNS = ("_file", "_line", "_loaded_at")
# No JSON text holds this character unescaped.
JSON_DELIMITER = "\x01"
# Runs of (strings or anything that is no number), then a number: the number gets quotes, because
# DuckDB's JSON functions take 1.10 through a double. The last match always adds one empty pair.
# DuckDB calls -Infinity and -NaN valid JSON too.
QUOTE_NUMBERS = r"""((?:"(?:[^"\\]|\\.)*"|[^"0-9-])+)(-?[0-9][0-9eE.+-]*|-[A-Za-z]+)?"""

csv.field_size_limit(MAX_LINE_BYTES)


@dataclass(frozen=True)
class Plan:
    """Which column of a file goes where: (column of the table, position in the file)."""

    columns: tuple[tuple[str, int], ...]
    extras: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Sink:
    """The table that takes a file's rows, and the schema that holds its ledger.

    `columns` None means: any columns, taken as they come.
    """

    schema: str
    name: str
    books: str
    columns: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()
    id_columns: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What names a row: the table's own id, and the line within it."""
        return tuple(
            name for place, name in enumerate(self.id_columns) if not place or name == "line_number"
        )

    @property
    def table(self) -> str:
        """Quoted name with schema."""
        return f"{self.schema}.{quoted(self.name)}"


@dataclass
class Batch:
    """One load: where it writes, when, and where it may put files for the while."""

    con: duckdb.DuckDBPyConnection
    loaded_at: datetime
    scratch: Path
    tombstones: Tombstones | None = None


@dataclass
class ReadResult:
    """Rows and malformed lines of one file, and what is worth saying about it.

    Rows of erased persons are counted, with their money, and neither rows nor malformed lines.
    """

    row_count: int = 0
    malformed_count: int = 0
    erased_count: int = 0
    erased_amount: Decimal | None = None
    extras: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def add(self, inserted: "ReadResult") -> None:
        """Count what one statement inserted too."""
        self.row_count += inserted.row_count
        self.erased_count += inserted.erased_count
        self.erased_amount = inserted.erased_amount


@dataclass(frozen=True)
class _Malformed:
    line: int
    reason: str
    detail: str
    text: str


def quoted(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def read_file(batch: Batch, file: LandedFile, sink: Sink) -> ReadResult:
    """Load one file into the sink's table. Raises InputRefused."""
    reader = {"csv": _read_csv, "json": _read_json, "parquet": _read_parquet}[file.format]
    with tempfile.TemporaryDirectory(dir=batch.scratch) as folder:
        # A plain name: quotes, stars and brackets in names mean nothing to the reader.
        path = Path(folder) / "input"
        if file.is_gzip:
            # DuckDB does not read every gzip file: not those with a comment, or with padding.
            unpack(file, path)
        else:
            path.symlink_to(file.path)
        return reader(batch, replace(file, path=path), sink)


def plan_columns(file: LandedFile, sink: Sink, names: Sequence[str], place: str = "") -> Plan:
    """Match a file's column names to the sink's. Raises InputRefused, naming the column."""
    names = [name.strip() for name in names]
    _check_names(file, names)
    if sink.columns is None:
        for number, name in enumerate(names, start=1):
            if name.lower() in LOADER_COLUMNS:
                raise InputRefused(_loader_name(file, name))
            if not name:
                raise InputRefused(
                    f"{file.name}: column {number} has no name, so no mapping could read it. "
                    "Name it, or leave it out."
                )
        return Plan(tuple((name.lower(), i) for i, name in enumerate(names)))
    positions = {name.lower(): i for i, name in enumerate(names)}
    for column in sink.required:
        if column.lower() not in positions:
            raise InputRefused(_missing_column(file, sink, column, names, place))
    known = tuple((c, positions[c.lower()]) for c in sink.columns if c.lower() in positions)
    taken = {i for _, i in known}
    extras = tuple((name, i) for i, name in enumerate(names) if i not in taken)
    return Plan(known, extras)


def _loader_name(file: LandedFile, name: str) -> str:
    return f'{file.name}: the column "{name}" has a name that the loader itself uses. Rename it.'


def nearest(name: str, names: Sequence[str]) -> str:
    """A half-sentence with the most similar name, or nothing."""
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.5)
    return f' The nearest is "{close[0]}": is that it?' if close else ""


def _missing_column(
    file: LandedFile, sink: Sink, column: str, names: Sequence[str], place: str
) -> str:
    there = ", ".join(names[:30]) + (" ..." if len(names) > 30 else "")
    return (
        f'{file.name}: the required column "{column}" of {sink.name} is missing{place}. '
        f"There are: {there}.{nearest(column, names)} "
        "Rename the column in the file, or write a mapping."
    )


def _check_names(file: LandedFile, names: Sequence[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise InputRefused(
            f"{file.name}: {len(names)} columns; at most {MAX_COLUMNS} are read. "
            "Leave out the columns that are not needed."
        )
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise InputRefused(
                f'{file.name}: the column "{name}" stands there twice (as '
                f'"{seen[name.lower()]}" and "{name}"). Rename or remove one of them.'
            )
        seen[name.lower()] = name


# Rows into the table ------------------------------------------------------------------------------


def _insert(
    batch: Batch, file: LandedFile, sink: Sink, plan: Plan, values: Sequence[str], source: str
) -> ReadResult:
    """Insert from `source`, which has a column `_n` (the line) and the given value expressions.

    Rows of erased persons are counted and stay outside.
    """
    selected = {column: values[i] for column, i in plan.columns}
    if sink.columns is None:
        make_landing_table(batch.con, sink, list(selected))
    elif plan.extras:
        selected["_extra"] = _extra(plan, values)
    result, condition = ReadResult(), ""
    if batch.tombstones:
        found = batch.tombstones.filter(sink.name, sink.columns is None, selected)
        selected, condition = found.values, f" where not ({found.is_erased})"
        result.erased_count, result.erased_amount = batch.con.execute(
            f"select count(*), sum({found.amount}) from {source} where {found.is_erased}"
        ).fetchone()
    columns = [*map(quoted, selected), "_file", "_line", "_loaded_at"]
    statement = (
        f"insert into {sink.table} ({', '.join(columns)}) "
        f"select {', '.join([*selected.values(), '$file', '_n', '$loaded_at'])} from {source}"
        f"{condition}"
    )
    row = batch.con.execute(statement, {"file": file.name, "loaded_at": batch.loaded_at}).fetchone()
    result.row_count = row[0]
    return result


def _extra(plan: Plan, values: Sequence[str]) -> str:
    """The unknown columns as one JSON object of texts."""
    pairs = ", ".join(f"{literal(name)}, {values[i]}" for name, i in plan.extras)
    return f"json_object({pairs})::varchar"


def make_landing_table(con: duckdb.DuckDBPyConnection, sink: Sink, columns: Sequence[str]) -> None:
    """Make the table of a source with columns of its own, or add the columns that are new."""
    names = [(column, "varchar") for column in columns]
    names += [("_file", "varchar"), ("_line", "bigint"), ("_loaded_at", "timestamp")]
    body = ", ".join(f"{quoted(name)} {kind}" for name, kind in names)
    con.execute(f"create table if not exists {sink.table} ({body})")
    for name, kind in names:
        con.execute(f"alter table {sink.table} add column if not exists {quoted(name)} {kind}")


def _insert_malformed(
    batch: Batch, file: LandedFile, sink: Sink, lines: Sequence[_Malformed], result: ReadResult
) -> None:
    """Insert and count; lines that name an erased person are counted as such."""
    kept = [
        line for line in lines if not (batch.tombstones and batch.tombstones.named_in(line.text))
    ]
    result.malformed_count += len(kept)
    result.erased_count += len(lines) - len(kept)
    batch.con.execute(
        f"insert into {sink.books}.malformed_lines"
        " (input, file, line_number, reason, detail, row_text, loaded_at)"
        " select $input, $file, unnest($lines::bigint[]), unnest($reasons::varchar[]),"
        " unnest($details::varchar[]), unnest($texts::varchar[]), $loaded_at",
        {
            "input": sink.name,
            "file": file.name,
            "lines": [line.line for line in kept],
            "reasons": [line.reason for line in kept],
            "details": [line.detail for line in kept],
            "texts": [line.text for line in kept],
            "loaded_at": batch.loaded_at,
        },
    )


# CSV ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CsvFile:
    """A CSV file whose header has been understood."""

    file: LandedFile
    sink: Sink
    facts: TextFacts
    header: list[str]
    delimiter: str
    plan: Plan

    @property
    def values(self) -> list[str]:
        """The reader's names of the columns."""
        return [f"c{i}" for i in range(len(self.header))]


def _read_csv(batch: Batch, file: LandedFile, sink: Sink) -> ReadResult:
    facts = check_text(file)
    header, delimiter = _header(file, sink)
    plan = plan_columns(file, sink, header, _guess_note(delimiter))
    csv_file = _CsvFile(file, sink, facts, header, delimiter, plan)
    result = _read_in_one_go(batch, csv_file) or _read_record_by_record(batch, csv_file)
    result.extras = tuple(name for name, _ in plan.extras)
    return result


def _read_in_one_go(batch: Batch, csv_file: _CsvFile) -> ReadResult | None:
    """What was inserted, if every line after the header is one record and a row; else None."""
    file, sink = csv_file.file, csv_file.sink
    if not csv_file.facts.is_uniform or len(csv_file.header) == 1:
        return None
    source = _csv_source(file.path, csv_file.values, csv_file.delimiter)
    numbered = f"(select *, row_number() over () + 1 as _n from {source})"
    result = _insert(batch, file, sink, csv_file.plan, csv_file.values, numbered)
    _drop_rejects(batch)
    count = result.row_count + result.erased_count
    if count + 1 == csv_file.facts.line_count and not _has_repeated_header(batch, csv_file):
        return result
    batch.con.execute(f"delete from {sink.table} where _file = $1", [file.name])
    return None


def _csv_source(path: Path, columns: Sequence[str], delimiter: str, is_clean: bool = False) -> str:
    """A call of read_csv. `is_clean`: cut into records by us, without a header."""
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = {not is_clean}, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}, "
        "compression = 'none', parallel = false, "
        f"max_line_size = {MAX_LINE_BYTES}, strict_mode = {not is_clean}, "
        "store_rejects = true, rejects_limit = 0)"
    )


def _drop_rejects(batch: Batch) -> None:
    batch.con.execute("drop table if exists reject_errors")
    batch.con.execute("drop table if exists reject_scans")


def _has_repeated_header(batch: Batch, csv_file: _CsvFile) -> bool:
    """Whether a row repeats the header, judged by the columns that the table has."""
    columns = csv_file.plan.columns
    tests = " and ".join(f"trim({quoted(column)}) = ?" for column, _ in columns)
    names = [csv_file.header[i] for _, i in columns]
    found = batch.con.execute(
        f"select 1 from {csv_file.sink.table} where _file = ? and {tests} limit 1",
        [csv_file.file.name, *names],
    ).fetchone()
    return found is not None


def _header(file: LandedFile, sink: Sink) -> tuple[list[str], str]:
    """Names in the first line, and the delimiter. Raises InputRefused."""
    first = next(text_lines(file), "").rstrip("\r\n")
    if not first.strip():
        raise InputRefused(
            f"{file.name}, line 1: an empty line where the header should be. "
            "The first line must hold the names of the columns."
        )
    found = {}
    for delimiter in DELIMITERS:
        try:
            names = next(csv.reader(text_lines(file), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        found[delimiter] = [name.strip() for name in names]
    if not found:
        raise InputRefused(
            f"{file.name}, line 1: the header cannot be read (a quote is not closed, or line ends "
            "are carriage returns alone). Write one line of column names, line ends LF or CRLF."
        )
    delimiter = _choose_delimiter(file, sink, found)
    return found[delimiter], delimiter


def _choose_delimiter(file: LandedFile, sink: Sink, headers: dict[str, list[str]]) -> str:
    if sink.columns is None:
        return _sniffed_delimiter(file, headers)
    known = {column.lower() for column in sink.columns}
    found = {d: known & {name.lower() for name in names} for d, names in headers.items()}
    # Sure when all required columns are found; if not, the refusal names this guess.
    return max(headers, key=lambda d: (len(found[d]), len(headers[d])))


def _guess_note(delimiter: str) -> str:
    names = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
    return f" (read with {names[delimiter]} between the columns)"


def _sniffed_delimiter(file: LandedFile, headers: dict[str, list[str]]) -> str:
    """Sure if one delimiter alone finds columns, or DuckDB's sniffer decides between several."""
    several = [delimiter for delimiter, names in headers.items() if len(names) > 1]
    if len(several) <= 1:
        return several[0] if several else ","
    try:
        # A connection of its own: a failed statement would end the load's transaction.
        with duckdb.connect() as con:
            guess = con.execute(
                f"select delimiter from sniff_csv({literal(str(file.path))}, compression = 'none')"
            ).fetchone()[0]
    except duckdb.Error:
        guess = "none"
    if guess not in several:
        raise InputRefused(
            f"{file.name}, line 1: it is not sure what stands between the columns (the guess is "
            f"{guess!r}). Use commas, and quotes around values that hold them."
        )
    return guess


def _read_record_by_record(batch: Batch, csv_file: _CsvFile) -> ReadResult:
    """Cut the file into records, set the malformed aside, and let DuckDB read the good ones."""
    file, sink = csv_file.file, csv_file.sink
    clean = file.path.with_name("clean.csv")
    result = ReadResult()
    malformed: list[_Malformed] = []
    written, last = 0, None
    with clean.open("w", encoding="utf-8", newline="") as stream:
        for last in _Records(text_lines(file), csv_file.delimiter, csv_file.header):
            if not isinstance(last, _Malformed):
                stream.write(f"{last[0]}{csv_file.delimiter}{last[1]}\n")
                written += 1
                continue
            malformed.append(last)
            if len(malformed) == MALFORMED_BATCH:
                _insert_malformed(batch, file, sink, malformed, result)
                malformed = []
    if malformed:
        _insert_malformed(batch, file, sink, malformed, result)
    source = _csv_source(clean, ["n", *csv_file.values], csv_file.delimiter, is_clean=True)
    numbered = f"(select *, n::bigint as _n from {source})"
    inserted = _insert(batch, file, sink, csv_file.plan, csv_file.values, numbered)
    _drop_rejects(batch)
    _check_all_read(file, written, inserted.row_count + inserted.erased_count)
    result.add(inserted)
    if isinstance(last, _Malformed) and not csv_file.facts.ends_with_newline:
        result.notes.append(_incomplete_note(file))
    return result


def _incomplete_note(file: LandedFile) -> str:
    return (
        f"{file.name}: the last line is malformed and has no line end: the file may be "
        "incomplete. Deliver it again if it is."
    )


class _Records:
    """The records of a CSV text below its header: (physical line, text) each, or _Malformed.

    A record that cannot be read costs its first line only: reading goes on with the line after it,
    so a quote that is never closed does not swallow the rows below it.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, header: Sequence[str]) -> None:
        self._lines = lines
        self._pushed: list[str] = []
        self._delimiter = delimiter
        self._header = list(header)
        # Of these alone a line is blank; a line of tabs between columns is a row without values.
        self._blanks = " \t\r\n".replace(delimiter, "")
        end = f"(?={re.escape(delimiter)}|\\Z)"
        self._field = re.compile(
            f' *"(?P<quoted>[^"]*(?:""[^"]*)*)" *{end}'
            f'|(?! *")(?P<plain>[^{re.escape(delimiter)}]*){end}'
        )
        self._line = 0

    def __iter__(self) -> Iterator[tuple[int, str] | _Malformed]:
        take = self._take()
        self._parse(next(take))
        for text in take:
            start = self._line
            if not text.strip(self._blanks):
                continue
            if '"' in text:
                consumed, fields, error = self._quoted(text)
                count = len(fields)
            else:
                consumed, fields, error = [text], None, _plain_error(text)
                count = text.count(self._delimiter) + 1
            body = "".join(consumed).removesuffix("\n").removesuffix("\r")
            if error is None and count != len(self._header):
                error = f"{count} fields instead of {len(self._header)}"
            if error is not None:
                yield _Malformed(start, "malformed_line", error, _cut(body))
            elif self._is_header(body, fields):
                yield _Malformed(start, "repeated_header", "The header line again.", _cut(body))
            else:
                yield start, body if fields is None else self._written(fields)

    def _take(self) -> Iterator[str]:
        while True:
            if self._pushed:
                text = self._pushed.pop()
            else:
                text = next(self._lines, None)
                if text is None:
                    return
            self._line += 1
            yield text

    def _parse(self, first: str) -> tuple[list[str], list[str], str | None]:
        """Fields of the record that starts with this line, over as many lines as it needs."""
        consumed: list[str] = []
        reader = csv.reader(self._feed(first, consumed), delimiter=self._delimiter, strict=True)
        try:
            fields = next(reader)
            return consumed, fields, None
        except csv.Error as error:
            self._line -= len(consumed) - 1
            self._pushed += reversed(consumed[1:])
            return consumed[:1], [], f"{error}"

    def _quoted(self, first: str) -> tuple[list[str], list[str], str | None]:
        """As `_parse`, but spaces around quotes belong to no value, as DuckDB reads them."""
        consumed, fields, error = self._parse(first)
        body = "".join(consumed).removesuffix("\n").removesuffix("\r")
        if error is None and ' "' not in body:
            return consumed, fields, None
        found: list[str] = []
        place = -1
        while place < len(body):
            match = self._field.match(body, place + 1)
            if match is None:
                return consumed, [], error or "a quote that is not closed, or text behind it"
            value = match["quoted"]
            found.append(match["plain"] if value is None else value.replace('""', '"'))
            place = match.end()
        return consumed, found, None

    def _written(self, fields: Sequence[str]) -> str:
        """The record with quotes around each value, so that DuckDB cuts it where we did."""
        return self._delimiter.join(
            '"' + field.replace('"', '""') + '"' if field else "" for field in fields
        )

    def _feed(self, first: str, consumed: list[str]) -> Iterator[str]:
        size = 0
        text: str | None = first
        take = self._take()
        while text is not None:
            consumed.append(text)
            size += len(text)
            if size > MAX_RECORD_CHARS:
                raise csv.Error(f"longer than {MAX_RECORD_CHARS} characters, or a quote not closed")
            yield text
            text = next(take, None)

    def _is_header(self, body: str, fields: list[str] | None) -> bool:
        if not body.lstrip(' "').startswith(self._header[0]):
            return False
        fields = fields or body.split(self._delimiter)
        return [name.strip() for name in fields] == self._header


def _plain_error(text: str) -> str | None:
    """What is wrong with a line without quotes, if anything."""
    if "\r" in text.removesuffix("\n").removesuffix("\r"):
        return "a carriage return inside a field without quotes"
    if len(text) > MAX_RECORD_CHARS:
        return f"longer than {MAX_RECORD_CHARS} characters"
    return None


def _cut(text: str) -> str:
    return text if len(text) <= MAX_RECORD_CHARS else text[:MAX_RECORD_CHARS] + " ..."


# JSON lines and Parquet ---------------------------------------------------------------------------


def _read_json(batch: Batch, file: LandedFile, sink: Sink) -> ReadResult:
    facts = check_text(file)
    invalid = _stage_json_lines(batch, file, facts)
    result = ReadResult()
    for i in range(0, len(invalid), MALFORMED_BATCH):
        _insert_malformed(batch, file, sink, invalid[i : i + MALFORMED_BATCH], result)
    if not facts.ends_with_newline and any(bad.line == facts.line_count for bad in invalid):
        result.notes.append(_incomplete_note(file))
    keys = _json_keys(batch)
    if keys or sink.columns is None:
        plan = plan_columns(file, sink, keys)
        _check_flat(batch, file, keys)
        values = [f"json_extract_string(_body, {literal(_json_pointer(key))})" for key in keys]
        result.add(_insert(batch, file, sink, plan, values, "json_lines"))
        result.extras = tuple(name for name, _ in plan.extras)
    batch.con.execute("drop table json_lines")
    return result


def _stage_json_lines(batch: Batch, file: LandedFile, facts: TextFacts) -> list[_Malformed]:
    """Make `json_lines` (_n, _body: the object, numbers in quotes); return the other lines."""
    con = batch.con
    if not (facts.is_uniform and _stage_lines_in_one_go(batch, file, facts)):
        _stage_lines_one_by_one(batch, file)
    con.execute(
        "create or replace temp table json_lines as select _n, text,"
        " case when json_valid(text) and json_type(text) = 'OBJECT'"
        "     and len(json_keys(text)) = len(list_distinct(json_keys(text)))"
        f" then regexp_replace(text, {literal(QUOTE_NUMBERS)}, '\\1\"\\2\"', 'g') end as _body"
        " from text_lines where trim(text, ' \t\r\n') <> ''"
    )
    con.execute("update json_lines set _body = left(_body, length(_body) - 2)")
    con.execute("drop table text_lines")
    return [
        _Malformed(line, "malformed_line", detail, text)
        for line, text, detail in con.execute(
            "delete from json_lines where _body is null returning _n, text,"
            " case when not json_valid(text) then 'No valid JSON.'"
            " when json_type(text) <> 'OBJECT' then 'No JSON object.'"
            " else 'A key stands twice in the object.' end"
        ).fetchall()
    ]


def _line_source(path: Path, columns: Sequence[str]) -> str:
    """A call of read_csv that reads whole lines."""
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false, "
        f"delim = {literal(JSON_DELIMITER)}, quote = '', escape = '', columns = {{{types}}}, "
        "compression = 'none', parallel = false, "
        f"max_line_size = {MAX_LINE_BYTES}, strict_mode = false, "
        "store_rejects = true, rejects_limit = 0)"
    )


def _stage_lines_in_one_go(batch: Batch, file: LandedFile, facts: TextFacts) -> bool:
    """Make `text_lines` (_n, text); false if the reader left out a line."""
    batch.con.execute(
        "create or replace temp table text_lines as select row_number() over () as _n, text"
        f" from {_line_source(file.path, ['text'])}"
    )
    rejected = batch.con.execute("select count(*) from reject_errors").fetchone()[0]
    _drop_rejects(batch)
    read = batch.con.execute("select count(*) from text_lines").fetchone()[0]
    return rejected == 0 and read >= facts.line_count


def _stage_lines_one_by_one(batch: Batch, file: LandedFile) -> None:
    """`text_lines` of a file that read_csv does not cut where its line feeds are."""
    clean = file.path.with_name("clean.txt")
    written = 0
    with clean.open("w", encoding="utf-8", newline="") as stream:
        for line, text in enumerate(text_lines(file), start=1):
            body = text.rstrip("\r\n").replace("\r", " ").replace(JSON_DELIMITER, "\ufffd")
            stream.write(f"{line}{JSON_DELIMITER}{_cut(body)}\n")
            written += 1
    batch.con.execute(
        "create or replace temp table text_lines as select n::bigint as _n, text"
        f" from {_line_source(clean, ['n', 'text'])}"
    )
    _drop_rejects(batch)
    row = batch.con.execute("select count(*) from text_lines").fetchone()
    _check_all_read(file, written, row[0])


def _check_all_read(file: LandedFile, written: int, read: int) -> None:
    if read != written:
        raise EvergreenError(
            f"{file.name}: {written} records were found, but {read} were read. "
            "Nothing was changed. Please report this with the file."
        )


def _json_keys(batch: Batch) -> list[str]:
    """All keys of the file, in the order in which they first appear."""
    rows = batch.con.execute(
        "select key from (select _n, unnest(json_keys(_body)) as key,"
        " generate_subscripts(json_keys(_body), 1) as position from json_lines)"
        " group by key order by min(_n), min(position), key"
    ).fetchall()
    return [row[0] for row in rows]


def _json_pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _check_flat(batch: Batch, file: LandedFile, keys: Sequence[str]) -> None:
    firsts = ", ".join(
        f"min(_n) filter (json_type(_body, {literal(_json_pointer(key))}) in ('OBJECT', 'ARRAY'))"
        for key in keys
    )
    if not keys:
        return
    lines = batch.con.execute(f"select {firsts} from json_lines").fetchone()
    for key, line in zip(keys, lines, strict=True):
        if line is not None:
            raise InputRefused(
                f'{file.name}, line {line}: the value of "{key}" is nested (an object or a list); '
                "only flat values are read. Flatten it before delivery, or leave it out."
            )


def _read_parquet(batch: Batch, file: LandedFile, sink: Sink) -> ReadResult:
    con, path = batch.con, literal(str(file.path))
    try:
        described = con.execute(f"describe from read_parquet({path})").fetchall()
        # The reader makes AMOUNT_1 of a second amount. The first row is the file itself.
        written = con.execute(f"select name from parquet_schema({path}) offset 1").fetchall()
    except duckdb.Error as error:
        raise InputRefused(_damaged_parquet(file, error)) from None
    check_types(file.name, [(row[0], row[1], False) for row in described])
    plan = plan_columns(file, sink, [row[0] for row in written])
    ids = {i for column, i in plan.columns if column in sink.id_columns}
    check_types(file.name, [(row[0], row[1], i in ids) for i, row in enumerate(described)])
    names = [row[0] for row in described]
    _check_row_number(file, names)
    values = [f"{quoted(name)}::varchar" for name in names]
    source = (
        f"(select *, file_row_number + 1 as _n from read_parquet({path}, file_row_number = true))"
    )
    try:
        result = _insert(batch, file, sink, plan, values, source)
    except duckdb.Error as error:
        raise InputRefused(_damaged_parquet(file, error)) from None
    result.extras = tuple(name for name, _ in plan.extras)
    return result


def _check_row_number(file: LandedFile, names: Sequence[str]) -> None:
    for name in names:
        if name.lower() == "file_row_number":
            raise InputRefused(_loader_name(file, name))


def _damaged_parquet(file: LandedFile, error: duckdb.Error) -> str:
    said = str(error).splitlines()[0]
    return f"{file.name}: the Parquet file is incomplete or damaged ({said}). Deliver it again."


def check_types(place: str, columns: Sequence[tuple[str, str, bool]]) -> None:
    """Refuse types that text cannot hold without loss. `columns`: (name, type, is it an id)."""
    for name, kind, is_id in columns:
        if kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]"):
            raise InputRefused(
                f'{place}: the column "{name}" is nested ({kind}); only flat columns are '
                "read. Unnest it, or leave it out."
            )
        if is_id and kind in ("FLOAT", "DOUBLE"):
            raise InputRefused(
                f'{place}: the id column "{name}" is a floating-point number ({kind}), which '
                "loses digits and adds .0. Write it as text or as an integer."
            )
