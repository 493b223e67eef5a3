"""Login problems, early warnings and winning back, worked out from the brute-force reference.

Each function returns {key: {column: value}} with every column of the mart of its name.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from itertools import pairwise

import reference_marts
from reference import LONG, SHORT, Act, Person, Reference, breaker_days, moment, seed

Z = 1.959963984540054
CENT = Decimal("0.01")
Rows = dict[tuple, dict]
LIMITS = {row["threshold"]: float(row["value"]) for row in seed("thresholds")}
WINDOW = timedelta(LIMITS["contact_window_days"])
NO_REASONS = ("plan_change", "trial_ended")
"""Groups of cancel reasons that say nothing about why somebody left."""


@dataclass(frozen=True)
class Spell:
    """Consecutive days in one state; `last` is the as-of date where it still goes on."""

    state: str
    first: date
    last: date
    is_open: bool


@dataclass(frozen=True)
class Statement:
    """What somebody said about leaving."""

    at: datetime
    text: str
    competitor: str = ""
    question: str = ""
    source_id: str = ""


class Retention:
    """What the four marts have in common, per customer."""

    def __init__(self, reference: Reference) -> None:
        self.reference, self.as_of = reference, reference.as_of
        self.people = reference.people

    def by_customer(self, table: str, column: str = "customer_id") -> dict[str, list[dict]]:
        """Rows of an input by folded customer."""
        rows = defaultdict(list)
        for row in self.reference.rows(table):
            rows[self.reference.home[row[column]]].append(row)
        return rows

    def happened(self, text: str) -> bool:
        return bool(text) and moment(text).date() <= self.as_of

    # ---- states ----------------------------------------------------------------------------

    @cached_property
    def spells(self) -> dict[str, list[Spell]]:
        """Customer -> states as they were lived, in order."""
        return {key: list(self._spells(person)) for key, person in self.people.items()}

    def _spells(self, person: Person) -> Iterable[Spell]:
        states = reference_marts.state_days(self.reference, person)
        first = 0
        for age in range(1, len(states) + 1):
            if age == len(states) or states[age] != states[first]:
                since, until = (person.first_seen + timedelta(days) for days in (first, age - 1))
                yield Spell(states[first], since, until, is_open=age == len(states))
                first = age

    def state(self, customer_id: str, day: date | None = None) -> str:
        day = day or self.as_of
        spells = self.spells[customer_id]
        return next(
            (spell.state for spell in spells if spell.first <= day <= spell.last), "prospect"
        )

    # ---- money and attributes --------------------------------------------------------------

    @cached_property
    def plans(self) -> dict[str, list[tuple[datetime, datetime | None, Decimal]]]:
        """Customer -> paid subscriptions known today: paid from, ended, monthly amount."""
        plans = defaultdict(list)
        for customer_id, rows in self.by_customer("subscriptions").items():
            for row in rows:
                starts = moment(row["started_at"])
                if row["trial_ends_at"]:
                    starts = max(starts, moment(row["trial_ends_at"]))
                ends = moment(row["ended_at"]) if self.happened(row["ended_at"]) else None
                amount = Decimal(row["monthly_amount"])
                if amount and starts.date() <= self.as_of and not (ends and ends <= starts):
                    rate = self._rate(row["currency"], moment(row["started_at"]).date())
                    amount = (amount * rate).quantize(CENT, ROUND_HALF_EVEN)
                    plans[customer_id].append((starts, ends, amount))
        return plans

    def _rate(self, currency: str, day: date) -> Decimal:
        rates = [
            Decimal(row["rate"])
            for row in self.reference.rates
            if row["currency"] == currency and row["valid_from"] <= str(day) <= row["valid_to"]
        ]
        return rates[0] if currency not in ("", "USD") else Decimal(1)

    def recurring(self, customer_id: str) -> Decimal:
        """Monthly amounts of the subscriptions that run today."""
        return sum((plan[2] for plan in self.plans[customer_id] if not plan[1]), Decimal(0))

    def subscription_revenue(self, customer_id: str) -> Decimal:
        """Every paid month that began, at its amount."""
        return sum(
            (
                amount * self._months(starts, ends)
                for starts, ends, amount in self.plans[customer_id]
            ),
            Decimal(0),
        )

    def _months(self, starts: datetime, ends: datetime | None) -> int:
        number = 0
        while True:
            at = add_months(starts, number)
            if at.date() > self.as_of or (ends and at >= ends):
                return number
            number += 1

    def revenue_at_risk(self, known: list[Act], customer_id: str) -> Decimal:
        since = self.as_of - timedelta(365)
        orders = reference_marts.revenue([act for act in known if act.day > since])
        return max(orders, Decimal(0)) + 12 * self.recurring(customer_id)

    @cached_property
    def consent(self) -> dict[str, bool | None]:
        """One refusal is a refusal; none where nobody was asked."""
        said = defaultdict(set)
        for customer_id, rows in self.by_customer("customers").items():
            said[customer_id] = {row["has_consent"] for row in rows} - {""}
        return {key: said[key] == {"true"} if said[key] else None for key in self.people}


def add_months(at: datetime, months: int) -> datetime:
    """The same day of a later month, or its last one."""
    year, month = divmod(at.month - 1 + months, 12)
    day = at.day
    while True:
        try:
            return at.replace(year=at.year + year, month=month + 1, day=day)
        except ValueError:
            day -= 1


# ---- login problems ----------------------------------------------------------------------------


def login_problems(data: Retention) -> Rows:
    rows: Rows = {}
    for customer_id, logins in data.by_customer("logins").items():
        if customer_id not in data.people:
            continue
        tries = [
            (moment(row["logged_in_at"]), row["outcome"] or "success", row["method"] or None)
            for row in logins
            if data.happened(row["logged_in_at"])
        ]
        worked = [at for at, outcome, _ in tries if outcome == "success"]
        failed = sorted(
            (at, method or "")
            for at, outcome, method in tries
            if outcome == "failure" and (not worked or at > max(worked))
        )
        if len(failed) < LIMITS["lockout_failure_count"]:
            continue
        first, last = failed[0][0], failed[-1][0]
        known = data.people[customer_id].known(data.as_of)
        rows[(customer_id,)] = {
            "state": data.state(customer_id),
            "method": failed[-1][1] or None,
            "failed_login_streak": len(failed),
            "days_locked_out": (data.as_of - first.date()).days,
            "monthly_recurring_revenue": data.recurring(customer_id),
            "revenue_at_risk": data.revenue_at_risk(known, customer_id),
            "is_subscribed": any(not ends for _, ends, _ in data.plans[customer_id]),
            "has_consent": data.consent[customer_id],
            "as_of_date": data.as_of,
            "locked_out_since": reference_marts.naive(first),
            "last_failure_at": reference_marts.naive(last),
            "last_success_at": reference_marts.naive(max(worked, default=None)),
        }
    return rows


# ---- early warnings ----------------------------------------------------------------------------


def early_warnings(data: Retention) -> Rows:
    locked_out, tickets = login_problems(data), data.by_customer("tickets")
    rows: Rows = {}
    for customer_id, person in data.people.items():
        state = data.state(customer_id)
        if state == "lost":
            continue
        known = person.known(data.as_of)
        found = {
            "declining_usage": declining(data, known),
            "own_rhythm_silence": silence(data, known),
            "locked_out": lockout(locked_out.get((customer_id,))),
            "complaint_unanswered": complaint(data, tickets[customer_id]),
        }
        for warning, measured in found.items():
            if measured:
                measure, threshold, since = measured
                rows[(customer_id, warning)] = {
                    "state": state,
                    "measure": measure if measure is None else float(measure),
                    "threshold": float(threshold),
                    "revenue_at_risk": data.revenue_at_risk(known, customer_id),
                    "since_date": since,
                    "as_of_date": data.as_of,
                }
    return rows


def has_paid(known: list[Act]) -> bool:
    return any(act.is_payment for act in known)


def usage_trend(days: list[date], day: date) -> float:
    """Exponentially weighted rates of login days, half-life 14 days over 56."""
    ages = [(day - login).days for login in days]
    short = (1 - SHORT) * math.fsum(SHORT**age for age in ages)
    return short / ((1 - LONG) * math.fsum(LONG**age for age in ages))


def declining(data: Retention, known: list[Act]) -> tuple | None:
    days = sorted({act.day for act in known if act.name == "login_success"})
    limit, window = LIMITS["declining_usage_trend"], LIMITS["declining_window_days"]
    if not has_paid(known) or len(days) < 4 or (data.as_of - days[-4]).days >= window:
        return None
    trend = usage_trend(days, data.as_of)
    if trend >= limit:
        return None
    since = days[-1]
    while usage_trend(days, since) >= limit:
        since += timedelta(1)
    return trend, limit, since


def silence(data: Retention, known: list[Act]) -> tuple | None:
    if not has_paid(known):
        return None
    days = breaker_days(known)
    silent, gap = (data.as_of - days[-1]).days, data.reference.typical_gap(days)
    least, ratio = LIMITS["dormant_after_days"], LIMITS["dormant_gap_ratio"]
    if gap is None or silent <= least or silent <= ratio * gap:
        return None
    since = days[-1] + timedelta(max(least, math.floor(ratio * gap)) + 1)
    return silent / gap if gap else None, ratio, since


def lockout(problem: dict | None) -> tuple | None:
    if not problem:
        return None
    limit = LIMITS["lockout_failure_count"]
    return problem["failed_login_streak"], limit, problem["locked_out_since"].date()


def complaint(data: Retention, tickets: list[dict]) -> tuple | None:
    waiting = [
        moment(row["opened_at"]).date()
        for row in tickets
        if row["kind"] == "complaint"
        and data.happened(row["opened_at"])
        and not data.happened(row["first_replied_at"])
        and not data.happened(row["resolved_at"])
    ]
    limit = LIMITS["complaint_reply_days"]
    waited = (data.as_of - min(waiting, default=data.as_of)).days
    return (waited, limit, min(waiting)) if waiting and waited >= limit else None


# ---- winning back ------------------------------------------------------------------------------


def win_back_candidates(data: Retention) -> Rows:
    locked_out = login_problems(data)
    answers, cancellations = exit_answers(data), cancelled(data)
    absences = lost_spells(data)
    rows: Rows = {}
    for customer_id, person in data.people.items():
        if data.state(customer_id) != "lost":
            continue
        known, spells = person.known(data.as_of), data.spells[customer_id]
        lost = spells[-1].first
        paid = [act for act in known if act.is_payment]
        begun = spell_start(spells, min(act.day for act in paid))
        said = [answer for answer in answers[customer_id] if answer.at.date() >= begun]
        ended = [reason for reason in cancellations[customer_id] if reason.at.date() >= begun]
        problem = locked_out.get((customer_id,))
        barred = problem is not None and data.as_of - lost <= timedelta(problem["days_locked_out"])
        source, text = reason_of(said, ended, barred)
        group, is_winnable = grouped(source, text)
        contacts = [act for act in known if act.name == "touch_outbound"]
        asked = [act.day for act in contacts if act.detail == "win_back"]
        past_value = reference_marts.revenue(known) + data.subscription_revenue(customer_id)
        silent = (data.as_of - lost).days
        rate, sample = return_rate(absences, silent)
        # Who is held out as a control must not be asked either: it would spoil the comparison.
        is_asked = any(
            act.day >= data.as_of - WINDOW
            for act in known
            if act.name in ("touch_outbound", "touch_withheld") and act.detail == "win_back"
        )
        consent = data.consent[customer_id]
        rows[(customer_id,)] = {
            "reason": group,
            "reason_source": source,
            "stated_reason": text,
            "competitor": latest_competitor(said),
            "past_value": past_value,
            "days_since_lost": silent,
            "win_back_contact_count": sum(day >= lost for day in asked),
            "return_rate_90d": rate,
            "return_sample_count": sample,
            "priority": None if is_winnable is False or consent is False or is_asked else 0,
            "is_winnable": is_winnable,
            "has_consent": consent,
            "lost_date": lost,
            "last_contact_date": max((act.day for act in contacts), default=None),
            "as_of_date": data.as_of,
        }
    chosen = [key for key, row in rows.items() if row["priority"] == 0]
    for place, key in enumerate(sorted(chosen, key=lambda key: worth(key, rows[key])), start=1):
        rows[key]["priority"] = place
    return rows


def worth(key: tuple, row: dict) -> tuple:
    chance = row["return_rate_90d"] or 0
    return -float(row["past_value"]) * chance, -row["past_value"], key


def spell_start(spells: list[Spell], first_paid: date) -> date:
    """Day on which they last came out of lost; of the first payment where they never did."""
    for before, after in reversed(list(pairwise(spells))):
        if before.state == "lost" and after.state not in ("lost", "prospect"):
            return after.first
    return first_paid


def exit_answers(data: Retention) -> dict[str, list[Statement]]:
    """Answers to exit surveys, in order of preference from the best."""
    found = defaultdict(list)
    for customer_id, rows in data.by_customer("surveys").items():
        for row in rows:
            at = row["responded_at"] or row["sent_at"]
            if row["survey"] == "exit" and row["answer"] and data.happened(at):
                found[customer_id].append(
                    Statement(
                        moment(at),
                        row["answer"],
                        row["competitor"],
                        row["question"],
                        row["response_id"],
                    )
                )
    for said in found.values():
        said.sort(key=lambda one: one.source_id)
        said.sort(key=lambda one: one.question != "" and "reason" not in one.question.lower())
        said.sort(key=lambda one: one.at, reverse=True)
    return found


def cancelled(data: Retention) -> dict[str, list[Statement]]:
    """Reasons of cancellations that say why, the latest first."""
    found = defaultdict(list)
    for customer_id, rows in data.by_customer("subscriptions").items():
        for row in rows:
            group, _ = grouped("cancellation", row["cancel_reason"])
            if row["cancel_reason"] and data.happened(row["ended_at"]) and group not in NO_REASONS:
                at = moment(row["ended_at"])
                found[customer_id].append(Statement(at, row["cancel_reason"]))
    for reasons in found.values():
        reasons.sort(key=lambda reason: reason.at, reverse=True)
    return found


def reason_of(
    said: list[Statement], ended: list[Statement], is_locked_out: bool
) -> tuple[str, str | None]:
    """Where the reason comes from, and its text."""
    if said:
        return "exit_survey", said[0].text
    if ended:
        return "cancellation", ended[0].text
    return ("login_problem", None) if is_locked_out else ("none", None)


def grouped(source: str, text: str | None) -> tuple[str, bool | None]:
    """Group of a reason, and whether such a customer can be won."""
    if source == "none":
        return "not_stated", None
    wanted = "locked_out" if source == "login_problem" else (text or "").lower()
    for row in seed("exit_reason_groups"):
        if row["stated_reason"] == wanted:
            return row["reason"], {"true": True, "false": False}.get(row["is_winnable"])
    return "other", None


def latest_competitor(said: list[Statement]) -> str | None:
    return next((one.competitor for one in said if one.competitor), None)


def lost_spells(data: Retention) -> list[tuple[int, bool]]:
    """Days from each loss to the return (true) or to the as-of date (false)."""
    found = []
    for spells in data.spells.values():
        for spell in spells:
            if spell.state == "lost":
                back = data.as_of if spell.is_open else spell.last + timedelta(1)
                found.append(((back - spell.first).days, not spell.is_open))
    return found


def return_rate(absences: list[tuple[int, bool]], day: int) -> tuple[float | None, int]:
    """Chance to be back within the window for who has been away for so many days."""
    still_away = [days for days, _ in absences if days > day]
    reach = day + WINDOW.days
    is_seen = any(days >= reach for days, _ in absences)
    if len(still_away) < LIMITS["minimum_sample_count"] or not is_seen:
        return None, len(still_away)
    return 1 - away(absences, reach) / away(absences, day), len(still_away)


def away(absences: list[tuple[int, bool]], day: int) -> float:
    """Kaplan and Meier 1958: chance to be away for longer than so many days."""
    chance = 1.0
    for moment_of_return in sorted({days for days, is_back in absences if is_back and days <= day}):
        at_risk = sum(days >= moment_of_return for days, _ in absences)
        back = sum(is_back and days == moment_of_return for days, is_back in absences)
        chance *= 1 - back / at_risk
    return chance


@dataclass(frozen=True)
class Episode:
    """A contact after a pause, and what came of it."""

    day: date
    is_treated: bool
    was_lost: bool
    is_won: bool


def episodes(data: Retention) -> list[Episode]:
    return [episode for person in data.people.values() for episode in episodes_of(data, person)]


def episodes_of(data: Retention, person: Person) -> Iterable[Episode]:
    """Contacts with no other in the window before them."""
    known = person.known(data.as_of)
    contacts = sorted(
        (act.at, act.name != "touch_outbound")
        for act in known
        if act.name in ("touch_outbound", "touch_withheld") and act.detail == "win_back"
    )
    days = [at.date() for at, _ in contacts]
    for place, (at, is_withheld) in enumerate(contacts):
        if place and days[place] - days[place - 1] <= WINDOW:
            continue
        is_won = any(
            (act.name == "order_paid" or act.first)
            and act.at > at
            and act.day <= at.date() + WINDOW
            for act in known
        )
        around = (at.date() - timedelta(days=1), at.date())
        was_lost = any(data.state(person.customer_id, day) == "lost" for day in around)
        yield Episode(at.date(), not is_withheld, was_lost, is_won)


def win_back_results(data: Retention) -> Rows:
    months = defaultdict(list)
    for episode in episodes(data):
        months[episode.day.replace(day=1)].append(episode)
    rows = {
        (month,): result(data, found, max(one.day for one in found) + WINDOW <= data.as_of)
        for month, found in months.items()
    }
    mature = [
        one for month, found in months.items() if rows[(month,)]["is_mature"] for one in found
    ]
    return rows | ({(None,): result(data, mature, True)} if mature else {})


def result(data: Retention, found: list[Episode], is_mature: bool) -> dict:
    treated = [one for one in found if one.is_treated]
    control = [one for one in found if not one.is_treated]
    won, control_won = (sum(one.is_won for one in group) for group in (treated, control))
    rate = won / len(treated) if is_mature and treated else None
    control_rate = control_won / len(control) if is_mature and control else None
    uplift = low = high = None
    if rate is not None and control_rate is not None:
        uplift = rate - control_rate
        low, high = newcombe(won, len(treated), control_won, len(control))
    (band,) = (row for row in seed("benchmarks") if row["claim"] == "win_back_rate")
    bottom, top = float(band["low"]), float(band["high"])
    return {
        "contacted_count": len(treated),
        "lost_contacted_count": sum(one.was_lost for one in treated),
        "won_back_count": won,
        "control_count": len(control),
        "control_won_back_count": control_won,
        "win_back_rate": rate,
        "control_win_back_rate": control_rate,
        "uplift": uplift,
        "uplift_low": low,
        "uplift_high": high,
        "benchmark_low": bottom,
        "benchmark_high": top,
        "benchmark_position": position(rate, bottom, top),
        "conclusion": conclusion(is_mature, low, high),
        "is_mature": is_mature,
        "as_of_date": data.as_of,
    }


def position(rate: float | None, bottom: float, top: float) -> str | None:
    if rate is None:
        return None
    return "below" if rate < bottom else "above" if rate > top else "within"


def conclusion(is_mature: bool, low: float | None, high: float | None) -> str:
    if not is_mature:
        return "too_early"
    if low is None:
        return "no_control"
    return "uplift_shown" if low > 0 else "loss_shown" if high < 0 else "no_uplift_shown"


def newcombe(won: int, size: int, other_won: int, other_size: int) -> tuple[float, float]:
    """Newcombe 1998, method 10: the hybrid score interval of a difference of proportions."""
    rate, other = won / size, other_won / other_size
    low, high = wilson(won, size)
    other_low, other_high = wilson(other_won, other_size)
    return (
        rate - other - math.hypot(rate - low, other_high - other),
        rate - other + math.hypot(high - rate, other - other_low),
    )


def wilson(won: int, size: int) -> tuple[float, float]:
    """Wilson 1927: score interval of a proportion."""
    middle = 2 * won + Z**2
    spread = Z * math.sqrt(Z**2 + 4 * won * (1 - won / size))
    return (middle - spread) / (2 * (size + Z**2)), (middle + spread) / (2 * (size + Z**2))
