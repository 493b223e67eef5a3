"""The books of fits: `raw.model_parameters` and `raw.model_nodes`. Nothing else writes them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import duckdb
import numpy as np

from evergreen import __version__
from evergreen.contract import ledger_ddl, read_contract
from evergreen.fit.orders import MBG_NBD, MODELS, NAMES
from evergreen.fit.spend import GAMMA_GAMMA, MEAN_SPEND
from evergreen.fit.spend import NAMES as SPEND_NAMES

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

    def values(self) -> np.ndarray:
        """The parameters in their order."""
        return np.array(list(self.parameters.values()))


def make_books(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables where an older warehouse does not have them."""
    con.execute("create schema if not exists raw")
    for statement in ledger_ddl(read_contract()):
        con.execute(statement)


def current_fits(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, tuple[date, Fitted]]:
    """Of each family (orders, spend) what scores use on that day: (training end, parameters)."""
    found = {}
    for family, models, first in (
        ("orders", MODELS, "r"),
        ("spend", (GAMMA_GAMMA,), "q"),
        ("spend", (MEAN_SPEND,), "mean"),
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
        order = {GAMMA_GAMMA: SPEND_NAMES, MEAN_SPEND: ("mean",)}.get(model, NAMES)
        found[family] = (
            training_end,
            Fitted(model, {name: values[name] for name in order}, {}, 0, None),
        )
    return found


def write_fits(
    con: duckdb.DuckDBPyConnection,
    fits: list[Fitted],
    nodes: dict[str, np.ndarray] | None,
    training_start: date,
    training_end: date,
) -> str:
    """Write the rows of one fit, all of them or none, and give its id."""
    now = datetime.now(UTC).replace(tzinfo=None)
    fit_id = now.strftime("%Y%m%dT%H%M%S.%fZ")
    con.execute("begin")
    try:
        for fitted in fits:
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
                        *(training_start, training_end, fitted.sample_size),
                        *(_finite(likelihood), __version__, now),
                    ]
                    for name, value, error, likelihood in rows
                ],
            )
        if nodes:
            con.register("new_nodes", nodes)
            con.execute(
                "insert into raw.model_nodes (fit_id, model, x, p, weight) "
                "select $1, $2, x, p, weight from new_nodes",
                [fit_id, fits[0].model],
            )
            con.unregister("new_nodes")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return fit_id


def shift_of(model: str) -> int:
    """What b + x is raised by in the integral: 1 in MBG/NBD."""
    return int(model == MBG_NBD)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
