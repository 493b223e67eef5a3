"""Features in use and readiness for an offer, worked out from the brute-force reference."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import fmean

from reference import NEVER, Act, Person, Reference, cents, moment, seed
from reference_lifecycle import limit, rule, scaled_score, share
from reference_marts import Rows

Risks = dict[tuple[str, int], float]
"""Customer and number of the cut-off -> probability of churn."""
BACKTESTS = range(3, 9)


def core() -> dict[str, str]:
    return {row["feature"]: row["lesson"] for row in seed("core_features")}


def uses(acts: list[Act]) -> list[Act]:
    return [act for act in acts if act.name == "feature_used"]


# ---- features ----------------------------------------------------------------------------------


def feature_adoption(reference: Reference) -> Rows:
    """One row per customer who paid or used a feature, and core feature."""
    known = {who: person.known(reference.as_of) for who, person in reference.people.items()}
    known = {
        who: acts
        for who, acts in known.items()
        if uses(acts) or any(act.is_payment for act in acts)
    }
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    for who, acts in known.items():
        for act in uses(acts):
            days[(who, act.detail)].add(act.day)
    recorded = {who for who, _ in days}
    states = {
        (who, feature): feature_state(reference, days[(who, feature)]) if who in recorded else None
        for who in known
        for feature in core()
    }
    adopters = {
        feature: sum(states[(who, feature)] == "adopted" for who in known) for feature in core()
    }
    rows: Rows = {}
    for who, feature in states:
        missing = [one for one in core() if states[(who, one)] in ("unused", "lapsed")]
        following = min(missing, key=lambda one: (-adopters[one], one), default=None)
        used = days[(who, feature)]
        rows[(who, feature)] = {
            "lesson": core()[feature],
            "state": states[(who, feature)],
            "next_feature": following,
            "use_day_count": len(used) if who in recorded else None,
            "adopter_count": adopters[feature],
            "is_next": following == feature,
            "first_used_date": min(used, default=None),
            "last_used_date": max(used, default=None),
            "as_of_date": reference.as_of,
        }
    return rows


def feature_state(reference: Reference, days: set[date]) -> str:
    if not days:
        return "unused"
    if (reference.as_of - max(days)).days > limit("adoption_window_days") - 1:
        return "lapsed"
    return "adopted" if len(days) >= limit("adopted_use_day_count") else "tried"


# ---- gates -------------------------------------------------------------------------------------


def adoption(known: list[Act], day: date) -> tuple[str | None, bool | None]:
    """What it is judged by, and the verdict."""
    since = day - timedelta(limit("adoption_window_days") - 1)
    logins = {act.day for act in known if act.name == "login_success"}
    purchases = sorted({act.day for act in known if act.name == "order_paid"})
    if uses(known) and core():
        used = {act.detail for act in uses(known) if act.day >= since}
        return "features", len(used & core().keys()) / len(core()) >= float(
            rule("adopted_feature_share")
        )
    if logins:
        weeks = {(day - login).days // 7 for login in logins if login >= since}
        return "logins", len(weeks) >= limit("adopted_week_count")
    if purchases:
        return "purchases", any(one >= since for one in purchases[1:])
    return None, None


def is_satisfied(reference: Reference, who: str, day: date) -> bool | None:
    given = [
        row
        for at, row in reference.answers.get(who, [])
        if at.date() <= day
        and row["survey"] in ("csat", "nps")
        and row["score"]
        and not row["competitor"]
    ]
    if not given:
        return None
    last = given[-1]
    bar = {"csat": "satisfied_score", "nps": "promoter_score"}[last["survey"]]
    return scaled_score(last) >= Fraction(rule(bar))


def has_open_complaint(complaints: list[tuple[date, date]], day: date) -> bool:
    return any(opened <= day < resolved for opened, resolved in complaints)


def complaints(reference: Reference) -> dict[str, list[tuple[date, date]]]:
    """Customer -> when each complaint was opened and resolved."""
    found = defaultdict(list)
    for row in reference.rows("tickets"):
        if row["kind"] == "complaint":
            resolved = moment(row["resolved_at"]).date() if row["resolved_at"] else NEVER
            opened = moment(row["opened_at"]).date()
            found[reference.home[row["customer_id"]]].append((opened, resolved))
    return found


def owns(known: list[Act]) -> bool:
    running = sum(act.first - (act.name == "subscription_ended") for act in known)
    return running > 0 or any(act.name == "order_paid" for act in known)


def gates(reference: Reference, person: Person, risk: float | None, day: date, opened) -> dict:
    known = person.known(day)
    basis, adopted = adoption(known, day)
    complains = has_open_complaint(opened[person.customer_id], day)
    satisfied = False if complains else is_satisfied(reference, person.customer_id, day)
    healthy = risk < float(rule("high_risk")) if risk is not None else None
    is_pitched = any(
        act.name == "touch_outbound"
        and act.detail in ("promotion", "cross_sell")
        and (day - act.day).days <= limit("pitch_rest_days")
        for act in known
    )
    verdicts = (adopted, satisfied, healthy, not is_pitched)
    reasons = [
        {None: "adoption_unknown", False: "not_adopted"}.get(adopted),
        "open_complaint" if complains else None,
        {None: "satisfaction_unknown", False: "not_satisfied"}.get(satisfied),
        {None: "risk_unknown", False: "at_risk"}.get(healthy),
        "recently_pitched" if is_pitched else None,
    ]
    return {
        "adoption_basis": basis,
        "blocked_by": next((reason for reason in reasons if reason), None),
        "readiness_score": 25 * sum(verdict is True for verdict in verdicts),
        "is_adopted": adopted,
        "is_satisfied": satisfied,
        "is_healthy": healthy,
        "has_open_complaint": complains,
        "is_recently_pitched": is_pitched,
        "is_ready": all(verdicts),
    }


def readiness(reference: Reference, risks: Risks, number: int) -> dict[str, dict]:
    """Customer who owned something on a cut-off -> the gates as they stood then."""
    day, opened = reference.as_of - timedelta(30 * number), complaints(reference)
    return {
        who: gates(reference, person, risks.get((who, number)), day, opened)
        for who, person in reference.people.items()
        if owns(person.known(day))
    }


# ---- what came of it ---------------------------------------------------------------------------


def backtests(reference: Reference, risks: Risks) -> Rows:
    """Rows of score_backtests: by method and cut-off date."""
    rows: Rows = {}
    for number in BACKTESTS:
        day = reference.as_of - timedelta(30 * number)
        people = readiness(reference, risks, number)
        new = {who: buys_something_new(reference.people[who], day) for who in people}
        figures = {
            "model": {who: row["readiness_score"] for who, row in people.items()},
            "recency_rule": {who: last_purchase(reference.people[who], day) for who in people},
        }
        ready = [new[who] for who, row in people.items() if row["is_ready"]]
        rate = fmean(new.values())
        for method, predicted in figures.items():
            is_lift = method == "model" and ready and rate
            rows[(method, day)] = {
                "customer_count": len(people),
                "observed_mean": rate,
                "lift": fmean(ready) / rate if is_lift else None,
                "auc": auc([predicted[who] for who in people], [new[who] for who in people]),
            }
    return rows


def products(acts: list[Act]) -> set[str]:
    return {act.detail for act in acts if act.name == "item_bought"}


def buys_something_new(person: Person, day: date) -> bool:
    later = [act for act in person.known(day + timedelta(90)) if act.day > day]
    return bool(products(later) - products(person.known(day)))


def last_purchase(person: Person, day: date) -> int:
    days = [act.day for act in person.known(day) if act.name == "order_paid"]
    return max(days, default=date.min).toordinal()


def auc(predicted: list[float], observed: list[bool]) -> float | None:
    """By pairs, a tie half."""
    yes = [value for value, did in zip(predicted, observed, strict=True) if did]
    no = [value for value, did in zip(predicted, observed, strict=True) if not did]
    won = sum((one > other) + (one == other) / 2 for one in yes for other in no)
    return share(won, len(yes) * len(no))


def mean_amounts(reference: Reference) -> dict[str, Fraction]:
    """Product -> mean amount of its lines on paid orders that were not refunded in full."""
    amounts = defaultdict(list)
    for order, row in reference.orders.items():
        person = reference.people.get(reference.home[row["customer_id"]])
        if person and any(
            act.source == order and act.name == "order_paid"
            for act in person.known(reference.as_of)
        ):
            rate = reference._rate(row["currency"] or "USD", moment(row["ordered_at"]).date())
            for item in reference._items[order]:
                price = Decimal(item["quantity"]) * Decimal(item["unit_price"])
                amounts[item["product_id"]].append(Fraction(cents(price * rate)))
    return {product: sum(found) / len(found) for product, found in amounts.items()}
