"""Each way in which an input goes wrong, as a case: a folder of `bad_input/` with its small files
and `expected.yml`. Three answers, no fourth: refuse, quarantine, accept.

A folder is named after the number of its row in the list of what goes wrong. Files are named after
their input: `orders.csv`, `orders.again.csv`. Cases that are set aside or accepted share one
warehouse, built after their first delivery (`step1/`) and after their second (`step2/`), which
lands by a clock that says 1999; `29_zones` lands as `orders/29_zones.csv`. Each refusal is a whole
refresh of that warehouse.

    answer       refuse, quarantine or accept
    make         function of bad_files.py that gives the files, where they are binary or huge
    arrange      function of bad_files.py that changes the landing folder (refusals)
    proven_by    test_file::test, where another test proves it
    message      what the refusal must say; {landing} is the landing folder
    quarantined  file, line, reasons and part of the details of every row set aside
    accounts     by input: landed, accepted, duplicate, quarantined
    withdrawn    by input
    notes        what the load must say of the file, once
    waiting      files left for the next refresh
    warnings     tests of dbt that must warn
    after_1      SQL and its rows after the first delivery
    checks       the same after the last
"""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from bad_files import ARRANGED, AT, MADE
from load_helpers import LOGINS, ORDERS, SURVEYS, Shop

import evergreen.load
from evergreen.build import build
from evergreen.errors import InputRefused
from evergreen.load import load
from evergreen.paths import Warehouse
from evergreen.publish import publish
from evergreen.refresh import refresh

CASES_DIR = Path(__file__).parent / "bad_input"
NUMBERS = [f"{number:02}" for number in range(1, 67)]
NUMBERS += ["22a", "22b", "22c", "26a", "26b"]
BASE = {
    "orders.csv": ORDERS + "base,base,2024-06-30T10:00:00Z,10\n",
    "logins.csv": LOGINS,
    "surveys.csv": SURVEYS,
}
VARIABLES = {
    "source_timezone": "Europe/Berlin",
    "timezone": "Europe/Berlin",
    "internal_email_domains": ["internal.example"],
    "max_quarantine_rate": 1,
}
MODELS = "+customers +customer_months +referrals +row_accounting +quarantined_rows"
WARNING_TESTS = "assert_no_login_bursts"
KEYS = set(re.findall(r"^    (\w+)  +", __doc__, re.MULTILINE)) | {"is_first_load", "without"}


@dataclass(frozen=True)
class Case:
    """One folder of bad_input, read."""

    name: str
    expected: dict
    steps: tuple[dict[str, bytes], ...]

    @property
    def number(self) -> str:
        """The row of the list, such as 26a."""
        return self.name.split("_")[0]

    def landed_name(self, name: str) -> str:
        """orders.again.csv of case 17_x lands as orders/17_x.again.csv in the shared warehouse."""
        table, rest = name.split(".", 1)
        return f"{table}/{self.name}.{rest}"


def read_case(folder: Path) -> Case:
    expected = yaml.safe_load((folder / "expected.yml").read_text(encoding="utf-8"))
    assert expected.keys() <= KEYS, f"{folder.name}: unknown {expected.keys() - KEYS}"
    made = MADE[expected["make"]]() if "make" in expected else {}
    parts = [folder / "step1", folder / "step2"] if (folder / "step1").is_dir() else [folder]
    steps = tuple(
        made
        | {
            path.name: path.read_bytes()
            for path in sorted(part.iterdir())
            if path.is_file() and path.name != "expected.yml"
        }
        for part in parts
    )
    return Case(folder.name, expected, steps)


CASES = [read_case(folder) for folder in sorted(CASES_DIR.iterdir()) if folder.is_dir()]
PROVEN = [case for case in CASES if "proven_by" in case.expected]
REFUSED = [case for case in CASES if case.expected["answer"] == "refuse" and case not in PROVEN]
SHARED = [case for case in CASES if case not in PROVEN + REFUSED]


@dataclass
class Shared:
    """The warehouse of all cases that are accepted or set aside."""

    warehouse: Warehouse
    notes: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    after_1: dict[tuple[str, str], list] = field(default_factory=dict)

    def query(self, sql: str) -> list[list[str]]:
        """Rows of a query, as text: YAML has neither decimals nor times."""
        with duckdb.connect(str(self.warehouse.work_file), read_only=True) as con:
            return as_text(con.execute(sql).fetchall())


def as_text(rows: list) -> list[list[str]]:
    return [["null" if value is None else _text(value) for value in row] for row in rows]


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def put(landing: Path, name: str, content: bytes) -> None:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_base(landing: Path, without: tuple[str, ...] = ()) -> Path:
    for name, text in BASE.items():
        if name not in without:
            put(landing, name, text.encode())
    return landing


class _WrongClock(datetime):
    """A clock that says 1999."""

    @classmethod
    def now(cls, tz=None) -> datetime:
        return datetime(1999, 12, 31, 23, 59, tzinfo=tz)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Shared:
    """Two deliveries, each loaded and built, the second by a wrong clock. It is published."""
    folder = tmp_path_factory.mktemp("bad_input")
    landing = write_base(folder / "landing")
    shared = Shared(Warehouse(folder / "warehouse"))
    for step in (0, 1):
        for case in SHARED:
            for name, content in case.steps[step].items() if step < len(case.steps) else ():
                put(landing, case.landed_name(name), content)
        with pytest.MonkeyPatch.context() as patch:
            if step == 1:
                patch.setattr(evergreen.load, "datetime", _WrongClock)
            report = load(shared.warehouse, landing)
        shared.notes += report.notes
        shared.waiting = report.waiting
        build(shared.warehouse, variables=VARIABLES, select=MODELS, with_tests=False)
        if step == 0:
            shared.after_1 = {
                (case.name, check["sql"]): shared.query(check["sql"])
                for case in SHARED
                for check in case.expected.get("after_1", ())
            }
    shared.warnings = build(shared.warehouse, variables=VARIABLES, select=WARNING_TESTS).warnings
    publish(shared.warehouse)
    return shared


def by_name(cases: list[Case]):
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def test_every_row_of_the_list_has_a_case() -> None:
    assert {case.number for case in CASES} == set(NUMBERS)
    assert len(NUMBERS) == 71


@by_name(PROVEN)
def test_the_test_that_proves_it_is_there(case: Case) -> None:
    file, name = case.expected["proven_by"].split("::")
    text = (CASES_DIR.parent / f"{file}.py").read_text(encoding="utf-8")
    assert f"\ndef {name}(" in text


def test_everything_made_is_asked_for() -> None:
    asked = {case.expected.get("make", case.expected.get("arrange")) for case in CASES}
    assert MADE.keys() | ARRANGED.keys() <= asked


@by_name(SHARED)
def test_rows_set_aside_are_those_and_no_others(shared: Shared, case: Case) -> None:
    found = shared.query(
        "select split_part(file, '/', 1), line_number, reasons, details, row_text"
        f" from marts.quarantined_rows where split_part(file, '/', 2) like '{case.name}.%'"
        " order by 1, 2"
    )
    expected = sorted(
        case.expected.get("quarantined", ()), key=lambda row: (row["file"], row["line"])
    )
    assert bool(expected) == (case.expected["answer"] == "quarantine")
    assert [row[:3] for row in found] == [
        [row["file"], str(row["line"]), row["reasons"]] for row in expected
    ], found
    for row, wanted in zip(found, expected, strict=True):
        assert wanted["details"] in row[3]
        assert row[4] != "null"


@by_name(SHARED)
def test_rows_are_accounted_for(shared: Shared, case: Case) -> None:
    found = {
        row[0]: row[1:]
        for row in shared.query(
            "select input, landed_count, accepted_count, duplicate_count, quarantined_count,"
            " withdrawn_count from marts.row_accounting"
            f" where split_part(file, '/', 2) in ('{case.name}.csv', '{case.name}.csv.gz',"
            f" '{case.name}.jsonl', '{case.name}.parquet')"
        )
    }
    for name, counts in case.expected.get("accounts", {}).items():
        assert found[name][:4] == list(map(str, counts)), name
    for name, count in case.expected.get("withdrawn", {}).items():
        assert found[name][4] == str(count), name
    for landed, accepted, duplicate, quarantined, _ in found.values():
        assert int(landed) == int(accepted) + int(duplicate) + int(quarantined)


@by_name(SHARED)
def test_it_is_told_and_the_marts_say_what_they_must(shared: Shared, case: Case) -> None:
    its_notes = [note for note in shared.notes if f"/{case.name}." in note]
    for note in case.expected.get("notes", ()):
        assert sum(note in said for said in its_notes) == 1, its_notes
    assert [name for name in shared.waiting if f"/{case.name}." in name] == sorted(
        case.landed_name(name) for name in case.expected.get("waiting", ())
    )
    for warning in case.expected.get("warnings", ()):
        assert any(warning in said for said in shared.warnings), shared.warnings
    for check in case.expected.get("after_1", ()):
        assert shared.after_1[case.name, check["sql"]] == as_text(check["rows"]), check["sql"]
    for check in case.expected.get("checks", ()):
        assert shared.query(check["sql"]) == wanted(check["rows"]), check["sql"]


def wanted(rows: list[list]) -> list[list[str]]:
    return as_text(rows)


@by_name(REFUSED)
def test_what_is_refused_changes_nothing_and_says_what_to_do(
    shared: Shared, case: Case, tmp_path: Path
) -> None:
    landing = write_base(tmp_path / "landing", tuple(case.expected.get("without", ())))
    for name, content in case.steps[0].items():
        put(landing, name, content)
    if "arrange" in case.expected:
        ARRANGED[case.expected["arrange"]](landing)
    is_first = case.expected.get("is_first_load", False)
    warehouse = Warehouse(tmp_path / "warehouse") if is_first else shared.warehouse
    before = None if is_first else (warehouse.published_file.read_bytes(), landed(warehouse))
    with pytest.raises(InputRefused) as refused:
        refresh(warehouse, landing)
    for word in case.expected["message"]:
        assert word.format(landing=landing) in str(refused.value)
    if is_first:
        assert not warehouse.published_file.exists()
        return
    assert (warehouse.published_file.read_bytes(), landed(warehouse)) == before
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        run = "select status, message from raw.refreshes order by refresh_id desc limit 1"
        assert con.execute(run).fetchone() == ("refused", str(refused.value))


def landed(warehouse: Warehouse) -> list[tuple]:
    """The ledger, and a fingerprint of all landed orders."""
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        files = con.execute("from raw.files order by all").fetchall()
        return files + con.execute("select bit_xor(hash(orders)) from raw.orders").fetchall()


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """No file can grow beyond so many bytes: a write fails, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_changes_nothing_and_the_next_load_heals(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.load()
    before = landed(shop.warehouse)
    shop.put("orders/many.csv", ORDERS + "".join(f"o{n},c{n},{AT},1\n" for n in range(20_000)))
    with full_disk(200_000), pytest.raises(duckdb.Error, match="Could not write file"):
        shop.load()
    assert landed(shop.warehouse) == before
    shop.load()
    assert shop.query("select count(*) from raw.orders") == [(20_000,)]
