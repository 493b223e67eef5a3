"""The books of fits: `raw.model_parameters` and `raw.model_nodes`. Nothing else writes them.

A fit at a past cut-off date, for the backtests, is a fit like any other: its training ends there.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np

from evergreen import __version__
from evergreen.contract import ledger_ddl, read_contract
from evergreen.fit.orders import MBG_NBD, MODELS, NAMES
from evergreen.fit.spend import GAMMA_GAMMA, MEAN_SPEND
from evergreen.fit.spend import NAMES as SPEND_NAMES

CHURN_MODELS = ("churn_activity", "churn_contract")
CHURN_FIGURES = (
    *("penalty", "event_count", "holdout_log_loss", "holdout_auc", "holdout_base_log_loss"),
    "backtest_count",
)
FAMILIES = dict.fromkeys(MODELS, "orders") | dict.fromkeys((GAMMA_GAMMA, MEAN_SPEND), "spend")
ORDER = dict.fromkeys(MODELS, NAMES) | {GAMMA_GAMMA: SPEND_NAMES, MEAN_SPEND: ("mean",)}

CURRENT = """
    select fit_id, model, training_end
    from raw.model_parameters
    where model in ({models}) and parameter = $1 and training_end <= $2
    order by training_end desc, fitted_at desc, fit_id desc
    limit 1
"""


@dataclass
class Fitted:
    """One accepted model: parameters with standard errors, and figures without."""

    model: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    sample_size: int
    log_likelihood: float | None
    figures: dict[str, float] = field(default_factory=dict)
    nodes: dict[str, np.ndarray] | None = None
    training_start: date | None = None
    sample: str = "customers"
    """What `sample_size` counts."""

    @property
    def family(self) -> str:
        """What it is a model of: orders, spend, or the name of a model of churn."""
        return FAMILIES.get(self.model, self.model)

    @property
    def is_chosen(self) -> bool:
        """Whether it has parameters: a model that was not chosen has figures only."""
        return bool(self.parameters)

    def values(self) -> np.ndarray:
        """The parameters in their order."""
        return np.array(list(self.parameters.values()))


def make_books(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables where an older warehouse does not have them."""
    con.execute("create schema if not exists raw")
    for statement in ledger_ddl(read_contract()):
        con.execute(statement)


def current_fits(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, tuple[date, Fitted]]:
    """Of each family what scores use on that day: (training end, parameters)."""
    found = {}
    for family, models, first in (
        ("orders", MODELS, "r"),
        ("spend", (GAMMA_GAMMA,), "q"),
        ("spend", (MEAN_SPEND,), "mean"),
        *((model, (model,), "intercept") for model in CHURN_MODELS),
    ):
        names = ", ".join(f"'{model}'" for model in models)
        row = con.execute(CURRENT.format(models=names), [first, as_of]).fetchone()
        if not row or (family in found and found[family][0] >= row[2]):
            continue
        fit_id, model, training_end = row
        values = dict(
            con.execute(
                "select parameter, value from raw.model_parameters "
                "where fit_id = $1 and model = $2",
                [fit_id, model],
            ).fetchall()
        )
        order = ORDER.get(model, [name for name in values if name not in CHURN_FIGURES])
        parameters = {name: values.pop(name) for name in order}
        found[family] = (training_end, Fitted(model, parameters, {}, 0, None, values))
    return found


def write_fits(con: duckdb.DuckDBPyConnection, fits: dict[date, list[Fitted]]) -> str:
    """Write fits by the day on which their training ends, all of them or none.

    The fit of the latest day, today's, has the id that is given back; the others have it with
    their day behind it. Nodes of an earlier fit of orders of the same day are never read again,
    and go.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    con.execute("begin")
    try:
        fit_id = _new_id(con, now)
        for training_end in sorted(fits, reverse=True):
            is_latest = training_end == max(fits)
            one = fit_id if is_latest else f"{fit_id}-{training_end:%Y%m%d}"
            for fitted in fits[training_end]:
                _write(con, one, fitted, training_end, now)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return fit_id


def _new_id(con: duckdb.DuckDBPyConnection, now: datetime) -> str:
    """An id that no fit has, whatever the clock does."""
    at = now
    while True:
        fit_id = at.strftime("%Y%m%dT%H%M%S.%fZ")
        taken = "select 1 from raw.model_parameters where starts_with(fit_id, $1) limit 1"
        if not con.execute(taken, [fit_id]).fetchone():
            return fit_id
        at += timedelta(microseconds=1)


def _write(
    con: duckdb.DuckDBPyConnection, fit_id: str, fitted: Fitted, training_end: date, now: datetime
) -> None:
    """Rows of one model of a fit."""
    rows = [
        (name, value, fitted.standard_errors.get(name), fitted.log_likelihood)
        for name, value in fitted.parameters.items()
    ] + [(name, value, None, None) for name, value in fitted.figures.items()]
    con.executemany(
        "insert into raw.model_parameters (fit_id, model, parameter, value, "
        "standard_error, training_start, training_end, sample_size, log_likelihood, "
        "code_version, fitted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            [
                *(fit_id, fitted.model, name, _finite(value), _finite(error)),
                *(fitted.training_start, training_end, fitted.sample_size),
                *(_finite(likelihood), __version__, now),
            ]
            for name, value, error, likelihood in rows
        ],
    )
    if fitted.nodes is None:
        return
    names = ", ".join(f"'{model}'" for model in MODELS)
    con.execute(
        "delete from raw.model_nodes where fit_id in (select fit_id from raw.model_parameters "
        f"where model in ({names}) and training_end = $1 and fit_id <> $2)",
        [training_end, fit_id],
    )
    con.register("new_nodes", fitted.nodes)
    con.execute(
        "insert into raw.model_nodes (fit_id, model, x, p, weight) "
        "select $1, $2, x, p, weight from new_nodes",
        [fit_id, fitted.model],
    )
    con.unregister("new_nodes")


def shift_of(model: str) -> int:
    """What b + x is raised by in the integral: 1 in MBG/NBD."""
    return int(model == MBG_NBD)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
