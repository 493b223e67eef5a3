"""Whole numbers to text, and text to one file per table. All formatting is done by DuckDB."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from evergreen.demo import vocabulary as v
from evergreen.demo.base import NA, Rows

_TIME = "strftime(make_timestamp(({0}) * 1000000), '%Y-%m-%dT%H:%M:%S')"


def expression(column: tuple) -> str:
    """SQL that turns a column of whole numbers into the text of the contract."""
    name, kind = column[0], column[1]
    quoted = f'"{name}"'
    if kind == "id":
        text = f"printf('{column[2]}', {quoted})"
    elif kind == "int":
        text = f"{quoted}::varchar"
    elif kind == "cents":
        text = f"printf('%d.%02d', {quoted} // 100, {quoted} % 100)"
    elif kind == "time":
        text = _TIME.format(quoted) + " || 'Z'"
    elif kind == "local":
        text = f"{_TIME.format(f'{quoted} + _offset * 3600')} || {_zone()}"
    elif kind == "bool":
        text = f"if({quoted} = 1, 'true', 'false')"
    elif kind == "email":
        text = _email(quoted)
    else:
        text = f"({_words(column[2])})[{quoted} + 1]"
    return f"case when {quoted} = {NA} then null else {text} end as {quoted}"


def _zone() -> str:
    return "if(_offset = 0, 'Z', printf('%s%02d:00', if(_offset > 0, '+', '-'), abs(_offset)))"


def _email(number: str) -> str:
    """Even numbers give the plain address of person number/2, odd ones the same with capitals."""
    plain = (
        f"({_words(v.FIRST_NAMES)})[({number} // 2) % {len(v.FIRST_NAMES)} + 1] || '.' || "
        f"({number} // 2) || '@example.org'"
    )
    return f"if({number} % 2 = 0, {plain}, upper(left({plain}, 1)) || substr({plain}, 2))"


def _words(words: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join("'" + word.replace("'", "''") + "'" for word in words) + "]"


def frame(table: str, rows: Rows, offsets: np.ndarray) -> pd.DataFrame:
    """The table's columns as whole numbers, missing ones null, with row number and offset."""
    size = len(offsets)
    missing = np.full(size, NA, dtype=np.int64)
    data = {name: rows.get(name, missing).astype(np.int64) for name, *_ in v.TABLES[table]}
    return pd.DataFrame(data | {"_row": np.arange(size), "_offset": offsets})


def run(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    """Run a statement to its end: DuckDB 2 keeps a connection busy until its result is read."""
    return con.execute(query).fetchall()


def to_text(con: duckdb.DuckDBPyConnection, table: str, numbers: pd.DataFrame) -> None:
    """Create the temporary table `block` with the rows as text and `_row`, their order."""
    columns = ", ".join(expression(column) for column in v.TABLES[table])
    con.register("numbers", numbers)
    run(
        con,
        f"create or replace temp table block as select {columns}, _row::double as _row "
        "from numbers order by _row",
    )
    con.unregister("numbers")


class TableFile:
    """One output file, written block by block beside its place and moved there at the end."""

    def __init__(self, folder: Path, table: str, file_format: str) -> None:
        self.table, self.file_format = table, file_format
        self.path = folder / f"{table}.{file_format}"
        self.rows = 0
        self._folder = folder
        self._parts: list[Path] = []

    def append(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the rows of the temporary table `block`, in the order of `_row`."""
        part = self._folder / f"{self.table}.{len(self._parts):05d}.part"
        columns = ", ".join(f'"{name}"' for name, *_ in v.TABLES[self.table])
        options = "format csv, header false" if self.file_format == "csv" else "format parquet"
        query = f"select {columns} from block order by _row"
        run(con, f"copy ({query}) to {_literal(part)} ({options})")
        self.rows += run(con, "select count(*) from block")[0][0]
        self._parts.append(part)

    def finish(self, con: duckdb.DuckDBPyConnection, extra_lines: list[str]) -> None:
        """Join the parts, with broken lines (CSV only) spread among the rows, and move in place."""
        ready = self.path.with_name(self.path.name + ".tmp")
        if self.file_format == "csv":
            self._join_text(ready, extra_lines)
            self.rows += len(extra_lines)
        else:
            parts = "[" + ", ".join(_literal(part) for part in self._parts) + "]"
            run(con, f"copy (from read_parquet({parts})) to {_literal(ready)} (format parquet)")
        ready.replace(self.path)
        self.discard()

    def discard(self) -> None:
        """Remove the parts."""
        for part in self._parts:
            part.unlink(missing_ok=True)

    def header(self) -> str:
        """The header line of the CSV."""
        return ",".join(name for name, *_ in v.TABLES[self.table])

    def _join_text(self, ready: Path, extra_lines: list[str]) -> None:
        step = max(1, self.rows // (len(extra_lines) + 1))
        waiting, line_number = list(extra_lines), 0
        with ready.open("w", encoding="utf-8", newline="\n") as out:
            out.write(self.header() + "\n")
            for part in self._parts:
                with part.open(encoding="utf-8", newline="") as lines:
                    if not waiting:
                        while chunk := lines.read(1 << 20):
                            out.write(chunk)
                        continue
                    for line in lines:
                        out.write(line)
                        line_number += 1
                        if waiting and line_number % step == 0:
                            out.write(waiting.pop(0) + "\n")
            out.writelines(line + "\n" for line in waiting)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
