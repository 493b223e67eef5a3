"""How often customers buy, and whether they still do: BG/NBD and MBG/NBD.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way: An Alternative to the
Pareto/NBD Model", Marketing Science 24(2). Batislam, Denizel and Filiztekin (2007), "Empirical
validation and comparison of models for customer base analysis", International Journal of Research
in Marketing 24(3): there a customer may also drop out right after the first purchase.

A customer buys at a rate that is Gamma(r, alpha) over customers, and drops out after each purchase
with a probability that is Beta(a, b) over customers. All times are in weeks.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betaln, digamma, gammaln

from evergreen.fit.nodes import beta_nodes
from evergreen.fit.optimise import Maximum, maximise

BG_NBD = "bg_nbd"
MBG_NBD = "mbg_nbd"
MODELS = (BG_NBD, MBG_NBD)
NAMES = ("r", "alpha", "a", "b")
BOUNDS = ((1e-3, 1e3), (1e-3, 1e5), (1e-3, 1e3), (1e-3, 1e4))
COARSE_CELL_COUNT = 50_000
"""With more cells, starts are tried on cells of whole weeks and only the best is refined."""


@dataclass(frozen=True)
class OrderCells:
    """Customers grouped by (x, t_x, T); four arrays of shape (cells,).

    frequency: purchase days after the first; recency_weeks: from the first to the last;
    age_weeks: from the first to the end of the training; customer_count: customers of the cell.
    """

    frequency: np.ndarray
    recency_weeks: np.ndarray
    age_weeks: np.ndarray
    customer_count: np.ndarray

    @property
    def total(self) -> float:
        """Customers in all cells."""
        return float(self.customer_count.sum())

    @cached_property
    def frequencies(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distinct frequencies, the place of each cell among them, and customers of each."""
        values, place = np.unique(self.frequency, return_inverse=True)
        return values, place, np.bincount(place, self.customer_count)

    @cached_property
    def recencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct recencies, and the place of each cell among them."""
        return np.unique(self.recency_weeks, return_inverse=True)

    @cached_property
    def ages(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct ages, and the place of each cell among them."""
        return np.unique(self.age_weeks, return_inverse=True)

    def coarse(self) -> "OrderCells":
        """The same customers in cells of whole weeks."""
        recency, age = np.rint(self.recency_weeks), np.rint(self.age_weeks)
        span = age.max() + 1
        key = (self.frequency * span + recency) * span + age
        values, place = np.unique(key, return_inverse=True)
        left, age = np.divmod(values, span)
        frequency, recency = np.divmod(left, span)
        return OrderCells(frequency, recency, age, np.bincount(place, self.customer_count))


def log_likelihood(model: str, cells: OrderCells, theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Log-likelihood at log-parameters (r, alpha, a, b), and its gradient, shape (4,)."""
    r, alpha, a, b = np.exp(theta)
    x, x_place, x_count = cells.frequencies
    n = cells.customer_count
    beta = b + x + (model == MBG_NBD)
    with np.errstate(divide="ignore", invalid="ignore"):
        dropped = np.log(a) - np.log(np.maximum(beta - 1, 0))
    if model == BG_NBD:
        dropped = np.where(x > 0, dropped, -np.inf)
    log_age = np.log(alpha + cells.ages[0])[cells.ages[1]]
    log_recency = np.log(alpha + cells.recencies[0])[cells.recencies[1]]
    shape = (r + x)[x_place]
    alive = -shape * log_age
    gone = dropped[x_place] - shape * log_recency
    either = np.logaddexp(alive, gone)
    share_gone = np.exp(gone - either)
    total = np.sum(n * either) + np.sum(
        x_count * (gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, beta) - betaln(a, b))
    )
    gone_count = n * share_gone
    alive_count = n - gone_count
    gone_by_x = np.bincount(x_place, gone_count, len(x))
    safe = np.where(np.isfinite(dropped), beta - 1, 1)
    slope = np.array(
        [
            np.sum(x_count * (digamma(r + x) - digamma(r) + np.log(alpha)))
            - np.sum(alive_count * log_age + gone_count * log_recency),
            n.sum() * r / alpha
            - np.sum(shape * (alive_count * np.exp(-log_age) + gone_count * np.exp(-log_recency))),
            np.sum(x_count * (digamma(a + b) - digamma(a + beta))) + gone_count.sum() / a,
            np.sum(x_count * (digamma(beta) - digamma(a + beta) - digamma(b) + digamma(a + b)))
            - np.sum(gone_by_x / safe),
        ]
    )
    return float(total), slope * np.exp(theta)


def fit_orders(model: str, cells: OrderCells) -> Maximum:
    """Parameters (r, alpha, a, b) of the model, by maximum likelihood."""
    rate = max((cells.frequency * cells.customer_count).sum(), 1) / max(
        (cells.age_weeks * cells.customer_count).sum(), 1
    )
    starts = [
        (r, r / rate, a, b)
        for r, a, b in ((0.3, 0.8, 2.5), (1.0, 1.0, 1.0), (3.0, 0.3, 10.0), (0.1, 3.0, 6.0))
    ]
    rough = None
    if len(cells.frequency) > COARSE_CELL_COUNT:
        rough = _fit(model, cells.coarse(), starts)
        starts = [rough.parameters]
    return _fit(model, cells, starts, rough)


def _fit(model: str, cells: OrderCells, starts: list, rough: Maximum | None = None) -> Maximum:
    return maximise(
        lambda theta: log_likelihood(model, cells, theta), starts, BOUNDS, cells.total, rough
    )


def p_alive(model: str, parameters: np.ndarray, cells: OrderCells) -> np.ndarray:
    """Probability of not having dropped out, shape (cells,). BG/NBD gives 1 to one-time buyers."""
    r, alpha, a, b = parameters
    x = cells.frequency
    beta = b + x + (model == MBG_NBD)
    may_be_gone = (x > 0) | (model == MBG_NBD)
    odds = np.log(a / np.where(may_be_gone, beta - 1, 1)) + (r + x) * np.log(
        (alpha + cells.age_weeks) / (alpha + cells.recency_weeks)
    )
    return np.where(may_be_gone, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)


def expected_orders(
    model: str, parameters: np.ndarray, cells: OrderCells, horizon_weeks: float
) -> np.ndarray:
    """Purchase days expected in the horizon, shape (cells,), from the nodes that SQL uses as well.

    P(alive) * integral of (1 - (1 + p*u)^-(r+x)) / p over Beta(p; a, b+x), u = horizon/(alpha+T);
    MBG/NBD: b+x+1.
    """
    r, alpha, a, b = parameters
    expected = np.empty(len(cells.frequency))
    for x in cells.frequencies[0]:
        is_x = cells.frequency == x
        ages, place = np.unique(cells.age_weeks[is_x], return_inverse=True)
        p, weight = beta_nodes(a, b + x + (model == MBG_NBD))
        u = horizon_weeks / (alpha + ages)
        bought = -np.expm1(-(r + x) * np.log1p(np.outer(u, p)))
        expected[is_x] = (bought @ (weight / p))[place]
    return expected * p_alive(model, parameters, cells)


def expected_of_newcomer(parameters: np.ndarray, weeks: float) -> float:
    """E[X(t)] of BG/NBD: repeat purchases of a random customer in `weeks` after the first one."""
    r, alpha, a, b = parameters
    p, weight = beta_nodes(a, b)
    return float(np.sum(weight / p * -np.expm1(-r * np.log1p(p * weeks / alpha))))
