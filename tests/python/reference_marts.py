"""The published lifecycle marts, worked out from the brute-force reference.

Each function returns {key: {column: value}}, with the columns and the key of the mart.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from reference import STAGES, Act, Person, Reference, month_end

Rows = dict[tuple, dict]


def customer_lifecycle(reference: Reference) -> Rows:
    """One row per customer, on the as-of date."""
    rows = {}
    for person in reference.people.values():
        known = person.known(reference.as_of)
        reached = stages(reference, person, reference.as_of)
        stage = furthest(reached)
        entered = reached[stage]
        days = state_days(reference, person)
        state = days[-1] if days else "prospect"
        since = next((age for age, earlier in enumerate(reversed(days)) if earlier != state), None)
        if since is None:
            since = len(days)
        rows[(person.customer_id,)] = {
            "stage": stage,
            "stage_rank": STAGES.index(stage) + 1,
            "skipped_stage_count": sum(
                earlier not in reached for earlier in STAGES[: STAGES.index(stage)]
            ),
            "state": reference.state(known, reference.as_of),
            "state_since": reference.as_of - timedelta(since - 1) if days else None,
            "loyalty_rung": reference.rung(person),
            "days_in_stage": (reference.as_of - entered.date()).days if entered else None,
            "stage_entered_at": naive(entered),
            **{
                f"{name}_date": reached[name].date() if reached.get(name) else None
                for name in ("know", "buy", "repeat")
            },
            **{f"{name}_at": naive(reached.get(name)) for name in STAGES},
        }
    return rows


def customer_months(reference: Reference) -> Rows:
    """One row per customer and month, each from what was known at its end."""
    rows = {}
    for person in reference.people.values():
        if person.first_seen is None:
            continue
        states = state_days(reference, person)
        for month in months_between(person.first_seen, reference.as_of):
            end = min(month_end(month), reference.as_of)
            acts = [act for act in person.acts if month <= act.day <= end]
            known = [act for act in acts if act.void > end]
            stage = furthest(stages(reference, person, end))
            names = [act.name for act in known]
            orders = [act for act in known if act.name == "order_paid"]
            rows[(person.customer_id, month)] = {
                "stage": stage,
                "stage_rank": STAGES.index(stage) + 1,
                "state": states[(end - person.first_seen).days],
                "order_count": len(orders),
                "purchase_day_count": len({act.day for act in orders}),
                "net_revenue": revenue(acts),
                "login_count": names.count("login_success") + names.count("login_failure"),
                "successful_login_count": names.count("login_success"),
                "touch_count": names.count("touch_inbound") + names.count("touch_outbound"),
                # Who bought and gave it back did something all the same.
                "is_active": any(act.name in reference.engaging for act in acts),
            }
    return rows


def retention_cohorts(reference: Reference) -> Rows:
    """One row per activity, cohort month and age, with today's knowledge."""
    kinds = {"order": {"order_paid"}, "login": {"login_success"}, "any": reference.engaging}
    rows: Rows = {}
    for activity, names in kinds.items():
        cohorts: dict[date, list[tuple[Person, set[date]]]] = defaultdict(list)
        for person in reference.people.values():
            known = person.known(reference.as_of)
            months = {act.day.replace(day=1) for act in known if act.name in names}
            if months:
                cohorts[min(months)].append((person, months))
        for cohort_month, members in cohorts.items():
            for age, month in enumerate(months_between(cohort_month, reference.as_of)):
                retained = sum(month in months for _, months in members)
                rows[(activity, cohort_month, age)] = {
                    "cohort_size": len(members),
                    "retained_count": retained,
                    "retention_rate": retained / len(members),
                    "net_revenue": sum(
                        (revenue(kept_in(reference, person, month)) for person, _ in members),
                        Decimal(0),
                    ),
                    "is_mature": month_end(month) <= reference.as_of,
                }
    return rows


def months_between(first: date, last: date) -> list[date]:
    first, months = first.replace(day=1), []
    while first <= last:
        months.append(first)
        first = (first + timedelta(days=31)).replace(day=1)
    return months


def stages(reference: Reference, person: Person, day: date) -> dict:
    """Stage -> when it was reached, from what is known on the day."""
    signs = [act.at for act in person.acts if act.day <= day]
    return reference.evidence(person.known(day), min(signs) if signs else None)


def furthest(reached: dict) -> str:
    return max(reached, key=STAGES.index)


def state_days(reference: Reference, person: Person) -> list[str]:
    """State on each day from the first sign of them to the as-of date. Worked out once."""
    if not person.states:
        day = person.first_seen or date.max
        turns = {act.day for act in person.acts} | {act.void for act in person.acts}
        while day <= reference.as_of:
            if day in turns:
                known = person.known(day)
            person.states.append(reference.state(known, day))
            day += timedelta(1)
    return person.states


def kept_in(reference: Reference, person: Person, month: date) -> list[Act]:
    """Acts of the month without the orders that are refunded in full by now, and their refunds."""
    return [act for act in person.known(reference.as_of) if act.day.replace(day=1) == month]


def revenue(acts: list[Act]) -> Decimal:
    names = ("order_paid", "order_refunded")
    return sum((act.amount for act in acts if act.name in names), Decimal(0))


def naive(at):
    return at.replace(tzinfo=None) if at else None
