"""Fuzzer. Two laws, whatever lands: a load is accounted for to the row, or is refused by the name
of the file with nothing changed. Never another error, never a hang.

EVERGREEN_FUZZ=deep runs as many examples as EVERGREEN_FUZZ_EXAMPLES says (500 without it).
"""

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from fuzz_files import COLUMNS, FuzzFile, Told, csv_files, files, told_by_csv
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from judged_rows import Verdicts, compile_verdicts
from load_helpers import LOGINS, ORDERS, SURVEYS, Shop

from evergreen.errors import EvergreenError, InputRefused
from evergreen.load import load
from evergreen.paths import Warehouse
from evergreen.refresh import refresh

IS_DEEP = os.environ.get("EVERGREEN_FUZZ") == "deep"
HANG_SECONDS = 300
DEEP_COUNT = int(os.environ.get("EVERGREEN_FUZZ_EXAMPLES", "500"))
GOOD_FILES = {
    "orders.csv": ORDERS + "g1,c1,2023-05-05T10:00:00Z,10\n",
    "logins.csv": LOGINS,
    "surveys.csv": SURVEYS,
}


def fuzzed(default_count: int):
    """Settings of a fuzz test: the same few examples each time, or many new ones."""
    return settings(
        max_examples=DEEP_COUNT if IS_DEEP else default_count,
        derandomize=not IS_DEEP,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        print_blob=True,
    )


@contextmanager
def no_hang() -> Iterator[None]:
    """Raises TimeoutError in what takes five minutes: a file of some rows takes a second."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"not done after {HANG_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> Verdicts:
    return compile_verdicts(tmp_path_factory.mktemp("verdicts"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A work file with the raw tables and no row."""
    folder = tmp_path_factory.mktemp("empty")
    shop = Shop(folder)
    shop.load()
    with duckdb.connect(str(shop.warehouse.work_file)) as con:
        con.execute("delete from raw.files")
    return shop.warehouse.work_file


def copy_of(work_file: Path, folder: Path) -> Warehouse:
    """A warehouse of its own."""
    folder.mkdir(parents=True)
    shutil.copy(work_file, folder / "work.duckdb")
    return Warehouse(folder)


@pytest.fixture(scope="module")
def tally():
    """Counts of what was tried; shown with `-s`."""
    counts: Counter = Counter()
    yield counts
    print(f"\nfuzz: {dict(counts)}")


def write_parquet(header: list[str], rows: list[list[str]], types: list[str]) -> bytes:
    """Values that a type cannot hold are null; a list holds its one value."""
    with duckdb.connect() as con, tempfile.TemporaryDirectory() as folder:
        names = [f"c{i}" for i in range(len(header))]
        body = ", ".join(f"{name} varchar" for name in names)
        con.execute(f"create table t ({body})")
        if rows:
            con.executemany(f"insert into t values ({', '.join('?' * len(names))})", rows)
        shown: dict[str, str] = {}
        for name, title, kind in zip(names, header, types, strict=True):
            value = f"[{name}]" if kind.endswith("[]") else f"try_cast({name} as {kind})"
            if kind == "blob":
                value = f"encode({name})"
            title = title.replace('"', '""') or name
            if title.lower() not in {known.lower() for known in shown}:
                shown[title] = value
        selected = ", ".join(f'{value} as "{title}"' for title, value in shown.items())
        path = Path(folder) / "t.parquet"
        con.execute(f"copy (select {selected} from t) to '{path}' (format parquet)")
        return path.read_bytes()


class Landing:
    """A landing folder of good files and fuzzed ones, and a warehouse that takes them."""

    def __init__(self, folder: Path, warehouse: Warehouse, tally: Counter) -> None:
        self.folder = folder / "landing"
        self.folder.mkdir()
        self.warehouse = warehouse
        self.tally = tally
        for name, text in GOOD_FILES.items():
            (self.folder / name).write_text(text)
        self.files: dict[str, FuzzFile] = {}

    def put(self, name: str, file: FuzzFile) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content)
        self.files[name] = file

    def put_all(self, batch: list[FuzzFile]) -> None:
        for number, file in enumerate(batch):
            self.put(f"{file.input}/f{number}_{file.suffix}", file)
        self.tally["examples"] += 1
        self.tally["files"] += len(batch)

    def compare(self) -> None:
        """Hold each loaded file against what the csv module says of it, where that can be asked."""
        for name, file in self.files.items():
            told = told_by_csv(file)
            if told is not None:
                check_landed(self, name, told)

    def landed(self, table: str) -> list[list[tuple]]:
        """Rows, malformed lines and counts of one table, whenever they were loaded."""
        return [
            self.query(f"select * exclude (_loaded_at) from raw.{table} order by all"),
            self.query(
                "select * exclude (loaded_at) from raw.malformed_lines where input = $1"
                " order by all",
                [table],
            ),
            self.query(
                "select file, content_hash, landed_count, malformed_count from raw.files"
                " where input = $1 order by all",
                [table],
            ),
        ]

    def take_away(self, name: str) -> None:
        (self.folder / name).unlink()
        del self.files[name]

    def load(self) -> None:
        """Load; each refusal must name a file, which is then taken away, and change nothing."""
        while True:
            before = self.books()
            try:
                with no_hang():
                    load(self.warehouse, self.folder)
            except InputRefused as error:
                named = [name for name in self.files if str(error).startswith(name)]
                assert named, f"no file is named: {error}"
                assert self.books() == before, f"changed by what was refused: {error}"
                assert str(error).count(". ") >= 1, f"no remedy: {error}"
                self.tally["refused files"] += 1
                self.take_away(max(named, key=len))
                continue
            assert not load(self.warehouse, self.folder).is_changed, "a second load changes rows"
            return

    def books(self) -> list[tuple]:
        """What the work file holds of landed rows."""
        if not self.warehouse.work_file.exists():
            return []
        counts = " union all ".join(
            f"select '{name}', count(*) from raw.{name}" for name in COLUMNS
        )
        return self.query(f"{counts} order by all") + self.query(
            "select file, content_hash from raw.files order by all"
        )

    def query(self, sql: str, values: list | None = None) -> list[tuple]:
        with duckdb.connect(str(self.warehouse.work_file), read_only=True) as con:
            # Else raw.files, where there is none yet, would be the function of that name.
            con.execute("set python_enable_replacements = false")
            try:
                return con.execute(sql, values or []).fetchall()
            except duckdb.CatalogException:
                return []

    def rows(self, name: str, columns: list[str]) -> list[tuple]:
        """(line, values) of a file as they stand in raw."""
        shown = ", ".join(columns)
        return self.query(
            f"select _line, {shown} from raw.{self.files[name].input} where _file = $1"
            " order by _line",
            [name],
        )


def check_landed(landing: Landing, name: str, told: Told) -> None:
    """Rows, values, lines and malformed lines are those that Python's csv module finds."""
    file = landing.files[name]
    positions = {title.lower(): i for i, title in enumerate(told.header)}
    columns = [column.name for column in COLUMNS[file.input] if column.name in positions]
    is_row = [
        len(fields) == len(told.header) and [f.strip() for f in fields] != told.header
        for _, fields in told.records
    ]
    expected = [
        (line, *(fields[positions[column]] or None for column in columns))
        for (line, fields), is_good in zip(told.records, is_row, strict=True)
        if is_good
    ]
    assert landing.rows(name, columns) == expected, file
    bad = [line for (line, _), is_good in zip(told.records, is_row, strict=True) if not is_good]
    found = landing.query(
        "select line_number from raw.malformed_lines where file = $1 order by 1", [name]
    )
    assert [line for (line,) in found] == bad, file
    landing.tally["files compared with csv"] += 1


def check_accounts(landing: Landing) -> None:
    """Landed rows are accepted, duplicate or quarantined, by file; each one set aside is told."""
    sums = landing.query(
        "select input, file, landed_count,"
        " accepted_count + duplicate_count + quarantined_count, quarantined_count,"
        " landed_amount - accepted_amount - duplicate_amount - quarantined_amount"
        " from marts.row_accounting"
    )
    told = Counter()
    for input_name, name, reasons, text in landing.query(
        "select input, file, reasons, row_text from marts.quarantined_rows"
    ):
        assert reasons and text is not None, (input_name, name, reasons)
        told[input_name, name] += 1
        landing.tally[f"rows {reasons.split(',')[0]}"] += 1
    ledger = {
        (input_name, name): count
        for input_name, name, count in landing.query(
            "select input, file, landed_count from raw.files"
        )
    }
    assert {(row[0], row[1]) for row in sums} == ledger.keys()
    for input_name, name, landed, judged, quarantined, difference in sums:
        place = (input_name, name, landing.files.get(name))
        assert landed == judged == ledger[input_name, name], place
        assert quarantined == told[input_name, name], place
        assert difference == 0, place
        landing.tally["rows"] += landed
    landing.tally["files judged"] += len(sums)


BATCHES = st.lists(files(write_parquet), min_size=1, max_size=12)


@fuzzed(6)
@given(batch=BATCHES)
def test_what_lands_is_accounted_for_or_refused_by_name(
    verdicts: Verdicts, tally: Counter, batch: list[FuzzFile]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = verdicts.template
        landing = Landing(Path(folder), copy_of(template, Path(folder) / "warehouse"), tally)
        landing.put_all(batch)
        landing.load()
        landing.compare()
        with no_hang():
            verdicts.judge(landing.warehouse)
        check_accounts(landing)


@fuzzed(16)
@given(batch=BATCHES)
def test_what_lands_is_what_the_file_says_or_is_refused_by_name(
    empty: Path, tally: Counter, batch: list[FuzzFile]
) -> None:
    """The loader alone: many more files, each compared with Python's csv module."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder), copy_of(empty, Path(folder) / "warehouse"), tally)
        landing.put_all(batch)
        landing.load()
        landing.compare()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("new", "new", "again", "changed", "renamed", "removed")),
        st.integers(0, 20),
        st.sampled_from(("orders", "logins", "products")).flatmap(csv_files),
    ),
    min_size=2,
    max_size=7,
)


@fuzzed(5)
@given(steps=STEPS)
def test_deliveries_in_any_order_end_as_their_last_versions(
    empty: Path, tally: Counter, steps: list[tuple[str, int, FuzzFile]]
) -> None:
    """Files come again, under other names, with other content, and go: what is in raw is the last
    version of each that was not refused, as a new warehouse loads it."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder), copy_of(empty, Path(folder) / "warehouse"), tally)
        last: dict[str, FuzzFile] = {}
        for number, (what, place, file) in enumerate(steps):
            take_step(landing, what, place, file, f"{file.input}/d{number}_{file.suffix}")
            landing.load()
            last |= landing.files
        (Path(folder) / "anew").mkdir()
        anew = Landing(Path(folder) / "anew", copy_of(empty, Path(folder) / "again"), tally)
        for name, file in last.items():
            anew.put(name, file)
        anew.load()
        for table in ("orders", "logins", "products"):
            assert landing.landed(table) == anew.landed(table), table


def take_step(landing: Landing, what: str, place: int, file: FuzzFile, name: str) -> None:
    """One change to the landing folder; a new file where there is none to change."""
    if what == "new" or not landing.files:
        landing.put(name, file)
        return
    old_name = sorted(landing.files)[place % len(landing.files)]
    old = landing.files[old_name]
    other_name = f"{old.input}/{Path(name).stem}{old.suffix}"
    if what in ("again", "renamed"):
        landing.put(other_name, old)
    if what in ("renamed", "removed"):
        landing.take_away(old_name)
    if what == "changed":
        changed = FuzzFile(old.input, old.suffix, old.content + old.content[-20:], "changed")
        landing.put(old_name, changed)


@pytest.mark.skipif(not IS_DEEP, reason="a whole refresh for each example: EVERGREEN_FUZZ=deep")
@fuzzed(1)
@given(batch=BATCHES)
def test_a_whole_refresh_publishes_or_refuses(tally: Counter, batch: list[FuzzFile]) -> None:
    """Marts, tests of dbt and audit stand what staging lets through."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder), Warehouse(Path(folder) / "warehouse"), tally)
        landing.put_all(batch)
        landing.load()
        try:
            refresh(landing.warehouse, landing.folder, variables={"max_quarantine_rate": 1})
        except EvergreenError as error:
            assert not landing.warehouse.published_file.exists(), error
            assert any(name in str(error) for name in landing.files), error
            tally["refused refreshes"] += 1
        else:
            tally["published refreshes"] += 1
