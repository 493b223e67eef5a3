"""What contacts brought, how customers were treated and what to do next, in plain Python.

Contacts and surveys are read from the landed files, what customers did from the brute-force
reference. `contact_plan` starts from other published marts, which have references of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from reference import Act, Person, Reference, answered_at, cents, moment, seed
from reference_lifecycle import first_paid_at, limit, share, total
from reference_marts import Rows
from reference_onboarding import first_follow_ups
from reference_readiness import adoption
from reference_retention import Retention, newcombe

EDUCATIONAL = ("welcome", "education", "newsletter", "community", "content", "seminar")
PITCHES = ("promotion", "cross_sell")
SURVEY = "survey"
ALL = ("all", "all")
PLAN_INPUTS = {
    "customer_advocacy": ["customer_id"],
    "cross_sell_readiness": ["customer_id"],
    "onboarding_steps": ["customer_id", "step_number"],
    "onboarding_progress": ["customer_id"],
    "feature_adoption": ["customer_id", "feature"],
    "customer_lifetime_value": ["customer_id"],
    "complaints": ["ticket_id"],
    "win_back_candidates": ["customer_id"],
    "customer_churn_risk": ["customer_id"],
    "score_backtests": ["score", "method", "cutoff_date", "decile"],
}
"""Published marts that the plan starts from, and their keys."""


@dataclass(frozen=True)
class Touch:
    """A contact up to the as-of date, made or withheld."""

    who: str
    at: datetime
    purpose: str
    channel: str
    is_outbound: bool
    is_withheld: bool
    is_answered: bool
    dwell: Decimal | None
    cost: Decimal | None

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def went_out(self) -> bool:
        return self.is_outbound and not self.is_withheld


@dataclass(frozen=True)
class Question:
    """A survey question. `sent` and `answered` are None where that did not happen by the day."""

    who: str
    asks: tuple[str, str, str]
    sent: datetime | None
    answered: datetime | None


@dataclass(frozen=True)
class Episode:
    """A contact after a pause and what was bought in the window after it."""

    who: str
    purpose: str
    is_withheld: bool
    is_bought: bool
    revenue: Decimal
    window_end: date


@dataclass
class Contacts:
    """Touches and questions of real customers, by the ids into which they were folded."""

    reference: Reference
    touches: dict[str, list[Touch]] = field(default_factory=lambda: defaultdict(list))
    questions: dict[str, list[Question]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for row in self.reference.rows("touches"):
            who, at = self.reference.home[row["customer_id"]], moment(row["touched_at"])
            if who in self.reference.people and at.date() <= self.as_of:
                self.touches[who].append(self._touch(who, at, row))
        for row in self.reference.rows("surveys"):
            who = self.reference.home[row["customer_id"]]
            if who in self.reference.people:
                sent = moment(row["sent_at"]) if row["sent_at"] else None
                asks = (row["survey"], row["question"], row["competitor"])
                times = self._past(sent), self._past(answered_at(row))
                self.questions[who].append(Question(who, asks, *times))

    @property
    def as_of(self) -> date:
        return self.reference.as_of

    def _past(self, at: datetime | None) -> datetime | None:
        return at if at and at.date() <= self.as_of else None

    def _touch(self, who: str, at: datetime, row: dict) -> Touch:
        is_withheld = row["is_control"] == "true"
        replied = self._past(moment(row["responded_at"])) if row["responded_at"] else None
        return Touch(
            who,
            at,
            row["purpose"],
            row["channel"],
            is_outbound=row["direction"] in ("", "outbound"),
            is_withheld=is_withheld,
            is_answered=bool(replied) and not is_withheld,
            dwell=Decimal(row["dwell_seconds"]) if row["dwell_seconds"] else None,
            cost=Decimal(row["cost"]) if row["cost"] else None,
        )

    def outbound(self, who: str) -> list[Touch]:
        return [touch for touch in self.touches[who] if touch.went_out]

    @cached_property
    def everyone_out(self) -> list[Touch]:
        return [touch for who in self.reference.people for touch in self.outbound(who)]

    @cached_property
    def everyone_asked(self) -> list[Question]:
        return [one for who in self.reference.people for one in self.questions[who] if one.sent]


# ---- touch effects -----------------------------------------------------------------------------


def touch_effects(contacts: Contacts) -> Rows:
    """Keys: purpose, segment, segment value. One pass for each row, over everything."""
    reference = contacts.reference
    archetypes = {
        who: reference.attribute(who, "archetype") or "unknown" for who in reference.people
    }
    over = [one for one in episodes(contacts) if one.window_end <= contacts.as_of]
    sent = [(one.who, one.purpose) for one in contacts.everyone_out if one.purpose]
    sent += [(one.who, SURVEY) for one in contacts.everyone_asked]
    keys = set()
    for who, purpose in [*sent, *((one.who, one.purpose) for one in over)]:
        keys |= {(purpose, *ALL), (purpose, "archetype", archetypes[who])}

    def effect(purpose: str, segment: str, value: str) -> dict:
        people = {who for who in archetypes if segment == "all" or archetypes[who] == value}
        mine = [one for one in over if one.purpose == purpose and one.who in people]
        row = responses(contacts, purpose, people) | outcomes(purpose, mine)
        return row | {"as_of_date": contacts.as_of}

    return {key: effect(*key) for key in keys}


def responses(contacts: Contacts, purpose: str, people: set[str]) -> dict:
    """How touches of a purpose, or surveys, were received."""
    touches = [one for one in contacts.everyone_out if one.purpose == purpose and one.who in people]
    answers = [one.is_answered for one in touches]
    if purpose == SURVEY:
        answers += [bool(one.answered) for one in contacts.everyone_asked if one.who in people]
    dwells = [one.dwell for one in touches if one.dwell is not None]
    costs = [one.cost for one in touches if one.cost is not None]
    return {
        "touch_count": len(answers),
        "answered_count": sum(answers),
        "response_rate": share(sum(answers), len(answers)),
        "dwell_count": len(dwells),
        "dwell_over_10s_rate": share(sum(dwell > 10 for dwell in dwells), len(dwells)),
        "dwell_over_20s_rate": share(sum(dwell > 20 for dwell in dwells), len(dwells)),
        "cost_amount": cents(total(costs)) if costs else None,
    }


def outcomes(purpose: str, over: list[Episode]) -> dict:
    """What was bought after contacts made, and after those withheld."""
    made = [one for one in over if not one.is_withheld]
    held = [one for one in over if one.is_withheld]
    bought, held_bought = (sum(one.is_bought for one in side) for side in (made, held))
    rate, held_rate = share(bought, len(made)), share(held_bought, len(held))
    earned, held_earned = (
        share(float(total(one.revenue for one in side)), len(side)) for side in (made, held)
    )
    uplift = low = high = revenue_uplift = None
    if made and held:
        uplift, revenue_uplift = rate - held_rate, earned - held_earned
        low, high = newcombe(bought, len(made), held_bought, len(held))
    is_sufficient = min(len(made), len(held)) >= limit("minimum_sample_count")
    return {
        "conclusion": conclusion(purpose, is_sufficient, low, high),
        "contact_count": len(made),
        "bought_count": bought,
        "control_count": len(held),
        "control_bought_count": held_bought,
        "order_rate": rate,
        "control_order_rate": held_rate,
        "uplift": uplift,
        "uplift_low": low,
        "uplift_high": high,
        "revenue_per_contact": earned,
        "control_revenue_per_contact": held_earned,
        "revenue_uplift": revenue_uplift,
        "is_sufficient": is_sufficient,
    }


def conclusion(purpose: str, is_sufficient: bool, low: float | None, high: float | None) -> str:
    if low is None:
        return "no_control"
    if purpose == SURVEY:
        return "not_by_chance"
    if not is_sufficient:
        return "too_few"
    return "uplift_shown" if low > 0 else "loss_shown" if high < 0 else "no_uplift_shown"


def episodes(contacts: Contacts) -> list[Episode]:
    """A contact made or withheld, with no other of its purpose in the window before it."""
    found = []
    window = timedelta(limit("contact_window_days"))
    for who, person in contacts.reference.people.items():
        told = moments(contacts, who)
        payments = list(purchases(contacts.reference, person))
        for purpose, times in told.items():
            before = None
            for at, is_withheld in sorted(times):
                if before is None or at.date() - before > window:
                    end = at.date() + window
                    bought = [worth for paid, worth in payments if at < paid and paid.date() <= end]
                    found.append(
                        Episode(who, purpose, is_withheld, bool(bought), total(bought), end)
                    )
                before = at.date()
    return found


def moments(contacts: Contacts, who: str) -> dict[str, list[tuple[datetime, bool]]]:
    """Purpose -> when contact was made or (true) withheld. A survey is one when it is answered."""
    told = defaultdict(list)
    for touch in contacts.touches[who]:
        if touch.purpose and (touch.is_withheld or touch.is_outbound):
            told[touch.purpose].append((touch.at, touch.is_withheld))
    answers = [question.answered for question in contacts.questions[who] if question.answered]
    told[SURVEY] = [(at, False) for at in answers]
    for question in contacts.questions[who]:
        if question.sent and not question.answered:
            apart = [abs((at.date() - question.sent.date()).days) for at in answers]
            if not any(days <= limit("contact_window_days") for days in apart):
                told[SURVEY].append((question.sent, True))
    return {purpose: times for purpose, times in told.items() if times}


def purchases(reference: Reference, person: Person) -> Iterator[tuple[datetime, Decimal]]:
    """Orders less what was paid back of them at any time, and first months of subscriptions."""
    known = person.known(reference.as_of)
    paid_back = defaultdict(list)
    for act in known:
        if act.name == "order_refunded":
            paid_back[act.source].append(act.amount)
    for act in known:
        if act.name == "order_paid":
            yield act.at, act.amount + total(paid_back[act.source])
        elif act.first:
            yield act.at, act.amount


# ---- contact audit -----------------------------------------------------------------------------


def contact_audit(contacts: Contacts) -> Rows:
    people = contacts.reference.people
    return {(who,): treatment(contacts, person) for who, person in people.items()}


def treatment(contacts: Contacts, person: Person) -> dict:
    reference, who = contacts.reference, person.customer_id
    touches = contacts.outbound(who)
    taught = sum(touch.purpose in EDUCATIONAL for touch in touches)
    paid_at = first_paid_at(reference, person)
    pitches = [
        (touch.day, adoption(person.known(touch.day), touch.day)[1])
        for touch in touches
        if touch.purpose in PITCHES and paid_at and touch.at > paid_at
    ]
    early = [day for day, is_adopted in pitches if is_adopted is False]
    is_open = any(is_adopted is None for _, is_adopted in pitches)
    asked = [question for question in contacts.questions[who] if question.sent]
    repeated = sum(is_repeated(contacts, question) for question in asked)
    waited = days_to_follow_up(reference, person, paid_at)
    return {
        "touch_count": len(touches),
        "educational_count": taught,
        "educational_share": share(taught, len(touches)),
        "pitch_count": len(pitches),
        "early_pitch_count": len(early),
        "is_pitched_too_early": True if early else None if is_open else False,
        "days_to_follow_up": waited,
        "is_silent_after_sale": is_silent(contacts, paid_at, waited),
        "question_count": len(asked),
        "repeated_question_count": repeated,
        "is_asked_twice": repeated > 0,
        "first_paid_date": paid_at.date() if paid_at else None,
        "last_early_pitch_date": max(early, default=None),
        "last_contact_date": max((touch.day for touch in touches), default=None),
        "as_of_date": contacts.as_of,
    }


def is_repeated(contacts: Contacts, question: Question) -> bool:
    window = timedelta(limit("repeated_question_days"))
    return any(
        other.asks == question.asks
        and other.answered
        and other.answered < question.sent
        and question.sent.date() - other.answered.date() <= window
        for other in contacts.questions[question.who]
    )


def days_to_follow_up(reference: Reference, person: Person, paid_at: datetime | None) -> int | None:
    follow_ups = first_follow_ups(reference, person) if paid_at else []
    return (follow_ups[0].day - paid_at.date()).days if follow_ups else None


def are_sales_followed(contacts: Contacts) -> bool:
    """Whether anybody was ever followed up: else follow-ups are not kept."""
    reference = contacts.reference
    return any(
        days_to_follow_up(reference, person, first_paid_at(reference, person)) is not None
        for person in reference.people.values()
    )


def is_silent(contacts: Contacts, paid_at: datetime | None, waited: int | None) -> bool | None:
    if not paid_at:
        return None
    days = limit("follow_up_days")
    if waited is not None and waited <= days:
        return False
    is_over = (contacts.as_of - paid_at.date()).days > days
    return True if is_over and are_sales_followed(contacts) else None


# ---- contact plan ------------------------------------------------------------------------------


@dataclass
class Plan:
    """One action for each customer, from the published marts in `marts` and landed contacts."""

    contacts: Contacts
    marts: dict[str, Rows]

    def __post_init__(self) -> None:
        self.reference, self.as_of = self.contacts.reference, self.contacts.as_of
        self.money = Retention(self.reference)
        self.plays = sorted(seed("plays"), key=lambda play: int(play["precedence"]))
        self.effects = touch_effects(self.contacts)
        self.tiers = {row["value_decile"]: row for row in seed("value_tiers")}
        self.complaints: dict[str, list[bool | None]] = defaultdict(list)
        for row in self.marts["complaints"].values():
            self.complaints[row["customer_id"]].append(row["is_resolved"])
        self.stalled = {
            who
            for (who, _), row in self.marts["onboarding_steps"].items()
            if row["is_stalled"] or (row["is_sequence_stalled"] and row["peer_done_count"])
        }
        self.taught_next = {
            who for (who, _), row in self.marts["feature_adoption"].items() if row["is_next"]
        }

    def row(self, name: str, who: str) -> dict | defaultdict:
        """A customer's row of a mart; everything is None for who has none."""
        return self.marts[name].get((who,), defaultdict(lambda: None))

    def rows(self) -> Rows:
        rows = {(who,): self.action(who) for who in self.reference.people}
        chosen = [key for key, row in rows.items() if row["precedence"]]
        chosen.sort(key=lambda key: (rows[key]["precedence"], -rows[key]["revenue_at_risk"], key))
        for place, key in enumerate(chosen, start=1):
            rows[key]["priority"] = place
        return rows

    def action(self, who: str) -> dict:
        signs = self.signs(who)
        play = next(
            (
                play
                for play in self.plays
                if play["sign"] in signs and not self.stopped_by(who, play)
            ),
            None,
        )
        channel, source = self.channel(who, play)
        basis, effect = self.effect(who, play)
        is_marketing = bool(play) and play["needs_consent"] == "true"
        known = self.reference.people[who].known(self.as_of)
        return {
            "action": play["play"] if play else "nothing",
            "channel": channel,
            "channel_source": source,
            "consent": self.consent(who),
            "is_marketing": is_marketing,
            "effect_basis": basis,
            "precedence": int(play["precedence"]) if play else None,
            "priority": None,
            "revenue_at_risk": self.money.revenue_at_risk(known, who),
            "expected_effect": effect,
            "not_before_date": self.not_before(who, is_marketing) if play else None,
            "as_of_date": self.as_of,
        }

    # ---- signs -----------------------------------------------------------------------------

    def state(self, who: str) -> str:
        return self.row("customer_churn_risk", who)["state"] or "prospect"

    def signs(self, who: str) -> set[str]:
        tests: dict[str, Callable[[str], bool]] = {
            "open_complaint": lambda who: False in self.complaints[who],
            "onboarding_stalled": lambda who: who in self.stalled and self.state(who) != "lost",
            "lesson_due": self.has_lesson,
            "ready": self.is_ready,
            "advocate": lambda who: bool(self.row("customer_advocacy", who)["next_ask"]),
            "review_due": lambda who: (
                self.tier(who, "has_value_review") == "true" and self.state(who) == "active"
            ),
            "thanks_due": self.is_thanks_due,
            "gift_due": lambda who: self.has_gift(who) and self.state(who) == "active",
            "sale_unfollowed": lambda who: (
                self.state(who) == "new"
                and self.row("onboarding_progress", who)["is_followed_up"] is False
                and self.are_sales_followed
            ),
        }
        return {sign for sign, test in tests.items() if test(who)} | self.rung(who)

    def rung(self, who: str) -> set[str]:
        """Their place on the ladder: at most one sign."""
        if locked_out(self.reference.people[who].known(self.as_of), self.as_of):
            return {"locked_out"}
        named = {play["play"]: play["sign"] for play in self.plays}
        sign = named.get(self.row("customer_churn_risk", who)["recommended_play"])
        if sign == "lost" and self.row("win_back_candidates", who)["is_winnable"] is False:
            return set()
        return {sign} if sign else set()

    def has_lesson(self, who: str) -> bool:
        if self.state(who) not in ("new", "active", "reactivated"):
            return False
        _, is_adopted = adoption(self.reference.people[who].known(self.as_of), self.as_of)
        return (who in self.taught_next and is_adopted is False) or bool(
            self.row("onboarding_progress", who)["next_habit"]
        )

    def is_ready(self, who: str) -> bool:
        row = self.row("cross_sell_readiness", who)
        return bool(row["is_ready"]) and row["next_product_1"] is not None

    def tier(self, who: str, column: str) -> str | None:
        decile = self.row("customer_lifetime_value", who)["value_decile"]
        return self.tiers[str(decile)][column] if decile else None

    def has_gift(self, who: str) -> bool:
        return Decimal(self.tier(who, "gift_budget") or 0) > 0

    def is_thanks_due(self, who: str) -> bool:
        last = self.row("customer_lifetime_value", who)["last_contact_date"]
        is_long_ago = last is None or (self.as_of - last).days > limit("thank_after_days")
        return self.has_gift(who) and self.state(who) != "lost" and is_long_ago

    # ---- what stops a play -----------------------------------------------------------------

    def consent(self, who: str) -> str:
        if set(self.money.consent.values()) == {None}:
            return "not_kept"
        return {True: "given", False: "refused", None: "unknown"}[self.money.consent[who]]

    def stopped_by(self, who: str, play: dict) -> str | None:
        if play["needs_consent"] == "true" and self.consent(who) in ("refused", "unknown"):
            return "consent"
        if play["is_pitch"] == "true" and not all(self.complaints[who]):
            return "complaint"
        is_resting = any(
            (self.as_of - touch.day).days <= limit("contact_window_days")
            if touch.is_withheld
            else touch.is_outbound
            and play["rest_days"]
            and (self.as_of - touch.day).days <= int(play["rest_days"])
            for touch in self.contacts.touches[who]
            if touch.purpose and touch.purpose == play["purpose"]
        )
        return "rest" if is_resting else None

    # ---- where, when, and what for ---------------------------------------------------------

    def channel(self, who: str, play: dict | None) -> tuple[str | None, str | None]:
        if not play:
            return None, None
        if play["channel"]:
            return play["channel"], "play"
        answered = [
            touch for touch in self.contacts.outbound(who) if touch.is_answered and touch.channel
        ]
        if answered:
            return favourite(answered), "behaviour"
        stated = self.reference.attribute(who, "preferred_channel")
        return stated, "stated" if stated else None

    def effect(self, who: str, play: dict | None) -> tuple[str | None, Decimal | None]:
        if not play:
            return None, None
        tried = self.effects.get((play["purpose"], *ALL), {})
        if tried.get("conclusion") == "uplift_shown" and tried["revenue_uplift"] > 0:
            return "control_group", cents(Decimal(tried["revenue_uplift"]))
        if play["sign"] == "ready" and self.is_offer_proven:
            return "backtest", self.row("cross_sell_readiness", who)["expected_value"]
        return None, None

    @cached_property
    def are_sales_followed(self) -> bool:
        return are_sales_followed(self.contacts)

    @cached_property
    def is_offer_proven(self) -> bool:
        """At most of the past dates the model was more accurate than popularity."""
        won = [
            row["is_more_accurate"] is True
            for (score, method, _, decile), row in self.marts["score_backtests"].items()
            if (score, method, decile) == ("next_product_probability", "model", None)
        ]
        return 2 * sum(won) > len(won)

    def not_before(self, who: str, is_marketing: bool) -> date:
        rest = timedelta(limit("contact_rest_days"))
        contacts = [touch.day + rest for touch in self.contacts.outbound(who) if is_marketing]
        return max([self.as_of, *contacts])


def locked_out(known: Iterable[Act], as_of: date) -> bool:
    """So many failed logins in a row with no success since, the last of them not long ago."""
    known = list(known)
    worked = max((act.at for act in known if act.name == "login_success"), default=None)
    failed = [
        act for act in known if act.name == "login_failure" and (not worked or act.at > worked)
    ]
    if len(failed) < limit("lockout_failure_count"):
        return False
    return (as_of - max(act.day for act in failed)).days < limit("lost_after_days")


def favourite(answered: list[Touch]) -> str:
    """Answered most often; of several the one tried last, then the first by name."""
    counts = Counter(touch.channel for touch in answered)
    last = {
        channel: max(touch.at for touch in answered if touch.channel == channel)
        for channel in counts
    }
    return min(counts, key=lambda name: (-counts[name], -last[name].timestamp(), name))
