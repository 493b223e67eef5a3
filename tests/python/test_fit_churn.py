"""The models of churn: their mathematics, their gate, and what they do with odd snapshots."""

import duckdb
import numpy as np
import pytest
from purchases import FEATURES, PLANTED, simulate_snapshots, write_past, write_work_file
from scipy.optimize import minimize
from test_fit import rows_of

from evergreen.fit import fit, is_due
from evergreen.fit.churn import (
    Panel,
    auc,
    fit_churn,
    fit_logistic,
    log_loss,
    probabilities,
    scaling_of,
    standard_errors,
)
from evergreen.fit.report import FitReport
from evergreen.fit.snapshots import Snapshots
from evergreen.fit.write import Fitted
from evergreen.paths import Warehouse

START = "2023-01-01"


def panel_of(snapshots: dict[str, np.ndarray]) -> Panel:
    """The panel that the work file with these snapshots gives."""
    return Panel(
        FEATURES,
        np.column_stack([snapshots[name] for name in FEATURES]),
        snapshots["is_churned"].astype(float),
        np.array([int(name[1:]) for name in snapshots["customer_id"]]),
        snapshots["cutoff_number"],
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(simulate_snapshots(150, 1, range(3, 15)))


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    """A work file without any order, as of the 800th day."""
    warehouse = Warehouse(tmp_path / "w")
    write_work_file(warehouse, [], last_day=800)
    return warehouse


def only_fit(panel: Panel, last: Fitted | None = None, tolerance: float = 1.02) -> FitReport:
    report = FitReport(None)
    given = (None, last) if last else None
    fit_churn("churn_activity", panel, START, given, tolerance, report)
    return report


def objective(theta, design, churned, penalty) -> float:
    """Plain: the sum of what each snapshot costs, and the penalty."""
    total = 0.0
    for row, outcome in zip(design, churned, strict=True):
        odds = float(np.dot(row, theta))
        total += np.logaddexp(0, odds) - outcome * odds
    return total + penalty / 2 * float(np.sum(theta[1:] ** 2))


@pytest.mark.parametrize("penalty", [0.1, 10.0, 1000.0])
def test_coefficients_minimise_the_penalised_loss(panel, penalty):
    """Newton's steps end where another method ends that knows no derivatives but its own."""
    design = scaling_of(panel).design(panel)
    found = fit_logistic(design, panel.churned, penalty)

    def loss(theta):
        odds = design @ theta
        return np.sum(np.logaddexp(0, odds) - panel.churned * odds) + penalty / 2 * np.sum(
            theta[1:] ** 2
        )

    def slope(theta):
        odds = design @ theta
        return design.T @ (1 / (1 + np.exp(-odds)) - panel.churned) + penalty * np.array(
            [0, *theta[1:]]
        )

    peer = minimize(
        loss, np.zeros(4), jac=slope, method="L-BFGS-B", options={"ftol": 1e-16, "gtol": 1e-9}
    )
    np.testing.assert_allclose(found.parameters, peer.x, atol=1e-6)
    assert found.is_converged
    assert objective(found.parameters, design, panel.churned, penalty) == pytest.approx(
        loss(found.parameters), rel=1e-12
    )
    for step in 1e-3 * np.vstack([np.eye(4), -np.eye(4)]):
        assert loss(found.parameters + step) > loss(found.parameters)
    assert found.log_likelihood == pytest.approx(
        -objective(found.parameters, design, panel.churned, 0), rel=1e-12
    )


def test_standard_errors_are_those_of_a_plain_loop(panel):
    """Liang and Zeger: the scores of a customer's snapshots are added before they are squared."""
    design = scaling_of(panel).design(panel)
    theta = fit_logistic(design, panel.churned, 10.0).parameters
    bread, scores = np.diag([0.0, 10, 10, 10]), {}
    for row, outcome, customer in zip(design, panel.churned, panel.customer, strict=True):
        probability = 1 / (1 + np.exp(-row @ theta))
        bread += probability * (1 - probability) * np.outer(row, row)
        scores[customer] = scores.get(customer, 0) + (outcome - probability) * row
    meat = sum(np.outer(score, score) for score in scores.values())
    inverse = np.linalg.inv(bread)
    expected = np.sqrt(np.diag(inverse @ meat @ inverse))
    found = standard_errors(design, panel.churned, 10.0, theta, panel.customer)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_snapshots_of_one_customer_are_no_independent_cases():
    """Each snapshot twice, of the same customer: nothing is learnt, the standard errors stay."""
    once = panel_of(simulate_snapshots(150, 1, range(3, 15)))
    twice = Panel(
        once.features,
        *(
            np.concatenate([column, column])
            for column in (once.values, once.churned, once.customer, once.cutoff_number)
        ),
    )
    design, doubled = scaling_of(once).design(once), scaling_of(twice).design(twice)
    theta = fit_logistic(design, once.churned, 1.0).parameters
    np.testing.assert_allclose(fit_logistic(doubled, twice.churned, 2.0).parameters, theta)
    np.testing.assert_allclose(
        standard_errors(doubled, twice.churned, 2.0, theta, twice.customer),
        standard_errors(design, once.churned, 1.0, theta, once.customer),
        rtol=1e-9,
    )


def test_planted_coefficients_come_back():
    """Within 4 standard errors and 0.1, by standard deviation of the feature where known."""
    found = only_fit(panel_of(simulate_snapshots(2000, 2, range(3, 15)))).fits[0]
    for name, planted in PLANTED.items():
        expected = planted * found.parameters.get(f"{name}:scale", 1.0)
        if name == "intercept":
            expected += sum(
                PLANTED[feature] * found.parameters[f"{feature}:mean"] for feature in FEATURES
            )
        assert abs(found.parameters[name] - expected) < 4 * found.standard_errors[name], name
        assert abs(found.parameters[name] - expected) < 0.1, name


def test_standard_errors_are_the_spread_of_repeated_samples():
    """Customers who differ for good: over 200 samples the coefficients vary by what one says.

    Errors that took snapshots for independent cases would be too small by a third or more.
    """
    rng = np.random.default_rng(9)
    customer = np.repeat(np.arange(200), 12)
    found, said, naive = [], [], []
    for _ in range(200):
        own = rng.normal(size=200)
        design = np.column_stack([np.ones(2400), own[customer]])
        odds = -0.5 + 0.8 * own[customer] + 1.5 * rng.normal(size=200)[customer]
        churned = (rng.random(2400) < 1 / (1 + np.exp(-odds))).astype(float)
        theta = fit_logistic(design, churned, 1.0).parameters
        found.append(theta)
        said.append(standard_errors(design, churned, 1.0, theta, customer))
        naive.append(standard_errors(design, churned, 1.0, theta, np.arange(2400)))
    spread = np.std(found, axis=0)
    assert (np.abs(np.mean(said, axis=0) / spread - 1) < 0.15).all()
    assert (np.mean(naive, axis=0) / spread < 0.67).all()


def test_unknown_counts_as_the_mean(panel):
    """And takes no part in the mean and the scale."""
    scaling = scaling_of(panel)
    known = panel.values[:, 2][~np.isnan(panel.values[:, 2])]
    assert (scaling.means[2], scaling.scales[2]) == (known.mean(), known.std())
    assert (scaling.design(panel)[np.isnan(panel.values[:, 2]), 3] == 0).all()
    fitted = only_fit(panel).fits[0]
    unknown = Panel(FEATURES, np.array([[0.3, 1.0, np.nan]]), *(np.zeros(1),) * 3)
    mean = Panel(FEATURES, np.array([[0.3, 1.0, known.mean()]]), *(np.zeros(1),) * 3)
    assert probabilities(fitted.parameters, unknown) == probabilities(fitted.parameters, mean)


def test_a_feature_that_tells_nobody_apart_is_left_out(panel):
    """Constant where known, or never known. The others have what they have without it."""
    values = np.column_stack([panel.values, np.full(len(panel.churned), 0.1)])
    values = np.column_stack([values, np.full(len(panel.churned), np.nan)])
    values[::3, 3] = np.nan
    wider = Panel(
        (*FEATURES, "constant", "never"), values, panel.churned, panel.customer, panel.cutoff_number
    )
    found, expected = only_fit(wider).fits[0], only_fit(panel).fits[0]
    assert found.parameters == expected.parameters
    assert set(found.parameters) == {
        "intercept",
        *FEATURES,
        *(f"{name}:{part}" for name in FEATURES for part in ("mean", "scale")),
    }
    assert set(found.standard_errors) == {"intercept", *FEATURES}


def test_customers_who_are_all_equal_have_the_base_rate(panel):
    equal = Panel(
        FEATURES,
        np.ones_like(panel.values),
        panel.churned,
        panel.customer,
        panel.cutoff_number,
    )
    fitted = only_fit(equal).fits[0]
    assert set(fitted.parameters) == {"intercept"}
    rate = 1 / (1 + np.exp(-fitted.parameters["intercept"]))
    assert rate == pytest.approx(panel.churned.mean(), rel=1e-9)
    assert fitted.figures["holdout_auc"] == 0.5
    assert fitted.figures["holdout_log_loss"] == pytest.approx(
        fitted.figures["holdout_base_log_loss"], rel=1e-9
    )


def test_a_feature_that_settles_everything_has_a_finite_coefficient(panel):
    values = panel.values.copy()
    values[:, 0] = panel.churned * 2 + 1
    fitted = only_fit(
        Panel(FEATURES, values, panel.churned, panel.customer, panel.cutoff_number)
    ).fits[0]
    assert np.isfinite(list(fitted.parameters.values())).all()
    assert np.isfinite(list(fitted.standard_errors.values())).all()
    assert fitted.parameters["days_silent"] > 2
    assert fitted.figures["holdout_auc"] == 1


def test_latest_quarter_of_the_cut_offs_is_held_out(panel):
    """And what is learnt from was over by the first of them, where there are cut-offs enough."""
    for numbers, learnt, held in (
        (range(3, 15), range(8, 15), range(3, 6)),
        (range(3, 8), range(6, 8), range(3, 4)),
        (range(3, 6), range(4, 6), range(3, 4)),
        (range(3, 5), range(4, 5), range(3, 4)),
    ):
        earlier, later = panel.where(np.isin(panel.cutoff_number, numbers)).split()
        assert set(earlier.cutoff_number) == set(learnt), numbers
        assert set(later.cutoff_number) == set(held), numbers


def test_penalty_is_the_best_on_the_held_out_cut_offs(panel):
    """Features that tell nothing are penalised as hard as can be, strong ones hardly."""
    rng = np.random.default_rng(5)
    noise = Panel(
        FEATURES,
        rng.normal(size=panel.values.shape),
        (rng.random(len(panel.churned)) < 0.4).astype(float),
        panel.customer,
        panel.cutoff_number,
    )
    assert only_fit(noise).fits[0].figures["penalty"] == 1000
    fitted = only_fit(panel).fits[0]
    assert fitted.figures["penalty"] <= 10
    earlier, later = panel.split()
    scaling = scaling_of(earlier)
    errors = {}
    for penalty in (0.1, 1.0, 10.0, 100.0, 1000.0):
        theta = fit_logistic(scaling.design(earlier), earlier.churned, penalty).parameters
        chance = 1 / (1 + np.exp(-scaling.design(later) @ theta))
        errors[penalty] = log_loss(chance, later.churned)
    assert fitted.figures["penalty"] == min(errors, key=errors.get)
    assert fitted.figures["holdout_log_loss"] == pytest.approx(min(errors.values()), rel=1e-9)
    rate = earlier.churned.mean()
    base = -np.where(later.churned > 0, np.log(rate), np.log(1 - rate)).mean()
    assert fitted.figures["holdout_base_log_loss"] == pytest.approx(base, rel=1e-12)


def test_auc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(1)
    score, churned = rng.integers(0, 5, 60).astype(float), rng.integers(0, 2, 60).astype(float)
    pairs = [
        (yes > no) + (yes == no) / 2 for yes in score[churned > 0] for no in score[churned == 0]
    ]
    assert auc(score, churned) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert np.isnan(auc(score, np.ones(60)))


@pytest.mark.parametrize("share, is_refused", [(1.001, False), (0.999, True)])
def test_a_worse_fit_is_refused(panel, share, is_refused):
    """The limit is the held-out log loss of the current parameters, times the tolerance."""
    last = only_fit(panel.split()[1]).fits[0]
    later = panel.split()[1]
    before = log_loss(probabilities(last.parameters, later), later.churned)
    ratio = only_fit(panel).fits[0].figures["holdout_log_loss"] / before
    assert ratio > 1
    report = only_fit(panel, last, ratio * share)
    assert bool(report.refusals) == is_refused
    assert bool(report.fits) != is_refused
    if is_refused:
        assert "churn_activity was refused: its held-out log loss is" in report.refusals[0]
        assert "the parameters of churn_activity trained to" in report.refusals[0]


def test_earlier_cut_offs_of_one_outcome_are_refused(panel):
    churned = np.where(panel.cutoff_number > 5, 0.0, panel.churned)
    late = Panel(FEATURES, panel.values, churned, panel.customer, panel.cutoff_number)
    report = only_fit(late)
    assert not report.fits
    assert "nothing converged on the earlier cut-offs (nobody churned)" in report.refusals[0]


# Whole fits, on work files.


def test_a_fit_without_any_order_writes_its_rows(warehouse):
    """RavenStack has subscriptions and no orders: the gate of orders does not stop churn."""
    write_past(warehouse, simulate_snapshots(200, 1))
    assert is_due(warehouse, 30)
    report = fit(warehouse)
    assert report.not_predictable == "fewer buyers than the 500 needed: 0"
    assert report.fit_id and not report.refusals, report.lines()
    assert [fitted.model for fitted in report.fits] == ["churn_activity"]
    assert not is_due(warehouse, 30)
    rows = {
        name: (value, error, count)
        for name, value, error, count in rows_of(
            warehouse,
            "select parameter, value, standard_error, sample_size from raw.model_parameters "
            f"where fit_id = '{report.fit_id}'",
        )
    }
    figures = {"penalty", "event_count", "holdout_log_loss", "holdout_auc"}
    figures |= {"holdout_base_log_loss", "backtest_count"}
    scaled = {f"{name}:{part}" for name in FEATURES for part in ("mean", "scale")}
    assert set(rows) == {"intercept", *FEATURES} | scaled | figures
    for name, (value, error, count) in rows.items():
        assert np.isfinite(value) and count == 200 * 12, name
        assert (error is not None) == (name in ("intercept", *FEATURES)), name
    assert (
        rows["event_count"][0]
        == simulate_snapshots(200, 1)["is_churned"][
            simulate_snapshots(200, 1)["cutoff_number"] <= 14
        ].sum()
    )
    ends = "select distinct training_start, training_end from raw.model_parameters where fit_id = "
    assert [str(day) for day in rows_of(warehouse, f"{ends}'{report.fit_id}'")[0]] == [
        "2024-01-16",  # 14 steps of 30 days before
        "2025-03-11",
    ]
    lines = "\n".join(report.lines())
    assert "2,400 snapshots" in lines and ":mean" not in lines
    assert "churn_contract: not predictable: fewer observed cases of churn than the 100" in lines


def test_the_order_of_rows_changes_nothing(warehouse):
    given = simulate_snapshots(100, 3)
    mixed = np.random.default_rng(1).permutation(len(given["customer_id"]))
    found = []
    for rows in (given, {name: column[mixed] for name, column in given.items()}):
        write_past(warehouse, rows)
        report = fit(warehouse)
        found.append(
            rows_of(
                warehouse,
                "select model, training_end, parameter, value, standard_error, log_likelihood "
                f"from raw.model_parameters where starts_with(fit_id, '{report.fit_id}') "
                "order by all",
            )
        )
    assert len(found[0]) > 100
    assert found[0] == found[1]


def cases(churned_count: int, stayed_count: int, numbers: tuple[int, ...]) -> dict:
    """That many cases of each outcome, over all of the cut-offs; some of them out of reach."""
    count = churned_count + stayed_count
    rng = np.random.default_rng(1)
    given = simulate_snapshots(count + 400, 1, range(3, 4))
    given["is_churned"] = np.arange(count + 400) < churned_count
    given["cutoff_number"] = np.resize(np.array(numbers), count + 400)
    # Beyond the training: too young, too old, of the other basis.
    given["cutoff_number"][count : count + 150] = 2
    given["cutoff_number"][count + 150 : count + 300] = 15
    given["churn_basis"][count + 300 :] = "contract"
    given["is_churned"][count:] = rng.random(400) < 0.5
    return given


@pytest.mark.parametrize(
    "given, reason",
    [
        (cases(100, 100, (3, 14)), None),
        (cases(99, 500, (3, 14)), "fewer observed cases of churn than the 100 needed: 99"),
        (cases(500, 99, (3, 14)), "fewer observed cases of staying than the 100 needed: 99"),
        (cases(200, 200, (7,)), "fewer past dates to learn from than the 2 needed: 1"),
        (cases(5, 5, (3, 4)), "fewer observed cases of churn than the 100 needed: 5"),
    ],
)
def test_the_gate_gives_its_reason(warehouse, given, reason):
    write_past(warehouse, given)
    report = fit(warehouse)
    told = [line for line in report.lines() if line.startswith("churn_activity: not predictable")]
    assert told == ([f"churn_activity: not predictable: {reason}"] if reason else [])
    assert bool(report.fits) == (reason is None)
    assert not report.refusals


def test_nothing_converges(warehouse, monkeypatch):
    write_past(warehouse, simulate_snapshots(200, 1))
    monkeypatch.setattr("evergreen.fit.optimise.GRADIENT_LIMIT", -1.0)
    report = fit(warehouse)
    assert report.fit_id is None
    assert len(report.refusals) == 1
    assert "churn_activity was refused: nothing converged on the earlier" in report.refusals[0]
    assert rows_of(warehouse, "from raw.model_parameters") == []


def test_training_is_capped_by_whole_customers(warehouse, monkeypatch):
    """The same ones each time."""
    write_past(warehouse, simulate_snapshots(200, 1))
    monkeypatch.setattr("evergreen.fit.snapshots.LARGEST_PANEL", 600)
    with duckdb.connect(str(warehouse.work_file)) as con:
        panel, again = (Snapshots(con).panel("activity", 0) for _ in range(2))
    assert len(panel.churned) == 600
    assert set(np.bincount(panel.customer)) == {0, 12}
    np.testing.assert_array_equal(panel.customer, again.customer)


def test_a_cut_off_learns_from_twelve_before_it(warehouse):
    """Those whose 90 days were over by then: 3 to 14 steps before."""
    write_past(warehouse, simulate_snapshots(20, 1))
    with duckdb.connect(str(warehouse.work_file)) as con:
        snapshots = Snapshots(con)
        for number, numbers in ((0, range(3, 15)), (3, range(6, 18)), (13, range(16, 25))):
            assert set(snapshots.panel("activity", number).cutoff_number) == set(numbers)
            assert snapshots.evidence("activity", number).cutoff_count == len(numbers)
        panel = snapshots.panel("activity", 0)
    given = panel_of(simulate_snapshots(20, 1, range(3, 25)))
    expected = given.where(given.cutoff_number <= 14)
    assert panel.features == FEATURES
    assert np.nansum(panel.values) == pytest.approx(np.nansum(expected.values))
    assert np.isnan(panel.values).sum() == np.isnan(expected.values).sum() > 0
