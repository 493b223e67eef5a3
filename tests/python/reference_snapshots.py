"""Snapshots at past days and what came after them, worked out from the brute-force reference.

Every customer on every cut-off date is gathered anew from what was known on that day. Slow on
purpose. Each function returns {(customer id, cut-off date): {column: value}}.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from reference import Act, Person, Reference, breaker_days, moment
from reference_lifecycle import scaled_score
from reference_retention import usage_trend

Rows = dict[tuple, dict]
STEP, LAST_NUMBER = timedelta(30), 24
SOON, YEAR = timedelta(90), timedelta(365)
SCORED_SURVEYS = ("nps", "csat", "ces")


class Snapshots:
    """What snapshots and outcomes have in common."""

    def __init__(self, reference: Reference) -> None:
        self.reference, self.as_of = reference, reference.as_of
        self.people = reference.people

    @cached_property
    def cutoffs(self) -> list[tuple[int, date]]:
        """Number and date, from the as-of date back to the first sign of anybody."""
        seen = [person.first_seen for person in self.people.values() if person.first_seen]
        numbered = [(number, self.as_of - number * STEP) for number in range(LAST_NUMBER + 1)]
        return [(k, day) for k, day in numbered if k == 0 or (seen and day >= min(seen))]

    @cached_property
    def tickets(self) -> dict[str, list[tuple[date, date, str]]]:
        """Customer -> when each ticket was opened and resolved, and its kind."""
        tickets = defaultdict(list)
        for row in self.reference.rows("tickets"):
            resolved = moment(row["resolved_at"]).date() if row["resolved_at"] else date.max
            opened = moment(row["opened_at"]).date()
            who = self.reference.home[row["customer_id"]]
            tickets[who].append((opened, resolved, row["kind"]))
        return tickets


def int_customer_snapshots(data: Snapshots) -> Rows:
    """One row per customer and cut-off date by which they had ordered, logged in or subscribed."""
    return {
        (person.customer_id, day): snapshot(data, person, number, day)
        for number, day in data.cutoffs
        for person in data.people.values()
        if breaker_days(person.known(day))
    }


def int_snapshot_outcomes(data: Snapshots) -> Rows:
    """One row per snapshot of which the next 90 days are over by the as-of date."""
    return {
        (person.customer_id, day): outcome(data, person, number, day)
        for number, day in data.cutoffs
        if number > 0 and day + SOON <= data.as_of
        for person in data.people.values()
        if breaker_days(person.known(day))
    }


def snapshot(data: Snapshots, person: Person, number: int, day: date) -> dict:
    known = person.known(day)
    active = breaker_days(known)
    silent = (day - active[-1]).days
    typical = data.reference.typical_gap(active)
    logins = sorted({act.day for act in known if act.name == "login_success"})
    tickets = [ticket for ticket in data.tickets[person.customer_id] if ticket[0] <= day]
    recent = [ticket for ticket in tickets if day - timedelta(180) < ticket[0]]
    return {
        "cutoff_number": number,
        "is_as_of": number == 0,
        "churn_basis": "contract" if is_subscribed(known) else "activity",
        "is_lost": is_lost(known, silent),
        "days_silent": silent,
        "typical_gap_days": typical if typical is None else float(typical),
        "overdue_ratio": float(silent / typical) if typical else None,
        "usage_trend": usage_trend(logins, day) if logins else None,
        "tenure_days": (day - active[0]).days,
        "login_days_90d": days_of(known, "login_success", day),
        "feature_days_90d": days_of(known, "feature_used", day),
        "failed_login_streak": failed_login_streak(known),
        "complaint_count_180d": sum(kind == "complaint" for _, _, kind in recent),
        "unresolved_ticket_count": sum(resolved > day for _, resolved, _ in recent),
        "latest_score": latest_score(data, person, day),
        "product_count": len({act.detail for act in known if act.name == "item_bought"}),
        **purchases(known, day),
    }


def outcome(data: Snapshots, person: Person, number: int, day: date) -> dict:
    before, after = person.known(day), person.known(day + SOON)
    basis = "contract" if is_subscribed(before) else "activity"
    is_active = any(act.is_silence_breaker and act.day > day for act in after)
    is_subscribed_after = is_subscribed(after)
    soon_days, soon_revenue = bought_between(after, day)
    year_days, year_revenue = None, None
    if day + YEAR <= data.as_of:
        year_days, year_revenue = bought_between(person.known(day + YEAR), day)
    return {
        "cutoff_number": number,
        "churn_basis": basis,
        "purchase_days_next_90d": soon_days,
        "revenue_next_90d": soon_revenue,
        "purchase_days_next_365d": year_days,
        "revenue_next_365d": year_revenue,
        "is_active_next_90d": is_active,
        "is_subscribed_after_90d": is_subscribed_after,
        "is_churned": not (is_subscribed_after if basis == "contract" else is_active),
    }


# ---- rules -----------------------------------------------------------------------------------


def is_subscribed(known: list[Act]) -> bool:
    """Whether a paid subscription runs at the end of the day that is known."""
    return sum(act.first for act in known) > len(ends(known))


def ends(known: list[Act]) -> list[datetime]:
    return [act.at for act in known if act.name == "subscription_ended"]


def is_lost(known: list[Act], silent: int) -> bool:
    """Silent for 180 days, or with nothing done since the last subscription ended."""
    if is_subscribed(known):
        return False
    last_act = max(act.at for act in known if act.is_silence_breaker)
    return silent >= 180 or last_act <= max(ends(known), default=last_act - timedelta(1))


def days_of(known: list[Act], name: str, day: date) -> int:
    """Days of the last 90 with such an activity."""
    return len({act.day for act in known if act.name == name and act.day > day - SOON})


def failed_login_streak(known: list[Act]) -> int:
    """Failures after the last success; one at its very moment is before it."""
    worked = [act.at for act in known if act.name == "login_success"]
    failed = [act.at for act in known if act.name == "login_failure"]
    return sum(not worked or at > max(worked) for at in failed)


def latest_score(data: Snapshots, person: Person, day: date) -> float | None:
    """Of the answers that carry a score; words alone leave the score before them standing."""
    scores = [
        scaled_score(row)
        for at, row in data.reference.answers[person.customer_id]
        if at.date() <= day and row["survey"] in SCORED_SURVEYS and row["score"]
    ]
    return float(scores[-1]) if scores else None


def purchase_days(known: list[Act]) -> dict[date, Decimal]:
    """Purchase day -> its net revenue: what is known to be given back lowers the order's day."""
    ordered = {act.source: act.day for act in known if act.name == "order_paid"}
    days: dict[date, Decimal] = defaultdict(Decimal)
    for act in known:
        if act.name in ("order_paid", "order_refunded"):
            days[ordered[act.source]] += act.amount
    return dict(sorted(days.items()))


def purchases(known: list[Act], day: date) -> dict:
    days = purchase_days(known)
    first, *later = days or (None,)
    last = max(days, default=None)
    return {
        "purchase_day_count": len(days),
        "frequency": len(later) if days else None,
        "recency_days": (last - first).days if days else None,
        "age_days": (day - first).days if days else None,
        "mean_repeat_value": (
            float(sum(days[each] for each in later) / len(later)) if later else None
        ),
        "net_revenue": sum(days.values(), Decimal(0)),
        "days_since_purchase": (day - last).days if days else None,
        **dict(recent_purchases(days, day)),
    }


def recent_purchases(days: dict[date, Decimal], day: date) -> Iterator[tuple[str, object]]:
    for length in (90, 365):
        recent = [value for at, value in days.items() if at > day - timedelta(length)]
        yield f"purchase_days_{length}d", len(recent)
        yield f"revenue_{length}d", sum(recent, Decimal(0))


def bought_between(known: list[Act], day: date) -> tuple[int, Decimal]:
    """Purchase days after the day, up to that of the knowledge, and their revenue."""
    days = {at: value for at, value in purchase_days(known).items() if at > day}
    return len(days), sum(days.values(), Decimal(0))
