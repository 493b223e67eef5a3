"""The lifecycle by brute force: every customer, every day, from the landed CSV files.

An independent reading of the definitions, without SQL: what is known on a day is gathered anew for
that day. Slow on purpose; `test_lifecycle_reference` compares the marts with it cell by cell. The
files must be clean: this module checks nothing.
"""

import csv
import statistics
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
STAGES = ("know", "like", "trust", "try", "buy", "repeat", "refer")
NEVER, CENT = date.max, Decimal("0.01")
FOREVER = datetime.max.replace(tzinfo=UTC)
SHORT, LONG = 2 ** (-1 / 14), 2 ** (-1 / 56)


@dataclass(frozen=True)
class Act:
    """One activity, undone from `void` on. `first` marks a subscription's first month, `source`
    is the id of the row that it comes from."""

    at: datetime
    name: str
    detail: str = ""
    amount: Decimal = Decimal(0)
    void: date = NEVER
    first: bool = False
    source: str = ""

    @cached_property
    def day(self) -> date:
        return self.at.date()

    @cached_property
    def is_silence_breaker(self) -> bool:
        """A paid order, a successful login or the start of a paid subscription."""
        return self.name in ("order_paid", "login_success") or self.first

    @property
    def is_payment(self) -> bool:
        return self.name in ("order_paid", "subscription_month")


@dataclass
class Person:
    """A customer after folding."""

    customer_id: str
    acts: list[Act] = field(default_factory=list)
    deeds: int = 0
    states: list[str] = field(default_factory=list)

    def known(self, day: date) -> list[Act]:
        """What is known of them at the end of the day."""
        return [act for act in self.acts if act.day <= day < act.void]

    @property
    def first_seen(self) -> date | None:
        return min((act.day for act in self.acts), default=None)


class Reference:
    """The marts of one landing folder as of one date."""

    def __init__(self, folder: Path, as_of: date) -> None:
        self.folder, self.as_of = folder, as_of
        self.accounts = {row["customer_id"]: row for row in self.rows("customers")}
        self.rules = seed("stage_rules")
        self.engaging = {
            row["activity"] for row in seed("activity_types") if row["is_engagement"] == "true"
        }
        self.rates = seed("exchange_rates")
        self.people = {person.customer_id: person for person in self._people()}
        self._count_deeds()
        self._typical: dict[date, float | None] = {}

    # ---- reading ---------------------------------------------------------------------------

    def rows(self, table: str) -> list[dict[str, str]]:
        """Rows of an input; an absent file has none, an absent column is empty."""
        path = self.folder / f"{table}.csv"
        return [defaultdict(str, row) for row in read_rows(path)] if path.exists() else []

    def _people(self) -> Iterator[Person]:
        self.home, tests, dated = self._fold()
        acts: dict[str, list[Act]] = defaultdict(list)
        for customer_id, act in self._acts():
            if act.day <= self.as_of:
                acts[self.home[customer_id]].append(act)
        for customer_id in set(self.home.values()) - tests:
            if acts[customer_id] or customer_id not in dated:
                yield Person(customer_id, sorted(acts[customer_id], key=lambda act: act.at))

    def _fold(self) -> tuple[dict[str, str], set[str], set[str]]:
        """Source id -> customer id; the test customers; those whom anything dated names."""
        named, dated = set(), set()
        for row in self.accounts.values():
            named |= {row["customer_id"], row["merged_into"]}
            if row["created_at"]:
                dated |= {row["customer_id"], row["merged_into"]}
        # What an account says is known from the day on which it was made.
        accounts = {key: row for key, row in self.accounts.items() if self._is_known(row)}
        for table, (columns, times) in NAMING.items():
            for row in self.rows(table):
                ids = {row.get(column, "") for column in columns}
                named |= ids
                if any(row.get(time) for time in times):
                    dated |= ids
        named.discard("")
        groups = {customer_id: {customer_id} for customer_id in named}

        def join(left: str, right: str) -> None:
            if groups[left] is not groups[right]:
                groups[left] |= groups[right]
                for customer_id in groups[right]:
                    groups[customer_id] = groups[left]

        by_email: dict[str, str] = {}
        for customer_id, row in accounts.items():
            if row["merged_into"]:
                join(customer_id, row["merged_into"])
            if email := row["email"].strip().lower():
                join(customer_id, by_email.setdefault(email, customer_id))

        def seniority(customer_id: str) -> tuple:
            row = accounts.get(customer_id, {})
            created = row.get("created_at", "")
            return (
                bool(row.get("merged_into")),
                moment(created) if created else FOREVER,
                customer_id,
            )

        home = {customer_id: min(group, key=seniority) for customer_id, group in groups.items()}
        tests = {home[key] for key, row in accounts.items() if row["is_test"] == "true"}
        return home, tests, {home[key] for key in dated if key}

    def _is_known(self, account: dict) -> bool:
        return not account["created_at"] or moment(account["created_at"]).date() <= self.as_of

    def _acts(self) -> Iterator[tuple[str, Act]]:
        for row in self.accounts.values():
            if row["created_at"]:
                yield row["customer_id"], Act(moment(row["created_at"]), "signup")
        yield from self._orders()
        yield from self._subscriptions()
        yield from self._touches()
        for row in self.rows("logins"):
            name = "login_" + (row.get("outcome") or "success")
            yield row["customer_id"], Act(moment(row["logged_in_at"]), name, row["method"])
        for row in self.rows("surveys"):
            if row["sent_at"]:
                yield row["customer_id"], Act(moment(row["sent_at"]), "survey_sent", row["survey"])
            if at := answered_at(row):
                yield row["customer_id"], Act(at, "survey_answered", row["survey"])
        for row in self.rows("events"):
            at = moment(row["occurred_at"])
            yield row["customer_id"], Act(at, "feature_used", row["feature"])
        for row in self.rows("tickets"):
            for time, what in TICKET_TIMES.items():
                if row[time]:
                    yield row["customer_id"], Act(moment(row[time]), f"ticket_{what}", row["kind"])
        for row in self.rows("referrals"):
            at, kind = moment(row["referred_at"]), row["kind"] or "referral"
            yield row["referrer_id"], Act(at, "referral_made", kind)
            if row["referred_customer_id"]:
                yield row["referred_customer_id"], Act(at, "was_referred", kind)
        for row in self.rows("advocacy_acts"):
            yield row["customer_id"], Act(moment(row["acted_at"]), "advocacy_act", row["act"])

    def _orders(self) -> Iterator[tuple[str, Act]]:
        for row in self.rows("orders"):
            at, who = moment(row["ordered_at"]), row["customer_id"]
            status, kind = row["status"] or "paid", row["kind"] or "standard"
            amount = Decimal(row["amount"])
            refund = Decimal(row["refund_amount"] or 0)
            if status == "refunded" and not row["refund_amount"]:
                refund = amount
            if status == "cancelled" or (kind == "standard" and amount == 0):
                yield who, Act(at, "order_unpaid")
            elif kind != "standard":
                yield who, Act(at, f"order_{kind}")
            else:
                rate = self._rate(row.get("currency") or "USD", at.date())
                yield from self._paid_order(who, row, at, amount * rate, refund * rate)

    def _paid_order(
        self, who: str, row: dict, at: datetime, amount: Decimal, refund: Decimal
    ) -> Iterator[tuple[str, Act]]:
        given_back = moment(row["refunded_at"]) if row["refunded_at"] else at
        if given_back < at:  # impossible: the time is void, the refund is not
            given_back = at
        is_full = refund == amount
        if is_full and given_back == at:
            yield who, Act(at, "order_unpaid")
            return
        void = given_back.date() if is_full and given_back.date() <= self.as_of else NEVER
        links = {"void": void, "source": row["order_id"]}
        yield who, Act(at, "order_paid", amount=cents(amount), **links)
        for item in self._items[row["order_id"]]:
            yield who, Act(at, "item_bought", item["product_id"], void=void)
        if refund:
            yield who, Act(given_back, "order_refunded", amount=-cents(refund), **links)

    @cached_property
    def _items(self) -> dict[str, list[dict]]:
        items = defaultdict(list)
        for row in self.rows("order_items"):
            items[row["order_id"]].append(row)
        return items

    def _rate(self, currency: str, day: date) -> Decimal:
        if currency == "USD":
            return Decimal(1)
        return next(
            Decimal(row["rate"])
            for row in self.rates
            if row["currency"] == currency and row["valid_from"] <= str(day) <= row["valid_to"]
        )

    def _subscriptions(self) -> Iterator[tuple[str, Act]]:
        for row in self.rows("subscriptions"):
            who, starts = row["customer_id"], moment(row["started_at"])
            told = {"detail": row["plan"], "source": row["subscription_id"]}
            pays_from = starts
            if is_trial := row["trial_ends_at"] and moment(row["trial_ends_at"]) > starts:
                yield who, Act(starts, "subscription_trial", **told)
                pays_from = moment(row["trial_ends_at"])
            ends = moment(row["ended_at"]) if row["ended_at"] else FOREVER
            rate = self._rate(row["currency"] or "USD", starts.date())
            amount = cents(Decimal(row["monthly_amount"]) * rate)
            if amount == 0 or ends <= pays_from:
                if is_trial and ends < FOREVER:
                    yield who, Act(ends, "subscription_trial_ended", **told)
                continue
            number, at = 0, pays_from
            while at < ends and at.date() <= self.as_of:
                yield who, Act(at, "subscription_month", amount=amount, first=number == 0, **told)
                number += 1
                at = months_later(pays_from, number)
            if ends.date() <= self.as_of:
                yield who, Act(ends, "subscription_ended", amount=amount, **told)

    def _touches(self) -> Iterator[tuple[str, Act]]:
        for row in self.rows("touches"):
            at, who, purpose = moment(row["touched_at"]), row["customer_id"], row["purpose"]
            if row["is_control"] == "true":
                yield who, Act(at, "touch_withheld", purpose)
                continue
            cost = Decimal(row["cost"] or 0)
            yield who, Act(at, "touch_" + (row["direction"] or "outbound"), purpose, cost)
            if row["responded_at"]:
                yield who, Act(moment(row["responded_at"]), "touch_answered", purpose)
            if purpose == "content" and Decimal(row["dwell_seconds"] or 0) > 0:
                yield who, Act(at, "content_viewed", row["channel"])

    def _count_deeds(self) -> None:
        """Advocacy acts, and customers whom they were the first to refer and who paid since."""
        first: dict[str, tuple[datetime, str, str]] = {}
        for at, referral_id, referrer, referred in self.referrals():
            if {referred, referrer} <= self.people.keys():
                claim = (at, referral_id, referrer)
                first[referred] = min(claim, first.get(referred, claim))
        for referred, (at, _, referrer) in first.items():
            known = self.people[referred].known(self.as_of)
            paid = [act.at.date() for act in known if act.is_payment]
            # Who paid before was a customer already.
            self.people[referrer].deeds += bool(paid) and min(paid) >= at.date()
        for person in self.people.values():
            person.deeds += sum(act.name == "advocacy_act" for act in person.acts)

    # ---- what is on record beside the acts -------------------------------------------------

    def referrals(self) -> Iterator[tuple[datetime, str, str, str]]:
        """When, its id, who referred whom: referrals of one person by another."""
        for row in self.rows("referrals"):
            at, referred = moment(row["referred_at"]), self.home.get(row["referred_customer_id"])
            referrer = self.home[row["referrer_id"]]
            if at.date() <= self.as_of and referred and referred != referrer:
                yield at, row["referral_id"], referrer, referred

    def attribute(self, customer_id: str, name: str) -> str | None:
        """The survivor's own; else the smallest of those of the ids folded into it."""
        values = {row["customer_id"]: row[name] for row in self._known[customer_id] if row[name]}
        return values.get(customer_id) or min(values.values(), default=None)

    @cached_property
    def _known(self) -> dict[str, list[dict]]:
        """Customer id -> accounts of theirs that are known on the as-of date."""
        accounts = defaultdict(list)
        for row in filter(self._is_known, self.accounts.values()):
            accounts[self.home[row["customer_id"]]].append(row)
        return accounts

    @cached_property
    def orders(self) -> dict[str, dict]:
        return {row["order_id"]: row for row in self.rows("orders")}

    @cached_property
    def subscriptions(self) -> dict[str, dict]:
        return {row["subscription_id"]: row for row in self.rows("subscriptions")}

    @cached_property
    def answers(self) -> dict[str, list[tuple[datetime, dict]]]:
        """Customer id -> answered surveys and when, first to last."""
        answers = defaultdict(list)
        for row in self.rows("surveys"):
            at = answered_at(row)
            if at and at.date() <= self.as_of:
                answers[self.home[row["customer_id"]]].append((at, row))
        for given in answers.values():
            given.sort(key=lambda answer: (answer[0], answer[1]["response_id"]))
        return answers

    # ---- definitions -----------------------------------------------------------------------

    def typical_gap(self, own_days: list[date]) -> float | None:
        """Median of their own gaps, with fewer than 3 of the population's as known that day."""
        if len(own_days) >= 4:
            return statistics.median(gaps(own_days))
        last = own_days[-1]
        if last not in self._typical:
            pooled = [
                gap
                for person in self.people.values()
                for gap in gaps(breaker_days(person.known(last)))
            ]
            self._typical[last] = statistics.median(pooled) if pooled else None
        return self._typical[last]

    def state(self, known: list[Act], day: date) -> str:
        """State at the end of the day, from what is known on it. First match wins."""
        paid_days = [act.day for act in known if act.is_payment]
        if not paid_days:
            return "prospect"
        days = breaker_days(known)
        silent = (day - days[-1]).days
        running = sum(act.first for act in known)
        ends = [act.at for act in known if act.name == "subscription_ended"]
        is_running = running > len(ends)
        last_act = max(act.at for act in known if act.is_silence_breaker)
        if not is_running and (silent >= 180 or (ends and last_act <= max(ends))):
            return "lost"
        returns = [
            after
            for before, after in pairwise(days)
            if (after - before).days >= 180 and paid_days[0] <= before
        ]
        if returns and (day - returns[-1]).days <= 90:
            return "reactivated"
        if (day - paid_days[0]).days <= 90:
            return "new"
        typical = self.typical_gap(days)
        if silent > 30 and typical is not None and silent > 2 * typical:
            return "dormant"
        return "declining" if is_declining(known, day) else "active"

    def evidence(self, known: list[Act], seen_at: datetime) -> dict[str, datetime]:
        """When each stage was reached."""
        reached = {"know": seen_at}
        for rule in self.rules:
            if rule["activity"] == "*":
                continue
            moments: dict[date, datetime] = {}
            for act in known:
                if act.name == rule["activity"] and rule["detail"] in ("", act.detail):
                    moments[act.day] = min(act.at, moments.get(act.day, act.at))
            if len(moments) >= int(rule["min_distinct_days"]):
                at = moments[sorted(moments)[int(rule["min_distinct_days"]) - 1]]
                reached[rule["stage"]] = min(at, reached.get(rule["stage"], at))
        return reached

    def rung(self, person: Person) -> str:
        paid = {act.day for act in person.known(self.as_of) if act.is_payment}
        tenure = (self.as_of - min(paid)).days if paid else 0
        reached = [
            (int(row["rung_rank"]), row["rung"])
            for row in seed("loyalty_rungs")
            if len(paid) >= int(row["min_purchase_days"])
            and tenure >= int(row["min_tenure_days"])
            and person.deeds >= int(row["min_deeds"])
        ]
        return max(reached)[1]


TICKET_TIMES = {"opened_at": "opened", "first_replied_at": "replied", "resolved_at": "resolved"}
NAMING = {
    "orders": (("customer_id",), ("ordered_at",)),
    "logins": (("customer_id",), ("logged_in_at",)),
    "surveys": (("customer_id",), ("sent_at", "responded_at")),
    "touches": (("customer_id",), ("touched_at",)),
    "events": (("customer_id",), ("occurred_at",)),
    "tickets": (("customer_id",), ("opened_at",)),
    "referrals": (("referrer_id", "referred_customer_id"), ("referred_at",)),
    "advocacy_acts": (("customer_id",), ("acted_at",)),
    "subscriptions": (("customer_id",), ("started_at",)),
}
"""Of each table: the columns that name customers, and the times at which they do."""


def is_declining(known: list[Act], day: date) -> bool:
    """Usage trend below a half, with 4 login days or more in the 112 days that end today."""
    ages = {(day - act.day).days for act in known if act.name == "login_success"}
    if sum(age < 112 for age in ages) < 4:
        return False
    short = sum(SHORT**age for age in ages) * (1 - SHORT)
    return short / (sum(LONG**age for age in ages) * (1 - LONG)) < 0.5


def breaker_days(known: list[Act]) -> list[date]:
    return sorted({act.day for act in known if act.is_silence_breaker})


def gaps(days: list[date]) -> list[int]:
    return [(after - before).days for before, after in pairwise(days)]


def answered_at(row: dict[str, str]) -> datetime | None:
    """When a survey was answered: when it was sent, if the answer carries no time."""
    if row["responded_at"] or row["score"] or row["answer"]:
        at = row["responded_at"] or row["sent_at"]
        return moment(at) if at else None
    return None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def months_later(at: datetime, months: int) -> datetime:
    """The same day of a later month; the last one where the month is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def month_end(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


@cache
def seed(name: str) -> list[dict[str, str]]:
    return read_rows(SEEDS / f"{name}.csv")
