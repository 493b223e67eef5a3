"""Growth accounting and revenue movements in plain pandas, from facts of any source.

Money is in whole cents while it is worked on, so that sums are exact.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd

SEGMENTS = ("archetype", "country", "entry_source")
PERIODS = {"week": "W-SUN", "month": "M"}
"""Weeks that end on a Sunday begin on a Monday."""
Rows = dict[tuple, dict]


@dataclass(frozen=True)
class Facts:
    """What happened up to the as-of date, as known on it; of folded, real customers.

    acts: customer_id, activity (order, login, any), day. orders: customer_id, day, cents (less what
    was given back; orders given back whole are not there). subscriptions: customer_id, first_day,
    end_day (or NaT), cents a month; paid ones only. customers: by customer_id, the segments.
    """

    as_of: pd.Timestamp
    acts: pd.DataFrame
    orders: pd.DataFrame
    subscriptions: pd.DataFrame
    customers: pd.DataFrame


def growth_accounting(facts: Facts) -> Rows:
    """Keys: period, period_start, activity."""
    rows: Rows = {}
    for period, frequency in PERIODS.items():
        last = facts.as_of.to_period(frequency)
        for activity, acts in facts.acts.groupby("activity"):
            seen = acts.assign(period=acts["day"].dt.to_period(frequency))
            active = seen.groupby("period")["customer_id"].agg(set).to_dict()
            ever: set = set()
            before: set = set()
            for current in pd.period_range(min(active), last, freq=frequency):
                here = active.get(current, set())
                is_complete = current.end_time.normalize() <= facts.as_of
                new, retained = here - ever, here & before
                churned = len(before - here)
                gained = len(here) - len(retained)
                rows[(period, current.start_time.date(), activity)] = {
                    "active_count": len(here),
                    "new_count": len(new),
                    "retained_count": len(retained),
                    "resurrected_count": len(here - new - retained),
                    "churned_count": churned if is_complete else None,
                    "quick_ratio": gained / churned if is_complete and churned else None,
                    "is_complete": is_complete,
                    "as_of_date": facts.as_of.date(),
                }
                ever |= here
                before = here
    return rows


def monthly_revenue(facts: Facts) -> dict[str, pd.DataFrame]:
    """Stream -> customers x months, in cents, without gaps up to the as-of month."""
    last = facts.as_of.to_period("M")
    streams = {}
    if len(facts.orders):
        months = facts.orders["day"].dt.to_period("M").rename("month")
        cents = facts.orders.groupby(["customer_id", months])["cents"].sum().unstack(fill_value=0)
        every = pd.period_range(cents.columns.min(), last, freq="M")
        streams["orders"] = cents.reindex(columns=every, fill_value=0)
    if len(facts.subscriptions):
        first = facts.subscriptions["first_day"].min().to_period("M")
        columns = {}
        for month in pd.period_range(first, last, freq="M"):
            day = min(month.end_time.normalize(), facts.as_of)
            begun = facts.subscriptions["first_day"] <= day
            ended = facts.subscriptions["end_day"] <= day  # false where it has no end
            running = facts.subscriptions[begun & ~ended]
            columns[month] = running.groupby("customer_id")["cents"].sum()
        customers = facts.subscriptions["customer_id"].unique()
        frame = pd.DataFrame(columns).reindex(customers).fillna(0).astype("int64")
        streams["subscriptions"] = frame
    return streams


def movements(facts: Facts) -> pd.DataFrame:
    """One row per stream, customer and month with revenue in it or in the month before."""
    parts = []
    for stream, frame in monthly_revenue(facts).items():
        closing = frame.to_numpy()
        nothing = np.zeros((len(frame), 1), dtype=closing.dtype)
        opening = np.hstack([nothing, closing[:, :-1]])
        earlier = np.maximum.accumulate(opening, axis=1) > 0
        months = frame.columns
        is_complete = months.end_time.normalize() <= facts.as_of
        customer, month = np.nonzero((opening > 0) | (closing > 0))
        part = pd.DataFrame(
            {
                "stream": stream,
                "customer_id": frame.index.to_numpy()[customer],
                "month": months[month].to_timestamp(),
                "opening": opening[customer, month],
                "closing": closing[customer, month],
                "is_complete": is_complete[month],
            }
        )
        before, after = part["opening"], part["closing"]
        part["movement"] = np.select(
            [
                (after > 0) & ~earlier[customer, month],
                before == 0,
                after == 0,
                after > before,
                after < before,
            ],
            ["new", "reactivated", "churned", "expansion", "contraction"],
            "unchanged",
        )
        if stream == "orders":
            is_open = ~part["is_complete"] & part["movement"].isin(["churned", "contraction"])
            part.loc[is_open, "movement"] = "pending"
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def customer_movements(facts: Facts) -> Rows:
    """Keys: stream, customer_id, month."""
    return {
        (row.stream, row.customer_id, row.month.date()): {
            "movement": row.movement,
            "opening": money(row.opening),
            "closing": money(row.closing),
            "change_amount": money(row.closing - row.opening),
            "is_complete": row.is_complete,
            "as_of_date": facts.as_of.date(),
        }
        for row in movements(facts).itertuples()
    }


def revenue_movements(facts: Facts) -> Rows:
    """Keys: stream, month, segment, segment_value."""
    moved = movements(facts).merge(
        facts.customers[list(SEGMENTS)].astype(object).fillna("unknown"),
        left_on="customer_id",
        right_index=True,
        how="left",
        validate="many_to_one",
    )
    moved["all"] = "all"
    assert not moved[list(SEGMENTS)].isna().any(axis=None), "customers without a row"
    rows: Rows = {}
    for segment in ("all", *SEGMENTS):
        for (stream, value), part in moved.groupby(["stream", segment]):
            first = part.loc[part["closing"] > 0, "month"].min()
            by_month = dict(list(part.groupby("month")))
            for month in pd.date_range(first, facts.as_of, freq="MS"):
                here = by_month.get(month, part.iloc[:0])
                key = (stream, month.date(), segment, value)
                rows[key] = _bridge(here, stream, month, facts.as_of)
    return rows


def _bridge(part: pd.DataFrame, stream: str, month: pd.Timestamp, as_of: pd.Timestamp) -> dict:
    """From the opening to the closing of one month."""
    is_complete = month.to_period("M").end_time.normalize() <= as_of
    is_pending = stream == "orders" and not is_complete
    change = (part["closing"] - part["opening"]).abs()

    def amount(movement: str) -> int:
        return int(change[part["movement"] == movement].sum())

    def count(movement: str) -> int:
        return int((part["movement"] == movement).sum())

    opening, closing = int(part["opening"].sum()), int(part["closing"].sum())
    opening_count = int((part["opening"] > 0).sum())
    lost, less, more = amount("churned"), amount("contraction"), amount("expansion")
    is_rated = is_complete and opening > 0
    if not is_pending:
        assert opening + amount("new") + amount("reactivated") + more - less - lost == closing
    return {
        "opening": money(opening),
        "new": money(amount("new")),
        "expansion": money(more),
        "reactivated": money(amount("reactivated")),
        "contraction": None if is_pending else money(less),
        "churned": None if is_pending else money(lost),
        "closing": money(closing),
        "opening_customer_count": opening_count,
        "new_customer_count": count("new"),
        "reactivated_customer_count": count("reactivated"),
        "churned_customer_count": None if is_pending else count("churned"),
        "closing_customer_count": int((part["closing"] > 0).sum()),
        "gross_retention_rate": (opening - less - lost) / opening if is_rated else None,
        "net_retention_rate": (opening - less - lost + more) / opening if is_rated else None,
        "logo_churn_rate": count("churned") / opening_count if is_rated else None,
        "revenue_churn_rate": (less + lost) / opening if is_rated else None,
        "is_complete": is_complete,
        "as_of_date": as_of.date(),
    }


def money(cents: int) -> Decimal:
    return Decimal(int(cents)) / 100


def to_cents(amount: Decimal) -> int:
    """Cents of an amount, half to even."""
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_EVEN))
