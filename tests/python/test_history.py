"""History is honest: what a month's row says was known then, however and whenever it is built."""

import json
import random
import shutil
from datetime import date
from pathlib import Path

import duckdb
import hard_customers
import pytest
from reference import month_end

from evergreen.build import run_dbt
from evergreen.load import load
from evergreen.paths import Warehouse

PAST_DAYS = (date(2022, 6, 30), date(2023, 3, 14), date(2023, 12, 31))
MARTS = {
    "customers": 1,
    "customer_lifecycle": 1,
    "customer_months": 2,
    "retention_cohorts": 3,
}
"""Marts about customers, and how many leading columns are the key."""
SHOWN = 12
Rows = dict[tuple, dict]


class History:
    """Builds of one set of inputs, each made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = hard_customers.HardCustomers(count=60, seed=5).tables
        self.full = self._landed("full", hard_customers.write(self.tables, folder / "full_files"))
        build(self.full)
        self.full_marts = marts(self.full)

    def _landed(self, name: str, landing: Path, parsed: Path | None = None) -> Warehouse:
        """A new warehouse. `parsed`: one that dbt has read the project for with the same vars."""
        warehouse = Warehouse(self.folder / name)
        if parsed:
            shutil.copytree(parsed / "target", warehouse.folder / "target")
        load(warehouse, landing)
        return warehouse

    def looked_back(self, day: date) -> dict[str, Rows]:
        """All inputs, built as of a past day."""
        warehouse = Warehouse(self.folder / f"back_{day}")
        warehouse.folder.mkdir()
        shutil.copy(self.full.work_file, warehouse.work_file)
        build(warehouse, as_of=day)
        return marts(warehouse)

    def lived_through(self, day: date) -> dict[str, Rows]:
        """The inputs as they were at the end of that day."""
        files = self.folder / f"files_{day}"
        landing = hard_customers.write(hard_customers.cut(self.tables, day), files)
        return self.delivered(landing, as_of=day)

    def delivered(self, landing: Path, as_of: date | None = None) -> dict[str, Rows]:
        """Other files, built from nothing."""
        parsed = self.folder / f"back_{as_of}" if as_of else self.full.folder
        warehouse = self._landed(f"{landing.name}_warehouse", landing, parsed)
        build(warehouse, as_of=as_of)
        return marts(warehouse)


def build(warehouse: Warehouse, as_of: date | None = None) -> None:
    """Only the marts that are compared, without data tests: eight builds have to stay quick."""
    variables = {"as_of_date": as_of.isoformat()} if as_of else {}
    skipped = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    selected = ("--select", *(f"+{mart}" for mart in MARTS))
    done = run_dbt(warehouse, ["build", *skipped, *selected, "--vars", json.dumps(variables)])
    failed = [node for node in done.result.results if node.status not in ("success", "pass")]
    assert done.success, f"{len(failed)} failed, first: {failed[0].node.name}: {failed[0].message}"


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> History:
    return History(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module", params=PAST_DAYS, ids=str)
def past(request, history: History) -> tuple[date, dict, dict]:
    """A past day, the marts looked back at from today, and those of that day."""
    return request.param, history.looked_back(request.param), history.lived_through(request.param)


def marts(warehouse: Warehouse) -> dict[str, Rows]:
    """Every mart about customers: key -> row."""
    found = {}
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        for mart, key_length in MARTS.items():
            rows = con.execute(f"from marts.{mart}")
            columns = [column[0] for column in rows.description]
            found[mart] = {
                row[:key_length]: dict(zip(columns, row, strict=True)) for row in rows.fetchall()
            }
    return found


def differences(expected: Rows, got: Rows, but: tuple[str, ...] = ()) -> list[str]:
    """Readable lines, one for each row or cell that differs."""
    lines = [f"{key}: row is missing" for key in expected.keys() - got.keys()]
    lines += [f"{key}: row is new" for key in got.keys() - expected.keys()]
    lines += [
        f"{key} {column}: expected {value}, got {got[key][column]}"
        for key in expected.keys() & got.keys()
        for column, value in expected[key].items()
        if column not in but and got[key][column] != value
    ]
    return sorted(lines)


def complete_months(rows: Rows, day: date) -> Rows:
    """Rows of months that are over by the day."""
    return {key: row for key, row in rows.items() if month_end(row["month"]) <= day}


def assert_same(expected: Rows, got: Rows, but: tuple[str, ...] = ()) -> None:
    assert expected, "no rows: the comparison shows nothing"
    found = differences(expected, got, but)
    assert not found, f"{len(found)} differences, first:\n" + "\n".join(found[:SHOWN])


def test_months_of_a_past_build_are_those_of_today(history: History, past) -> None:
    day, looked_back, _ = past
    today = complete_months(history.full_marts["customer_months"], day)
    then = complete_months(looked_back["customer_months"], day)
    assert_same(today, then, but=("as_of_date",))


def test_months_built_at_the_time_are_those_of_today(history: History, past) -> None:
    day, _, lived_through = past
    today = complete_months(history.full_marts["customer_months"], day)
    then = complete_months(lived_through["customer_months"], day)
    assert_same(today, then, but=("as_of_date",))


@pytest.mark.parametrize("mart", MARTS)
def test_looking_back_shows_what_was_seen_at_the_time(past, mart: str) -> None:
    """as_of_date alone hides everything that happened later."""
    _, looked_back, lived_through = past
    assert_same(lived_through[mart], looked_back[mart])


def shuffled(tables: hard_customers.Tables) -> hard_customers.Tables:
    dice = random.Random(1)
    return {table: dice.sample(rows, len(rows)) for table, rows in tables.items()}


def split_and_repeat(landing: Path) -> None:
    """Each file becomes a folder of three, and each of the three lies there under two names."""
    for file in sorted(landing.glob("*.csv")):
        header, *lines = file.read_text().splitlines(keepends=True)
        parts = landing / file.stem
        parts.mkdir()
        for number in range(3):
            text = "".join([header, *lines[number::3]])
            for name in ("part", "again"):
                (parts / f"{name}{number}.csv").write_text(text)
        file.unlink()


def test_order_split_and_repetition_of_files_do_not_change_the_marts(history: History) -> None:
    landing = hard_customers.write(shuffled(history.tables), history.folder / "redelivered")
    split_and_repeat(landing)
    got = history.delivered(landing)
    for mart in MARTS:
        assert_same(history.full_marts[mart], got[mart])
