"""Habits of the best customers, worked out from the brute-force reference."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from math import exp, log, sqrt

from reference import Person, Reference, seed
from reference_lifecycle import (
    Z_95,
    first_paid_at,
    limit,
    matches,
    order_revenue,
    rule,
    share,
    subscription_revenue,
)
from reference_marts import Rows

Cell = tuple[int, int, int, int]
"""The best with the habit and without it, the rest with it and without it."""


def habits(reference: Reference) -> dict[str, list[dict]]:
    """Habit -> its pieces of evidence: rows of the seed, and the use of each feature."""
    found: dict[str, list[dict]] = defaultdict(list)
    for row in seed("habits"):
        found[row["habit"]].append(row)
    lessons = {row["feature"]: row["lesson"] for row in seed("core_features")}
    acts = [act for person in reference.people.values() for act in person.acts]
    for feature in {act.detail for act in acts if act.name == "feature_used"}:
        found[f"uses:{feature}"].append(
            {
                "activity": "feature_used",
                "detail": feature,
                "min_distinct_days": "1",
                "within_days": rule("habit_feature_days"),
                "what_to_show": lessons.get(feature),
            }
        )
    return found


def early_days(reference: Reference, person: Person, row: dict) -> int:
    """On how many of the habit's days it happened."""
    first = first_paid_at(reference, person).date()
    known = [act for act in person.known(reference.as_of) if matches(act, row)]
    ages = {(act.day - first).days for act in known}
    return sum(0 <= age < int(row["within_days"]) for age in ages)


def is_done(reference: Reference, person: Person, evidence: list[dict]) -> bool:
    return any(
        early_days(reference, person, row) >= int(row["min_distinct_days"]) for row in evidence
    )


def quarters(reference: Reference) -> list[list[Person]]:
    """Payers of half a year or more by first payment, in four parts of like size."""
    old = []
    for person in reference.people.values():
        paid_at = first_paid_at(reference, person)
        if paid_at and (reference.as_of - paid_at.date()).days >= limit("best_habit_age_days"):
            old.append((paid_at.date(), person.customer_id, person))
    in_order = [person for *_, person in sorted(old, key=lambda payer: payer[:2])]
    size, larger = divmod(len(in_order), 4)
    sizes = [size + (part < larger) for part in range(4)]
    parts = [in_order[sum(sizes[:part]) : sum(sizes[: part + 1])] for part in range(4)]
    return [part for part in parts if part]


def best(reference: Reference, payers: list[Person]) -> set[str]:
    """The fifth with most revenue, if it is any and they are not lost."""
    worth = {
        one.customer_id: order_revenue(reference, one) + subscription_revenue(reference, one)
        for one in payers
    }
    places = Decimal(rule("valuable_customer_share")) * len(payers)
    return {
        one.customer_id
        for one in payers
        if worth[one.customer_id] > 0
        and 1 + sum(other > worth[one.customer_id] for other in worth.values()) <= places
        and reference.state(one.known(reference.as_of), reference.as_of) != "lost"
    }


def odds(cells: list[Cell]) -> tuple[float | None, float | None, float | None]:
    """Mantel and Haenszel's ratio with the interval of Robins, Breslow and Greenland."""
    strata = [(a * d, b * c, a + d, b + c, a + b + c + d) for a, b, c, d in cells]
    r, s = (sum(one[pair] / one[4] for one in strata) for pair in (0, 1))
    if s == 0:
        return None, None, None
    if r == 0:
        return 0.0, None, None
    variance = (
        sum(one[2] * one[0] / one[4] ** 2 for one in strata) / (2 * r * r)
        + sum((one[2] * one[1] + one[3] * one[0]) / one[4] ** 2 for one in strata) / (2 * r * s)
        + sum(one[3] * one[1] / one[4] ** 2 for one in strata) / (2 * s * s)
    )
    low, high = (exp(log(r / s) + sign * Z_95 * sqrt(variance)) for sign in (-1, 1))
    return r / s, low, high


def best_customer_habits(reference: Reference) -> Rows:
    """One row per habit."""
    parts = [(part, best(reference, part)) for part in quarters(reference)]
    rows: Rows = {}
    for habit, evidence in habits(reference).items():
        cells = []
        for part, top in parts:
            done = {one.customer_id for one in part if is_done(reference, one, evidence)}
            both = len(done & top)
            others = len(done) - both
            cells.append((both, len(top) - both, others, len(part) - len(top) - others))
        if not cells:
            continue
        a, b, c, d = (sum(cell[which] for cell in cells) for which in range(4))
        ratio, low, high = odds(cells)
        is_sufficient = min(a, b, c, d) >= limit("habit_cell_count")
        best_share, rest_share = share(a, a + b), share(c, c + d)
        rows[(habit,)] = {
            "what_to_show": evidence[0]["what_to_show"],
            "within_days": int(evidence[0]["within_days"]),
            "best_count": a + b,
            "rest_count": c + d,
            "best_habit_count": a,
            "rest_habit_count": c,
            "best_share": best_share,
            "rest_share": rest_share,
            "lift": best_share / rest_share if rest_share and best_share is not None else None,
            "odds_ratio": ratio,
            "odds_ratio_low": low,
            "odds_ratio_high": high,
            "is_sufficient": is_sufficient,
            "is_shown": is_sufficient and low is not None and low > 1,
            "as_of_date": reference.as_of,
        }
    order = sorted(
        rows,
        key=lambda key: (
            not rows[key]["is_sufficient"],
            -(rows[key]["odds_ratio_low"] or -1),
            key,
        ),
    )
    for place, key in enumerate(order, start=1):
        rows[key]["habit_rank"] = place
    return rows


def next_habits(reference: Reference, newcomers: dict[str, date]) -> dict[str, str]:
    """Newcomer -> the highest ranked habit of the best that they can still come to."""
    table, evidence = best_customer_habits(reference), habits(reference)
    shown = [
        habit
        for (habit,) in sorted(table, key=lambda key: table[key]["habit_rank"])
        if table[(habit,)]["is_shown"]
    ]
    found = {}
    for who, first_paid in newcomers.items():
        person, age = reference.people[who], (reference.as_of - first_paid).days
        for habit in shown:
            if not is_done(reference, person, evidence[habit]) and any(
                age < int(row["within_days"])
                and early_days(reference, person, row) + int(row["within_days"]) - 1 - age
                >= int(row["min_distinct_days"])
                for row in evidence[habit]
            ):
                found[who] = habit
                break
    return found
