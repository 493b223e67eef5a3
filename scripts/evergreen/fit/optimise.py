"""Maximum likelihood in the logarithms of positive parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Log-parameters, shape (k,), to the log-likelihood and its gradient by them, shape (k,)."""

GRADIENT_LIMIT = 1e-6
"""A maximum has no larger slope than this, per observation and unit of a log-parameter."""
STEP = 1e-4
"""Step of the central differences of the gradient that give the Hessian."""


@dataclass(frozen=True)
class Maximum:
    """A maximum of a log-likelihood. Standard errors are NaN where the data do not settle them."""

    parameters: np.ndarray
    standard_errors: np.ndarray
    log_likelihood: float
    is_converged: bool
    reason: str
    hessian: np.ndarray | None = None
    """Second derivatives of the loss per observation by log-parameters, shape (k, k)."""


def maximise(
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    observation_count: float,
    rough: Maximum | None = None,
) -> Maximum:
    """The best maximum over several starts, refined by Newton steps.

    `rough`: a maximum of nearly the same likelihood. Steps with its Hessian reach this one in a
    few evaluations; the starts are tried where they do not.
    `starts` and `bounds` are in natural units; each start has shape (k,). A parameter that ends
    on its bound is not settled by the data: it is kept, without a standard error.
    """
    limits = np.log(np.asarray(bounds, dtype=float))

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):
            value, slope = objective(theta)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e10, np.zeros_like(theta)
        return -value / observation_count, -slope / observation_count

    near = _from(rough, loss, limits) if rough else None
    if near is not None:
        starts = []
    best = None
    for start in starts:
        found = minimize(
            loss,
            np.clip(np.log(start), limits[:, 0], limits[:, 1]),
            jac=True,
            method="L-BFGS-B",
            bounds=limits,
            options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9},
        )
        if best is None or found.fun < best.fun:
            best = found
    theta, is_free, hessian = _refine(loss, best.x if near is None else near, limits)
    value, slope = loss(theta)
    steepest = float(np.abs(slope[is_free]).max()) if is_free.any() else 0.0
    is_maximum = value < 1e9 and steepest <= GRADIENT_LIMIT
    parameters = np.exp(theta)
    return Maximum(
        parameters=parameters,
        standard_errors=parameters * _spread(hessian, is_free, observation_count),
        log_likelihood=-value * observation_count,
        is_converged=is_maximum,
        reason="" if is_maximum else f"the slope at the end is {steepest:.1e} per observation",
        hessian=hessian,
    )


def _from(rough: Maximum, loss: Objective, limits: np.ndarray) -> np.ndarray | None:
    """Log-parameters of the maximum near a rough one; None where its Hessian leads elsewhere."""
    theta = np.log(rough.parameters)
    if not np.isfinite(rough.standard_errors).all():
        return None
    value, slope = loss(theta)
    for _ in range(12):
        if np.abs(slope).max() <= GRADIENT_LIMIT * 1e-2:
            return theta
        theta = theta - np.linalg.solve(rough.hessian, slope)
        if (theta < limits[:, 0]).any() or (theta > limits[:, 1]).any():
            return None
        last, (value, slope) = value, loss(theta)
        if value > last + 1e-9:
            return None
    return None


def _refine(
    loss: Objective, theta: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton steps while they descend; which parameters are off their bounds; the Hessian."""
    for _ in range(5):
        value, slope = loss(theta)
        is_free = ~(
            ((theta <= limits[:, 0] + 1e-9) & (slope > 0))
            | ((theta >= limits[:, 1] - 1e-9) & (slope < 0))
        )
        hessian = _hessian(loss, theta)
        if not is_free.any() or np.abs(slope[is_free]).max() <= GRADIENT_LIMIT * 1e-2:
            break
        step = np.zeros_like(theta)
        try:
            step[is_free] = np.linalg.solve(hessian[np.ix_(is_free, is_free)], slope[is_free])
        except np.linalg.LinAlgError:
            break
        closer = np.clip(theta - np.clip(step, -1, 1), limits[:, 0], limits[:, 1])
        new_value, new_slope = loss(closer)
        if new_value > value + 1e-13 or np.abs(new_slope).max() > np.abs(slope).max():
            break
        theta = closer
    return theta, is_free, hessian


def _hessian(loss: Objective, theta: np.ndarray) -> np.ndarray:
    """Second derivatives of the loss, shape (k, k), by central differences of its gradient."""
    steps = STEP * np.eye(len(theta))
    rows = [(loss(theta + step)[1] - loss(theta - step)[1]) / (2 * STEP) for step in steps]
    return (np.asarray(rows) + np.asarray(rows).T) / 2


def _spread(hessian: np.ndarray, is_free: np.ndarray, observation_count: float) -> np.ndarray:
    """Standard errors of the log-parameters; NaN where the data do not settle them."""
    spread = np.full(len(is_free), np.nan)
    block = hessian[np.ix_(is_free, is_free)] * observation_count
    try:
        variance = np.diag(np.linalg.inv(block))
    except np.linalg.LinAlgError:
        return spread
    if np.linalg.eigvalsh(block).min() > 0:
        spread[is_free] = np.sqrt(variance)
    return spread
