"""Figures of backtests in SQL against scikit-learn and scipy, on random and hostile predictions."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import (
    brier_score_loss,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from evergreen.build import run_dbt
from evergreen.paths import Warehouse

EVENT, AMOUNT = "order_probability_90d", "expected_orders_365d"
MODELS = ("intermediate/int_backtest_metrics", "marts/trust/score_backtests")
AS_OF = date(2024, 12, 31)
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Case:
    """Predictions of one score by one method at one cut-off date, and what happened."""

    name: str
    score: str
    predicted: np.ndarray
    observed: np.ndarray
    method: str = "model"

    @property
    def is_event(self) -> bool:
        return self.score == EVENT


def cases(seed: int = 1) -> list[Case]:
    rng = np.random.default_rng(seed)
    found = []

    def event(name: str, predicted, observed) -> None:
        found.append(Case(name, EVENT, np.asarray(predicted, float), np.asarray(observed, float)))

    def amount(name: str, predicted, observed) -> None:
        found.append(Case(name, AMOUNT, np.asarray(predicted, float), np.asarray(observed, float)))

    for size in (1, 2, 3, 9, 10, 11, 19, 20, 101, 5000):
        p = rng.random(size)
        event(f"{size} drawn", p, rng.random(size) < p)
        event(f"{size} tied", np.round(p, 1), rng.random(size) < p)
        event(f"{size} of two predictions", p < 0.5, rng.random(size) < 0.3)
        event(f"{size} without the event", p, np.zeros(size))
        event(f"{size} with the event", p, np.ones(size))
        event(f"{size} with one prediction", np.full(size, 0.3), rng.random(size) < 0.5)
        rate = rng.gamma(0.5, 4, size)
        amount(f"{size} drawn", rate, rng.poisson(rate))
        amount(f"{size} tied", np.floor(rate), rng.poisson(rate))
        amount(f"{size} of continuous amounts", rate, rng.lognormal(3, 2, size))
        amount(f"{size} with one prediction", np.full(size, 0.3), rng.poisson(rate))
        amount(f"{size} that bought nothing", rate, np.zeros(size))
        amount(f"{size} foretold nothing", np.zeros(size), rng.poisson(rate))
        amount(f"{size} foretold in reverse", -rate + rate.max(), rate)
    p = rng.random(400)
    event("one event among many", p, np.arange(400) == 7)
    event("certain and right", p < 0.5, p < 0.5)
    event("certain and wrong", p < 0.5, p >= 0.5)
    event("predictions that differ in the last digit", 0.1 + np.arange(400) * 2**-56, p < 0.5)
    event("tiny predictions", p * 1e-300, p < 0.1)
    amount("huge and tiny", 10.0 ** rng.uniform(-12, 12, 400), 10.0 ** rng.uniform(-12, 12, 400))
    amount("one huge among zeros", np.arange(400) == 3, 1e15 * (np.arange(400) == 3))
    amount("halves", rng.integers(0, 3, 400) / 2, rng.integers(0, 2, 400))
    return found


CASES = cases()


@pytest.fixture(scope="module")
def sql(tmp_path_factory) -> dict[str, str]:
    """Compiled SQL of the models by their name."""
    warehouse = Warehouse(tmp_path_factory.mktemp("compile"))
    names = [model.rsplit("/", 1)[-1] for model in MODELS]
    assert run_dbt(warehouse, ["compile", "--select", *names]).success
    folder = warehouse.folder / "target" / "compiled" / "evergreen" / "models"
    return {
        name: (folder / f"{model}.sql").read_text()
        for name, model in zip(names, MODELS, strict=True)
    }


@pytest.fixture(scope="module")
def mart(sql, tmp_path_factory) -> dict[int, list[dict]]:
    """Rows of score_backtests over the cases, each at a cut-off date of its own."""
    return built(sql, CASES, tmp_path_factory.mktemp("metrics"))


def built(sql, given: list[Case], folder, places: list[int] | None = None) -> dict[int, list[dict]]:
    """Rows of the mart by the place of their cut-off date."""
    places = places or list(range(len(given)))
    with duckdb.connect(str(folder / "work.duckdb")) as con:
        con.execute("create schema intermediate; create schema staging; create schema marts")
        con.execute(f"create table staging.stg_calendar as select date '{AS_OF}' as as_of_date")
        con.execute(
            "create table intermediate.int_backtest_predictions (customer_id text, score text, "
            "method text, horizon_days integer, predicted double, observed double, "
            "cutoff_date date)"
        )
        con.execute(
            "create table intermediate.int_backtest_hits (score text, method text, "
            "new_buyer_count bigint, hit_rate_1 double, hit_rate_3 double, cutoff_date date)"
        )
        for place, case in zip(places, given, strict=True):
            rows = {
                "place": np.arange(len(case.predicted)),
                "predicted": case.predicted,
                "observed": case.observed,
            }
            con.register("rows", rows)
            con.execute(
                "insert into intermediate.int_backtest_predictions select 'c' || place, $1, $2, "
                "90, predicted, observed, $3 from rows order by hash(place, $2)",
                [case.score, case.method, day(place)],
            )
            con.unregister("rows")
        con.execute(
            f"create table intermediate.int_backtest_metrics as {sql['int_backtest_metrics']}"
        )
        con.execute(
            "create table intermediate.int_readiness_backtests as "
            "from intermediate.int_backtest_metrics limit 0"
        )
        found = con.execute(f"{sql['score_backtests']}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    by_place: dict[int, list[dict]] = {}
    for row in rows:
        by_place.setdefault((AS_OF - row["cutoff_date"]).days, []).append(row)
    return by_place


def day(place: int) -> date:
    return AS_OF - timedelta(days=place)


def figures(case: Case) -> dict[str, float | None]:
    """What the row of all customers must say."""
    p, o = case.predicted, case.observed
    varied = len(set(o)) > 1
    first = deciles(case)[0]
    found = {
        "customer_count": len(p),
        "predicted_mean": p.mean(),
        "observed_mean": o.mean(),
        "lift": None,
        "total_error_rate": p.sum() / o.sum() - 1 if o.sum() else None,
        "top_decile_capture": o[first].sum() / o.sum() if o.sum() else None,
        **dict.fromkeys(("auc", "brier", "mae", "rmse", "spearman")),
    }
    if case.is_event:
        return found | {
            "auc": roc_auc_score(o, p) if varied else None,
            "brier": brier_score_loss(o, p, pos_label=1),
        }
    return found | {
        "mae": mean_absolute_error(o, p),
        "rmse": root_mean_squared_error(o, p),
        "spearman": spearmanr(p, o).statistic if varied and len(set(p)) > 1 else None,
    }


def deciles(case: Case) -> list[np.ndarray]:
    """Places of the customers of each tenth."""
    ids = [f"c{place}" for place in range(len(case.predicted))]
    hashes = [hashlib.md5(name.encode()).hexdigest() for name in ids]
    order = sorted(range(len(ids)), key=lambda n: (-case.predicted[n], hashes[n], ids[n]))
    return [part for part in np.array_split(np.array(order), 10) if len(part)]


@pytest.mark.parametrize("place", range(len(CASES)), ids=lambda place: CASES[place].name)
def test_figures_equal_scikit_learn_and_scipy(mart, place):
    case = CASES[place]
    (row,) = [row for row in mart[place] if row["decile"] is None]
    for name, expected in figures(case).items():
        found = row[name]
        if expected is None:
            assert found is None, name
        else:
            assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE), name
    assert row["as_of_date"] == AS_OF


@pytest.mark.parametrize("place", range(len(CASES)), ids=lambda place: CASES[place].name)
def test_tenths_hold_who_they_must(mart, place):
    case = CASES[place]
    found = {row["decile"]: row for row in mart[place] if row["decile"] is not None}
    parts = deciles(case)
    assert sorted(found) == list(range(1, len(parts) + 1))
    mean = case.observed.mean()
    for decile, part in enumerate(parts, 1):
        row = found[decile]
        expected = {
            "customer_count": len(part),
            "predicted_mean": case.predicted[part].mean(),
            "observed_mean": case.observed[part].mean(),
            "lift": case.observed[part].mean() / mean if mean else None,
        }
        for name, value in expected.items():
            assert (row[name] is None) == (value is None), name
            assert value is None or row[name] == pytest.approx(value, rel=TOLERANCE, abs=TOLERANCE)
        assert row["auc"] is None and row["brier"] is None and row["rmse"] is None


def test_the_cases_are_hostile_enough():
    """Null and not, chance, perfect and reversed: each occurs."""
    events = [figures(case) for case in CASES if case.is_event]
    amounts = [figures(case) for case in CASES if not case.is_event]
    assert {0.0, 0.5, 1.0} <= {row["auc"] for row in events}
    assert sum(row["auc"] is None for row in events) >= 20
    assert sum(row["auc"] is not None for row in events) >= 20
    assert min(row["spearman"] or 0 for row in amounts) < -0.99
    assert sum(row["spearman"] is None for row in amounts) >= 20
    assert sum(row["total_error_rate"] is None for row in events + amounts) >= 20


def test_a_copy_of_the_rule_is_no_better_than_it(sql, tmp_path):
    """The same predictions in another order of rows: sums may differ in their last digits."""
    rng = np.random.default_rng(2)
    given, places = [], []
    for place in range(40):
        score = (EVENT, AMOUNT)[place % 2]
        predicted = rng.random(3000)
        observed = (rng.random(3000) < predicted) * (1.0 if score == EVENT else rng.random(3000))
        given += [
            Case("copy", score, predicted, observed, method)
            for method in ("model", "recency_rule", "last_period_repeated")
        ]
        places += [place] * 3
    rows = built(sql, given, tmp_path, places)
    judged = [
        (row["is_more_accurate"], row["is_better_ranked"])
        for place in rows.values()
        for row in place
        if row["method"] == "model" and row["decile"] is None
    ]
    assert judged == [(False, False)] * 40


@pytest.mark.parametrize(("noise", "is_better"), [(0.02, True), (0.6, False)])
def test_a_better_model_is_better(sql, tmp_path, noise, is_better):
    rng = np.random.default_rng(3)
    truth = rng.random(3000)
    observed = (rng.random(3000) < truth).astype(float)
    given = [
        Case("model", EVENT, noisy(truth, noise, rng), observed),
        Case("rule", EVENT, noisy(truth, 0.3, rng), observed, "recency_rule"),
        Case("repeat", EVENT, np.round(noisy(truth, 0.3, rng)), observed, "last_period_repeated"),
    ]
    rows = built(sql, given, tmp_path, [0, 0, 0])[0]
    (row,) = [row for row in rows if row["method"] == "model" and row["decile"] is None]
    assert (row["is_more_accurate"], row["is_better_ranked"]) == (is_better, is_better)


def noisy(truth: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(truth + rng.normal(0, noise, len(truth)), 0, 1)
