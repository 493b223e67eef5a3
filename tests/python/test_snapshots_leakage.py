"""Nothing that came later is in a snapshot, and nothing after its window in an outcome."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import hard_customers
import pytest
from built_marts import SHOWN, Rows, build_marts, built, differences
from hard_customers import COLUMNS, LAST_DAY
from hard_stories import MERGED_LATER
from snapshot_stories import Teller
from test_snapshots_reference import MODELS, rows_of

from evergreen.paths import Warehouse

SNAPSHOTS, OUTCOMES = MODELS
PAST_NUMBERS = (4, 11)
COUNTED = ("cutoff_number", "is_as_of")
"""What depends on the as-of date by definition."""
YEAR_COLUMNS = ("purchase_days_next_365d", "revenue_next_365d")


def past(number: int) -> date:
    return LAST_DAY - timedelta(30 * number)


class History:
    """Builds of one set of inputs, each made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = inputs()
        landing = hard_customers.write(self.tables, folder / "full_files")
        self.full = built(folder / "full", landing, MODELS, LAST_DAY)

    def looked_back(self, day: date) -> Warehouse:
        """All inputs, built as of a past day."""
        warehouse = Warehouse(self.folder / f"back_{day}")
        warehouse.folder.mkdir()
        shutil.copy(self.full.work_file, warehouse.work_file)
        build_marts(warehouse, MODELS, day)
        return warehouse

    def lived_through(self, day: date, as_of: date) -> Warehouse:
        """The inputs as they were at the end of a day."""
        name = f"lived_{day}_{as_of}"
        landing = self.folder / f"{name}_files"
        hard_customers.write(hard_customers.cut(self.tables, day), landing)
        return built(self.folder / name, landing, MODELS, as_of)


def inputs() -> hard_customers.Tables:
    """Customers on the boundaries of every rule, and of every cut-off date. Without those of whom
    it is learnt later that they are one: who is who is no history."""
    tables = hard_customers.HardCustomers(count=60, seed=5).tables
    for table, rows in Teller(LAST_DAY).rows.items():
        tables[table] += [
            {name: row.get(name, "") for name in COLUMNS[table].split()} for row in rows
        ]
    for table, rows in tables.items():
        ids = [name for name in COLUMNS[table].split() if name.endswith("customer_id")]
        tables[table] = [row for row in rows if not MERGED_LATER & {row[name] for name in ids}]
    return tables


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> History:
    return History(tmp_path_factory.mktemp("leakage"))


@pytest.fixture(scope="module", params=PAST_NUMBERS, ids=lambda number: str(past(number)))
def day(request) -> date:
    return past(request.param)


@pytest.fixture(scope="module", params=["looked_back", "lived_through"])
def then(request, history: History, day: date) -> Warehouse:
    """A build of that day: with all that came later, and without it."""
    if request.param == "looked_back":
        return history.looked_back(day)
    return history.lived_through(day, day)


def assert_same(expected: Rows, got: Rows) -> None:
    assert len(expected) > 50, "the comparison shows little"
    lines = differences(expected, got)
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:SHOWN])


def without(rows: Rows, columns: tuple[str, ...]) -> Rows:
    return {
        key: {name: value for name, value in row.items() if name not in columns}
        for key, row in rows.items()
    }


def of_days(rows: Rows, days: set[date]) -> Rows:
    return {key: row for key, row in rows.items() if row["cutoff_date"] in days}


def test_the_last_snapshot_of_a_past_build_is_that_of_today(
    history: History, day: date, then: Warehouse
) -> None:
    """The same customers, and of each the same cells."""
    today = of_days(rows_of(history.full, SNAPSHOTS), {day})
    got = of_days(rows_of(then, SNAPSHOTS), {day})
    assert all(row["is_as_of"] and row["cutoff_number"] == 0 for row in got.values())
    assert_same(without(today, COUNTED), without(got, COUNTED))


def test_older_snapshots_of_a_past_build_are_those_of_today(
    history: History, day: date, then: Warehouse
) -> None:
    today, got = rows_of(history.full, SNAPSHOTS), rows_of(then, SNAPSHOTS)
    shared = {row["cutoff_date"] for row in today.values()} & {
        row["cutoff_date"] for row in got.values()
    }
    assert len(shared) >= 10
    assert_same(without(of_days(today, shared), COUNTED), without(of_days(got, shared), COUNTED))


def test_outcomes_of_a_past_build_are_those_of_today(
    history: History, day: date, then: Warehouse
) -> None:
    """The latest window ends on the very day of the build: the outcome knows no more than it."""
    today, got = rows_of(history.full, OUTCOMES), rows_of(then, OUTCOMES)
    over = {each for _, each in today if each <= day - timedelta(90)}
    assert max(over) == max(each for _, each in got) == day - timedelta(90)
    shared = over & {each for _, each in got}
    left_out = (*COUNTED, *YEAR_COLUMNS)
    assert_same(without(of_days(today, shared), left_out), without(of_days(got, shared), left_out))
    years = {each for each in shared if each <= day - timedelta(365)}
    assert years
    assert_same(without(of_days(today, years), COUNTED), without(of_days(got, years), COUNTED))
    later = of_days(got, shared - years).values()
    assert all(row[name] is None for row in later for name in YEAR_COLUMNS)


def test_outcomes_of_a_year_do_not_see_what_comes_after_it(history: History) -> None:
    """Only the rows go; the as-of date, and so the cut-off, stay. (Of 90 days: the test above.)"""
    cutoff = past(13)
    cut = history.lived_through(cutoff + timedelta(365), LAST_DAY)
    for model in MODELS:
        today, got = (of_days(rows_of(each, model), {cutoff}) for each in (history.full, cut))
        assert_same(today, got)
    # What was cut would have told: there are orders on the last day of the year and after it.
    last_day, too_late = (got[f"13-order-on-{number}", cutoff] for number in (365, 366))
    assert last_day["purchase_days_next_365d"] == 1
    assert too_late["purchase_days_next_365d"] == 0
