"""How a value is shown: by the name of its column, as the house style names columns."""

import math
import re
from datetime import date, datetime
from decimal import Decimal

NOT_ENOUGH = "not enough data"
"""Shown for null. Unknown is never 0."""

KINDS = {
    "percent": "_rate|_share|_probability|_rate_[a-z]+|_probability_[0-9]+d|share_of_[a-z]+|churn",
    "money": "_revenue|_amount|_value|_cost|_budget|revenue_at_risk|expected_effect|_margin"
    "|revenue_lost|historic_revenue|cost_per_[a-z]+|revenue_per_[a-z]+|_value_[0-9]+d",
    "count": "_count|_rank|_number|precedence",
    "days": "_days|days_[a-z_]+",
    "month": "month|_month",
    "date": "_date|date|period_start",
    "time": "_at",
    "yes_no": "is_[a-z0-9_]+|has_[a-z0-9_]+",
}
"""Kind of a column, and the names that have it: a whole name, or how a name ends."""


def kind_of(name: str) -> str:
    """Kind of a column by its name; `number` where the name says nothing."""
    for kind, pattern in KINDS.items():
        if re.fullmatch(f"(?:.*)(?:{pattern})" if kind != "yes_no" else pattern, name):
            return kind
    return "number"


def label_of(name: str) -> str:
    """A column's name in words."""
    words = re.sub(r"^(is|has)_", "", name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def words(value: object) -> str:
    """A code such as `help_to_log_in` in words; null is said, not left out."""
    return NOT_ENOUGH if value is None else str(value).replace("_", " ")


def show(value: object, kind: str, currency: str = "") -> str:
    """One value as text. Dates are ISO, shares per cent with one decimal, money without cents
    from 100 on."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOT_ENOUGH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%Y-%m}" if kind == "month" else value.isoformat()
    if isinstance(value, str):
        return value[:7] if kind == "month" else value
    return _number(float(value), kind, currency)


def _number(value: float, kind: str, currency: str) -> str:
    if kind == "percent":
        return f"{_signless(value * 100, 1)}%"
    if kind == "money":
        text = _signless(value, 0 if abs(value) >= 100 or value == 0 else 2)
        return f"{currency} {text}".strip()
    if kind == "count":
        return _signless(value, 0 if value == round(value) else 1)
    if kind == "score":
        return _signless(value, 1)
    if kind == "days":
        text = _signless(value, 0 if value == round(value) else 1)
        return f"{text} day" if text == "1" else f"{text} days"
    if value == round(value):
        return _signless(value, 0)
    return _signless(value, 2 if abs(value) >= 1 else 3)


def signed(value: float, digits: int = 0) -> str:
    """A figure with its sign, such as a net promoter score."""
    text = f"{value:+.{digits}f}"
    return "0" if round(value, digits) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _signless(value: float, digits: int) -> str:
    """Grouped digits; what rounds to nothing has no minus sign."""
    return f"{0.0 if round(value, digits) == 0 else value:,.{digits}f}"


def change(now: object, then: object, kind: str, currency: str = "") -> str | None:
    """How a figure moved: points for shares, per cent for amounts, the difference for the rest.

    None where one of the two is unknown.
    """
    if now is None or then is None:
        return None
    now, then = float(now), float(then)
    difference = now - then
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else ""
    size = abs(difference)
    if kind == "percent":
        return f"{sign}{size * 100:.1f} points"
    if kind in ("money", "count") and then > 0:
        return f"{sign}{size / then:.1%}"
    return f"{sign}{show(size, kind, currency)}"


def plain(value: object) -> object:
    """A value as JSON has it: dates as ISO text, decimals as numbers, what is no number as null."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
