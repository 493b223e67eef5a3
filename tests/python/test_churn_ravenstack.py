"""Churn on RavenStack, whose customers leave by chance: a score must say so, and must not pretend.

Its usage, tickets and ends are drawn independently of each other. Whoever finds a signal in them
has found a leak.
"""

import os
from pathlib import Path

import duckdb
import pytest
from built_marts import build_marts, built, query, write_landing

from evergreen.fit import fit
from evergreen.paths import PROJECT_DIR, Warehouse

SHARED = os.environ.get("EVERGREEN_SHARED_DATA")
pytestmark = pytest.mark.skipif(
    not SHARED, reason="EVERGREEN_SHARED_DATA does not name the folder of the larger real data"
)
MARTS = ("score_backtests", "customer_churn_risk")


def fitted(folder: Path, landing: Path, mapping: Path | None = None) -> Warehouse:
    warehouse = built(folder, landing, MARTS, mapping=mapping)
    fit(warehouse)
    build_marts(warehouse, MARTS)
    return warehouse


def test_accounts_that_hardly_ever_leave_get_no_probability(tmp_path: Path) -> None:
    """500 accounts hold about ten subscriptions each: hardly one is ever without any."""
    landing = Path(SHARED) / "ravenstack"
    warehouse = fitted(tmp_path / "warehouse", landing, PROJECT_DIR / "mappings" / "ravenstack")
    rows = query(
        warehouse,
        "select churn_basis, is_predictable, unpredictable_reason, count(*) "
        "from marts.customer_churn_risk group by all",
    )
    assert sum(count for *_, count in rows) == 500
    assert all(not is_predictable and reason for _, is_predictable, reason, _ in rows)


def test_subscriptions_that_end_by_chance_are_hardly_told_apart(tmp_path: Path) -> None:
    """Each subscription as a customer of its own, so that there is enough to learn from."""
    source = Path(SHARED) / "ravenstack"
    landing = write_landing(tmp_path / "landing")
    with duckdb.connect() as con:
        con.execute(
            "copy (select subscription_id, subscription_id as customer_id, "
            "start_date as started_at, mrr_amount as monthly_amount, end_date as ended_at "
            f"from '{source}/ravenstack_subscriptions.parquet' where mrr_amount::double > 0) "
            f"to '{landing}/subscriptions.csv'"
        )
        con.execute(
            "copy (select distinct on (usage_id) usage_id as event_id, "
            "subscription_id as customer_id, "
            "usage_date as occurred_at, feature_name as feature, usage_count as quantity "
            f"from '{source}/ravenstack_feature_usage.parquet' where usage_count::int > 0) "
            f"to '{landing}/events.csv'"
        )
    warehouse = fitted(tmp_path / "warehouse", landing)
    rows = query(
        warehouse,
        "select auc, brier, observed_mean, customer_count from marts.score_backtests "
        "where score = 'contract_churn_probability_90d' "
        "and method = 'model' and decile is null order by cutoff_date",
    )
    assert len(rows) >= 3
    count = sum(count for *_, count in rows)
    assert 0.45 < sum(auc * size for auc, _, _, size in rows) / count < 0.6
    for _, brier, base_rate, _ in rows:
        assert brier < base_rate * (1 - base_rate) * 1.02
    # No tenth of the customers is said to be far from the others.
    spread = query(
        warehouse,
        "select max(predicted_mean) - min(predicted_mean) from marts.score_backtests "
        "where score = 'contract_churn_probability_90d' and method = 'model' "
        "and decile is not null group by cutoff_date",
    )
    assert max(width for (width,) in spread) < 0.05
