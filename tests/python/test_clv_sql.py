"""Scores in SQL against mpmath at 50 digits, where parameters and histories are hostile."""

import mpmath
import numpy as np
import pytest
from clv_sql import macros, score
from scipy.stats import norm

from evergreen.fit.nodes import beta_nodes
from evergreen.fit.orders import BG_NBD, MBG_NBD

CUSTOMERS = 12
SETS = 48
SPEND = {"spend_p": 6.25, "spend_q": 3.74, "spend_gamma": 15.44}


def hostile_cases(seed: int) -> list[tuple[dict, dict, float]]:
    """Parameters, customers and horizon: corners first, then points drawn over the whole grid."""
    rng = np.random.default_rng(seed)

    def between(low: float, high: float, size: int | None = None):
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    corners = [
        (r, alpha, a, b)
        for r, alpha in ((0.05, 0.5), (20.0, 500.0))
        for a, b in ((0.05, 0.1), (0.05, 100.0), (20.0, 0.1), (20.0, 100.0), (0.3, 0.5))
    ]
    drawn = [
        (between(0.05, 20), between(0.5, 500), between(0.05, 20), between(0.1, 100))
        for _ in range(SETS - len(corners))
    ]
    cases = []
    for place, (r, alpha, a, b) in enumerate(corners + drawn):
        frequency = rng.choice([0, 1, 2, 7, 40, 300, 2000], CUSTOMERS)
        frequency[:2] = (0, 2000)
        age = np.rint(between(1, 7300, CUSTOMERS)).astype(int)
        age[:4] = (1, 7300, 1, 7300)
        recency = np.rint(age * rng.choice([0, 0.02, 0.5, 0.98, 1], CUSTOMERS)).astype(int)
        cases.append(
            (
                {
                    "r": r,
                    "alpha": alpha,
                    "a": a,
                    "b": b,
                    "dropout_shift": float(place % 2),
                    **SPEND,
                },
                {
                    "frequency": frequency,
                    "recency_days": np.where(frequency > 0, recency, 0),
                    "age_days": age,
                    "mean_repeat_value": np.full(CUSTOMERS, 30.0),
                },
                float((7, 90, 365, 1825)[place % 4]),
            )
        )
    return cases


def exact(parameters: dict, x: int, recency: int, age: int, horizon: float) -> dict[str, float]:
    """P(alive), expected orders and P(an order), by the closed forms with 2F1."""
    mp = mpmath.mp
    mp.dps = 50
    r, alpha, a, b = (mp.mpf(float(parameters[name])) for name in ("r", "alpha", "a", "b"))
    shift = int(parameters["dropout_shift"])
    t_x, t, h = mp.mpf(recency) / 7, mp.mpf(age) / 7, mp.mpf(horizon) / 7
    s, beta = r + x, b + x + shift
    odds = 0 if x + shift == 0 else a / (beta - 1) * ((alpha + t) / (alpha + t_x)) ** s
    alive = 1 / (1 + odds)
    ratio = (alpha + t) / (alpha + t + h)
    orders = (
        (a + beta - 1)
        / (a - 1)
        * (1 - ratio**s * mp.hyp2f1(s, beta, a + beta - 1, h / (alpha + t + h)))
    )
    return {
        "p_alive": float(alive),
        "orders_alive": float(orders),
        "order_alive": float(1 - ratio**s),
    }


@pytest.mark.parametrize("seed", [1])
def test_scores_equal_mpmath_on_a_hostile_grid(seed):
    """Within 1e-7 of the value; no NaN, no infinity, nothing negative."""
    checked = 0
    for parameters, customers, horizon in hostile_cases(seed):
        found = score(parameters, customers, horizon_days=horizon, periods=1)
        for name in ("p_alive", "orders_alive", "order_alive", "predicted_value", "low_value"):
            assert np.isfinite(found[name]).all() and (found[name] >= 0).all(), (name, parameters)
        assert np.isfinite(found["high_value"]).all()
        assert (found["low_value"] <= found["predicted_value"]).all()
        assert (found["predicted_value"] <= found["high_value"]).all()
        for place in range(CUSTOMERS):
            point = [
                int(customers[name][place]) for name in ("frequency", "recency_days", "age_days")
            ]
            expected = exact(parameters, *point, horizon)
            for name, value in expected.items():
                # Smaller than this is zero to anybody, and PostgreSQL cannot hold it.
                assert found[name][place] == pytest.approx(value, rel=1e-7, abs=1e-290), (
                    name,
                    parameters,
                    point,
                    horizon,
                )
                checked += 1
    assert checked == SETS * CUSTOMERS * 3


def test_without_dropout_orders_go_on_at_the_rate_of_the_past():
    """a = 0.001, b = 10,000: nobody drops out, and orders go on at (r + x)/(alpha + T)."""
    customers = one_customer(3, 70, 140)
    found = score({"r": 1, "alpha": 4, "a": 1e-3, "b": 1e4, "dropout_shift": 0, **SPEND}, customers)
    assert found["orders_alive"][0] == pytest.approx(4 / 24 * 365 / 7, rel=1e-4)


def one_customer(x: int, recency: int, age: int, value: float = 30.0) -> dict[str, np.ndarray]:
    return {
        "frequency": np.array([x]),
        "recency_days": np.array([recency]),
        "age_days": np.array([age]),
        "mean_repeat_value": np.array([value]),
    }


def cdnow_parameters(model: str = BG_NBD) -> dict[str, float]:
    return {
        **{"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
        **{"dropout_shift": float(model == MBG_NBD), **SPEND},
    }


def test_discounting_takes_the_middle_of_each_month():
    customers = one_customer(2, 213, 272)
    found = score(cdnow_parameters(), customers, annual_rate=0.1)
    by_month = [
        score(cdnow_parameters(), customers, horizon_days=month * 365 / 12, periods=1)[
            "orders_alive"
        ][0]
        for month in range(1, 13)
    ]
    monthly = np.diff([0.0, *by_month])
    expected = np.sum(monthly * 1.1 ** (-(np.arange(12) + 0.5) / 12))
    assert found["orders_alive"][0] == pytest.approx(by_month[-1], rel=1e-12)
    assert found["discounted_orders_alive"][0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("model", [BG_NBD, MBG_NBD])
def test_moments_and_interval_equal_a_simulation(model):
    """200,000 futures of one customer, drawn from the model itself."""
    rng = np.random.default_rng(7)
    parameters, x, recency, age, draws = cdnow_parameters(model), 6, 250, 272, 200_000
    shift = parameters["dropout_shift"]
    found = score(parameters, one_customer(x, recency, age), horizon_days=365, periods=1)
    rate = rng.gamma(parameters["r"] + x, 1 / (parameters["alpha"] + age / 7), draws)
    dropout = rng.beta(parameters["a"], parameters["b"] + x + shift, draws)
    orders = np.minimum(rng.poisson(rate * 365 / 7), rng.geometric(dropout))
    assert found["orders_alive"][0] == pytest.approx(orders.mean(), rel=0.01)
    factorial = (orders * (orders - 1)).mean()
    assert found["factorial_moment_alive"][0] == pytest.approx(factorial, rel=0.03)
    is_alive = rng.random(draws) < found["p_alive"][0]
    nu = rng.gamma(
        SPEND["spend_p"] * x + SPEND["spend_q"], 1 / (SPEND["spend_gamma"] + x * 30), draws
    )
    count = orders * is_alive
    value = np.where(count > 0, rng.gamma(np.maximum(SPEND["spend_p"] * count, 1e-9), 1 / nu), 0)
    low, high = found["low_value"][0], found["high_value"][0]
    assert found["predicted_value"][0] == pytest.approx(value.mean(), rel=0.02)
    assert 0.77 < ((value >= low) & (value <= high)).mean() < 0.83 or low == 0
    assert 0.07 < (value > high).mean() < 0.13


def test_second_moment_is_smooth_where_its_series_begins():
    """The series for small arguments meets the formula: no step in the interval."""
    ages = np.arange(3000, 7300, 50)
    customers = {
        "frequency": np.zeros(len(ages), dtype=int),
        "recency_days": np.zeros(len(ages), dtype=int),
        "age_days": ages,
        "mean_repeat_value": np.full(len(ages), 30.0),
    }
    parameters = {**cdnow_parameters(), "alpha": 400.0}
    found = score(parameters, customers, horizon_days=7, periods=1)
    steps = np.diff(np.log(found["factorial_moment_alive"]))
    assert (steps < 0).all()
    assert np.abs(np.diff(steps)).max() < 1e-3


def test_next_order_window_is_the_closed_form():
    found = score(cdnow_parameters(), one_customer(2, 213, 272))
    weeks = 4.414 + 272 / 7
    assert found["median_days"][0] == np.ceil(7 * weeks * (2 ** (1 / 2.243) - 1))
    assert found["late_days"][0] == np.ceil(7 * weeks * (5 ** (1 / 2.243) - 1))
    newcomer = score({**cdnow_parameters(), "r": 1e-3}, one_customer(0, 0, 272))
    assert np.isnan(newcomer["median_days"][0])  # 2^1000 weeks are no date


def test_a_repeat_buyer_of_nothing_has_a_number():
    """Average value 0: shrunk towards the mean of all, never a crash."""
    found = score(cdnow_parameters(), one_customer(3, 200, 272, value=0.0))
    p, q, gamma = SPEND["spend_p"], SPEND["spend_q"], SPEND["spend_gamma"]
    assert found["order_value"][0] == pytest.approx(gamma * p / (3 * p + q - 1))
    assert 0 < found["predicted_value"][0] <= found["high_value"][0]


def test_one_huge_value_stays_within_the_column():
    found = score(cdnow_parameters(), one_customer(20, 270, 272, value=9e15))
    assert found["predicted_value"][0] == 1e15
    assert found["high_value"][0] < 1e16


def test_without_a_margin_nobody_is_worth_anything():
    found = score({**cdnow_parameters(), "margin_rate": -0.2}, one_customer(3, 200, 272))
    assert [found[name][0] for name in ("predicted_value", "low_value", "high_value")] == [0, 0, 0]


def test_mean_spend_stands_in_for_gamma_gamma():
    parameters = {**cdnow_parameters(), "spend_mean": 12.5}
    found = score(parameters, one_customer(3, 200, 272), spend_model="mean_spend")
    assert found["order_value"][0] == 12.5


def test_more_purchase_days_than_the_nodes_know():
    """A customer beyond the last node is scored with the last, a little too low, never left out."""
    import duckdb

    sql = macros()
    p, weight = beta_nodes(0.793, 2.426 + 50)
    with duckdb.connect() as con:
        con.register(
            "node_rows",
            {"frequency": np.full(96, 50), "dropout_probability": p, "weight": weight},
        )
        orders = con.execute(
            f"""
            with pairs as (from (values (50, 500), (60, 500)) as t(frequency, age_days)),
            parameters as (
                select 0.243::double as r, 4.414::double as alpha, 50 as largest_frequency
            ),
            nodes as (from node_rows),
            {sql.order_forecast_ctes()}
            select orders_alive from order_forecasts order by frequency
            """
        ).fetchall()
    assert len(orders) == 2
    assert orders[1][0] > orders[0][0]


def test_several_rows_of_parameters_at_once_equal_each_alone():
    """Past days are scored together, each with its own parameters, nodes and horizon."""
    import duckdb

    sql = macros()
    given = {3: (0.243, 4.414, 0.793, 2.426, 90), 13: (0.9, 12.0, 0.4, 7.0, 365)}
    pairs = [(0, 20), (2, 300), (5, 300), (9, 700)]
    nodes = [
        (key, x, p, weight)
        for key, (_, _, a, b, _) in given.items()
        for x in range(6)
        for p, weight in zip(*beta_nodes(a, b + x), strict=True)
    ]
    names = ("cutoff_number", "frequency", "dropout_probability", "weight")
    together = {}
    alone = {}
    with duckdb.connect() as con:
        columns = map(np.array, zip(*nodes, strict=True))
        con.register("node_rows", dict(zip(names, columns, strict=True)))
        con.execute("create table all_nodes as from node_rows")
        con.execute(
            "create table all_parameters as select * replace (r::double as r) from (values "
            + ", ".join(f"({key}, {', '.join(map(str, row))}, 5)" for key, row in given.items())
            + ") as t(cutoff_number, r, alpha, a, b, horizon_days, largest_frequency)"
        )
        con.execute(
            f"create table all_pairs as from (values {', '.join(map(str, pairs))}) "
            "as t(frequency, age_days) cross join (select cutoff_number from all_parameters)"
        )
        keyed = sql.order_forecast_ctes("parameters.horizon_days", 1, 0, "cutoff_number")
        for key, x, age, *orders in con.execute(
            f"""
            with pairs as (from all_pairs), parameters as (from all_parameters),
            nodes as (from all_nodes), {keyed}
            select cutoff_number, frequency, age_days, orders_alive, discounted_orders_alive,
                factorial_moment_alive
            from order_forecasts
            """
        ).fetchall():
            together[(key, x, age)] = orders
        for key, (*_, horizon_days) in given.items():
            rows = con.execute(
                f"""
                with pairs as (from all_pairs where cutoff_number = {key}),
                parameters as (from all_parameters where cutoff_number = {key}),
                nodes as (from all_nodes where cutoff_number = {key}),
                {sql.order_forecast_ctes(horizon_days, 1)}
                select * from order_forecasts
                """
            ).fetchall()
            alone |= {(key, x, age): orders for x, age, *orders in rows}
    assert together.keys() == alone.keys()
    assert len(together) == len(given) * len(pairs)
    for place, orders in alone.items():
        assert together[place] == pytest.approx(orders, rel=1e-12), place


def test_normal_quantile_equals_scipy():
    import duckdb

    shares = [1e-9, 1e-4, 0.024, 0.0243, 0.1, 0.5, 0.9, 0.9757, 0.976, 0.9999, 1 - 1e-9]
    values = ", ".join(f"({share!r}::double)" for share in shares)
    with duckdb.connect() as con:
        found = con.execute(
            f"select {macros().normal_quantile('share')} from (values {values}) as t(share)"
        ).fetchall()
    np.testing.assert_allclose([row[0] for row in found], norm.ppf(shares), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "a, beta, error", [(0.05, 0.1, 1e-8), (0.793, 2.426, 1e-11), (20, 2100, 1e-11), (1, 1, 1e-11)]
)
def test_nodes_integrate_what_is_known(a, beta, error):
    """Weights add up to 1, and the mean of p is a/(a + b)."""
    p, weight = beta_nodes(a, beta)
    assert weight.sum() == pytest.approx(1, rel=error)
    assert (weight * p).sum() == pytest.approx(a / (a + beta), rel=error)
    assert (p > 0).all() and (weight > 0).all()
