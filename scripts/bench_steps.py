"""What scripts/bench_value.py measures: simulated orders, and each step on them.

    python scripts/bench_steps.py STEP FOLDER

runs one step of STEPS and prints a line of JSON: CPU seconds by part, and what came out.
"""

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

AS_OF = date(2024, 12, 31)
DAYS = 730
"""Customers join, and are seen, in this many days up to the as-of date."""
BLOCK = 1_000_000
SPARE_FREQUENCY = 400
MODELS = (
    "int_purchase_days",
    "int_purchase_summary",
    "int_value_parameters",
    "int_order_forecasts",
    "int_value_forecasts",
)
SUMMARY, SCORES = MODELS[:2], MODELS[2:]
SETTINGS = {"memory_limit": "8GB", "preserve_insertion_order": "false"}
"""Those of profiles.yml."""


# ---- the data ------------------------------------------------------------------------------------


def simulate(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orders of `count` customers: customer (0 to count - 1), day (0 to DAYS), amount.

    Rates are Gamma(0.6, 4.8 weeks), dropout after each repeat order Beta(0.8, 5), values
    Gamma(6, nu) with nu Gamma(4, 15): some 5 orders a customer, of 30 on average. Days are whole,
    so several orders may fall on one.
    """
    rate = rng.gamma(0.6, 1 / 4.8, count) / 7
    dropout = rng.beta(0.8, 5.0, count)
    at = rng.integers(0, DAYS + 1, count).astype(float)
    who = np.arange(count)
    customers, days = [who], [at.astype(np.int32)]
    while len(who):
        at = at + rng.exponential(1, len(who)) / rate[who]
        is_seen = at < DAYS + 1
        who, at = who[is_seen], at[is_seen]
        customers.append(who)
        days.append(at.astype(np.int32))
        stays = rng.random(len(who)) >= dropout[who]
        who, at = who[stays], at[stays]
    customer, day = np.concatenate(customers), np.concatenate(days)
    nu = rng.gamma(4.0, 1 / 15.0, count)
    return customer, day, np.maximum(rng.gamma(6.0, 1 / nu[customer]).round(2), 0.01)


def write_orders(con: duckdb.DuckDBPyConnection, count: int, first: int, seed: int) -> int:
    """The tables that the models read, of one block of customers; gives the number of orders."""
    customer, day, amount = simulate(count, np.random.default_rng([seed, first]))
    con.register("drawn", {"customer": customer, "day": day, "amount": amount})
    con.execute(
        "create or replace table intermediate.int_customer_activities as select "
        "'O' || row_number() over () as source_id, 'C' || ($1 + customer) as customer_id, "
        "'order_paid' as activity, $2::date - ($3 - day)::int as activity_date, "
        "amount::decimal(18, 2) as amount, null::date as voided_date from drawn",
        [first, AS_OF, DAYS],
    )
    con.unregister("drawn")
    con.execute(
        "create or replace table staging.stg_orders as select source_id as order_id, "
        "null::decimal(18, 2) as cost_amount from intermediate.int_customer_activities"
    )
    return len(customer)


def make_warehouse(folder: Path, count: int, seed: int) -> int:
    """A work file with the orders of so many customers, and the same orders for `lifetimes`."""
    with connect(folder) as con:
        make_schemas(con)
        order_count = write_orders(con, count, 0, seed)
        con.execute(
            "copy (select customer_id, activity_date as ordered_date, amount::double as amount "
            f"from intermediate.int_customer_activities) to '{folder / 'orders.parquet'}'"
        )
    return order_count


def make_summary(folder: Path, fitted: Path, count: int, seed: int, sql: dict[str, str]) -> None:
    """A work file of customers ready to score, made block by block, with the parameters of another.

    Nothing else is kept: what is measured is scoring.
    """
    with connect(folder) as con:
        make_schemas(con)
        con.execute(f"attach '{fitted / 'work.duckdb'}' as fitted (read_only)")
        for table in ("stg_model_parameters", "stg_model_nodes"):
            con.execute(f"create table staging.{table} as from fitted.staging.{table}")
        for first in range(0, count, BLOCK):
            write_orders(con, min(BLOCK, count - first), first, seed)
            for model in SUMMARY:
                create(con, model, sql)
            exists = "insert into" if first else "create table"
            con.execute(
                f"{exists} intermediate.all_customers {'' if first else 'as'} "
                "from intermediate.int_purchase_summary"
            )
        for table in ("int_customer_activities", *SUMMARY):
            con.execute(f"drop table intermediate.{table}")
        con.execute("alter table intermediate.all_customers rename to int_purchase_summary")


def make_schemas(con: duckdb.DuckDBPyConnection) -> None:
    from evergreen.paths import PROJECT_DIR

    for schema in ("staging", "intermediate", "rules"):
        con.execute(f"create schema {schema}")
    con.execute("create table staging.stg_calendar as select $1::date as as_of_date", [AS_OF])
    con.execute(
        f"create table rules.thresholds as from read_csv('{PROJECT_DIR / 'seeds/thresholds.csv'}')"
    )


def compiled(folder: Path) -> dict[str, str]:
    """The SQL of the models, as dbt compiles it for a work file of this name."""
    from evergreen.build import run_dbt
    from evergreen.paths import Warehouse

    done = run_dbt(
        Warehouse(folder),
        [
            "compile",
            "--select",
            *MODELS,
            "--exclude",
            "resource_type:test",
            "resource_type:unit_test",
        ],
    )
    if done.exception:
        raise done.exception
    found = {node.node.name: node.node.compiled_code for node in done.result.results}
    return {model: found[model] for model in MODELS}


# ---- what is measured: each of these runs in a process of its own --------------------------------


def from_orders(folder: Path, times: "Steps") -> dict:
    """Ours, from orders to value: purchase days and summary, both fits, scores."""
    sql = json.loads((folder / "compiled.json").read_text())
    with connect(folder) as con:
        with times("summary"):
            for model in SUMMARY:
                create(con, model, sql)
        fit_both(con, times)
        with times("score"):
            for model in SCORES:
                create(con, model, sql)
        return totals(con)


def rescore(folder: Path, times: "Steps") -> dict:
    """Ours, every night: purchase days are there, parameters too, all customers a day older."""
    sql = json.loads((folder / "compiled.json").read_text())
    with connect(folder) as con:
        with times("summary"):
            create(con, "int_purchase_summary", sql)
        with times("score"):
            for model in SCORES:
                create(con, model, sql)
        return totals(con)


def score(folder: Path, times: "Steps") -> dict:
    """Ours, scores alone: the summary is there."""
    sql = json.loads((folder / "compiled.json").read_text())
    with connect(folder) as con:
        with times("score"):
            for model in SCORES:
                create(con, model, sql)
        return totals(con)


def fits(folder: Path, times: "Steps") -> dict:
    """Ours, both fits, from the summary."""
    with connect(folder) as con:
        return fit_both(con, times)


def fit_both(con: duckdb.DuckDBPyConnection, times: "Steps") -> dict:
    """Fit BG/NBD and Gamma-Gamma, and write what scoring reads of them."""
    from evergreen.fit.nodes import node_table
    from evergreen.fit.orders import BG_NBD, NAMES, fit_orders
    from evergreen.fit.read import PurchaseDays
    from evergreen.fit.spend import GAMMA_GAMMA, fit_spend
    from evergreen.fit.spend import NAMES as SPEND_NAMES
    from evergreen.fit.write import shift_of

    days = PurchaseDays(con)
    with times("read cells"):
        order_cells, spend_cells = days.orders(), days.spend()[0]
    with times("fit orders"):
        orders = fit_orders(BG_NBD, order_cells)
    with times("fit spend"):
        spend = fit_spend(spend_cells)
    with times("write parameters"):
        largest = int(order_cells.frequency.max()) + SPARE_FREQUENCY
        a, b = orders.parameters[2:]
        con.register("drawn", node_table(a, b, shift_of(BG_NBD), largest))
        con.execute(
            "create or replace table staging.stg_model_nodes as select 'fit' as fit_id, "
            "$1 as model, x as frequency, p as dropout_probability, weight from drawn",
            [BG_NBD],
        )
        values = [("orders", BG_NBD, *pair) for pair in zip(NAMES, orders.parameters, strict=True)]
        values += [
            ("spend", GAMMA_GAMMA, *pair)
            for pair in zip(SPEND_NAMES, spend.parameters, strict=True)
        ]
        rows = ", ".join(
            f"('fit', '{family}', '{model}', '{name}', {float(value)!r}::double, true)"
            for family, model, name, value in values
        )
        con.execute(
            "create or replace table staging.stg_model_parameters as from (values "
            f"{rows}) as rows(fit_id, family, model, parameter, value, is_current)"
        )
    if not (orders.is_converged and spend.is_converged):
        raise RuntimeError(f"a fit did not converge: {orders.reason} {spend.reason}")
    return {
        "cells": len(order_cells.frequency),
        "spend cells": len(spend_cells.frequency),
        "parameters": [float(value) for value in (*orders.parameters, *spend.parameters)],
    }


def bare(folder: Path, times: "Steps") -> dict:
    """The summary alone, as a plain query of DuckDB on the same rows."""
    with connect(folder) as con, times("summary"):
        con.execute(
            """
            create or replace table intermediate.rfm as
            with days as (
                select customer_id, activity_date as day, sum(amount) as value
                from intermediate.int_customer_activities group by all
            ),
            numbered as (
                select *, min(day) over (partition by customer_id) as first_day from days
            )
            select customer_id, count(*) - 1 as frequency, max(day) - min(first_day) as recency,
                (select as_of_date from staging.stg_calendar) - min(first_day) as age,
                avg(value) filter (day > first_day) as mean_value, sum(value) as revenue
            from numbered group by customer_id
            """
        )
        return {"customers": con.execute("select count(*) from intermediate.rfm").fetchone()[0]}


def lifetimes(folder: Path, times: "Steps", share: float = 1.0) -> dict:
    """`lifetimes` from orders to value, on the first `share` of the customers.

    Value is expected purchases times expected profit; "value by months" is the discounted sum over
    12 months that ours is, which takes two dozen passes.
    """
    import warnings

    warnings.simplefilter("ignore")
    import lifetimes as peer
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    orders = duckdb.sql(f"from '{folder / 'orders.parquet'}'").df()
    if share < 1:
        limit = int(share * orders["customer_id"].nunique())
        orders = orders[orders["customer_id"].str[1:].astype(int) < limit]
    orders["ordered_date"] = pd.to_datetime(orders["ordered_date"])
    with times("summary"):
        summary = summary_data_from_transaction_data(
            orders,
            "customer_id",
            "ordered_date",
            monetary_value_col="amount",
            observation_period_end=AS_OF.isoformat(),
            freq="D",
        )
    x, value = summary["frequency"], summary["monetary_value"]
    recency, age = summary["recency"] / 7, summary["T"] / 7
    is_repeat = (x > 0) & (value > 0)
    with times("fit orders"):
        model = peer.BetaGeoFitter(penalizer_coef=0).fit(x, recency, age)
    with times("fit spend"):
        spend = peer.GammaGammaFitter(penalizer_coef=0).fit(x[is_repeat], value[is_repeat])
    with times("score"):
        expected = model.conditional_expected_number_of_purchases_up_to_time(
            365 / 7, x, recency, age
        )
        model.conditional_probability_alive(x, recency, age)
        worth = expected * spend.conditional_expected_average_profit(x, value)
    if share == 1:
        with times("value by months"):
            spend.customer_lifetime_value(
                model, x, recency, age, value, time=12, discount_rate=1.1 ** (1 / 12) - 1, freq="W"
            )
    return {
        "customers": len(summary),
        "orders": len(orders),
        "expected orders": float(expected.sum()),
        "value": float(worth.sum()),
        "parameters": [float(p) for p in (*model.params_, *spend.params_)],
    }


STEPS: dict[str, Callable] = {
    "from_orders": from_orders,
    "rescore": rescore,
    "score": score,
    "fits": fits,
    "bare": bare,
    "lifetimes": lifetimes,
    "lifetimes_share": functools.partial(lifetimes, share=0.1),
}


class Steps:
    """CPU seconds of this process, step by step."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.cpu_s[name] = time.process_time() - start


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        str(folder / "work.duckdb"), config=SETTINGS | {"temp_directory": str(folder / "tmp")}
    )
    con.execute("set enable_progress_bar = false")
    return con


def create(con: duckdb.DuckDBPyConnection, model: str, sql: dict[str, str]) -> None:
    con.execute(f"create or replace table intermediate.{model} as {sql[model]}")


def totals(con: duckdb.DuckDBPyConnection) -> dict:
    names = ("customers", "expected orders", "value")
    row = con.execute(
        "select count(*), sum(expected_orders_365d), sum(predicted_value_365d) "
        "from intermediate.int_value_forecasts"
    ).fetchone()
    return dict(zip(names, row, strict=True))


if __name__ == "__main__":
    times = Steps()
    told = STEPS[sys.argv[1]](Path(sys.argv[2]), times)
    print(json.dumps({"steps": times.cpu_s, **told}))
