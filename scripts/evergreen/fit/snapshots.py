"""Reading past cut-off dates from the work file: what was known of customers, and what came next.

Cut-offs have numbers: 0 is the as-of date, and each further one lies 30 days before the last.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from evergreen.fit.churn import Panel
from evergreen.fit.read import columns

TABLES = ("int_cutoffs", "int_customer_snapshots", "int_snapshot_outcomes", "int_churn_features")
KEYS = ("customer_id", "cutoff_number", "cutoff_date", "churn_basis")
FIRST_TRAINING_STEP, LAST_TRAINING_STEP = 3, 14
"""A model of churn learns from the cut-offs this many steps before it: their 90 days are over."""
LEAST_CUTOFF_COUNT = 2
LARGEST_PANEL = 300_000
"""With more snapshots a sample of customers is trained on; 12 cut-offs of 25,000 are this many."""


@dataclass(frozen=True)
class Evidence:
    """What there is to learn from for a model of churn."""

    cutoff_count: int
    churned_count: int
    stayed_count: int

    def why_not(self, limits: dict[str, float]) -> str | None:
        """The gate, in the words of int_churn_gate: too few of either outcome, or of cut-offs."""
        least = limits["churn_event_count"]
        for what, found, limit in (
            ("observed cases of churn", self.churned_count, least),
            ("observed cases of staying", self.stayed_count, least),
            ("past dates to learn from", self.cutoff_count, LEAST_CUTOFF_COUNT),
        ):
            if found < limit:
                return f"fewer {what} than the {limit:.0f} needed: {found}"
        return None


class Snapshots:
    """The snapshots of a work file. `are_there` is false where they are not built yet."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        found = con.execute(
            "select count(*) from information_schema.tables "
            "where table_schema = 'intermediate' and list_contains($1, table_name)",
            [list(TABLES)],
        ).fetchone()
        self.are_there = found[0] == len(TABLES)
        self._is_gathered = False

    def cutoffs(self) -> dict[int, date]:
        """Date of each cut-off by its number."""
        rows = self._con.execute(
            "select cutoff_number, cutoff_date from intermediate.int_cutoffs order by all"
        )
        return dict(rows.fetchall())

    def evidence(self, basis: str, number: int) -> Evidence:
        """Size of the training data of the model of that basis at a cut-off."""
        found = self._con.execute(
            "select count(distinct cutoff_number), count(*) filter (is_churned), "
            "count(*) filter (not is_churned) from intermediate.int_snapshot_outcomes "
            "where churn_basis = $1 and cutoff_number between $2 and $3",
            [basis, number + FIRST_TRAINING_STEP, number + LAST_TRAINING_STEP],
        )
        return Evidence(*found.fetchone())

    def panel(self, basis: str, number: int) -> Panel:
        """The training data, in the order of customer and cut-off."""
        self._gather()
        found = columns(
            self._con,
            f"""
            with rows as (
                select * from churn_panel
                where churn_basis = $1 and cutoff_number between $2 and $3
            ),
            counted as (
                select customer_id, count(*) as n from rows group by customer_id
            ),
            running as (
                select customer_id, sum(n) over (order by md5(customer_id), customer_id) as n
                from counted
            )
            select rows.* exclude (customer_id, churn_basis)
            from rows inner join running using (customer_id)
            where running.n <= {LARGEST_PANEL}
            order by customer_number, cutoff_number
            """,
            *(basis, number + FIRST_TRAINING_STEP, number + LAST_TRAINING_STEP),
        )
        customer, cutoff, churned = (
            found.pop(name) for name in ("customer_number", "cutoff_number", "is_churned")
        )
        return Panel(
            tuple(found),
            np.column_stack(list(found.values())) if found else np.empty((len(churned), 0)),
            churned,
            customer.astype(int),
            cutoff.astype(int),
        )

    def _gather(self) -> None:
        """Features and outcomes of all snapshots whose 90 days are over, once."""
        if self._is_gathered:
            return
        given = self._con.execute("from intermediate.int_churn_features limit 0").description
        features = [name for name, *_ in given if name not in KEYS]
        self._con.execute(
            f"""
            create or replace temp table churn_panel as
            select
                features.customer_id,
                features.churn_basis,
                dense_rank() over (order by features.customer_id) as customer_number,
                features.cutoff_number,
                outcomes.is_churned,
                {", ".join(f'features."{name}"::double as "{name}"' for name in features)}
            from intermediate.int_churn_features as features
            inner join intermediate.int_snapshot_outcomes as outcomes
                on features.customer_id = outcomes.customer_id
                and features.cutoff_number = outcomes.cutoff_number
            """
        )
        self._is_gathered = True
