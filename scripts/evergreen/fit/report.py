"""What a fit did, for people and for the books."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from evergreen.fit.write import Fitted


@dataclass
class FitReport:
    """What a fit did. `refusals` say what was not accepted and why; the last good stays.

    `not_predictable`: why the gate of orders and spend is shut; None where it is open. `notes` are
    what is no warning: the gates of the models of churn, and how the backtests went. `reasons`
    name whatever has no fit, gates and refusals alike.
    """

    as_of_date: date | None
    fit_id: str | None = None
    not_predictable: str | None = None
    fits: list[Fitted] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def refuse(self, model: str, reason: str, last: tuple[date, Fitted] | None) -> None:
        """A model that was fitted and not accepted."""
        kept = (
            f"the parameters of {last[1].model} trained to {last[0]} stay"
            if last
            else "there are no earlier parameters"
        )
        self.refusals.append(f"{model} was refused: {reason}; {kept}")
        self.reasons.append(f"{model} was refused: {reason}")

    def shut(self, model: str, reason: str) -> None:
        """A model of churn that was not fitted, for there is too little to learn from."""
        self.notes.append(f"{model}: not predictable: {reason}")
        self.reasons.append(self.notes[-1])

    def shut_orders(self, reason: str) -> None:
        """No model of orders and spend, for there is too little to learn from."""
        self.not_predictable = reason
        self.reasons.append(f"orders: not predictable: {reason}")

    def lines(self) -> list[str]:
        """The report for people."""
        lines = [f"not predictable: {self.not_predictable}"] if self.not_predictable else []
        for fitted in self.fits:
            # Means and scales of features say nothing to people.
            shown = ", ".join(
                f"{name} {value:.4g}"
                + (
                    f" (se {error:.2g})"
                    if np.isfinite(error := fitted.standard_errors.get(name, np.nan))
                    else ""
                )
                for name, value in fitted.parameters.items()
                if ":" not in name
            )
            if shown:
                likelihood = (
                    f", log-likelihood {fitted.log_likelihood:,.2f}"
                    if fitted.log_likelihood is not None
                    else ""
                )
                lines.append(
                    f"{fitted.model}: {shown}; {fitted.sample_size:,} {fitted.sample}{likelihood}"
                )
            else:
                lines.append(f"{fitted.model}: not chosen")
            lines += [f"  {name}: {value:,.6g}" for name, value in fitted.figures.items()]
        return lines + self.notes + self.refusals


def worse(
    error: float, before: float, horizon_days: int | None = None, what: str = "squared error"
) -> str:
    """Why a fit is refused whose held-out error is larger than that of the current parameters."""
    period = f" of the last {horizon_days} days" if horizon_days else ""
    return (
        f"its held-out {what}{period} is {error:,.6g}, that of the current parameters {before:,.6g}"
    )
