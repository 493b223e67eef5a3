"""Hypothesis strategies for landed files: bad values, bad columns, bad bytes. And an independent
reader of CSV, which says what must have landed."""

import csv
import gzip
import io
import json
import re
import zlib
from dataclasses import dataclass

import yaml
from hypothesis import strategies as st

from evergreen.contract import SOURCES_FILE

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Column:
    """A column of the contract, with all that its values may be."""

    name: str
    kind: str
    is_required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class FuzzFile:
    """One file of a landing folder. `how`: what was done to it, for the message of a failure."""

    input: str
    suffix: str
    content: bytes
    how: str

    def __repr__(self) -> str:
        shown = self.content if len(self.content) < 2000 else self.content[:2000] + b" ..."
        return f"FuzzFile({self.input!r}, {self.suffix!r}, {shown!r}, {self.how!r})"


def _columns() -> dict[str, tuple[Column, ...]]:
    tables = yaml.safe_load(SOURCES_FILE.read_text(encoding="utf-8"))["sources"][0]["tables"]
    return {table["name"]: tuple(map(_column, table["columns"])) for table in tables}


def _column(entry: dict) -> Column:
    meta = entry["config"]["meta"]
    choices = tuple(map(str, meta.get("values", ())))
    return Column(entry["name"], meta["kind"], meta["required"], choices)


COLUMNS = _columns()

ODD_TEXTS = (
    "", " ", "\t", "NULL", "None", "nan", "null", "1e3", "1.0", "00042",
    "1234567890123456789012345",
    " c1 ", "\u00a0c1", "c1\u3000", "c\u200b1", "\u202ec1", "\ufeffc1", "=cmd()", "+1", "@x", "-1",
    "'; drop table raw.orders; --", "{{ 1 / 0 }}", "<script>alert(1)</script>", "a\nb", "a\r\nb",
    "a\rb", 'a"b', '"', '""', "a,b", "a;b", "a|b", "a\tb", "x" * 5000, "\x1e", "\x1f", "a\x1f",
    "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "é", "😀", "\ufb00", "\u0130", "#c1", "\\",
    "\\n", "c1", "c2",
    "o1", "true", "{}", "[]", "\U0010ffff", "--", "/*", "%", "_", "$1", "?",
)  # fmt: skip
# Sixteen digits before the point are read. Nine such amounts in a file are more than decimal(18, 2)
# holds, which stops the build: the largest here leaves room for the six rows of a file.
ODD_NUMBERS = (
    "NaN", "Infinity", "-Infinity", "inf", "1e400", "-1", "-0", "0", "0.00", "1.234,56", "1,000",
    "$5", "5 €", "£1", "0.005", "0.015", "1.005", "-0.005", "1e-30", "1e-400", "1e16", "1E+2", "1e",
    "e1", "1234567890123456.78", "9999999999999999.995", "99999999999999999", "1" + "0" * 30, ".5",
    "5.", ".", "+5", "--5", "+-5", "0x10", "\uff11\uff12", "\u0661", "1_000", "1 000", "1" * 500,
    "0" * 500 + "1",
    "0." + "9" * 60, "12345678901234567890.123456789012345678901", "1/2", "50%", "½",
    "1e0000000001",
    "1e99999999999999999999", "170141183460469231731687303715884105728", "11", "6", "5", "3",
)  # fmt: skip
ODD_TIMES = (
    "2024-02-31", "2024-02-30T10:00:00Z", "2024-01-01T25:00:00Z", "2024-01-01T24:00:00Z",
    "2024-01-01T24:00:00", "2024-01-01T23:59:60Z", "0001-01-01", "9999-12-31", "99999-12-31",
    "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "0000-01-01", "-0001-01-01",
    "-024-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01", "2099-12-31", "2100-01-01",
    "1704067200", "1704067200000", "1704067200.5", "2024/01/05", "20240105", "05.01.2024",
    "Jan 5 2024", "2024-01-05 10:00", "2024-01-05T10:00", "2024-01-05T10:00:00+02:00",
    "2024-01-05T10:00:00+0200", "2024-01-05T10:00:00+02", "2024-01-05T10:00:00+99:99",
    "2024-01-05T10:00:00+16:00", "2024-01-05T10:00:00-15:59", "2024-01-05T10:00:00 Z",
    "2024-01-05t10:00:00z", "2024-01-05T10:00:00z", "2024-01-05T10:00:00.123456789Z",
    "2024-01-05T10:00:00.1234567891234Z", "2024-01-05T10:00:00.", "2024-01-05T", "2024-01", "2024",
    "2024-W01-1", "infinity", "-infinity", "epoch", "now", "today", "2024-03-31T02:30:00",
    "2024-01-05T10:00:00 Europe/Berlin", "20 4-01-01T00:00:00Z", "2024-1 -01T00:00:00Z",
    "2024-01-01T 1:00:00Z", "+024-01-01T00:00:00Z", "ab24-01-01T00:00:00Z",
    "2024-01-01T0a:00:00Z",
    "2024-01-01T00:00:00Z\u200b", "\u202e2024-01-01", "\uff12\uff10\uff12\uff14-01-01",
    "290000-01-01",
    "NULL", "2023-06-01T00:00:00Z",
)  # fmt: skip
ODD = {
    "id": ODD_TEXTS,
    "text": (*ODD_TEXTS, "USD", "EUR", "XXX", "eur", "a@example.org", "A@EXAMPLE.ORG", "\uff58@x"),
    "time": (*ODD_TIMES, "", " "),
    "money": (*ODD_NUMBERS, "", " "),
    "number": (*ODD_NUMBERS, "", " "),
    "boolean": ("yes", "NO", "1", "0", "2", "maybe", "TRUE", "t", "", "null"),
    "choice": ("", "UNKNOWN", "nps ", "NPS", "😀", "null", "0"),
}
GOOD = {
    "id": tuple(f"{letter}{n}" for letter in "co" for n in range(1, 8)),
    "text": ("a", "b", "web", "Paris"),
    "time": (*(f"2023-{month:02}-05T10:00:00Z" for month in range(1, 13)), "2023-05-06"),
    "money": ("10", "10.00", "99.99", "0", "1500.5"),
    "number": ("1", "2", "4", "5", "2.5"),
    "boolean": ("true", "false"),
}
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


def values(column: Column) -> st.SearchStrategy[str]:
    """Mostly good, sometimes odd, seldom anything at all."""
    good = st.sampled_from(column.choices or GOOD[column.kind])
    odd = st.sampled_from(ODD[column.kind])
    return st.integers(0, 19).flatmap(lambda n: good if n < 12 else odd if n < 19 else ANY_TEXT)


VALUES = {name: tuple(values(column) for column in columns) for name, columns in COLUMNS.items()}


@st.composite
def tables(draw, input_name: str) -> tuple[list[str], list[list[str]], str]:
    """Header, rows and what was done to the columns."""
    columns = COLUMNS[input_name]
    kept = draw(st.lists(st.booleans(), min_size=len(columns), max_size=len(columns)))
    chosen = [i for i, column in enumerate(columns) if column.is_required or kept[i]]
    rows = [[draw(VALUES[input_name][i]) for i in chosen] for _ in range(draw(st.integers(0, 6)))]
    header = [columns[i].name for i in chosen]
    how = draw(st.sampled_from(("",) * 12 + ("missing", "doubled", "renamed", "extra")))
    place = draw(st.integers(0, len(header) - 1))
    if how == "missing":
        header.pop(place)
        rows = [row[:place] + row[place + 1 :] for row in rows]
    elif how == "doubled":
        header.append(draw(st.sampled_from((header[place], header[place].upper()))))
        rows = [[*row, row[place]] for row in rows]
    elif how == "renamed":
        name = header[place]
        header[place] = draw(
            st.sampled_from((name.upper(), f" {name} ", name + "s", name[1:], "", "\ufeff" + name))
        )
    elif how == "extra":
        header.append(draw(st.sampled_from(ODD_TEXTS) | ANY_TEXT))
        rows = [[*row, draw(st.sampled_from(ODD_TEXTS))] for row in rows]
    if draw(st.booleans()):
        order = draw(st.permutations(range(len(header))))
        header = [header[i] for i in order]
        rows = [[row[i] for i in order] for row in rows]
    return header, rows, how


@st.composite
def csv_files(draw, input_name: str) -> FuzzFile:
    """A CSV file, well formed or with lines that are not, in one of many dresses."""
    header, rows, how = draw(tables(input_name))
    delimiter = draw(st.sampled_from(",,,,;\t|"))
    end = draw(st.sampled_from(("\n", "\n", "\r\n")))
    quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    for row in rows:
        kind = draw(st.sampled_from(("",) * 12 + ("short", "long", "blank", "header", "raw")))
        if kind == "short":
            row = row[:-1]
        elif kind == "long":
            row = [*row, "x"]
        elif kind == "header":
            row = header
        if kind == "blank":
            stream.write(draw(st.sampled_from(("", " ", "\t", "\x0c"))) + end)
        elif kind == "raw":
            stream.write(delimiter.join(row) + end)
        else:
            writer.writerow(row)
    text = stream.getvalue()
    if draw(st.integers(0, 5)) == 0:
        text = text[: -len(end)]
    return _dressed(draw, input_name, ".csv", text, f"{how} {delimiter!r}")


ODD_JSON_LINES = (
    "", "[]", "1", "null", "{", "{}", '"a"', "{'a': 1}", '{"a": 1,}', "// c", "\x0c", '{"a": NaN}',
    '{"a": -Infinity}', '{"a": 1} {"a": 2}', '{"": 1}', '{"a": 01}',
)  # fmt: skip


@st.composite
def json_files(draw, input_name: str) -> FuzzFile:
    """JSON lines: texts, numbers, words, nested values, and lines that are no objects."""
    header, rows, how = draw(tables(input_name))
    lines = []
    for row in rows:
        pairs = [
            f"{json.dumps(name)}: {draw(_json_value(value))}"
            for name, value in zip(header, row, strict=True)
        ]
        lines.append("{" + draw(st.sampled_from((", ", ",", " , "))).join(pairs) + "}")
    for _ in range(draw(st.sampled_from((0, 0, 1)))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(ODD_JSON_LINES)))
    end = draw(st.sampled_from(("\n", "\n", "\r\n")))
    text = end.join(lines) + draw(st.sampled_from((end, "")))
    return _dressed(draw, input_name, ".jsonl", text, how)


def _json_value(text: str) -> st.SearchStrategy[str]:
    quoted = json.dumps(text)
    plain = json.dumps(text, ensure_ascii=False)
    odd = (
        "null", "true", "1", "-1.50", "1e3", "1E400", "-0", "[]", "{}", '{"a": [1]}', "NaN",
        "-Infinity", '"\\u0000"', '"\\ud800"', '"\\u202e"', '"a-1\\"2"', "12345678901234567890123",
        "01", "1.", "--1", "1-2", "tru", '"\\x"',
    )  # fmt: skip
    return st.integers(0, 39).flatmap(
        lambda n: st.sampled_from(odd) if n == 0 else st.just(quoted if n % 2 else plain)
    )


def _dressed(draw, input_name: str, suffix: str, text: str, how: str) -> FuzzFile:
    """The text as bytes: encoded, damaged and packed."""
    encoding = draw(st.sampled_from(("utf-8",) * 16 + ("utf-8-sig", "utf-16", "latin-1", "cp1252")))
    content = text.encode(encoding, "replace")
    damage = "" if draw(st.integers(0, 2)) else draw(st.sampled_from(DAMAGES))
    packed = draw(st.integers(0, 7)) == 0
    before_packing = draw(st.booleans())
    if damage and (not packed or before_packing):
        content = _damaged(draw, content, damage)
    if packed:
        content = gzip.compress(content, 1, mtime=0)
        if draw(st.integers(0, 3)) == 0:
            half = len(text) // 2
            parts = text[:half].encode(), text[half:].encode()
            content = b"".join(gzip.compress(part, 1, mtime=0) for part in parts)
        suffix += ".gz"
        if damage and not before_packing:
            content = _damaged(draw, content, damage)
    return FuzzFile(input_name, suffix, content, f"{how} {encoding} {damage}".strip())


DAMAGES = ("flip", "cut", "insert", "delete", "repeat", "replace")
BITES = (
    b"\x00", b'"', b"\r", b"\n", b"\r\n", b"\xff", b"\xc3", b",", b";", b"\xef\xbb\xbf", b"'", 
    b'""', b"\x1a", b"\x1f\x8b", b"\\", b" ", b"\xe2\x80\xa8", b"\n\n", b'"\n', b',"',
)  # fmt: skip


def _damaged(draw, content: bytes, damage: str) -> bytes:
    """Flipped, cut, with bytes added, taken out, repeated or replaced, one to three times."""
    if damage == "cut":
        return content[: draw(st.integers(0, max(len(content) - 1, 0)))]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        head, tail = content[:place], content[place:]
        if damage == "flip" and tail:
            content = head + bytes([tail[0] ^ (1 << draw(st.integers(0, 7)))]) + tail[1:]
        elif damage == "insert":
            content = head + draw(st.sampled_from(BITES)) + tail
        elif damage == "delete":
            content = head + tail[draw(st.integers(1, 12)) :]
        elif damage == "repeat":
            content = head + tail[: draw(st.integers(1, 40))] + tail
        elif damage == "replace" and tail:
            content = head + draw(st.sampled_from(BITES)) + tail[1:]
    return content


@st.composite
def parquet_files(draw, input_name: str, write) -> FuzzFile:
    """Parquet by `write(header, rows, types)`, whole or damaged."""
    header, rows, how = draw(tables(input_name))
    types = [draw(st.sampled_from(PARQUET_TYPES)) for _ in header]
    content = write(header, rows, types)
    damage = "" if draw(st.integers(0, 2)) else draw(st.sampled_from(DAMAGES))
    if damage:
        content = _damaged(draw, content, damage)
    return FuzzFile(input_name, ".parquet", content, f"{how} {types} {damage}")


PARQUET_TYPES = ("varchar",) * 12 + (
    "bigint", "double", "decimal(18, 4)", "timestamp", "timestamptz", "timestamp_ns", "date",
    "blob", "boolean", "hugeint", "time", "varchar[]", "float", "interval", "uuid",
)  # fmt: skip

INPUTS = st.sampled_from((*COLUMNS, "orders", "surveys", "customers"))


def files(write_parquet) -> st.SearchStrategy[FuzzFile]:
    """Any file of any input."""
    return INPUTS.flatmap(
        lambda name: st.integers(0, 9).flatmap(
            lambda n: (
                csv_files(name)
                if n < 7
                else json_files(name)
                if n < 9
                else parquet_files(name, write_parquet)
            )
        )
    )


# What must have landed ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What Python's csv module finds in a file: (first line, fields) of each record."""

    header: list[str]
    records: list[tuple[int, list[str]]]


def told_by_csv(file: FuzzFile) -> Told | None:
    """None where the csv module cannot be asked: it reads a carriage return alone as a line end, an
    unclosed quote to the end, and does not know the delimiter."""
    content = file.content
    if not file.suffix.startswith(".csv"):
        return None
    try:
        text = (gzip.decompress(content) if file.suffix.endswith(".gz") else content).decode()
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    text = text.removeprefix("\ufeff")
    if re.search(r'\r(?!\n)| "|" ', text):
        return None
    required = {column.name for column in COLUMNS[file.input] if column.is_required}
    for delimiter in DELIMITERS:
        told = _parsed(text, delimiter)
        if told and required <= {name.lower() for name in told.header}:
            return told
    return None


def _parsed(text: str, delimiter: str) -> Told | None:
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    records = []
    line = 1
    try:
        for fields in reader:
            # Spaces alone are a blank line, of which the csv module makes a field.
            if fields and not (len(fields) == 1 and not fields[0].strip(" \t")):
                records.append((line, fields))
            line = reader.line_num + 1
    except csv.Error:
        return None
    if not records or records[0][0] != 1:
        return None
    header = [name.strip() for name in records[0][1]]
    return Told(header, records[1:])
