"""Features, readiness and habits against plain Python on the landed files."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import hard_customers
import pytest
import reference_habits
import reference_readiness
from built_marts import assert_mart_equals, built, differences, mart, query
from reference import Reference
from reference_onboarding import newcomers

from evergreen.demo import generate
from evergreen.paths import Warehouse

MARTS = (
    *("feature_adoption", "cross_sell_readiness", "best_customer_habits"),
    *("onboarding_progress", "score_backtests"),
)
NUMBERS = (0, *reference_readiness.BACKTESTS)


@dataclass(frozen=True)
class Case:
    """A built warehouse, its reference, and the risks that were put into it."""

    name: str
    warehouse: Warehouse
    reference: Reference
    risks: reference_readiness.Risks


@pytest.fixture(scope="module", params=["demo", "hard"])
def case(request, tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp(request.param)
    landing = folder / "landing"
    if request.param == "demo":
        generate(customers=1500, months=14, seed=3, out=landing, dirt=0.0)
        reference = Reference(landing, date(2024, 12, 31))
    else:
        hard_customers.write(hard_customers.HardCustomers(count=250, seed=11).tables, landing)
        reference = Reference(landing, hard_customers.LAST_DAY)
    warehouse = built(folder / "warehouse", landing, MARTS)
    return Case(request.param, warehouse, reference, with_risks(warehouse))


def with_risks(warehouse: Warehouse) -> reference_readiness.Risks:
    """Nothing is fitted: risks are drawn, for most customers of most cut-offs."""
    dice = random.Random(7)
    people = query(
        warehouse,
        "select customer_id, cutoff_number, churn_basis, cutoff_date"
        " from intermediate.int_customer_snapshots order by customer_id, cutoff_number",
    )
    drawn = [
        (who, number, basis, "fit", dice.choice((0.125, 0.25, 0.4375, 0.5, 0.75)), day)
        for who, number, basis, day in people
        if number in NUMBERS and dice.random() < 0.8
    ]
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute("delete from intermediate.int_churn_scores")
        con.executemany(
            "insert into intermediate.int_churn_scores values (?, ?, ?, ?, ?, ?)", drawn
        )
    build_only(warehouse, *(f"int_readiness+,+{name}" for name in MARTS))
    return {(who, number): risk for who, number, _, _, risk, _ in drawn}


def build_only(warehouse: Warehouse, *selections: str) -> None:
    """Without what feeds it."""
    from evergreen.build import run_dbt

    kinds = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    assert run_dbt(warehouse, ["build", *kinds, "--select", *selections]).success


def test_feature_adoption(case: Case) -> None:
    expected = reference_readiness.feature_adoption(case.reference)
    assert_mart_equals(case.warehouse, "feature_adoption", ["customer_id", "feature"], expected)
    states = {row["state"] for row in expected.values()}
    assert states == {None, "unused", "tried", "adopted", "lapsed"}


@pytest.mark.parametrize("number", NUMBERS)
def test_gates(case: Case, number: int) -> None:
    expected = reference_readiness.readiness(case.reference, case.risks, number)
    columns = list(next(iter(expected.values())))
    rows = query(
        case.warehouse,
        f"select customer_id, {', '.join(columns)} from intermediate.int_readiness"
        f" where cutoff_number = {number}",
    )
    found = {who: dict(zip(columns, values, strict=True)) for who, *values in rows}
    assert len(found) == len(rows)
    lines = differences(
        {(who,): row for who, row in expected.items()}, {(who,): row for who, row in found.items()}
    )
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:12])


def test_every_gate_blocks_somebody(case: Case) -> None:
    """A comparison proves nothing about what never is."""
    rows = [
        row
        for number in NUMBERS
        for row in reference_readiness.readiness(case.reference, case.risks, number).values()
    ]
    reasons = {row["blocked_by"] for row in rows}
    wanted = {
        *("not_adopted", "open_complaint", "satisfaction_unknown", "not_satisfied"),
        *("risk_unknown", "at_risk", "recently_pitched", None),
    }
    if case.name == "demo":
        assert reasons >= wanted
        assert {row["adoption_basis"] for row in rows} >= {"features", "logins", "purchases"}


def test_cross_sell_readiness_is_the_gates_of_today_and_the_next_products(case: Case) -> None:
    expected = reference_readiness.readiness(case.reference, case.risks, 0)
    found = mart(case.warehouse, "cross_sell_readiness", ["customer_id"])
    assert found.keys() == {(who,) for who in expected}
    places: dict[tuple[str, int], tuple] = {
        (who, place): (product, probability, lift)
        for who, place, product, probability, lift in query(
            case.warehouse,
            "select customer_id, rank, product_id, probability, lift"
            " from intermediate.int_next_products where cutoff_number = 0 and method = 'model'",
        )
    }
    prices = reference_readiness.mean_amounts(case.reference)
    for (who,), row in found.items():
        assert {name: row[name] for name in expected[who]} == expected[who]
        assert row["as_of_date"] == case.reference.as_of
        for place in (1, 2, 3):
            product, probability, lift = places.get((who, place), (None, None, None))
            assert row[f"next_product_{place}"] == product
            assert row[f"probability_{place}"] == probability
            assert row[f"lift_{place}"] == lift
        product, probability, _ = places.get((who, 1), (None, None, None))
        if product in prices:
            worth = float(prices[product]) * probability
            assert float(row["expected_value"]) == pytest.approx(worth, abs=0.00501)
        else:
            assert row["expected_value"] is None


def test_backtests_of_readiness(case: Case) -> None:
    expected = reference_readiness.backtests(case.reference, case.risks)
    columns = list(next(iter(expected.values())))
    rows = query(
        case.warehouse,
        f"select method, cutoff_date, {', '.join(columns)} from marts.score_backtests"
        " where score = 'readiness_score'",
    )
    found = {
        (method, day): dict(zip(columns, values, strict=True)) for method, day, *values in rows
    }
    assert len(rows) == len(found)
    lines = differences(expected, found)
    assert not lines, "\n".join(lines[:12])
    assert {day for _, day in found} == {
        case.reference.as_of - timedelta(30 * number) for number in reference_readiness.BACKTESTS
    }


def test_habits_of_the_best(case: Case) -> None:
    expected = reference_habits.best_customer_habits(case.reference)
    assert_mart_equals(case.warehouse, "best_customer_habits", ["habit"], expected)


def test_next_habits(case: Case) -> None:
    found = query(case.warehouse, "select customer_id, next_habit from marts.onboarding_progress")
    expected = reference_habits.next_habits(case.reference, newcomers(case.reference))
    assert {who: habit for who, habit in found if habit} == expected


def test_the_planted_habit_comes_first(case: Case) -> None:
    """Those who use reports in their first days stay, and buy more."""
    if case.name != "demo":
        pytest.skip("planted in the demo")
    rows = mart(case.warehouse, "best_customer_habits", ["habit"])
    assert rows[("uses:reports",)]["habit_rank"] == 1
    assert rows[("uses:reports",)]["is_shown"]
    assert reference_habits.next_habits(case.reference, newcomers(case.reference))


def test_odds_ratio_as_published() -> None:
    """The admissions of Berkeley, as R's mantelhaen.test prints them."""
    cells = [
        *((512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391)),
        *((138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317)),
    ]
    assert reference_habits.odds(cells) == pytest.approx(
        (0.9046968, 0.7719074, 1.0603298), abs=5e-8
    )
