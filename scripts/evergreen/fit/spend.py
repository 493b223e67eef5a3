"""What a purchase day is worth: Gamma-Gamma.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value"; Fader, Hardie and Lee (2005),
"RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", Journal of Marketing Research
42(4). The value of a purchase day is Gamma(p, nu) with nu ~ Gamma(q, gamma) over customers, and
independent of how often they buy: publish the correlation and look at it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from evergreen.fit.optimise import Maximum, maximise

GAMMA_GAMMA = "gamma_gamma"
MEAN_SPEND = "mean_spend"
NAMES = ("p", "q", "gamma")
BOUNDS = ((1e-3, 1e5), (1e-3, 1e5), (1e-6, 1e6))
"""Of p, q, and gamma over the mean value."""


@dataclass(frozen=True)
class SpendCells:
    """Repeat buyers grouped by (x, m); three arrays of shape (cells,).

    frequency: purchase days after the first, at least 1; mean_value: mean value of those days in
    the reporting currency, above 0; customer_count: customers of the cell.
    """

    frequency: np.ndarray
    mean_value: np.ndarray
    customer_count: np.ndarray

    @property
    def total(self) -> float:
        """Customers in all cells."""
        return float(self.customer_count.sum())

    @property
    def mean(self) -> float:
        """Mean over customers of their mean value."""
        return float(np.average(self.mean_value, weights=self.customer_count))

    def is_constant(self) -> bool:
        """Whether all customers spend the same, so that there is nothing to fit."""
        return bool(np.ptp(self.mean_value) <= 1e-9 * self.mean)

    def correlation(self) -> float:
        """Pearson's correlation of frequency and mean value over customers; NaN where constant."""
        if len(self.frequency) < 2 or np.ptp(self.frequency) == 0 or self.is_constant():
            return float("nan")
        spread = np.cov(self.frequency, self.mean_value, fweights=self.customer_count.astype(int))
        return float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]))


def log_likelihood(cells: SpendCells, theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Log-likelihood at log-parameters (p, q, gamma), and its gradient, shape (3,)."""
    p, q, gamma = np.exp(theta)
    x, z, n = cells.frequency, cells.mean_value, cells.customer_count
    values, place = np.unique(x, return_inverse=True)
    by_x = np.bincount(place, n)
    log_total = np.log(gamma + x * z)
    shape = p * x + q
    total = np.sum(
        by_x * (gammaln(p * values + q) - gammaln(p * values) + p * values * np.log(values))
    ) + np.sum(n * ((p * x - 1) * np.log(z) - shape * log_total - gammaln(q) + q * np.log(gamma)))
    both = digamma(p * values + q)
    slope = np.array(
        [
            np.sum(by_x * values * (both - digamma(p * values) + np.log(values)))
            + np.sum(n * x * (np.log(z) - log_total)),
            np.sum(by_x * both) + np.sum(n * (np.log(gamma) - digamma(q) - log_total)),
            np.sum(n * (q / gamma - shape * np.exp(-log_total))),
        ]
    )
    return float(total), slope * np.exp(theta)


def fit_spend(cells: SpendCells) -> Maximum:
    """Parameters (p, q, gamma), by maximum likelihood. Money is scaled by its mean meanwhile."""
    unit = cells.mean
    scaled = SpendCells(cells.frequency, cells.mean_value / unit, cells.customer_count)
    starts = [(p, q, (q - 1) / p) for p, q in ((6.0, 4.0), (1.0, 2.0), (2.0, 20.0), (40.0, 3.0))]
    found = maximise(lambda theta: log_likelihood(scaled, theta), starts, BOUNDS, cells.total)
    back = np.array([1.0, 1.0, unit])
    return Maximum(
        found.parameters * back,
        found.standard_errors * back,
        found.log_likelihood - cells.total * np.log(unit),
        found.is_converged,
        found.reason,
    )


def expected_value(
    parameters: np.ndarray, frequency: np.ndarray, mean_value: np.ndarray
) -> np.ndarray:
    """Expected value of a purchase day of each customer: (gamma + x m) p / (p x + q - 1).

    Needs q > 1. A one-time buyer (x = 0) gets the mean of all.
    """
    p, q, gamma = parameters
    return (gamma + frequency * mean_value) * p / (p * frequency + q - 1)
