"""The lifecycle marts of changes, funnels and sources, worked out from the brute-force reference.

Each function returns {key: {column: value}}, with the columns and the key of the mart. Where the
definitions leave several values open (money to the cent at a tie, the detail of two acts at one
moment), the value is a Fraction or a Choice, and any of them is right.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reference import STAGES, Act, Person, Reference, moment, month_end, seed
from reference_marts import Rows, furthest, naive, revenue, stages, state_days

Z_95 = 1.959963984540054
TRIALS = {
    "trial": "order_trial",
    "sample": "order_sample",
    "subscription": "subscription_trial",
}
DIRECT = "(direct)"


class Choice(frozenset):
    """One of several values, all of them right."""


# ---- stages ----------------------------------------------------------------------------------


def stage_transitions(reference: Reference) -> Rows:
    """One row per change of a customer's stage."""
    return {
        (person.customer_id, number): {
            "from_stage": change["from_stage"],
            "to_stage": change["to_stage"],
            "from_rank": rank(change["from_stage"]),
            "to_rank": rank(change["to_stage"]),
            "days_in_stage": change["days_in_stage"],
            "skipped_stage_count": change["skipped_stage_count"],
            "is_setback": change["is_setback"],
            "changed_date": change["changed_at"].date(),
            "as_of_date": reference.as_of,
            "changed_at": naive(change["changed_at"]),
        }
        for person in reference.people.values()
        for number, change in enumerate(changes(reference, person), start=1)
    }


def changes(reference: Reference, person: Person) -> list[dict]:
    """Changes of stage as they were lived, first to last.

    On a day on which a paid order is refunded in full its evidence is gone, but the stage falls
    only at the moment of the refund.
    """
    if not person.acts:
        return []
    found: list[dict] = []
    stage, entered = "know", person.first_seen
    for first_day, last_day in knowledge_periods(reference, person):
        reached = stages(reference, person, last_day)
        refunds = [
            act.at for act in person.acts if act.name == "order_refunded" and act.void == first_day
        ]
        falls_at = max(refunds, default=None)
        moments = {at for at in reached.values() if at.date() >= first_day}
        if falls_at:
            moments.add(falls_at)
        for at in sorted(moments):
            there = {name: when for name, when in reached.items() if when <= at}
            now = furthest(there)
            is_setback = rank(now) < rank(stage)
            if now == stage or (is_setback and at < falls_at):
                continue
            between = STAGES[rank(stage) : rank(now) - 1]
            found.append(
                {
                    "from_stage": stage,
                    "to_stage": now,
                    "days_in_stage": (at.date() - entered).days,
                    "skipped_stage_count": sum(name not in there for name in between),
                    "is_setback": is_setback,
                    "changed_at": at,
                }
            )
            stage, entered = now, at.date()
    return found


def knowledge_periods(reference: Reference, person: Person) -> list[tuple[date, date]]:
    """First and last day of each stretch in which nothing known is taken back."""
    openings = {
        act.void
        for act in person.acts
        if act.name == "order_paid" and act.day < act.void <= reference.as_of
    }
    first_days = [person.first_seen, *sorted(openings)]
    last_days = [day - timedelta(1) for day in first_days[1:]] + [reference.as_of]
    return list(zip(first_days, last_days, strict=True))


def stage_funnel(reference: Reference) -> Rows:
    """One row per entry month and stage, with today's knowledge."""
    cohorts: dict[date, list[tuple[date, dict[str, datetime]]]] = defaultdict(list)
    for person in reference.people.values():
        if person.first_seen:
            reached = stages(reference, person, reference.as_of)
            cohorts[person.first_seen.replace(day=1)].append((person.first_seen, reached))
    rows: Rows = {}
    for month, members in cohorts.items():
        before, reached_before = None, None
        for stage in STAGES:
            days = [
                (reached[stage].date() - seen).days for seen, reached in members if stage in reached
            ]
            beyond = sum(rank(furthest(reached)) >= rank(stage) for _, reached in members)
            rows[(month, stage)] = {
                "stage_rank": rank(stage),
                "cohort_size": len(members),
                "reached_count": len(days),
                "reached_or_beyond_count": beyond,
                "skipped_count": beyond - len(days),
                "reached_rate": share(len(days), len(members)),
                "reached_or_beyond_rate": share(beyond, len(members)),
                "conversion_rate": 1.0 if before is None else share(beyond, before),
                "median_days": median(days),
                "observed_days": max((reference.as_of - month_end(month)).days, 0),
                "is_above_previous_stage": before is not None and len(days) > reached_before,
                "as_of_date": reference.as_of,
            }
            before, reached_before = beyond, len(days)
    return rows


def stage_investment(reference: Reference) -> Rows:
    """One row per stage: what was spent on customers in it, and how many moved on."""
    if not any(person.acts for person in reference.people.values()):
        return {}
    customers: dict[str, int] = defaultdict(int)
    spent: dict[str, list[Decimal]] = defaultdict(list)
    advanced: dict[str, list[int]] = defaultdict(list)
    for person in reference.people.values():
        if not person.acts:
            continue
        moves = changes(reference, person)
        for stage in {"know", *(move["to_stage"] for move in moves)}:
            customers[stage] += 1
        for move in moves:
            if not move["is_setback"]:
                advanced[move["from_stage"]].append(move["days_in_stage"])
        for touch in touches(reference, person):
            earlier = [move["to_stage"] for move in moves if move["changed_at"] < touch.at]
            spent[earlier[-1] if earlier else "know"].append(touch.amount)
    return {
        (stage,): {
            "stage_rank": rank(stage),
            "customer_count": customers[stage],
            "touch_count": len(spent[stage]),
            "advance_count": len(advanced[stage]),
            "touch_cost": total(spent[stage]),
            "median_days_to_advance": median(advanced[stage]),
            "touches_per_advance": share(len(spent[stage]), len(advanced[stage])),
            "cost_per_advance": per_head(total(spent[stage]), len(advanced[stage])),
            "as_of_date": reference.as_of,
        }
        for stage in STAGES
    }


# ---- trials ----------------------------------------------------------------------------------


def trial_conversion(reference: Reference) -> Rows:
    """One row per trial kind and month."""
    trials: dict[tuple, list[dict]] = defaultdict(list)
    for person in reference.people.values():
        for kind, activity in TRIALS.items():
            begun = [act for act in person.known(reference.as_of) if act.name == activity]
            if begun:
                first = min(begun, key=lambda act: (act.at, act.source))
                month = first.day.replace(day=1)
                trials[(kind, month)].append(trial(reference, person, kind, first))
    return {key: trial_month(reference, *key, found) for key, found in trials.items()}


def trial(reference: Reference, person: Person, kind: str, first: Act) -> dict:
    """What became of one customer's first trial of a kind."""
    known = person.known(reference.as_of)
    paid_at = first_paid_at(reference, person)
    ends = first.day
    if kind == "subscription":
        ends = moment(reference.subscriptions[first.source]["trial_ends_at"]).date()
    window_end = ends + timedelta(limit("trial_decision_days"))
    has_left = any(
        act.at >= first.at
        and (
            (act.name == "survey_answered" and act.detail == "exit")
            or (kind == "subscription" and act.name == "subscription_trial_ended")
        )
        for act in known
    )
    value_until = min(
        ends if kind == "subscription" else window_end, paid_at.date() if paid_at else date.max
    )
    return {
        "is_existing": paid_at is not None and paid_at < first.at,
        "days_to_buy": (paid_at.date() - first.day).days if paid_at else None,
        "is_in_window": paid_at is not None and paid_at.date() <= window_end,
        "is_declined": paid_at is None and has_left,
        "window_end": window_end,
        "has_seen_value": any(
            first.day <= act.day <= value_until and matches(act, row)
            for act in known
            for row in seed("onboarding_checklist")
            if row["is_value"] == "true" and row["min_distinct_days"] == "1"
        ),
    }


def trial_month(reference: Reference, kind: str, month: date, found: list[dict]) -> dict:
    started = [one for one in found if not one["is_existing"]]
    bought = [one for one in started if one["days_to_buy"] is not None]
    in_window = [one for one in started if one["is_in_window"]]
    declined = [one for one in started if one["is_declined"]]
    undecided = [one for one in started if one["days_to_buy"] is None and not one["is_declined"]]
    seen = [one for one in started if one["has_seen_value"]]
    bought_with_value = [one for one in in_window if one["has_seen_value"]]
    return {
        "started_count": len(started),
        "bought_count": len(bought),
        "bought_in_window_count": len(in_window),
        "declined_count": len(declined),
        "undecided_count": len(undecided),
        "undecided_overdue_count": sum(reference.as_of > one["window_end"] for one in undecided),
        "value_seen_count": len(seen),
        "bought_with_value_count": len(bought_with_value),
        "existing_customer_count": len(found) - len(started),
        "conversion_rate": share(len(in_window), len(started)),
        "value_seen_rate": share(len(seen), len(started)),
        "conversion_rate_with_value": share(len(bought_with_value), len(seen)),
        "conversion_rate_without_value": share(
            len(in_window) - len(bought_with_value), len(started) - len(seen)
        ),
        "median_days_to_buy": median(one["days_to_buy"] for one in bought),
        "is_mature": month_end(month) <= reference.as_of
        and all(one["window_end"] <= reference.as_of for one in started),
        "as_of_date": reference.as_of,
    }


# ---- where customers come from ---------------------------------------------------------------


def entry_sources(reference: Reference) -> Rows:
    """One row per entry source and campaign."""
    groups: dict[tuple, list[Person]] = defaultdict(list)
    for person in reference.people.values():
        source = reference.attribute(person.customer_id, "entry_source") or "unknown"
        campaign = reference.attribute(person.customer_id, "entry_campaign") or "none"
        groups[(source, campaign)].append(person)
    referred = {customer_id for _, _, _, customer_id in reference.referrals()}
    rows: Rows = {}
    for key, people in groups.items():
        reached = [stages(reference, person, reference.as_of) for person in people]
        came = sum(person.customer_id in referred for person in people)
        made = sum(any(act.name == "referral_made" for act in person.acts) for person in people)
        counts = {stage: sum(stage in one for one in reached) for stage in STAGES[1:]}
        spent = [act.amount for person in people for act in touches(reference, person)]
        won = [act.amount for person in people for act in touches_until_paid(reference, person)]
        orders = total(order_revenue(reference, person) for person in people)
        subscriptions = total(subscription_revenue(reference, person) for person in people)
        rows[key] = {
            "customer_count": len(people),
            **{f"{stage}_count": count for stage, count in counts.items()},
            "came_by_referral_count": came,
            "made_referral_count": made,
            **{f"{stage}_rate": share(count, len(people)) for stage, count in counts.items()},
            "came_by_referral_rate": share(came, len(people)),
            "made_referral_rate": share(made, len(people)),
            "touch_cost": total(spent),
            "acquisition_cost": total(won),
            "net_revenue": orders,
            "subscription_revenue": subscriptions,
            "total_revenue": orders + subscriptions,
            "revenue_per_customer": per_head(orders + subscriptions, len(people)),
            "cost_per_customer": per_head(total(spent), len(people)),
            "cost_per_buyer": per_head(total(won), counts["buy"]),
            "as_of_date": reference.as_of,
        }
    return rows


def ideal_customer_profile(reference: Reference) -> Rows:
    """One row per attribute and value of those who paid."""
    payers = [person for person in reference.people.values() if first_paid_at(reference, person)]
    worth = {
        person.customer_id: order_revenue(reference, person)
        + subscription_revenue(reference, person)
        for person in payers
    }
    places = Decimal(rule("valuable_customer_share")) * len(payers)
    ideal = {
        person.customer_id
        for person in payers
        if worth[person.customer_id] > 0
        and 1 + sum(other > worth[person.customer_id] for other in worth.values()) <= places
        and "refer" in stages(reference, person, reference.as_of)
    }
    values: dict[tuple, list[bool]] = defaultdict(list)
    for person in payers:
        for attribute, value in profile(reference, person).items():
            values[(attribute, value)].append(person.customer_id in ideal)
    rows: Rows = {}
    for key, members in values.items():
        counts = (sum(members), len(ideal), members.count(False), len(payers) - len(ideal))
        ideal_share, rest_share = share(*counts[:2]), share(*counts[2:])
        low, high = katz_interval(*counts)
        rows[key] = {
            "ideal_count": counts[0],
            "rest_count": counts[2],
            "ideal_customer_count": counts[1],
            "rest_customer_count": counts[3],
            "ideal_share": ideal_share,
            "rest_share": rest_share,
            "lift": ideal_share / rest_share if rest_share and ideal else None,
            "lift_low": low,
            "lift_high": high,
            "is_sufficient": len(ideal) >= limit("minimum_sample_count"),
            "as_of_date": reference.as_of,
        }
    return rows


def profile(reference: Reference, person: Person) -> dict[str, str]:
    missing = {"entry_campaign": "none", "reseller_id": "none"}
    named = {
        name: reference.attribute(person.customer_id, name) or missing.get(name, "unknown")
        for name in (
            "archetype",
            "country",
            "entry_source",
            "entry_campaign",
            "preferred_channel",
            "reseller_id",
        )
    }
    first_at = first_paid_at(reference, person)
    first = {act.name for act in person.known(reference.as_of) if act.at == first_at}
    return named | {"first_payment": "order" if "order_paid" in first else "subscription"}


def katz_interval(count: int, of: int, other_count: int, of_other: int) -> tuple:
    """95 % interval of a ratio of two shares: Katz, Baptista, Azen and Pike 1978."""
    if not count or not other_count:
        return None, None
    log_ratio = math.log(count / of) - math.log(other_count / of_other)
    spread = Z_95 * math.sqrt(1 / count - 1 / of + 1 / other_count - 1 / of_other)
    return math.exp(log_ratio - spread), math.exp(log_ratio + spread)


# ---- resellers -------------------------------------------------------------------------------


def reseller_performance(reference: Reference) -> Rows:
    """One row per reseller, and one for business without any."""
    through: dict[str, dict[str, list[Act]]] = defaultdict(lambda: defaultdict(list))
    customers: dict[str, set[str]] = defaultdict(set)
    for who, person in reference.people.items():
        assigned = reference.attribute(who, "reseller_id")
        has_ordered = False
        for act in person.known(reference.as_of):
            if act.name not in ("order_paid", "order_refunded"):
                continue
            reseller = reference.orders[act.source]["reseller_id"] or assigned or DIRECT
            through[reseller][who].append(act)
            customers[reseller].add(who)
            has_ordered = True
        if assigned or not has_ordered:
            customers[assigned or DIRECT].add(who)
    rows: Rows = {}
    for reseller, group in customers.items():
        orders = through[reseller]
        paid = {who: [a for a in acts if a.name == "order_paid"] for who, acts in orders.items()}
        repeaters = sum(len({act.day for act in acts}) >= 2 for acts in paid.values())
        kept = sum(state_today(reference, who) != "lost" for who in paid)
        earned = revenue([act for acts in orders.values() for act in acts])
        scores = [score for who in group if (score := latest_csat(reference, who)) is not None]
        rows[(reseller,)] = {
            "customer_count": len(group),
            "buyer_count": len(paid),
            "repeat_buyer_count": repeaters,
            "kept_count": kept,
            "order_count": sum(len(acts) for acts in paid.values()),
            "net_revenue": earned,
            "revenue_per_buyer": per_head(earned, len(paid)),
            "repeat_rate": share(repeaters, len(paid)),
            "retention_rate": share(kept, len(paid)),
            "csat_response_count": len(scores),
            "csat_rate": share(sum(score >= 75 for score in scores), len(scores)),
            "is_direct": reseller == DIRECT,
            "as_of_date": reference.as_of,
        }
    return rows


def latest_csat(reference: Reference, customer_id: str) -> Fraction | None:
    """Their latest csat score, on a scale from 0 to 100. An answer in words has no score."""
    scores = [
        scaled_score(row)
        for _, row in reference.answers[customer_id]
        if row["survey"] == "csat" and row["score"]
    ]
    return scores[-1] if scores else None


def scaled_score(row: dict) -> Fraction:
    scale = next((rule for rule in seed("survey_scales") if rule["survey"] == row["survey"]), {})
    low, high = (Fraction(row[end] or scale[end]) for end in ("scale_min", "scale_max"))
    return 100 * (Fraction(row["score"]) - low) / (high - low)


# ---- shared ----------------------------------------------------------------------------------


def rule(name: str) -> str:
    return next(row["value"] for row in seed("thresholds") if row["threshold"] == name)


def limit(name: str) -> int:
    return int(rule(name))


def rank(stage: str) -> int:
    return STAGES.index(stage) + 1


def matches(act: Act, row: dict) -> bool:
    """Whether an act is the evidence that a row of a seed asks for."""
    return act.name == row["activity"] and row["detail"] in ("", act.detail)


def first_paid_at(reference: Reference, person: Person) -> datetime | None:
    known = person.known(reference.as_of)
    return min((act.at for act in known if act.is_payment), default=None)


def state_today(reference: Reference, customer_id: str) -> str:
    return state_days(reference, reference.people[customer_id])[-1]


def touches(reference: Reference, person: Person) -> list[Act]:
    names = ("touch_inbound", "touch_outbound")
    return [act for act in person.known(reference.as_of) if act.name in names]


def touches_until_paid(reference: Reference, person: Person) -> list[Act]:
    paid_at = first_paid_at(reference, person)
    return [act for act in touches(reference, person) if paid_at is None or act.at <= paid_at]


def order_revenue(reference: Reference, person: Person) -> Decimal:
    return revenue(person.known(reference.as_of))


def subscription_revenue(reference: Reference, person: Person) -> Decimal:
    known = person.known(reference.as_of)
    return total(act.amount for act in known if act.name == "subscription_month")


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def per_head(amount: Decimal, count: int) -> Fraction | None:
    return Fraction(amount) / count if count else None


def median(values: Iterable[float]) -> float | None:
    values = list(values)
    return float(statistics.median(values)) if values else None
