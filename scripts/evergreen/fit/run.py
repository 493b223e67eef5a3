"""One fit: gate, held-out test, choice, refit on all days, comparison with the last, rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import duckdb
import numpy as np

from evergreen.errors import InputRefused, Locked
from evergreen.fit.nodes import node_table
from evergreen.fit.optimise import Maximum
from evergreen.fit.orders import MODELS, NAMES, OrderCells, expected_orders, fit_orders
from evergreen.fit.read import HeldOutOrders, HeldOutSpend, History, PurchaseDays
from evergreen.fit.spend import (
    GAMMA_GAMMA,
    MEAN_SPEND,
    SpendCells,
    expected_value,
    fit_spend,
)
from evergreen.fit.spend import NAMES as SPEND_NAMES
from evergreen.fit.write import Fitted, current_fits, make_books, shift_of, write_fits
from evergreen.paths import Warehouse

Progress = Callable[[str], None]
HOLDOUT_DAYS = 39 * 7
SPARE_FREQUENCY = 400
"""Nodes are written for this many purchase days beyond the most that anybody has."""


@dataclass
class FitReport:
    """What a fit did. `refusals` say what was not accepted and why; the last good stays."""

    as_of_date: date | None
    fit_id: str | None = None
    not_predictable: str | None = None
    fits: list[Fitted] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report for people."""
        if self.not_predictable:
            return [f"not predictable: {self.not_predictable}"]
        lines = []
        for fitted in self.fits:
            shown = ", ".join(
                f"{name} {value:.4g}"
                + (
                    f" (se {error:.2g})"
                    if np.isfinite(error := fitted.standard_errors.get(name, np.nan))
                    else ""
                )
                for name, value in fitted.parameters.items()
            )
            if shown:
                likelihood = (
                    f", log-likelihood {fitted.log_likelihood:,.2f}"
                    if fitted.log_likelihood is not None
                    else ""
                )
                lines.append(
                    f"{fitted.model}: {shown}; {fitted.sample_size:,} customers{likelihood}"
                )
            else:
                lines.append(f"{fitted.model}: not chosen")
            lines += [f"  {name}: {value:,.6g}" for name, value in fitted.figures.items()]
        return lines + self.refusals


def fit(warehouse: Warehouse, progress: Progress | None = None) -> FitReport:
    """Fit the models of orders and of spend on the work file, and write what is accepted.

    Raises InputRefused when the warehouse is not built, Locked when the file is in use. All else
    is told in the report: a gate that is shut, a fit that fails or is worse than the last one.
    """
    tell = progress or (lambda line: None)
    if not warehouse.work_file.exists():
        raise InputRefused(
            f"{warehouse.work_file} is not there: run `evergreen refresh --landing DIR` first"
        )
    with _connect(warehouse) as con:
        days = PurchaseDays(con)
        history = days.history()
        limits = days.limits()
        report = FitReport(history.as_of_date)
        report.not_predictable = why_not_predictable(history, limits)
        if report.not_predictable:
            return report
        make_books(con)
        last = current_fits(con, history.as_of_date)
        horizon_days = min(HOLDOUT_DAYS, history.days // 4)
        cut = history.as_of_date - timedelta(days=horizon_days)
        known_orders, known_spend = days.before(cut)
        later_orders, later_spend = days.after(cut, horizon_days)
        tolerance = 1 + limits["worse_fit_rate"]
        tell("orders: BG/NBD and MBG/NBD")
        orders = days.orders()
        nodes = _fit_orders(
            orders, known_orders, later_orders, last.get("orders"), tolerance, report, horizon_days
        )
        tell("spend: Gamma-Gamma")
        cells, excluded_count = days.spend()
        _fit_spend(
            cells,
            known_spend,
            later_spend,
            last.get("spend"),
            tolerance,
            limits["spend_buyer_count"],
            excluded_count,
            report,
        )
        if report.fits:
            report.fit_id = write_fits(
                con, report.fits, nodes, history.first_purchase_date, history.as_of_date
            )
    return report


def is_due(warehouse: Warehouse, refit_after_days: int) -> bool:
    """Whether parameters are missing or older than that, in days of data: never by the clock."""
    with _connect(warehouse) as con:
        as_of = PurchaseDays(con).history().as_of_date
        if as_of is None:
            return False
        make_books(con)
        ends = [end for end, _ in current_fits(con, as_of).values()]
    return len(ends) < 2 or (as_of - min(ends)).days > refit_after_days


def why_not_predictable(history: History, limits: dict[str, float]) -> str | None:
    """The gate: too few buyers, too short a history, nobody with three purchase days."""
    for what, found, limit in (
        ("buyers", history.buyer_count, "predictable_buyer_count"),
        ("days of history", history.days, "predictable_history_days"),
        (
            "buyers with 3 or more purchase days",
            history.repeater_count,
            "predictable_repeater_count",
        ),
    ):
        if found < limits[limit]:
            return f"fewer {what} than the {limits[limit]:.0f} needed: {found}"
    return None


def _fit_orders(
    cells: OrderCells,
    known: OrderCells,
    later: HeldOutOrders,
    last: tuple[date, Fitted] | None,
    tolerance: float,
    report: FitReport,
    horizon_days: int,
) -> dict[str, np.ndarray] | None:
    """Choose on held-out days, refit on all; nodes of the accepted fit, None where none is."""
    trials = {model: fit_orders(model, known) for model in MODELS if known.total}
    errors = {
        model: orders_error(model, trial.parameters, later)
        for model, trial in trials.items()
        if trial.is_converged
    }
    for chosen in sorted(errors, key=lambda model: errors[model][0]):
        found = fit_orders(chosen, cells)
        if not found.is_converged:
            report.refusals.append(_refused(chosen, f"it did not converge: {found.reason}", last))
            continue
        if last:
            before = orders_error(last[1].model, last[1].values(), later)[0]
            if errors[chosen][0] > before * tolerance:
                report.refusals.append(
                    _refused(chosen, _worse(errors[chosen][0], before, horizon_days), last)
                )
                return None
        for model in sorted(errors, key=lambda model: model != chosen):
            error, expected = errors[model]
            report.fits.append(
                Fitted(
                    model,
                    *(_named(NAMES, found) if model == chosen else ({}, {})),
                    sample_size=int(cells.total if model == chosen else known.total),
                    log_likelihood=found.log_likelihood if model == chosen else None,
                    figures={
                        "holdout_days": horizon_days,
                        "holdout_squared_error": error,
                        "holdout_expected_orders": expected,
                        "holdout_orders": float(later.orders.sum()),
                    },
                )
            )
        _, _, a, b = found.parameters
        largest = int(cells.frequency.max()) + SPARE_FREQUENCY
        return node_table(a, b, shift_of(chosen), largest)
    if not errors:
        why = "; ".join(f"{model}: {trial.reason}" for model, trial in trials.items())
        report.refusals.append(
            _refused("orders", f"nothing converged on the days before ({why or 'nobody'})", last)
        )
    return None


def orders_error(model: str, parameters: np.ndarray, later: HeldOutOrders) -> tuple[float, float]:
    """Held-out sum over customers of (purchase days - expected)^2, and the expected total."""
    expected = expected_orders(model, parameters, later.cells, later.horizon_weeks)
    count = later.cells.customer_count
    error = later.squared_orders - 2 * expected * later.orders + count * expected**2
    return float(error.sum()), float((count * expected).sum())


def _fit_spend(
    cells: SpendCells,
    known: SpendCells,
    later: HeldOutSpend,
    last: tuple[date, Fitted] | None,
    tolerance: float,
    least_count: float,
    excluded_count: int,
    report: FitReport,
) -> None:
    """Gamma-Gamma, or the mean where there is nothing to fit."""
    figures: dict[str, float] = {"excluded_count": excluded_count}
    if not cells.total:
        report.refusals.append(_refused("spend", "no repeat buyer has a positive value", last))
        return
    if cells.total < least_count or cells.is_constant():
        report.fits.append(
            Fitted(MEAN_SPEND, {"mean": cells.mean}, {}, int(cells.total), None, figures)
        )
        return
    found = fit_spend(cells)
    if reason := _no_spend(found):
        report.refusals.append(_refused(GAMMA_GAMMA, reason, last))
        return
    figures["correlation"] = cells.correlation()
    trial = fit_spend(known) if known.total >= least_count and not known.is_constant() else None
    if trial and not _no_spend(trial):
        error = spend_error(_named(SPEND_NAMES, trial)[0], later)
        figures["holdout_squared_error"] = error
        before = spend_error(last[1].parameters, later) if last else np.inf
        if error > before * tolerance:
            report.refusals.append(_refused(GAMMA_GAMMA, _worse(error, before), last))
            return
    report.fits.append(
        Fitted(
            GAMMA_GAMMA,
            *_named(SPEND_NAMES, found),
            sample_size=int(cells.total),
            log_likelihood=found.log_likelihood,
            figures=figures,
        )
    )


def spend_error(parameters: dict[str, float], later: HeldOutSpend) -> float:
    """Held-out sum over purchase days of (mean value of the customer's days - expected)^2."""
    if "mean" in parameters:
        expected = np.full(len(later.value), parameters["mean"])
    else:
        expected = expected_value(
            np.array([parameters[name] for name in SPEND_NAMES]), later.frequency, later.mean_value
        )
    return float(np.sum(later.days * (later.value - expected) ** 2))


def _no_spend(found: Maximum) -> str | None:
    """Why a Gamma-Gamma is of no use, if it is not."""
    if not found.is_converged:
        return f"it did not converge: {found.reason}"
    if found.parameters[1] <= 1:
        return (
            f"q is {found.parameters[1]:.3g}: with 1 or less the mean spend of a customer has no "
            "expectation; look for orders of absurd value"
        )
    return None


def _named(names: tuple[str, ...], found: Maximum) -> tuple[dict[str, float], dict[str, float]]:
    """Parameters and standard errors by name."""
    return (
        dict(zip(names, found.parameters.tolist(), strict=True)),
        dict(zip(names, found.standard_errors.tolist(), strict=True)),
    )


def _worse(error: float, before: float, horizon_days: int | None = None) -> str:
    period = f" of the last {horizon_days} days" if horizon_days else ""
    return (
        f"its held-out squared error{period} is {error:,.6g}, that of the current parameters "
        f"{before:,.6g}"
    )


def _refused(model: str, reason: str, last: tuple[date, Fitted] | None) -> str:
    kept = (
        f"the parameters of {last[1].model} trained to {last[0]} stay"
        if last
        else "there are no earlier parameters"
    )
    return f"{model} was refused: {reason}; {kept}"


def _connect(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(warehouse.work_file))
    except duckdb.IOException as error:
        raise Locked(f"{warehouse.work_file} cannot be opened: {error}") from error
