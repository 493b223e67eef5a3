"""Fits at past cut-offs: made like today's, of what was known then, and written with it."""

from datetime import UTC, date, datetime, timedelta
from functools import cache

import duckdb
import numpy as np
import pytest
from purchases import simulate, simulate_snapshots, write_past, write_work_file
from test_fit import rows_of

from evergreen.fit import fit, is_due
from evergreen.fit.read import PastPurchaseDays, PurchaseDays
from evergreen.fit.run import BACKTESTS
from evergreen.paths import Warehouse

LAST_DAY = 800
AS_OF = date(2023, 1, 1) + timedelta(days=LAST_DAY)
BOOKS = ("model_parameters", "model_nodes")
NUMBERS = [number for numbers in BACKTESTS.values() for number in numbers]
PAST = [
    "intermediate.int_cutoffs",
    "intermediate.int_customer_snapshots",
    "intermediate.int_snapshot_outcomes",
    "intermediate.int_churn_features",
]


@cache
def purchases() -> list[tuple[str, int, float]]:
    return simulate(900, 1, days=LAST_DAY)


def day_of(number: int) -> date:
    return AS_OF - timedelta(days=30 * number)


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    """Two years and more of orders, and snapshots of customers who may churn."""
    warehouse = Warehouse(tmp_path / "w")
    write_work_file(warehouse, purchases(), last_day=LAST_DAY)
    write_past(warehouse, simulate_snapshots(150, 1))
    return warehouse


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> tuple[Warehouse, list[str]]:
    """One such work file, fitted once. Tests must not change it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("fitted") / "w")
    write_work_file(warehouse, purchases(), last_day=LAST_DAY)
    write_past(warehouse, simulate_snapshots(150, 1))
    return warehouse, fit(warehouse).lines()


@pytest.fixture
def few(monkeypatch) -> None:
    """Two cut-offs, where it is not the number of them that counts."""
    monkeypatch.setattr("evergreen.fit.run.BACKTESTS", {90: range(3, 4), 365: range(13, 14)})


def run_sql(warehouse: Warehouse, *statements: str) -> None:
    with duckdb.connect(str(warehouse.work_file)) as con:
        for statement in statements:
            con.execute(statement)


def parameters_at(warehouse: Warehouse, day: date) -> dict[tuple[str, str], tuple]:
    return {
        (model, name): tuple(values)
        for model, name, *values in rows_of(
            warehouse,
            "select model, parameter, value, standard_error, training_start, sample_size "
            f"from raw.model_parameters where training_end = '{day}' "
            "and parameter <> 'backtest_count'",
        )
    }


def test_every_cut_off_of_a_backtest_has_its_fit(fitted):
    warehouse, lines = fitted
    ends = rows_of(
        warehouse,
        "select training_end, list(distinct fit_id), "
        "list_sort(list(distinct model) filter (parameter in ('r', 'q', 'intercept'))) "
        "from raw.model_parameters group by all order by all",
    )
    assert [end for end, *_ in ends] == sorted(day_of(number) for number in (0, *NUMBERS))
    ids = [fit_id for _, [fit_id], _ in ends]
    assert len(set(ids)) == len(ends)
    for end, _, models in ends:
        # Churn is foretold for 90 days only.
        is_churn_due = end > day_of(BACKTESTS[365][0])
        assert "gamma_gamma" in models and ("churn_activity" in models) == is_churn_due
        assert len(models) == 2 + is_churn_due
    assert lines[-1].startswith("backtests: fits at 6 of 6 cut-offs of 90 days, 6 of 6 of 365 days")
    counts = rows_of(
        warehouse,
        "select model = 'churn_activity', value from raw.model_parameters "
        "where parameter = 'backtest_count' order by all",
    )
    assert counts == [(False, 12.0), (False, 12.0), (True, 6.0)]


@pytest.mark.parametrize("number", [3, 8, 18])
def test_a_fit_at_a_cut_off_is_the_fit_of_that_day(fitted, tmp_path, number):
    """A work file as of that day gives the same rows: choice, parameters, errors, figures."""
    warehouse, _ = fitted
    then = Warehouse(tmp_path / "then")
    write_work_file(then, purchases(), last_day=LAST_DAY - 30 * number)
    snapshots = simulate_snapshots(150, 1)
    snapshots["cutoff_number"] = snapshots["cutoff_number"] - number
    is_past = snapshots["cutoff_number"] >= 3
    write_past(then, {name: column[is_past] for name, column in snapshots.items()})
    assert not fit(then).refusals
    found = parameters_at(warehouse, day_of(number))
    expected = {
        key: row
        for key, row in parameters_at(then, day_of(number)).items()
        if key[0] != "churn_activity" or number in BACKTESTS[90]
    }
    assert found.keys() == expected.keys()
    for key, (value, error, start, count) in expected.items():
        assert found[key][0] == pytest.approx(value, rel=1e-6), key
        assert found[key][1] == (error and pytest.approx(error, rel=1e-4)), key
        assert found[key][2:] == (start, count), key


def test_a_fit_at_a_cut_off_does_not_know_the_future(fitted, warehouse):
    """Another future altogether: no row of a fit at the cut-off changes, later fits do."""
    other, number = warehouse, 6
    day = day_of(number)
    run_sql(
        other,
        f"update intermediate.int_customer_activities set amount = amount * 7, "
        f"customer_id = 'c5' where activity_date > '{day}' and hash(source_id) % 2 = 0",
        f"delete from intermediate.int_customer_activities where activity_date > '{day}' "
        "and hash(source_id) % 5 = 1",
        "insert into intermediate.int_customer_activities by name "
        "select customer_id, source_id, 'order_refunded' as activity, -amount as amount, "
        f"date '{day}' + 1 as activity_date from intermediate.int_customer_activities "
        "where hash(source_id) % 4 = 0",
        f"update intermediate.int_customer_activities set voided_date = date '{day}' + 2 "
        f"where activity_date <= '{day}' and hash(source_id) % 4 = 1",
        # Snapshots whose 90 days were not over by then.
        "update intermediate.int_snapshot_outcomes set is_churned = not is_churned "
        f"where cutoff_number < {number + 3} and hash(customer_id) % 3 = 0",
        f"update intermediate.int_churn_features set usage_trend = -usage_trend + 3 "
        f"where cutoff_number < {number + 3}",
    )
    fit(other)
    for at in NUMBERS:
        is_same = parameters_at(other, day_of(at)) == parameters_at(fitted[0], day_of(at))
        assert is_same == (at >= number), at


def test_what_was_known_on_a_day(tmp_path):
    """Refunds lower the day of their order from their own day on; voided orders vanish then."""
    warehouse = Warehouse(tmp_path / "w")
    write_work_file(warehouse, [("a", 0, 9.0)], last_day=LAST_DAY)
    write_past(warehouse)
    day = day_of(3)
    rows = [
        # customer, order, activity, amount, days before (+) or after (-) the cut-off, voided
        ("a", "first", "order_paid", 10, 50, None),
        ("a", "same_day", "order_paid", 5, 50, None),
        ("a", "first", "order_refunded", -4, 0, None),
        ("a", "second", "order_paid", 20, 20, None),
        ("a", "second", "order_refunded", -8, -1, None),
        ("a", "last", "order_paid", 30, 0, None),
        ("a", "future", "order_paid", 40, -1, None),
        ("b", "undone", "order_paid", 50, 35, 0),
        ("b", "undone", "order_refunded", -50, 0, 0),
        ("b", "undone_later", "order_paid", 60, 30, -1),
        ("b", "trial", "order_trial", 0, 60, None),
        ("stranger", "other", "order_paid", 70, 30, None),
    ]
    run_sql(
        warehouse,
        "delete from intermediate.int_customer_activities",
        "delete from intermediate.int_customer_snapshots",
        *(
            "insert into intermediate.int_customer_activities by name select "
            f"'{customer}' as customer_id, '{order}' as source_id, '{activity}' as activity, "
            f"{amount} as amount, date '{day}' - {ago} as activity_date, "
            + ("null::date" if voided is None else f"date '{day}' - ({voided})")
            + " as voided_date"
            for customer, order, activity, amount, ago, voided in rows
        ),
        *(
            f"insert into intermediate.int_customer_snapshots values ('{customer}', 3, '{day}')"
            for customer in ("a", "b")
        ),
        # Strangers are in another snapshot: the sample of a day is that day's.
        f"insert into intermediate.int_customer_snapshots values ('stranger', 4, '{day}')",
    )
    with duckdb.connect(str(warehouse.work_file)) as con:
        PastPurchaseDays.gather(con)
        past = PastPurchaseDays(con, 3, day)
        found = con.execute(
            "select customer_id, $1 - purchase_date, net_revenue::double "
            "from past_purchase_days order by all",
            [day],
        ).fetchall()
        summary = con.execute(
            "select customer_id, frequency, recency_days, age_days, mean_repeat_value, "
            "$1 - first_purchase_date from past_purchase_summary order by all",
            [day],
        ).fetchall()
        history = past.history()
    assert found == [("a", 0, 30.0), ("a", 20, 20.0), ("a", 50, 11.0), ("b", 30, 60.0)]
    assert summary == [("a", 2, 50, 50, 25.0, 50), ("b", 0, 0, 30, None, 30)]
    assert (history.as_of_date, history.days) == (day, 50)
    assert (history.buyer_count, history.repeater_count) == (2, 1)


def test_purchase_days_of_today_are_those_of_the_marts(warehouse):
    """Of all customers, whoever is in a snapshot."""
    run_sql(warehouse, "delete from intermediate.int_customer_snapshots")
    with duckdb.connect(str(warehouse.work_file)) as con:
        assert PurchaseDays(con).history().buyer_count == 900
        assert PurchaseDays(con).orders().total == 900


def test_nodes_reach_to_the_largest_frequency(fitted):
    """Of today with some to spare, of a cut-off without: only its snapshots are scored."""
    warehouse, _ = fitted
    found = dict(
        rows_of(
            warehouse,
            "select training_end, max(x) from raw.model_nodes inner join (select distinct fit_id, "
            "model, training_end from raw.model_parameters) using (fit_id, model) group by all",
        )
    )
    assert sorted(found) == sorted(day_of(number) for number in (0, *NUMBERS))
    for number in (0, 3, 18):
        days = rows_of(
            warehouse,
            "select count(*) - 1 as n from intermediate.int_purchase_days "
            f"where purchase_date <= '{day_of(number)}' group by customer_id order by n desc",
        )
        assert found[day_of(number)] == days[0][0] + (0 if number else 400)


def test_nodes_of_superseded_fits_go_and_their_parameters_stay(warehouse, few):
    first = fit(warehouse).fit_id
    count = "select count(*) from raw.model_parameters"
    nodes = "select distinct fit_id, model from raw.model_nodes order by all"
    before, (rows,) = rows_of(warehouse, nodes), rows_of(warehouse, count)[0]
    second = fit(warehouse).fit_id
    after = rows_of(warehouse, nodes)
    assert rows_of(warehouse, count) == [(2 * rows,)]
    assert len(after) == len(before) == 3
    assert all(fit_id.startswith(second) for fit_id, _ in after)
    assert first != second
    # A fit of another day supersedes none of today's.
    run_sql(
        warehouse,
        "update staging.stg_calendar set as_of_date = as_of_date + 7",
        "update intermediate.int_cutoffs set cutoff_date = cutoff_date + 7",
    )
    fit(warehouse)
    assert set(after) <= set(rows_of(warehouse, nodes))


def test_ids_are_unique_whatever_the_clock_says(warehouse, few, monkeypatch):
    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2025, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("evergreen.fit.write.datetime", Stopped)
    first, second = fit(warehouse).fit_id, fit(warehouse).fit_id
    assert first == "20250101T000000.000000Z" != second
    twice = "select fit_id, model, parameter from raw.model_parameters group by all"
    assert rows_of(warehouse, f"{twice} having count(*) > 1") == []


def test_all_fits_are_written_or_none(warehouse, few, monkeypatch):
    """A fault at the last of the cut-offs leaves the books as they were."""
    from evergreen.fit import write

    real, done = write._write, []

    def breaks(con, fit_id, fitted, training_end, now):
        done.append(training_end)
        if training_end == day_of(13):
            raise OSError("disk full")
        real(con, fit_id, fitted, training_end, now)

    fit(warehouse)
    before = [rows_of(warehouse, f"from raw.{name} order by all") for name in BOOKS]
    monkeypatch.setattr(write, "_write", breaks)
    with pytest.raises(OSError, match="disk full"):
        fit(warehouse)
    assert len(set(done)) == 3
    assert [rows_of(warehouse, f"from raw.{name} order by all") for name in BOOKS] == before


def test_a_shut_gate_of_the_past_is_no_warning(tmp_path):
    """One line sums up, with the first reason."""
    warehouse = Warehouse(tmp_path / "w")
    rows = simulate(700, 2, days=420)
    write_work_file(warehouse, rows, last_day=420)
    write_past(warehouse)
    report = fit(warehouse)
    assert not report.refusals and report.fit_id
    # 420 days: at the cut-off of 240 days ago 180 are known; 390 days ago there are 30.
    assert report.lines()[-1].startswith("backtests: fits at ")
    assert "of 6 cut-offs of 90 days, 0 of 6 of 365 days; " in report.lines()[-1]
    assert "orders: not predictable: fewer buyers than the 500 needed: " in report.lines()[-1]
    assert not is_due(warehouse, 30), "a fit that cannot be is not waited for"


def test_an_older_warehouse_is_fitted_again_once_it_has_snapshots(tmp_path, few):
    """Without their tables the fit has no part of churn, and no backtests; then it is due."""
    warehouse = Warehouse(tmp_path / "w")
    write_work_file(warehouse, purchases(), last_day=LAST_DAY)
    report = fit(warehouse)
    assert [line for line in report.lines() if "churn" in line or "backtest" in line] == []
    assert not is_due(warehouse, 30)
    write_past(warehouse)
    assert is_due(warehouse, 30)
    fit(warehouse)
    assert not is_due(warehouse, 30)
    # Churn is waited for as soon as its gate opens.
    write_past(warehouse, simulate_snapshots(150, 1))
    assert is_due(warehouse, 30)
    fit(warehouse)
    assert not is_due(warehouse, 30)
    for table in PAST:
        run_sql(warehouse, f"alter table {table} rename to gone")
        assert not is_due(warehouse, 30)
        run_sql(warehouse, f"alter table intermediate.gone rename to {table.split('.')[1]}")


def test_age_of_every_family_counts(warehouse, few):
    """Orders of today do not hide a model of churn that is 31 days old."""
    fit(warehouse)
    run_sql(
        warehouse,
        "update raw.model_parameters set training_end = training_end - 31 "
        "where model = 'churn_activity'",
    )
    assert is_due(warehouse, 30)
    assert not is_due(warehouse, 31)


def test_a_backtest_never_takes_the_place_of_a_refused_fit(warehouse, monkeypatch):
    """Today's fits do not converge, and the last good ones are of 150 days ago.

    What is fitted at cut-offs since then would be the latest, and scores would use it.
    """
    good = day_of(5)
    fit(warehouse)
    run_sql(
        warehouse,
        "delete from raw.model_nodes",
        f"delete from raw.model_parameters where training_end <> '{AS_OF}'",
        f"update raw.model_parameters set training_end = '{good}'",
    )
    from evergreen.fit.value import fit_value
    from evergreen.fit.write import current_fits

    def refuses_today(days, last, limits, report, *rest, **named):
        if report.as_of_date == AS_OF:
            report.refuse("orders", "nothing converged", None)
            return
        fit_value(days, last, limits, report, *rest, **named)

    monkeypatch.setattr("evergreen.fit.run.fit_value", refuses_today)
    report = fit(warehouse)
    assert len(report.refusals) == 1
    ends = "select distinct training_end from raw.model_parameters where parameter in "
    value = sorted(day for (day,) in rows_of(warehouse, f"{ends} ('r', 'q')"))
    assert value == sorted(day_of(number) for number in (5, 6, 7, 8, *range(13, 19)))
    fits = "select count(distinct fit_id) from raw.model_parameters where parameter = 'r' and "
    assert rows_of(warehouse, f"{fits} training_end = '{good}'") == [(1,)]
    churn = sorted(day for (day,) in rows_of(warehouse, f"{ends} ('intercept')"))
    assert churn == sorted(day_of(number) for number in (0, *BACKTESTS[90]))
    with duckdb.connect(str(warehouse.work_file)) as con:
        current = {family: end for family, (end, _) in current_fits(con, AS_OF).items()}
    assert current == {"orders": good, "spend": good, "churn_activity": AS_OF}


def test_nothing_predictable_has_no_backtests(tmp_path):
    """Ten customers: reasons, and no crash."""
    warehouse = Warehouse(tmp_path / "w")
    write_work_file(warehouse, simulate(10, 3), last_day=LAST_DAY)
    write_past(warehouse, simulate_snapshots(10, 1, range(3, 5)))
    report = fit(warehouse)
    assert report.fit_id is None and not report.refusals
    assert report.lines() == [
        "not predictable: fewer buyers than the 500 needed: 10",
        *(
            f"churn_{basis}: not predictable: fewer observed cases of churn than the 100 needed: "
            f"{count}"
            for basis, count in (("activity", report_count()), ("contract", 0))
        ),
    ]
    assert rows_of(warehouse, "from raw.model_parameters") == []


def report_count() -> int:
    return int(np.sum(simulate_snapshots(10, 1, range(3, 5))["is_churned"]))
