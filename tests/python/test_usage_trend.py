"""The usage trend against its definition, computed day by day and without the model's algebra."""

import duckdb
import numpy as np
import pytest


def trend(login_days: list[int]) -> float:
    """Weighted login-day rate, half-life 14 days, over that of 56, on the last login day."""
    age_days = login_days[-1] - np.arange(-20_000, login_days[-1] + 1)
    has_login = np.isin(np.arange(-20_000, login_days[-1] + 1), login_days)

    def rate(half_life_days: float) -> float:
        weights = 0.5 ** (age_days / half_life_days)
        return (weights * has_login).sum() / weights.sum()

    return rate(14) / rate(56)


def test_definition_is_one_for_steady_logins():
    assert trend(list(range(-5_000, 1))) == pytest.approx(1, rel=1e-9)


def test_model_equals_the_definition(published):
    with duckdb.connect(str(published.warehouse.work_file), read_only=True) as con:
        rows = con.execute(
            "select customer_id, date_diff('day', date '2020-01-01', login_date), usage_trend "
            "from intermediate.int_customer_login_days order by customer_id, login_date"
        ).fetchall()
    assert len(rows) > 500
    days: dict[str, list[int]] = {}
    for customer_id, day, found in rows:
        days.setdefault(customer_id, []).append(day)
        assert found == pytest.approx(trend(days[customer_id]), rel=1e-9), (customer_id, day)
