"""One fit: today's models, the same models at past cut-offs, and one transaction for their rows."""

from collections.abc import Callable
from datetime import date

import duckdb

from evergreen.errors import InputRefused, Locked
from evergreen.fit.churn import BASES, fit_churn
from evergreen.fit.read import PastPurchaseDays, PurchaseDays
from evergreen.fit.report import FitReport
from evergreen.fit.snapshots import Snapshots
from evergreen.fit.value import ORDERS, SPEND, fit_value, why_not_predictable
from evergreen.fit.write import Fitted, current_fits, make_books, write_fits
from evergreen.paths import Warehouse

Progress = Callable[[str], None]
SPARE_FREQUENCY = 400
"""Nodes of today's fit are written for this many purchase days beyond the most of anybody."""
BACKTESTS = {90: range(3, 9), 365: range(13, 19)}
"""Numbers of the cut-offs at which a horizon is backtested: it is over since."""
CHURN_HORIZON_DAYS = 90
"""Churn is foretold for this horizon only."""


def fit(warehouse: Warehouse, progress: Progress | None = None) -> FitReport:
    """Fit the models of orders, spend and churn on the work file, and write what is accepted.

    The same is done at past cut-offs, with what was known then, for the backtests. Raises
    InputRefused when the warehouse is not built, Locked when the file is in use. All else is told
    in the report: a gate that is shut, a fit that fails or is worse than the last one.
    """
    tell = progress or (lambda line: None)
    if not warehouse.work_file.exists():
        raise InputRefused(
            f"{warehouse.work_file} is not there: run `evergreen refresh --landing DIR` first"
        )
    with _connect(warehouse) as con:
        days = PurchaseDays(con)
        report = FitReport(days.history().as_of_date)
        limits = days.limits()
        snapshots = Snapshots(con)
        make_books(con)
        last = current_fits(con, report.as_of_date) if report.as_of_date else {}
        fit_value(days, last, limits, report, spare_frequency=SPARE_FREQUENCY, tell=tell)
        fits = {report.as_of_date: report.fits}
        if snapshots.are_there:
            _fit_churn(snapshots, 0, last, limits, report, frozenset(BASES), tell)
            fits |= _fit_backtests(con, snapshots, last, limits, report, tell)
        if any(fits.values()):
            report.fit_id = write_fits(con, fits)
    return report


def is_due(warehouse: Warehouse, refit_after_days: int) -> bool:
    """Whether parameters are missing or older than that, in days of data: never by the clock.

    A family whose gate is shut is not waited for. Where all gates are shut a fit only says why,
    which costs nothing. Parameters that were fitted without backtests, before there were any, are
    fitted again.
    """
    with _connect(warehouse) as con:
        days = PurchaseDays(con)
        history = days.history()
        if history.as_of_date is None:
            return False
        make_books(con)
        limits = days.limits()
        snapshots = Snapshots(con)
        expected = [] if why_not_predictable(history, limits) else [ORDERS, SPEND]
        if snapshots.are_there:
            expected += [
                model
                for model, basis in BASES.items()
                if not snapshots.evidence(basis, 0).why_not(limits)
            ]
        current = current_fits(con, history.as_of_date)
    if not expected or not set(expected) <= set(current):
        return True
    used = [current[family] for family in expected]
    if (history.as_of_date - min(end for end, _ in used)).days > refit_after_days:
        return True
    return snapshots.are_there and any("backtest_count" not in found.figures for _, found in used)


def _fit_churn(
    snapshots: Snapshots,
    number: int,
    last: dict[str, tuple[date, Fitted]],
    limits: dict[str, float],
    report: FitReport,
    families: frozenset[str],
    tell: Progress = lambda line: None,
) -> None:
    """The models of churn at a cut-off, by its number; 0 is today."""
    cutoffs = snapshots.cutoffs()
    for model, basis in BASES.items():
        if model not in families:
            continue
        tell(f"{model}: logistic regression")
        if reason := snapshots.evidence(basis, number).why_not(limits):
            report.shut(model, reason)
            continue
        panel = snapshots.panel(basis, number)
        start = cutoffs[int(panel.cutoff_number.max())]
        tolerance = 1 + limits["worse_fit_rate"]
        fit_churn(model, panel, start, last.get(model), tolerance, report)


def _fit_backtests(
    con: duckdb.DuckDBPyConnection,
    snapshots: Snapshots,
    last: dict[str, tuple[date, Fitted]],
    limits: dict[str, float],
    report: FitReport,
    tell: Progress,
) -> dict[date, list[Fitted]]:
    """Fits at past cut-offs by the day, with what was known then and nothing to compare with.

    Only of families that have parameters today, and before the end of their training: a fit that
    serves a backtest must never take the place of a newer one that was refused.
    """
    ends = {family: end for family, (end, _) in last.items()}
    ends |= {fitted.family: report.as_of_date for fitted in report.fits}
    if not ends:
        return {}
    cutoffs = snapshots.cutoffs()
    PastPurchaseDays.gather(con)
    fits: dict[date, list[Fitted]] = {}
    counts, reasons = [], []
    for horizon_days, numbers in BACKTESTS.items():
        found = 0
        for number in numbers:
            tell(f"backtests of {horizon_days} days: cut-off {number} of {numbers[-1]}")
            day = cutoffs.get(number)
            if day is None:
                reasons.append(f"cut-off {number} lies before the first customer")
                continue
            trial = FitReport(day)
            families = frozenset(family for family, end in ends.items() if day < end)
            if horizon_days != CHURN_HORIZON_DAYS:
                families -= frozenset(BASES)
            if families & {ORDERS, SPEND}:
                past = PastPurchaseDays(con, number, day)
                fit_value(past, {}, limits, trial, families)
            _fit_churn(snapshots, number, {}, limits, trial, families)
            reasons += [f"{day}: {reason}" for reason in trial.reasons]
            if trial.fits:
                fits[day] = trial.fits
                found += 1
        cut_offs = "cut-offs " if not counts else ""
        counts.append(f"{found} of {len(numbers)} {cut_offs}of {horizon_days} days")
    why_not = f"; {reasons[0]}" if reasons else ""
    report.notes.append(f"backtests: fits at {', '.join(counts)}{why_not}")
    made = [fitted.family for one in fits.values() for fitted in one if fitted.is_chosen]
    for fitted in report.fits:
        if fitted.is_chosen:
            fitted.figures["backtest_count"] = float(made.count(fitted.family))
    return fits


def _connect(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(warehouse.work_file))
    except duckdb.IOException as error:
        raise Locked(f"{warehouse.work_file} cannot be opened: {error}") from error
