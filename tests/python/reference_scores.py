"""Churn scores, plays and backtests in plain Python, from the rows that were fitted and verified.

Nothing here reads a score: figures come from snapshots, outcomes and `raw.model_parameters`.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import numpy as np
from reference import seed
from scipy.stats import spearmanr
from sklearn.metrics import (
    brier_score_loss,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from evergreen.fit.orders import OrderCells, expected_orders, p_alive
from evergreen.fit.spend import expected_value

Rows = dict[tuple, dict]
FEATURES: dict[str, Callable[[float], float]] = {
    "days_silent": math.log1p,
    "overdue_ratio": lambda x: math.log1p(min(x, 100)),
    "usage_trend": lambda x: min(x, 2.0),
    "tenure_days": math.log1p,
    "purchase_day_count": math.log1p,
    "login_days_90d": math.log1p,
    "feature_days_90d": math.log1p,
    "failed_login_streak": math.log1p,
    "complaint_count_180d": math.log1p,
    "unresolved_ticket_count": math.log1p,
    "latest_score": lambda x: x / 100,
    "product_count": math.log1p,
}
"""Snapshot column -> what the models of churn are given of it."""
FAMILIES = {
    "bg_nbd": "orders",
    "mbg_nbd": "orders",
    "gamma_gamma": "spend",
    "mean_spend": "spend",
    "churn_activity": "churn_activity",
    "churn_contract": "churn_contract",
}
EVENTS = ("churn_probability_90d", "contract_churn_probability_90d", "order_probability_90d")
NUMBERS = {90: range(3, 9), 365: range(13, 19)}
LAST_BAND = 12
LEVELS = ("low", "watch", "high", "critical")


# ---- fits ------------------------------------------------------------------------------------


class Fits:
    """Rows of `raw.model_parameters`."""

    def __init__(self, rows: Iterable[dict]) -> None:
        fits: dict[tuple, dict[str, float]] = defaultdict(dict)
        for row in rows:
            key = (row["training_end"], row["fitted_at"], row["fit_id"], row["model"])
            fits[key][row["parameter"]] = row["value"]
        self.fits = {
            key: values
            for key, values in fits.items()
            # A model of orders that was not chosen has figures only.
            if FAMILIES[key[-1]] != "orders" or "r" in values
        }

    def at(self, family: str, day: date) -> tuple[str, dict[str, float]] | None:
        """Model and parameters of the latest fit that was trained up to the day or before."""
        known = [key for key in self.fits if FAMILIES[key[-1]] == family and key[0] <= day]
        return (max(known)[-1], self.fits[max(known)]) if known else None

    def churn_parts(self, snapshot: dict, day: date) -> dict[str, float] | None:
        """Contribution of each feature to the log-odds, and the intercept under its own name."""
        found = self.at("churn_" + snapshot["churn_basis"], day)
        if found is None:
            return None
        values, parts = found[1], {"intercept": found[1]["intercept"]}
        for name, transform in FEATURES.items():
            if name in values and snapshot[name] is not None:
                figure = transform(float(snapshot[name]))
                scaled = (figure - values[f"{name}:mean"]) / values[f"{name}:scale"]
                parts[name] = values[name] * scaled
        return parts

    def churn_probability(self, snapshot: dict, day: date) -> float | None:
        parts = self.churn_parts(snapshot, day)
        return None if parts is None else 1 / (1 + math.exp(-math.fsum(parts.values())))

    def order_forecasts(
        self, snapshots: list[dict], day: date, horizon_days: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Probability of an order, and expected purchase days, within the horizon."""
        found = self.at("orders", day)
        if found is None or not snapshots:
            return None
        model, values = found
        parameters = np.array([values[name] for name in ("r", "alpha", "a", "b")])
        history = ("frequency", "recency_days", "age_days")
        x, t_x, t = (np.array([float(row[name]) for row in snapshots]) for name in history)
        cells, weeks = OrderCells(x, t_x / 7, t / 7, np.ones(len(x))), horizon_days / 7
        age = values["alpha"] + cells.age_weeks
        probability = p_alive(model, parameters, cells) * (
            1 - (age / (age + weeks)) ** (values["r"] + x)
        )
        return probability, expected_orders(model, parameters, cells, weeks)

    def order_values(self, snapshots: list[dict], day: date) -> np.ndarray | None:
        """Expected net revenue of a purchase day."""
        found = self.at("spend", day)
        if found is None:
            return None
        model, values = found
        if model == "mean_spend":
            return np.full(len(snapshots), values["mean"])
        parameters = np.array([values[name] for name in ("p", "q", "gamma")])
        x = np.array([float(row["frequency"]) for row in snapshots])
        means = np.array([row["mean_repeat_value"] or 0.0 for row in snapshots])
        return expected_value(parameters, x, means)


def risk_level(probability: float | None) -> str | None:
    if probability is None:
        return None
    limits = {row["threshold"]: float(row["value"]) for row in seed("thresholds")}
    return LEVELS[sum(probability >= limits[f"{level}_risk"] for level in LEVELS[1:])]


def reasons(fits: Fits, snapshot: dict, day: date) -> list[tuple[str, str]]:
    """Feature and direction of the three that speak most for leaving, from the strongest."""
    parts = fits.churn_parts(snapshot, day) or {}
    parts.pop("intercept", None)
    strongest = sorted((-part, name) for name, part in parts.items() if part > 0)[:3]
    values = fits.at("churn_" + snapshot["churn_basis"], day)[1] if strongest else {}
    return [
        (name, "high" if part * values[name] < 0 else "low")
        # The part is negated: above the mean it has the sign of the coefficient.
        for part, name in strongest
    ]


def wording(feature: str, direction: str) -> str:
    """The words of a reason, with {value} for the figure."""
    return next(
        row["reason"]
        for row in seed("churn_reasons")
        if (row["feature"], row["direction"]) == (feature, direction)
    )


# ---- backtests: what each method foretold --------------------------------------------------------


class Backtests:
    """Predictions of every score and method, from snapshots and their outcomes.

    `snapshots` and `outcomes`: (customer id, cut-off date) -> row.
    """

    def __init__(self, fits: Fits, snapshots: Rows, outcomes: Rows) -> None:
        self.fits = fits
        self.outcomes = outcomes
        self.at: dict[int, list[dict]] = defaultdict(list)
        for row in snapshots.values():
            self.at[row["cutoff_number"]].append(row)

    def predictions(self) -> dict[tuple, tuple[float, float]]:
        """(score, method, horizon, cut-off date, customer id) -> predicted, observed."""
        found = {}
        for number in NUMBERS[90]:
            for score in EVENTS:
                found |= self._event(score, number)
        for horizon, numbers in NUMBERS.items():
            for number in numbers:
                for measure in ("expected_orders", "predicted_value"):
                    found |= self._amount(measure, number, horizon)
        return found

    def population(self, score: str, number: int) -> list[dict]:
        """Customers of a probability at a cut-off."""
        conditions = {
            EVENTS[0]: lambda row: row["churn_basis"] == "activity" and not row["is_lost"],
            EVENTS[1]: lambda row: row["churn_basis"] == "contract",
            EVENTS[2]: lambda row: row["frequency"] is not None,
        }
        return [row for row in self.at[number] if conditions[score](row)]

    def happened(self, score: str, row: dict) -> float:
        outcome = self.outcomes[row["customer_id"], row["cutoff_date"]]
        if score == EVENTS[2]:
            return float(outcome["purchase_days_next_90d"] > 0)
        return float(outcome["is_churned"])

    def _event(self, score: str, number: int) -> dict:
        rows = self.population(score, number)
        methods: dict[str, list[float | None]] = {
            "model": self._probabilities(score, rows),
            "last_period_repeated": [last_period(score, row) for row in rows],
        }
        if not methods["model"]:
            return {}
        if before := self.population(score, number + 3):
            bands = defaultdict(list)
            for row in before:
                bands[band(score, row)].append(self.happened(score, row))
            overall = [self.happened(score, row) for row in before]
            rates = [bands.get(band(score, row), overall) for row in rows]
            methods["recency_rule"] = [sum(rate) / len(rate) for rate in rates]
        observed = [self.happened(score, row) for row in rows]
        return listed(score, 90, rows, methods, observed)

    def _probabilities(self, score: str, rows: list[dict]) -> list[float]:
        """Nothing where there is no fit."""
        if not rows or score != EVENTS[2]:
            found = [self.fits.churn_probability(row, row["cutoff_date"]) for row in rows]
            return [] if None in found else found
        forecasts = self.fits.order_forecasts(rows, rows[0]["cutoff_date"], 90)
        return [] if forecasts is None else forecasts[0].tolist()

    def _amount(self, measure: str, number: int, horizon: int) -> dict:
        rows = [row for row in self.at[number] if row["frequency"] is not None]
        is_money = measure == "predicted_value"
        bought = f"purchase_days_{horizon}d"
        last, total, coming = (
            (f"revenue_{horizon}d", "net_revenue", f"revenue_next_{horizon}d")
            if is_money
            else (bought, "purchase_day_count", f"purchase_days_next_{horizon}d")
        )
        if not rows:
            return {}
        day = rows[0]["cutoff_date"]
        forecasts = self.fits.order_forecasts(rows, day, horizon)
        values = self.fits.order_values(rows, day) if is_money else np.ones(len(rows))
        if forecasts is None or values is None:
            return {}
        methods = {
            "model": (forecasts[1] * values).tolist(),
            "recency_rule": [
                float(row[total]) / max(row["age_days"], horizon) * horizon if row[bought] else 0.0
                for row in rows
            ],
            "last_period_repeated": [float(row[last]) for row in rows],
        }
        observed = [
            float(self.outcomes[row["customer_id"], row["cutoff_date"]][coming]) for row in rows
        ]
        return listed(f"{measure}_{horizon}d", horizon, rows, methods, observed)


def listed(score: str, horizon: int, rows: list[dict], methods: dict, observed: list) -> dict:
    return {
        (score, method, horizon, row["cutoff_date"], row["customer_id"]): (value, outcome)
        for method, values in methods.items()
        for row, value, outcome in zip(rows, values, observed, strict=True)
    }


def band(score: str, row: dict) -> int:
    days = row["days_since_purchase" if score == EVENTS[2] else "days_silent"]
    return min(days // 30, LAST_BAND)


def last_period(score: str, row: dict) -> float:
    if score == EVENTS[2]:
        return float(row["purchase_days_90d"] > 0)
    return float(score == EVENTS[0] and row["days_silent"] >= 90)


# ---- backtests: how good it was ----------------------------------------------------------------


def score_backtests(predictions: dict[tuple, tuple[float, float]], as_of: date) -> Rows:
    """One row per score, method, cut-off date and tenth, and one for all customers."""
    groups: dict[tuple, list[tuple[float, float, str]]] = defaultdict(list)
    for (*group, customer), (predicted, observed) in predictions.items():
        groups[tuple(group)].append((float(predicted), float(observed), customer))
    rows: Rows = {}
    for (score, method, horizon, day), cases in groups.items():
        overall = mean(case[1] for case in cases)
        for decile, part in [(None, cases), *tenths(cases)]:
            observed = mean(case[1] for case in part)
            rows[score, method, day, decile] = {
                "horizon_days": horizon,
                "customer_count": len(part),
                "predicted_mean": mean(case[0] for case in part),
                "observed_mean": observed,
                "lift": observed / overall if decile and overall else None,
                **dict.fromkeys(METRICS),
                "is_more_accurate": None,
                "is_better_ranked": None,
                "as_of_date": as_of,
            }
        rows[score, method, day, None] |= metrics(score, cases)
    compare(rows)
    return rows


METRICS = (
    *("auc", "brier", "mae", "rmse", "spearman"),
    *("total_error_rate", "top_decile_capture"),
)


def metrics(score: str, cases: list[tuple[float, float, str]]) -> dict:
    predicted, observed = (np.array(column, float) for column in list(zip(*cases, strict=True))[:2])
    total = math.fsum(observed)
    top = next(part for decile, part in tenths(cases) if decile == 1)
    found = {
        "total_error_rate": math.fsum(predicted) / total - 1 if total else None,
        "top_decile_capture": math.fsum(case[1] for case in top) / total if total else None,
    }
    if score in EVENTS:
        if len(set(observed)) == 2:
            found["auc"] = float(roc_auc_score(observed, predicted))
        return found | {"brier": float(brier_score_loss(observed, predicted, pos_label=1))}
    if np.ptp(predicted) and np.ptp(observed):
        found["spearman"] = float(spearmanr(predicted, observed).statistic)
    return found | {
        "mae": float(mean_absolute_error(observed, predicted)),
        "rmse": float(root_mean_squared_error(observed, predicted)),
    }


def tenths(cases: list[tuple[float, float, str]]) -> list[tuple[int, list]]:
    """From the highest predictions; the first hold one more where it does not come out even."""
    ranked = sorted(cases, key=lambda case: (-case[0], md5(case[2]), case[2]))
    return [
        (decile + 1, [ranked[place] for place in part])
        for decile, part in enumerate(np.array_split(np.arange(len(ranked)), 10))
        if len(part)
    ]


def compare(rows: Rows) -> None:
    """The model against every rule that is shown at its cut-off date."""
    for (score, method, day, decile), row in rows.items():
        rules = [
            rows[score, rule, day, None]
            for rule in ("recency_rule", "last_period_repeated")
            if (score, rule, day, None) in rows
        ]
        if method != "model" or decile is not None or not rules:
            continue
        error, rank = ("brier", "auc") if score in EVENTS else ("rmse", "spearman")
        row["is_more_accurate"] = all(row[error] < rule[error] for rule in rules)
        # Who foretells the same of everybody ranks nobody: that is chance.
        chance = 0.5 if score in EVENTS else 0.0
        ranks = [each[rank] if each[rank] is not None else chance for each in (row, *rules)]
        if any(each[rank] is not None for each in (row, *rules)):
            row["is_better_ranked"] = all(ranks[0] > other for other in ranks[1:])


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def mean(values: Iterable[float]) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


# ---- plays -------------------------------------------------------------------------------------


def recommended_play(
    state: str,
    is_locked_out: bool,
    has_consent: bool | None,
    declining_since: date | None,
    touches: list[tuple[date, str, date | None]],
    as_of: date,
) -> str | None:
    """The first play of the seed whose sign shows. `touches`: sent, purpose, answered.

    Touches are those that went out. An answer, however late, to one of a kind stands for all of it.
    """
    answer_days = next(
        int(row["value"]) for row in seed("thresholds") if row["threshold"] == "play_answer_days"
    )

    def is_unanswered(purposes: tuple[str, ...]) -> bool:
        if declining_since is None:
            return False
        sent = [touch for touch in touches if touch[1] in purposes and touch[0] >= declining_since]
        return not any(touch[2] for touch in sent) and any(
            touch[0] + timedelta(answer_days) <= as_of for touch in sent
        )

    is_silent = state == "dormant" or is_unanswered(("promotion",))
    is_waiting = not is_silent and is_unanswered(("education", "seminar"))
    signs = {
        "locked_out": is_locked_out,
        "lost": state == "lost",
        "silent": is_silent,
        "unanswered": is_waiting,
        "declining": state == "declining" and not is_silent and not is_waiting,
    }
    for row in sorted(seed("plays"), key=lambda row: int(row["precedence"])):
        is_barred = row["needs_consent"] == "true" and has_consent is False
        if signs.get(row["sign"]) and not is_barred:
            return row["play"]
    return None
