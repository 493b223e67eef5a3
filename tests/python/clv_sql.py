"""The scoring macros of macros/clv.sql, rendered and run on a bare DuckDB."""

from collections.abc import Mapping

import duckdb
import jinja2
import numpy as np

from evergreen.fit.nodes import beta_nodes
from evergreen.paths import PROJECT_DIR

PARAMETERS = {
    **dict.fromkeys(("r", "alpha", "a", "b", "dropout_shift"), None),
    **dict.fromkeys(("spend_p", "spend_q", "spend_gamma", "spend_mean"), None),
    "margin_rate": 1.0,
}


def macros():
    """The macros, callable by name. They use nothing of dbt but the name of its text type."""
    text = (PROJECT_DIR / "macros" / "clv.sql").read_text()
    return jinja2.Environment().from_string(text).module


def score(
    parameters: Mapping[str, float],
    customers: dict[str, np.ndarray],
    spend_model: str = "gamma_gamma",
    horizon_days: float = 365,
    periods: int = 12,
    annual_rate: float = 0.0,
) -> dict[str, np.ndarray]:
    """Scores in the order of the customers.

    `customers`: arrays frequency, recency_days, age_days, mean_repeat_value of one shape.
    """
    given = PARAMETERS | dict(parameters)
    largest = int(customers["frequency"].max())
    columns = ", ".join(
        f"{'null' if value is None else repr(float(value))}::double as {name}"
        for name, value in given.items()
    )
    nodes = [
        (x, *beta_nodes(given["a"], given["b"] + x + given["dropout_shift"]))
        for x in np.unique(customers["frequency"])
    ]
    node_columns = {
        "frequency": np.concatenate([np.full(len(p), x) for x, p, _ in nodes]),
        "dropout_probability": np.concatenate([p for _, p, _ in nodes]),
        "weight": np.concatenate([weight for _, _, weight in nodes]),
    }
    rows = {"customer_id": np.arange(len(customers["frequency"]))} | customers
    sql = macros()
    with duckdb.connect() as con:
        con.register("summary_rows", rows)
        con.register("node_rows", node_columns)
        found = con.execute(
            f"""
            with summary as (select * from summary_rows),
            parameters as (
                select {columns}, {largest}::bigint as largest_frequency,
                    '{spend_model}' as spend_model
            ),
            nodes as (select * from node_rows),
            pairs as (select distinct frequency, age_days from summary),
            {sql.order_forecast_ctes(horizon_days, periods, annual_rate)},
            {sql.value_forecast_ctes(horizon_days)}
            select * from value_forecasts order by customer_id
            """
        ).fetchnumpy()
    assert len(found["customer_id"]) == len(rows["customer_id"])
    return {
        name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
        for name, column in found.items()
    }
