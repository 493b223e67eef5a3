"""Fitting orders and spend: gate, held-out test, choice, refit on all days, comparison."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from evergreen.fit.nodes import node_table
from evergreen.fit.optimise import Maximum
from evergreen.fit.orders import MODELS, NAMES, OrderCells, expected_orders, fit_orders
from evergreen.fit.read import HeldOutOrders, HeldOutSpend, History, PurchaseDays
from evergreen.fit.report import FitReport, worse
from evergreen.fit.spend import (
    GAMMA_GAMMA,
    MEAN_SPEND,
    SpendCells,
    expected_value,
    fit_spend,
)
from evergreen.fit.spend import NAMES as SPEND_NAMES
from evergreen.fit.write import Fitted, shift_of

ORDERS = "orders"
SPEND = "spend"
HOLDOUT_DAYS = 39 * 7


def fit_value(
    days: PurchaseDays,
    last: dict[str, tuple[date, Fitted]],
    limits: dict[str, float],
    report: FitReport,
    families: frozenset[str] = frozenset({ORDERS, SPEND}),
    spare_frequency: int = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Fit how often customers buy and what a purchase day is worth, as of the day of `days`.

    `last`: the current parameters by family, which new ones are compared with. `spare_frequency`:
    nodes are written for this many purchase days beyond the most that anybody has. What is
    accepted, refused or not predictable is added to the report.
    """
    history = days.history()
    if reason := why_not_predictable(history, limits):
        report.shut_orders(reason)
        return
    horizon_days = min(HOLDOUT_DAYS, history.days // 4)
    cut = history.as_of_date - timedelta(days=horizon_days)
    known_orders, known_spend = days.before(cut)
    later_orders, later_spend = days.after(cut, horizon_days)
    tolerance = 1 + limits["worse_fit_rate"]
    before = len(report.fits)
    if ORDERS in families:
        tell("orders: BG/NBD and MBG/NBD")
        _fit_orders(
            days.orders(),
            known_orders,
            later_orders,
            last.get(ORDERS),
            tolerance,
            report,
            horizon_days,
            spare_frequency,
        )
    if SPEND in families:
        tell("spend: Gamma-Gamma")
        cells, excluded_count = days.spend()
        _fit_spend(
            cells,
            known_spend,
            later_spend,
            last.get(SPEND),
            tolerance,
            limits["spend_buyer_count"],
            excluded_count,
            report,
        )
    for fitted in report.fits[before:]:
        fitted.training_start = history.first_purchase_date


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
    spare_frequency: int,
) -> None:
    """Choose on held-out days, refit on all; nodes go with the accepted fit."""
    trials = {model: fit_orders(model, known) for model in MODELS if known.total}
    errors = {
        model: orders_error(model, trial.parameters, later)
        for model, trial in trials.items()
        if trial.is_converged
    }
    for chosen in sorted(errors, key=lambda model: errors[model][0]):
        found = fit_orders(chosen, cells)
        if not found.is_converged:
            report.refuse(chosen, f"it did not converge: {found.reason}", last)
            continue
        if last:
            before = orders_error(last[1].model, last[1].values(), later)[0]
            if errors[chosen][0] > before * tolerance:
                report.refuse(chosen, worse(errors[chosen][0], before, horizon_days), last)
                return
        _, _, a, b = found.parameters
        nodes = node_table(a, b, shift_of(chosen), int(cells.frequency.max()) + spare_frequency)
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
                    nodes=nodes if model == chosen else None,
                )
            )
        return
    if not errors:
        why = "; ".join(f"{model}: {trial.reason}" for model, trial in trials.items())
        report.refuse(ORDERS, f"nothing converged on the days before ({why or 'nobody'})", last)


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
        report.refuse(SPEND, "no repeat buyer has a positive value", last)
        return
    if cells.total < least_count or cells.is_constant():
        report.fits.append(
            Fitted(MEAN_SPEND, {"mean": cells.mean}, {}, int(cells.total), None, figures)
        )
        return
    found = fit_spend(cells)
    if reason := _no_spend(found):
        report.refuse(GAMMA_GAMMA, reason, last)
        return
    figures["correlation"] = cells.correlation()
    trial = fit_spend(known) if known.total >= least_count and not known.is_constant() else None
    if trial and not _no_spend(trial):
        error = spend_error(_named(SPEND_NAMES, trial)[0], later)
        figures["holdout_squared_error"] = error
        before = spend_error(last[1].parameters, later) if last else np.inf
        if error > before * tolerance:
            report.refuse(GAMMA_GAMMA, worse(error, before), last)
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
