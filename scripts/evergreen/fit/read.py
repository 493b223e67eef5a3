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
    """The purchase days of a work file: those of all customers, as they are known today."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._days = "intermediate.int_purchase_days"
        self._summary = "intermediate.int_purchase_summary"
        self._as_of = "(select as_of_date from staging.stg_calendar)"

    def history(self) -> History:
        """Size and length of the history. Raises InputRefused when the tables are not built."""
        try:
            return History(
                *self._con.execute(
                    f"select {self._as_of}, min(first_purchase_date), count(*), "
                    f"count(*) filter (frequency >= 2) from {self._summary}"
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
                f"from {self._summary} group by all order by all"
            )
        )

    def spend(self) -> tuple[SpendCells, int]:
        """Repeat buyers by frequency and mean value; and how many had no positive value."""
        return _spend_cells(
            self._columns(
                "select frequency as x, mean_repeat_value as m, count(*) as n "
                f"from {self._summary} where frequency > 0 "
                "group by all order by all"
            )
        )

    def before(self, cut: date) -> tuple[OrderCells, SpendCells]:
        """What was known on the day of the cut."""
        found = self._columns(
            f"with {self._known()} select x, t_x, t, m, count(*) as n from known "
            "group by all order by all",
            cut,
        )
        return _order_cells(found), _spend_cells(found)[0]

    def after(self, cut: date, horizon_days: int) -> tuple[HeldOutOrders, HeldOutSpend]:
        """What those known on the day of the cut did in the days after it."""
        later = f"""
            with {self._known()}, later as (
                select customer_id, count(*) as y, avg(net_revenue)::double as v
                from {self._days}
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

    def _known(self) -> str:
        """CTEs: customers as they were on the day $1, from what is known of their days now."""
        return f"""
            days as (
                select
                    customer_id,
                    purchase_date,
                    net_revenue,
                    min(purchase_date) over (partition by customer_id) as first_date
                from {self._days}
                where purchase_date <= $1
            ),
            known as (
                select
                    customer_id,
                    count(*) - 1 as x,
                    max(purchase_date) - min(first_date) as t_x,
                    $1 - min(first_date) as t,
                    min(first_date) as first_purchase_date,
                    avg(net_revenue) filter (purchase_date > first_date)::double as m
                from days
                group by customer_id
            )
        """

    def _columns(self, sql: str, *values: object) -> dict[str, np.ndarray]:
        return columns(self._con, sql, *values)


class PastPurchaseDays(PurchaseDays):
    """The purchase days of the snapshots of one past cut-off, as they were known on its date.

    What came later is not in the tables that this makes, so no fit on them can know it. Orders are
    read from the activities once, by `gather`, and cut off for each date.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, number: int, day: date) -> None:
        super().__init__(con)
        self._days, self._summary = "past_purchase_days", "past_purchase_summary"
        self._as_of = f"date '{day}'"
        con.execute(
            """
            create or replace temp table past_purchase_days as
            with orders as (
                select
                    customer_id,
                    min(activity_date) filter (is_paid) as purchase_date,
                    sum(amount) as net_revenue
                from past_orders
                where
                    activity_date <= $1 and (voided_date is null or voided_date > $1)
                    and customer_id in (
                        select customer_id from intermediate.int_customer_snapshots
                        where cutoff_number = $2
                    )
                group by customer_id, source_id
            )
            select customer_id, purchase_date, sum(net_revenue)::decimal(18, 2) as net_revenue
            from orders
            where purchase_date is not null
            group by customer_id, purchase_date
            """,
            [day, number],
        )
        con.execute(
            f"""
            create or replace temp table past_purchase_summary as
            with {self._known()}
            select
                customer_id,
                x as frequency,
                t_x as recency_days,
                t as age_days,
                m as mean_repeat_value,
                first_purchase_date
            from known
            """,
            [day],
        )

    @staticmethod
    def gather(con: duckdb.DuckDBPyConnection) -> None:
        """Orders and refunds of all customers who are in a snapshot of the past."""
        con.execute(
            """
            create or replace temp table past_orders as
            select
                customer_id,
                source_id,
                activity = 'order_paid' as is_paid,
                amount,
                activity_date,
                voided_date
            from intermediate.int_customer_activities
            where
                activity in ('order_paid', 'order_refunded')
                and customer_id in (
                    select customer_id from intermediate.int_customer_snapshots
                    where cutoff_number > 0
                )
            """
        )


def columns(con: duckdb.DuckDBPyConnection, sql: str, *values: object) -> dict[str, np.ndarray]:
    """Columns of a select as doubles, nulls as NaN."""
    found = con.execute(sql, list(values)).fetchnumpy()
    return {
        name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
        for name, column in found.items()
    }


def _order_cells(found: dict[str, np.ndarray]) -> OrderCells:
    return OrderCells(
        found["x"], found["t_x"] / DAYS_PER_WEEK, found["t"] / DAYS_PER_WEEK, found["n"]
    )


def _spend_cells(found: dict[str, np.ndarray]) -> tuple[SpendCells, int]:
    repeats = found["x"] > 0
    is_used = repeats & (np.nan_to_num(found["m"]) > 0)
    cells = SpendCells(found["x"][is_used], found["m"][is_used], found["n"][is_used])
    return cells, int(found["n"][repeats & ~is_used].sum())
