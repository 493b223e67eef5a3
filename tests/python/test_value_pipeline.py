"""From landed files to published scores: the fit as a step of a refresh, and as a command."""

import shutil
from datetime import date
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from purchases import SAMPLE
from typer.testing import CliRunner

from evergreen.build import build
from evergreen.cli import NOT_FITTED, app
from evergreen.errors import InputRefused
from evergreen.fit import fit
from evergreen.fit.orders import MBG_NBD, OrderCells, expected_orders, p_alive
from evergreen.fit.spend import expected_value
from evergreen.load import load
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import FITTED_MODELS, RefreshReport, fit_if_due, refresh

CDNOW = PROJECT_DIR / "mappings" / "cdnow_sample"


def query(file, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory) -> tuple[Warehouse, RefreshReport]:
    """The CDNOW sample, refreshed once as of the end of the papers' calibration."""
    folder = tmp_path_factory.mktemp("value")
    (folder / "landing").mkdir()
    shutil.copy(SAMPLE, folder / "landing" / "sample.parquet")
    warehouse = Warehouse(folder / "warehouse")
    return warehouse, refresh(warehouse, folder / "landing", CDNOW, as_of=date(1997, 9, 30))


def test_first_refresh_fits_and_scores(refreshed):
    warehouse, report = refreshed
    assert report.fit_lines and not report.warnings
    figures = query(
        warehouse.published_file,
        "select count(*), count(*) filter (is_predictable), "
        "bool_and(predicted_value_low <= predicted_value_365d), sum(expected_orders_365d) "
        "from marts.customer_lifetime_value",
    )[0]
    assert figures[0] == figures[1] > 2300
    assert figures[2]
    # 1,882 orders came in the 39 weeks after; a year has 52.
    assert 1500 < figures[3] < 2900


def test_no_parameter_knows_a_later_day(refreshed):
    """Scores use what was trained to the day itself; fits for backtests end before it."""
    warehouse, _ = refreshed
    found = query(
        warehouse.published_file,
        "select distinct training_start, training_end from marts.model_parameters "
        "where is_current and model in ('bg_nbd', 'mbg_nbd', 'gamma_gamma')",
    )
    assert found == [(date(1997, 1, 1), date(1997, 9, 30))]
    others = query(
        warehouse.published_file,
        "select min(training_start), max(training_end) from marts.model_parameters "
        "where not is_current",
    )
    assert others[0][0] >= date(1997, 1, 1)
    # The latest cut-off of a backtest: 90 days before.
    assert others[0][1] == date(1997, 7, 2)


def test_marts_score_the_past_with_what_was_fitted_then(refreshed):
    """History was long enough for a model of orders three months ago, and not before."""
    warehouse, report = refreshed
    ends = query(
        warehouse.published_file,
        "select distinct training_end from marts.model_parameters where parameter = 'r' "
        "order by all",
    )
    assert ends == [(date(1997, 7, 2),), (date(1997, 9, 30),)]
    told = [line for line in report.fit_lines if line.startswith("backtests: ")]
    assert len(told) == 1
    assert "1997-06-02: orders: not predictable: fewer days of history than the 180" in told[0]


def test_mart_equals_the_models_in_python(refreshed):
    """Every customer: SQL over the rows of the fit gives what numpy gives for its parameters."""
    warehouse, _ = refreshed
    values = {
        (model, name): value
        for model, name, value in query(
            warehouse.published_file,
            "select model, parameter, value from marts.model_parameters where is_current",
        )
    }
    chosen = next(model for model, name in values if name == "r")
    orders = np.array([values[chosen, name] for name in ("r", "alpha", "a", "b")])
    spend = np.array([values["gamma_gamma", name] for name in ("p", "q", "gamma")])
    rows = query(
        warehouse.work_file,
        "select frequency, recency_days, age_days, coalesce(mean_repeat_value, 0), p_alive, "
        "expected_orders_365d, forecasts.expected_order_value "
        "from intermediate.int_purchase_summary "
        "join intermediate.int_value_forecasts as forecasts using (customer_id)",
    )
    x, t_x, t, m, alive, expected, value = (
        np.array(column, float) for column in zip(*rows, strict=True)
    )
    cells = OrderCells(x, t_x / 7, t / 7, np.ones(len(x)))
    np.testing.assert_allclose(alive, p_alive(chosen, orders, cells), rtol=1e-9)
    np.testing.assert_allclose(expected, expected_orders(chosen, orders, cells, 365 / 7), rtol=1e-9)
    np.testing.assert_allclose(value, expected_value(spend, x, m), rtol=1e-9)
    assert chosen == MBG_NBD or alive[x == 0].min() == 1


def test_every_tie_has_one_score(refreshed):
    """Customers with equal values have equal scores, in all three and in the decile."""
    warehouse, _ = refreshed
    for value, score in (
        ("frequency", "rfm_frequency"),
        ("historic_revenue", "rfm_monetary"),
        ("as_of_date - age_days::int + recency_days::int", "rfm_recency"),
    ):
        split = query(
            warehouse.published_file,
            f"select {value} from marts.customer_lifetime_value "
            f"group by 1 having count(distinct {score}) > 1",
        )
        assert split == [], score
    order = query(
        warehouse.published_file,
        "select rfm_frequency, min(frequency), max(frequency) from marts.customer_lifetime_value "
        "group by 1 order by 1",
    )
    assert all(one[2] < other[1] for one, other in pairwise(order))


def test_a_plain_build_scores_with_the_last_parameters(refreshed, tmp_path):
    """And a past day with those fitted at a cut-off before it; without any there is a reason."""
    warehouse, _ = refreshed
    copied = Warehouse(tmp_path / "w")
    copied.folder.mkdir()
    shutil.copy(warehouse.work_file, copied.work_file)
    sql = (
        "select count(*), count(predicted_value_365d), min(unpredictable_reason) "
        "from marts.customer_lifetime_value"
    )
    build(copied, as_of=date(1997, 10, 20), with_tests=False)
    later = query(copied.work_file, sql)[0]
    assert later[0] == later[1]
    build(copied, as_of=date(1997, 9, 29), with_tests=False)
    past = query(copied.work_file, sql)[0]
    assert past[0] == past[1]
    build(copied, as_of=date(1997, 7, 1), with_tests=False)
    assert query(copied.work_file, sql)[0][1:] == (
        0,
        "no model of orders is fitted yet: run evergreen fit",
    )


def test_current_parameters_are_left_alone(refreshed):
    """No day of data has passed since the fit, whatever the clock says."""
    warehouse, _ = refreshed
    assert not fit_if_due(warehouse, {}, lambda line: None).lines
    assert not fit_if_due(warehouse, {"refit_after_days": 0}, lambda line: None).lines
    with pytest.raises(InputRefused, match="refit_after_days: soon is no number of days"):
        fit_if_due(warehouse, {"refit_after_days": "soon"}, lambda line: None)


def test_a_fit_that_breaks_stops_nothing(refreshed, monkeypatch):
    """Whatever goes wrong in a fit is a warning; the last good parameters stay."""
    warehouse, _ = refreshed
    before = query(warehouse.work_file, "from raw.model_parameters order by all")
    monkeypatch.setattr("evergreen.fit.is_due", lambda *_: True)

    def broken(*_):
        raise FloatingPointError("overflow")

    monkeypatch.setattr("evergreen.fit.fit", broken)
    step = fit_if_due(warehouse, {}, lambda line: None)
    assert not step.is_new
    assert step.warnings == ["warning: the fit failed: FloatingPointError: overflow"]
    assert query(warehouse.work_file, "from raw.model_parameters order by all") == before


def test_small_shops_are_told_why(published):
    """200 customers: no fit, no warning, a reason in every row."""
    assert published.report.fit_lines[0].startswith("not predictable: fewer buyers than the 500")
    found = published.query(
        "select distinct unpredictable_reason, is_predictable, predicted_value_365d is null "
        "from marts.customer_lifetime_value"
    )
    assert len(found) == 1
    assert found[0][0].startswith("fewer buyers than the 500 needed: ")
    assert found[0][1:] == (False, True)
    models = published.query("select distinct model from marts.model_parameters")
    assert all(model.startswith("churn_") for (model,) in models)


def test_command_tells_and_ends_with_its_code(published):
    result = CliRunner().invoke(app, ["fit", "--warehouse", str(published.warehouse.folder)])
    assert result.exit_code == NOT_FITTED
    assert "not predictable: fewer buyers than the 500 needed" in result.output
    result = CliRunner().invoke(app, ["fit", "--help"])
    assert result.exit_code == 0
    for word in ("BG/NBD", "Gamma-Gamma", "500 buyers", "exit code 9"):
        assert word in " ".join(result.output.split())


def test_command_prints_the_figures(refreshed, tmp_path):
    warehouse, _ = refreshed
    copied = Warehouse(tmp_path / "w")
    copied.folder.mkdir()
    shutil.copy(warehouse.work_file, copied.work_file)
    result = CliRunner().invoke(app, ["fit", "--warehouse", str(copied.folder)])
    assert result.exit_code == 0, result.output
    for word in ("As of 1997-09-30", "alpha", "gamma_gamma", "correlation", "log-likelihood"):
        assert word in result.output
    fits = query(
        copied.work_file,
        "select distinct fit_id from raw.model_parameters where training_end = '1997-09-30'",
    )
    assert len(fits) == 2
    build(copied, as_of=date(1997, 9, 30), select=FITTED_MODELS)
    current = query(
        copied.work_file, "select distinct fit_id from marts.model_parameters where is_current"
    )
    assert current == [max(fits)]


def test_the_demo_takes_its_parameters_with_it(tmp_path):
    """Real files drive out the demo, and what was learnt from it."""
    from evergreen.demo import generate

    demo, real = tmp_path / "demo", tmp_path / "real"
    warehouse = Warehouse(tmp_path / "w")
    generate(20, 3, 1, demo)
    load(warehouse, demo)
    with duckdb.connect(str(warehouse.work_file)) as con:
        con.execute("insert into raw.model_parameters (fit_id, model) values ('f', 'bg_nbd')")
        con.execute("insert into raw.model_nodes (fit_id, model) values ('f', 'bg_nbd')")
    real.mkdir()
    for name, header, row in (
        ("orders", "order_id,customer_id,ordered_at,amount", "o1,c1,2024-01-05,10"),
        ("logins", "login_id,customer_id,logged_in_at", "l1,c1,2024-01-05"),
        ("surveys", "response_id,customer_id,survey", "r1,c1,nps"),
    ):
        (real / f"{name}.csv").write_text(f"{header}\n{row}\n")
    load(warehouse, real)
    assert query(warehouse.work_file, "from raw.model_parameters") == []
    assert query(warehouse.work_file, "from raw.model_nodes") == []


def test_a_warehouse_that_is_not_built_says_so(tmp_path):
    with pytest.raises(InputRefused, match="run `evergreen refresh"):
        fit(Warehouse(tmp_path / "w"))
    (tmp_path / "w").mkdir()
    with duckdb.connect(str(tmp_path / "w" / "work.duckdb")) as con:
        con.execute("create schema raw")
    with pytest.raises(InputRefused, match="not built yet"):
        fit(Warehouse(tmp_path / "w"))
