"""Reading purchase days from the work file, grouped, as the models need them."""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from evergreen.errors import InputRefused
from evergreen.fit.orders import OrderCells
from evergreen.fit.spend import SpendCells

DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class History:
    """What there is to learn from. `as_of_date` is None where no row is dated."""

    as_of_date: date | None
    first_purchase_date: date | None
    buyer_count: int
    repeater_count: int

    @property
    def days(self) -> int:
        """From the first purchase of anybody to the as-of date."""
        return (self.as_of_date - self.first_purchase_date).days if self.first_purchase_date else 0


@dataclass(frozen=True)
class HeldOutOrders:
    """Cells of customers known at the cut, and what they did after it; arrays of shape (cells,)."""

    cells: OrderCells
    orders: np.ndarray
    squared_orders: np.ndarray
    horizon_weeks: float


@dataclass(frozen=True)
class HeldOutSpend:
    """Buyers after the cut: what was known of them, and what they spent; shape (customers,)."""

    frequency: np.ndarray
    mean_value: np.ndarray
    days: np.ndarray
    value: np.ndarray


class PurchaseDays:
    """The intermediate tables of purchase days of a work file."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def history(self) -> History:
        """Size and length of the history. Raises InputRefused when the tables are not built."""
        try:
            return History(
                *self._con.execute(
                    "select (select as_of_date from staging.stg_calendar), "
                    "min(first_purchase_date), count(*), "
                    "count(*) filter (frequency >= 2) from intermediate.int_purchase_summary"
                ).fetchone()
            )
        except duckdb.CatalogException as error:
            raise InputRefused(
                "the purchase days are not built yet: run `evergreen refresh --landing DIR` or "
                "`dbt build` first"
            ) from error

    def limits(self) -> dict[str, float]:
        """The seed thresholds."""
        rows = self._con.execute("select threshold, value::double from rules.thresholds")
        return dict(rows.fetchall())

    def orders(self) -> OrderCells:
        """All buyers, grouped by frequency, recency and age."""
        return _order_cells(
            self._columns(
                "select frequency as x, recency_days as t_x, age_days as t, count(*) as n "
                "from intermediate.int_purchase_summary group by all order by all"
            )
        )

    def spend(self) -> tuple[SpendCells, int]:
        """Repeat buyers by frequency and mean value; and how many had no positive value."""
        return _spend_cells(
            self._columns(
                "select frequency as x, mean_repeat_value as m, count(*) as n "
                "from intermediate.int_purchase_summary where frequency > 0 "
                "group by all order by all"
            )
        )

    def before(self, cut: date) -> tuple[OrderCells, SpendCells]:
        """What was known on the day of the cut."""
        found = self._columns(
            f"with {KNOWN} select x, t_x, t, m, count(*) as n from known group by all order by all",
            cut,
        )
        return _order_cells(found), _spend_cells(found)[0]

    def after(self, cut: date, horizon_days: int) -> tuple[HeldOutOrders, HeldOutSpend]:
        """What those known on the day of the cut did in the days after it."""
        later = f"""
            with {KNOWN}, later as (
                select customer_id, count(*) as y, avg(net_revenue)::double as v
                from intermediate.int_purchase_days
                where purchase_date > $1 and purchase_date <= $1 + {int(horizon_days)}
                group by customer_id
            ),
            held as (
                select known.*, coalesce(y, 0) as y, v
                from known left join later using (customer_id)
            )
        """
        found = self._columns(
            later + "select x, t_x, t, count(*) as n, sum(y) as y, sum(y * y) as y2 from held "
            "group by all order by all",
            cut,
        )
        bought = self._columns(later + "select x, m, y, v from held where y > 0 order by all", cut)
        return (
            HeldOutOrders(
                _order_cells(found), found["y"], found["y2"], horizon_days / DAYS_PER_WEEK
            ),
            HeldOutSpend(bought["x"], np.nan_to_num(bought["m"]), bought["y"], bought["v"]),
        )

    def _columns(self, sql: str, *values: object) -> dict[str, np.ndarray]:
        """Columns of a select as doubles, nulls as NaN."""
        found = self._con.execute(sql, list(values)).fetchnumpy()
        return {
            name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
            for name, column in found.items()
        }


KNOWN = """
    days as (
        select
            customer_id,
            purchase_date,
            net_revenue,
            min(purchase_date) over (partition by customer_id) as first_date
        from intermediate.int_purchase_days
        where purchase_date <= $1
    ),
    known as (
        select
            customer_id,
            count(*) - 1 as x,
            max(purchase_date) - min(first_date) as t_x,
            $1 - min(first_date) as t,
            avg(net_revenue) filter (purchase_date > first_date)::double as m
        from days
        group by customer_id
    )
"""
"""Customers as they were on the day $1, from what is known of their purchase days today."""


def _order_cells(found: dict[str, np.ndarray]) -> OrderCells:
    return OrderCells(
        found["x"], found["t_x"] / DAYS_PER_WEEK, found["t"] / DAYS_PER_WEEK, found["n"]
    )


def _spend_cells(found: dict[str, np.ndarray]) -> tuple[SpendCells, int]:
    repeats = found["x"] > 0
    is_used = repeats & (np.nan_to_num(found["m"]) > 0)
    cells = SpendCells(found["x"][is_used], found["m"][is_used], found["n"][is_used])
    return cells, int(found["n"][repeats & ~is_used].sum())
