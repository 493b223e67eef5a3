"""The onboarding marts, worked out from the brute-force reference."""

from collections import defaultdict
from datetime import date, timedelta
from math import ceil, inf

import reference_habits
from reference import Act, Person, Reference, seed
from reference_lifecycle import (
    Choice,
    first_paid_at,
    limit,
    matches,
    rule,
    share,
)
from reference_marts import Rows, naive, state_days


def checklist() -> dict[int, dict]:
    """Step number -> the step, with its rows of evidence, in order."""
    steps: dict[int, dict] = {}
    for row in sorted(seed("onboarding_checklist"), key=lambda row: int(row["step_number"])):
        step = steps.setdefault(
            int(row["step_number"]),
            {"step": row["step"], "due_day": inf, "is_value": False, "evidence": []},
        )
        step["due_day"] = min(step["due_day"], int(row["due_day"]))
        step["is_value"] = step["is_value"] or row["is_value"] == "true"
        step["evidence"].append(row)
    return steps


def done_date(acts: list[Act], step: dict, first_paid: date) -> date | None:
    """The day of the evidence that was there first; each row asks for a number of days."""
    done = []
    for row in step["evidence"]:
        days = sorted({act.day for act in acts if matches(act, row) and act.day >= first_paid})
        done += days[int(row["min_distinct_days"]) - 1 :][:1]
    return min(done, default=None)


def payers(reference: Reference) -> dict[str, date]:
    """Customer id -> first paid date, as known today."""
    first = {who: first_paid_at(reference, one) for who, one in reference.people.items()}
    return {who: at.date() for who, at in first.items() if at}


def newcomers(reference: Reference) -> dict[str, date]:
    since = reference.as_of - timedelta(limit("onboarding_peer_days"))
    return {who: day for who, day in payers(reference).items() if day >= since}


def onboarding_steps(reference: Reference) -> Rows:
    """One row per new customer and step of the checklist."""
    new, steps = newcomers(reference), checklist()
    ages = {who: (reference.as_of - day).days for who, day in new.items()}
    done = {
        (who, number): done_date(reference.people[who].known(reference.as_of), step, day)
        for who, day in new.items()
        for number, step in steps.items()
    }
    rows: Rows = {}
    for who, first_paid in new.items():
        age = ages[who]
        peers = [other for other in new if other != who and ages[other] >= age]
        for number, step in steps.items():
            on = done[(who, number)]
            ahead = 0
            for peer in peers:
                peer_on = done[(peer, number)]
                ahead += peer_on is not None and (peer_on - new[peer]).days <= age
            rate = share(ahead, len(peers))
            is_overdue = on is None and age > step["due_day"]
            earlier = [done[(who, other)] for other in steps if other < number]
            rows[(who, number)] = {
                "step": step["step"],
                "due_day": step["due_day"],
                "age_days": age,
                "done_day": (on - first_paid).days if on else None,
                "peer_count": len(peers),
                "peer_done_count": ahead,
                "peer_completion_rate": rate,
                "is_done": on is not None,
                "is_late": on is not None and (on - first_paid).days > step["due_day"],
                "is_overdue": is_overdue,
                "is_stalled": on is None
                and rate is not None
                and rate >= float(rule("onboarding_peer_rate")),
                "is_sequence_stalled": is_overdue and bool(earlier) and all(earlier),
                "first_paid_date": first_paid,
                "due_date": first_paid + timedelta(step["due_day"]),
                "done_date": on,
                "as_of_date": reference.as_of,
            }
    return rows


def onboarding_progress(reference: Reference) -> Rows:
    """One row per new customer."""
    steps_of: dict[str, list[dict]] = defaultdict(list)
    for (who, _), row in sorted(onboarding_steps(reference).items()):
        steps_of[who].append(row)
    cohorts: dict[date, list[float]] = defaultdict(list)
    days_to_value = {}
    for who, first_paid in payers(reference).items():
        days_to_value[who] = time_to_value(reference, reference.people[who], first_paid)
        cohorts[first_paid.replace(day=1)].append(days_to_value[who])
    next_habits = reference_habits.next_habits(reference, newcomers(reference))
    rows: Rows = {}
    for who, first_paid in newcomers(reference).items():
        steps, month = steps_of[who], first_paid.replace(day=1)
        open_steps = [row["step"] for row in steps if not row["is_done"]]
        follow_ups = first_follow_ups(reference, reference.people[who])
        rows[(who,)] = {
            "cohort_month": month,
            "next_step": open_steps[0] if open_steps else None,
            "sequence_stalled_step": next(
                (row["step"] for row in steps if row["is_sequence_stalled"]), None
            ),
            "follow_up": Choice(act.detail for act in follow_ups) if follow_ups else None,
            "next_habit": next_habits.get(who),
            "first_90_day_state": state_after_onboarding(reference, who, first_paid),
            "age_days": (reference.as_of - first_paid).days,
            "step_count": len(steps),
            "done_count": len(steps) - len(open_steps),
            "overdue_count": sum(row["is_overdue"] for row in steps),
            "stalled_count": sum(row["is_stalled"] for row in steps),
            "time_to_value_days": finite(days_to_value[who]),
            "days_to_follow_up": (follow_ups[0].day - first_paid).days if follow_ups else None,
            "cohort_size": len(cohorts[month]),
            "cohort_median_time_to_value_days": finite(day_of_share(cohorts[month], 2, 4)),
            "cohort_p75_time_to_value_days": finite(day_of_share(cohorts[month], 3, 4)),
            "done_rate": share(len(steps) - len(open_steps), len(steps)),
            "is_complete": not open_steps,
            "has_reached_value": days_to_value[who] < inf,
            "is_followed_up": bool(follow_ups),
            "first_paid_date": first_paid,
            "as_of_date": reference.as_of,
            "followed_up_at": naive(follow_ups[0].at) if follow_ups else None,
        }
    return rows


def time_to_value(reference: Reference, person: Person, first_paid: date) -> float:
    """Days from the first payment to the first step that is value; infinite without one."""
    known = person.known(reference.as_of)
    done = [done_date(known, step, first_paid) for step in checklist().values() if step["is_value"]]
    return min(((day - first_paid).days for day in done if day), default=inf)


def day_of_share(days: list[float], quarters: int, of: int) -> float:
    """The first day by which that share of the cohort is there."""
    return sorted(days)[ceil(len(days) * quarters / of) - 1]


def finite(days: float) -> int | None:
    return None if days == inf else int(days)


def first_follow_ups(reference: Reference, person: Person) -> list[Act]:
    """The first follow-up of the first payment; several where they came at one moment."""
    paid_at = first_paid_at(reference, person)
    found = [
        act
        for act in person.known(reference.as_of)
        if act.at >= paid_at and any(matches(act, row) for row in seed("follow_up_evidence"))
    ]
    first_at = min((act.at for act in found), default=None)
    return [act for act in found if act.at == first_at]


def state_after_onboarding(reference: Reference, who: str, first_paid: date) -> str | None:
    """The state as it was lived on the day after the first days."""
    person = reference.people[who]
    day = first_paid + timedelta(limit("onboarding_state_days") + 1)
    if day > reference.as_of:
        return None
    return state_days(reference, person)[(day - person.first_seen).days]
