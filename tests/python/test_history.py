"""History is honest: what a month's row says was known then, however and whenever it is built."""

import json
import math
import random
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import hard_customers
import pytest
from hard_stories import MERGED_LATER
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from reference import month_end

from evergreen.build import run_dbt
from evergreen.load import load
from evergreen.paths import Warehouse

PAST_DAYS = (date(2022, 6, 30), date(2023, 3, 14), date(2023, 12, 31))
MARTS = {
    "customers": 1,
    "customer_lifecycle": 1,
    "customer_months": 2,
    "stage_transitions": 2,
    "stage_funnel": 2,
    "stage_investment": 1,
    "trial_conversion": 2,
    "entry_sources": 2,
    "ideal_customer_profile": 2,
    "reseller_performance": 1,
    "onboarding_steps": 2,
    "onboarding_progress": 1,
    "feature_adoption": 2,
    "cross_sell_readiness": 1,
    "best_customer_habits": 1,
    "retention_cohorts": 3,
    "growth_accounting": 3,
    "customer_movements": 3,
    "revenue_movements": 4,
    "survival_curves": 3,
    "login_problems": 1,
    "early_warnings": 2,
    "win_back_candidates": 1,
    "win_back_results": 1,
    "customer_churn_risk": 1,
    "customer_lifetime_value": 1,
    "purchase_concentration": 1,
    "retention_sensitivity": 1,
    "survey_scores": 4,
    "complaints": 1,
    "unfiled_complaints": 1,
    "exit_reasons": 2,
    "product_quality": 1,
    "support_hours": 2,
    "customer_advocacy": 1,
    "advocacy_tiers": 1,
    "advocacy_correlations": 2,
    "referrals": 1,
    "referral_sources": 1,
    "product_count_retention": 1,
    "contact_plan": 1,
    "contact_audit": 1,
    "touch_effects": 3,
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
            cursor = con.execute(f"from marts.{mart}")
            columns = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
            found[mart] = {row[:key_length]: dict(zip(columns, row, strict=True)) for row in rows}
            assert len(found[mart]) == len(rows), f"{mart}: {columns[:key_length]} is no key"
    return found


def differences(expected: Rows, got: Rows, but: tuple[str, ...] = ()) -> list[str]:
    """Readable lines, one for each row or cell that differs."""
    lines = [f"{key}: row is missing" for key in expected.keys() - got.keys()]
    lines += [f"{key}: row is new" for key in got.keys() - expected.keys()]
    lines += [
        f"{key} {column}: expected {value}, got {got[key][column]}"
        for key in expected.keys() & got.keys()
        for column, value in expected[key].items()
        if column not in but and not is_same(value, got[key][column])
    ]
    return sorted(lines)


def is_same(expected, got) -> bool:
    """Sums of floats differ in the last digits with the order of the rows."""
    if isinstance(expected, float) and isinstance(got, float):
        return math.isclose(expected, got, rel_tol=1e-9, abs_tol=1e-12)
    return expected == got


def complete_months(rows: Rows, day: date) -> Rows:
    """Rows of months that are over by the day. Who is who is no history: customers of whom it
    was learnt later that they are one are one in all of their months."""
    return {
        key: row
        for key, row in rows.items()
        if month_end(row["month"]) <= day and row["customer_id"] not in MERGED_LATER
    }


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


@dataclass(frozen=True)
class Delivery:
    """How the same rows arrive another time."""

    seed: int
    """Of the order of the rows."""
    part_count: int
    """Files of each input."""
    repeated: frozenset[int]
    """Parts that lie there a second time under another name."""


deliveries = st.integers(1, 7).flatmap(
    lambda part_count: st.builds(
        Delivery,
        seed=st.integers(0, 2**32 - 1),
        part_count=st.just(part_count),
        repeated=st.frozensets(st.integers(0, part_count - 1), min_size=1),
    )
)


def deliver(tables: hard_customers.Tables, delivery: Delivery, folder: Path) -> Path:
    """A landing folder with a folder of parts for each input."""
    dice = random.Random(delivery.seed)
    shuffled = {table: dice.sample(rows, len(rows)) for table, rows in tables.items()}
    landing = hard_customers.write(shuffled, folder)
    for file in sorted(landing.glob("*.csv")):
        header, *lines = file.read_text().splitlines(keepends=True)
        parts = landing / file.stem
        parts.mkdir()
        for number in range(delivery.part_count):
            text = "".join([header, *lines[number :: delivery.part_count]])
            (parts / f"part{number}.csv").write_text(text)
            if number in delivery.repeated:
                # Not the same bytes, or the loader would see that it is the same file.
                again = "".join([header, *reversed(lines[number :: delivery.part_count])])
                (parts / f"again{number}.csv").write_text(again)
        file.unlink()
    return landing


# No shrinking: an example is a whole build.
@given(delivery=deliveries)
@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
def test_order_split_and_repetition_of_files_do_not_change_the_marts(
    history: History, delivery: Delivery
) -> None:
    landing = deliver(history.tables, delivery, Path(mkdtemp(dir=history.folder)))
    got = history.delivered(landing)
    found = {mart: differences(history.full_marts[mart], got[mart]) for mart in MARTS}
    lines = [f"{mart} {line}" for mart, its_lines in found.items() for line in its_lines[:SHOWN]]
    assert not lines, f"{delivery}, first differences:\n" + "\n".join(lines)
