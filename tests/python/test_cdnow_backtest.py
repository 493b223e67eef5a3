"""The CDNOW sample from its file to the backtests, beside the published figures."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from built_marts import build_marts, built, differences, query
from purchases import CALIBRATION_END, SAMPLE, cdnow, order_cells
from sklearn.metrics import roc_auc_score

from evergreen.fit import fit
from evergreen.fit.orders import BG_NBD, OrderCells, fit_orders, p_alive
from evergreen.paths import PROJECT_DIR, Warehouse

MARTS = ("score_backtests", "customer_churn_risk", "customer_lifetime_value")
MAPPING = PROJECT_DIR / "mappings" / "cdnow_sample"
END = CALIBRATION_END + timedelta(90)
"""The end of the calibration of the papers is a cut-off date then, and its 90 days are over."""


def fitted(folder: Path, as_of: date) -> Warehouse:
    """Built, fitted, and built again with what was fitted."""
    (folder / "landing").mkdir()
    shutil.copy(SAMPLE, folder / "landing" / "sample.parquet")
    warehouse = built(folder / "warehouse", folder / "landing", MARTS, as_of, MAPPING)
    fit(warehouse)
    build_marts(warehouse, MARTS, as_of, MAPPING)
    return warehouse


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Warehouse:
    return fitted(tmp_path_factory.mktemp("cdnow"), END)


@pytest.fixture(scope="module")
def shop_then(tmp_path_factory) -> Warehouse:
    """The same shop as it was published on the cut-off date."""
    return fitted(tmp_path_factory.mktemp("cdnow_then"), CALIBRATION_END)


def test_order_probability_ranks_the_customers_of_cdnow(shop: Warehouse) -> None:
    """AUC .785 of an order in 13 weeks, and a Brier score under that of the base rate."""
    ((share, area, brier, is_accurate, is_ranked),) = query(
        shop,
        "select observed_mean, auc, brier, is_more_accurate, is_better_ranked "
        "from marts.score_backtests where score = 'order_probability_90d' and method = 'model' "
        f"and decile is null and cutoff_date = '{CALIBRATION_END}'",
    )
    assert area >= 0.78
    assert brier < share * (1 - share)
    assert is_accurate and is_ranked


def test_fit_of_that_day_is_that_of_the_published_calibration(shop: Warehouse) -> None:
    """What was fitted for the past day is what a fit on that day gives: nothing later is in it.

    Orders of 0 dollars are none here, so the figures are near those published, not equal.
    """
    rows = query(
        shop,
        "select model, parameter, value from raw.model_parameters "
        f"where training_end = '{CALIBRATION_END}' and parameter in ('r', 'alpha', 'a', 'b')",
    )
    found = {parameter: value for _, parameter, value in rows}
    ((model, *_), *_) = rows
    history = query(
        shop,
        "select frequency, recency_days, age_days from intermediate.int_customer_snapshots "
        f"where cutoff_date = '{CALIBRATION_END}'",
    )
    x, t_x, t = (np.array(column, float) for column in zip(*history, strict=True))
    again = fit_orders(model, OrderCells(x, t_x / 7, t / 7, np.ones(len(x))))
    expected = dict(zip(("r", "alpha", "a", "b"), again.parameters, strict=True))
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("score", ["order_probability_90d", "churn_probability_90d"])
def test_backtests_show_the_scores_that_were_published_then(
    shop: Warehouse, shop_then: Warehouse, score: str
) -> None:
    """Features, parameters and scores of a past day hold nothing that came later."""
    backtested = query(
        shop,
        "select customer_id, predicted from intermediate.int_backtest_predictions "
        f"where score = '{score}' and method = 'model' and cutoff_date = '{CALIBRATION_END}'",
    )
    published = dict(
        query(shop_then, f"select customer_id, {score} from marts.customer_churn_risk")
    )
    assert len(backtested) > 500
    lines = differences(
        {(who,): {score: published.get(who)} for who, _ in backtested},
        {(who,): {score: value} for who, value in backtested},
    )
    assert not lines, f"{len(lines)} differences, first:\n" + "\n".join(lines[:12])


@pytest.mark.parametrize(("weeks", "area"), [(13, 0.332), (39, 0.316)])
def test_being_alive_is_no_ranking_of_who_orders(weeks: int, area: float) -> None:
    """P(alive) of BG/NBD is 1 for all who bought once: worse than a coin."""
    customers, later = cdnow(), cdnow(CALIBRATION_END + timedelta(7 * weeks))
    bought = (later["orders"] < customers["orders"]).astype(float)
    cells = order_cells(customers)
    alive = p_alive(BG_NBD, fit_orders(BG_NBD, cells).parameters, cells)
    found = roc_auc_score(bought, alive)
    assert found < 0.5
    assert found == pytest.approx(area, abs=0.001)
