"""Who stops in the next 90 days: a ridge logistic regression on snapshots of past cut-offs.

Hoerl and Kennard (1970), "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
Technometrics 12(1); le Cessie and van Houwelingen (1992), "Ridge Estimators in Logistic
Regression", Applied Statistics 41(1). A customer is in several snapshots, which are not
independent: standard errors are those of Liang and Zeger (1986), "Longitudinal Data Analysis Using
Generalized Linear Models", Biometrika 73(1), with the customer as the cluster.

Features are standardised by what is known of them in training; what is unknown counts as the mean.
"""

import warnings
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import expit, logit
from sklearn import metrics
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from evergreen.fit import optimise
from evergreen.fit.optimise import Maximum
from evergreen.fit.report import FitReport, worse
from evergreen.fit.write import CHURN_MODELS, Fitted

BASES = dict(zip(CHURN_MODELS, ("activity", "contract"), strict=True))
"""The churn basis of the snapshots that each model is trained on."""
PENALTIES = (1000.0, 100.0, 10.0, 1.0, 0.1)
"""Of equal held-out log loss the largest is taken."""
WINDOW_STEPS = 3
"""Cut-offs until the outcome of one is known: 90 days in steps of 30."""
NEWTON_STEPS = 100
TOLERANCE = 1e-10
"""Of the slope, per observation, at which Newton's method stops."""


@dataclass(frozen=True)
class Panel:
    """Snapshots with their outcome; arrays of shape (rows,), `values` (rows, features).

    values: features, NaN where unknown; churned: 1 or 0; customer: small numbers from 0 on;
    cutoff_number: larger is earlier.
    """

    features: tuple[str, ...]
    values: np.ndarray
    churned: np.ndarray
    customer: np.ndarray
    cutoff_number: np.ndarray

    def where(self, is_in: np.ndarray) -> "Panel":
        """Some of the snapshots."""
        rows = (
            column[is_in]
            for column in (self.values, self.churned, self.customer, self.cutoff_number)
        )
        return Panel(self.features, *rows)

    @property
    def has_both(self) -> bool:
        """Whether some churned and some did not."""
        return len(self.churned) > 0 and 0 < self.churned.mean() < 1

    def split(self) -> tuple["Panel", "Panel"]:
        """Earlier cut-offs to learn from, and the latest quarter of them to be tested on.

        Where it can be, the outcomes of the earlier ones were known by the first of the later
        ones, as it is when a score is used.
        """
        numbers = np.unique(self.cutoff_number)
        held = numbers[: max(1, len(numbers) // 4)]
        earlier = self.where(self.cutoff_number >= held[-1] + WINDOW_STEPS)
        if not earlier.has_both:
            earlier = self.where(self.cutoff_number > held[-1])
        return earlier, self.where(self.cutoff_number <= held[-1])


@dataclass(frozen=True)
class Scaling:
    """The features that tell snapshots apart, with mean and scale of their known values."""

    features: tuple[str, ...]
    means: np.ndarray
    scales: np.ndarray

    def design(self, panel: Panel) -> np.ndarray:
        """A column of ones and the standardised features, 0 where unknown: (rows, 1 + features)."""
        places = [panel.features.index(name) for name in self.features]
        standard = (panel.values[:, places] - self.means) / self.scales
        return np.column_stack([np.ones(len(standard)), np.nan_to_num(standard)])


def scaling_of(panel: Panel) -> Scaling:
    """A feature that is constant, or never known, is left out: it can tell nobody apart."""
    used = []
    for place, name in enumerate(panel.features):
        known = panel.values[:, place][~np.isnan(panel.values[:, place])]
        if len(known) and np.ptp(known) > 1e-9 * max(1.0, np.abs(known).max()):
            used.append((name, known.mean(), known.std()))
    names, means, scales = zip(*used, strict=True) if used else ((), (), ())
    return Scaling(names, np.array(means, dtype=float), np.array(scales, dtype=float))


def fit_logistic(design: np.ndarray, churned: np.ndarray, penalty: float) -> Maximum:
    """Intercept and coefficients that maximise log-likelihood - penalty / 2 * sum of squares.

    `design`: shape (rows, 1 + features), its first column ones. The intercept is not penalised.
    The standard errors are left to `standard_errors`; the log-likelihood is without the penalty.
    """
    nothing = np.full(design.shape[1], np.nan)
    if not 0 < churned.sum() < len(churned):
        who = "nobody" if len(churned) and not churned.sum() else "everybody"
        reason = f"{who} churned" if len(churned) else "there are no snapshots"
        return Maximum(nothing, nothing, np.nan, False, reason)
    if design.shape[1] == 1:
        theta = logit(np.array([churned.mean()]))
    else:
        model = LogisticRegression(
            C=1 / penalty, solver="newton-cholesky", tol=TOLERANCE, max_iter=NEWTON_STEPS
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the slope tells it below
            model.fit(design[:, 1:], churned)
        theta = np.append(model.intercept_, model.coef_)
    weight = _weight(theta, penalty)
    slope = design.T @ (expit(design @ theta) - churned) + weight * theta
    steepest = float(np.abs(slope).max()) / len(churned)
    is_maximum = bool(steepest <= optimise.GRADIENT_LIMIT)
    return Maximum(
        parameters=theta,
        standard_errors=nothing,
        log_likelihood=-len(churned) * log_loss(expit(design @ theta), churned),
        is_converged=is_maximum,
        reason="" if is_maximum else f"the slope at the end is {steepest:.1e} per observation",
    )


def standard_errors(
    design: np.ndarray,
    churned: np.ndarray,
    penalty: float,
    theta: np.ndarray,
    customer: np.ndarray,
) -> np.ndarray:
    """Square roots of the diagonal of H^-1 B H^-1, robust to clusters (Liang and Zeger 1986).

    H: second derivatives of the penalised loss. B: sum over customers of s s', where s is the sum
    of (churned - probability) * row over the snapshots of the customer.
    """
    probability = expit(design @ theta)
    scores = design * (churned - probability)[:, None]
    by_customer = np.column_stack([np.bincount(customer, column) for column in scores.T])
    bread = np.linalg.inv(_curvature(design, probability, _weight(theta, penalty)))
    return np.sqrt(np.diag(bread @ (by_customer.T @ by_customer) @ bread))


def log_loss(probability: np.ndarray, churned: np.ndarray) -> float:
    """Mean of minus the log of the probability of what happened."""
    return float(metrics.log_loss(churned, probability, labels=[0, 1]))


def auc(score: np.ndarray, churned: np.ndarray) -> float:
    """Area under the ROC curve, ties counted half; NaN where only one outcome occurs."""
    if not 0 < churned.sum() < len(churned):
        return float("nan")
    return float(metrics.roc_auc_score(churned, score))


def probabilities(parameters: dict[str, float], panel: Panel) -> np.ndarray:
    """Churn probability of each snapshot, by the rows of a fit; shape (rows,)."""
    names = tuple(name for name in panel.features if f"{name}:scale" in parameters)
    scaling = Scaling(
        names,
        np.array([parameters[f"{name}:mean"] for name in names]),
        np.array([parameters[f"{name}:scale"] for name in names]),
    )
    theta = [parameters["intercept"], *(parameters[name] for name in names)]
    return expit(scaling.design(panel) @ np.array(theta))


def fit_churn(
    model: str,
    panel: Panel,
    training_start: date,
    last: tuple[date, Fitted] | None,
    tolerance: float,
    report: FitReport,
) -> None:
    """Choose the penalty on the latest cut-offs, refit on all, compare with the current fit."""
    earlier, later = panel.split()
    scaling = scaling_of(earlier)
    design, test = scaling.design(earlier), scaling.design(later)
    errors: dict[float, float] = {}
    trials: dict[float, Maximum] = {}
    reason = ""
    for penalty in PENALTIES:
        trial = fit_logistic(design, earlier.churned, penalty)
        if trial.is_converged:
            trials[penalty] = trial
            errors[penalty] = log_loss(expit(test @ trial.parameters), later.churned)
        reason = reason or trial.reason
    if not errors:
        report.refuse(model, f"nothing converged on the earlier cut-offs ({reason})", last)
        return
    penalty = min(errors, key=errors.__getitem__)
    scaling = scaling_of(panel)
    design = scaling.design(panel)
    found = fit_logistic(design, panel.churned, penalty)
    if not found.is_converged:
        report.refuse(model, f"it did not converge: {found.reason}", last)
        return
    if last:
        before = log_loss(probabilities(last[1].parameters, later), later.churned)
        if errors[penalty] > before * tolerance:
            report.refuse(model, worse(errors[penalty], before, what="log loss"), last)
            return
    names = ("intercept", *scaling.features)
    spread = standard_errors(design, panel.churned, penalty, found.parameters, panel.customer)
    parameters = dict(zip(names, found.parameters.tolist(), strict=True))
    for name, mean, scale in zip(scaling.features, scaling.means, scaling.scales, strict=True):
        parameters |= {f"{name}:mean": float(mean), f"{name}:scale": float(scale)}
    base = np.full(len(later.churned), earlier.churned.mean())
    report.fits.append(
        Fitted(
            model,
            parameters,
            dict(zip(names, spread.tolist(), strict=True)),
            sample_size=len(panel.churned),
            log_likelihood=found.log_likelihood,
            figures={
                "penalty": penalty,
                "event_count": float(panel.churned.sum()),
                "holdout_log_loss": errors[penalty],
                "holdout_auc": auc(test @ trials[penalty].parameters, later.churned),
                "holdout_base_log_loss": log_loss(base, later.churned),
            },
            training_start=training_start,
            sample="snapshots",
        )
    )


def _weight(theta: np.ndarray, penalty: float) -> np.ndarray:
    """The penalty of each parameter: none of the intercept, shape (k,)."""
    return np.append(0.0, np.full(len(theta) - 1, penalty))


def _curvature(design: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Second derivatives of the penalised loss, shape (k, k)."""
    return design.T @ (design * (probability * (1 - probability))[:, None]) + np.diag(weight)
