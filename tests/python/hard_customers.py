"""Customers who live on the boundaries: gaps of 179 to 181 days, refunds, merges, subscriptions.

Random, from a seed, but drawn from the values at which rules change, so that a few hundred of them
meet every rule from both sides; `hard_stories` adds customers whose story is written out. The files
are clean: nothing in them is quarantined.
"""

import csv
import random
import shutil
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hard_stories import tell_stories

FIRST_DAY, LAST_DAY = date(2021, 11, 1), date(2024, 2, 29)
GAPS = (0, 1, 1, 2, 3, 7, 7, 14, 29, 30, 31, 32, 60, 61, 89, 90, 91, 92, 112, 179, 180, 181, 366)
REFUND_DELAYS = (None, 0, 1, 5, 30, 89, 180, 200, 400)
TIMES = ("00:00:00", "09:30:00", "09:30:00", "23:59:59")
PURPOSES = (
    *("newsletter", "seminar", "meeting", "content", "promotion", "welcome", "ad"),
    *("follow_up", "thank_you", "education", "value_review", "win_back", "win_back", "cross_sell"),
)
COSTS = ("", "0", "0.05", "0.05", "2.60", "40.00")
REASONS = ("price", "Too Expensive", "no longer needed", "could not log in", "the colour", "")
CANCEL_REASONS = ("price", "competitor", "no_longer_needed", "upgraded", "unknown", "moved", "")
CSAT_SCALES = (("", "", 6), ("1", "5", 6), ("1", "7", 8), ("0", "100", 101), ("0", "4", 5))
"""Lowest and highest score as landed, and the first score that lies above."""
ATTRIBUTES = {
    "archetype": ("", "regular", "champion", "bargain"),
    "country": ("", "GB", "DE"),
    "entry_source": ("", "ads", "organic", "referral"),
    "entry_campaign": ("", "", "spring"),
    "preferred_channel": ("", "email", "phone"),
    "reseller_id": ("", "", "", "r1", "r2", "r3"),
    "has_consent": ("", "true", "true", "false"),
}
COLUMNS = {
    "orders": "order_id customer_id ordered_at amount status kind refund_amount refunded_at"
    " currency reseller_id",
    "order_items": "order_id line_number product_id quantity unit_price",
    "logins": "login_id customer_id logged_in_at outcome method",
    "surveys": "response_id customer_id survey question score scale_min scale_max answer"
    " competitor sent_at responded_at",
    "customers": "customer_id created_at email merged_into is_test " + " ".join(ATTRIBUTES),
    "touches": "touch_id customer_id touched_at direction channel purpose is_control responded_at"
    " dwell_seconds cost",
    "events": "event_id customer_id occurred_at feature",
    "tickets": "ticket_id customer_id opened_at kind first_replied_at resolved_at",
    "referrals": "referral_id referrer_id referred_at referred_customer_id kind",
    "advocacy_acts": "act_id customer_id acted_at act",
    "subscriptions": "subscription_id customer_id started_at monthly_amount plan trial_ends_at"
    " ended_at cancel_reason",
}
EVENT_TIMES = {
    "orders": "ordered_at",
    "logins": "logged_in_at",
    "surveys": "sent_at",
    "customers": "created_at",
    "touches": "touched_at",
    "events": "occurred_at",
    "tickets": "opened_at",
    "referrals": "referred_at",
    "advocacy_acts": "acted_at",
    "subscriptions": "started_at",
}
LATER_VALUES = {
    "orders": {"refunded_at": ("refund_amount", "status")},
    "surveys": {"responded_at": ("score", "answer", "competitor")},
    "touches": {"responded_at": ()},
    "tickets": {"first_replied_at": (), "resolved_at": ()},
    "subscriptions": {"ended_at": ("cancel_reason",)},
}
"""Of each table: the times of what happened later to a row, and the columns that each filled. The
end of a trial is no such time: it was agreed on the day on which the trial began."""

Tables = dict[str, list[dict[str, str]]]


class HardCustomers:
    """Rows of all inputs for `count` customers."""

    def __init__(self, count: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.tables: Tables = {table: [] for table in COLUMNS}
        self.next_id: dict[str, int] = defaultdict(int)
        self.ids: list[str] = []
        for number in range(count):
            self._live(f"c{number:03d}")
        self._fold(count)
        self._refer(count)
        self._log_in_daily("steady")
        tell_stories(self.add)
        # The last day has a login, so that it is the as-of date.
        self.add("logins", customer_id="c000", logged_in_at=f"{LAST_DAY}T12:00:00Z")

    def add(self, table: str, **values: str) -> None:
        columns = COLUMNS[table].split()
        row = dict.fromkeys(columns, "") | values
        if not row[columns[0]]:
            self.next_id[table] += 1
            row[columns[0]] = f"{table[:2]}{self.next_id[table]:05d}"
        self.tables[table].append(row)

    def _live(self, customer_id: str) -> None:
        dice = self.dice
        day = FIRST_DAY + timedelta(dice.randrange(500))
        if dice.random() < 0.7:
            created = self._at(day - timedelta(dice.choice((0, 0, 1, 40))))
            drawn = {name: dice.choice(values) for name, values in ATTRIBUTES.items()}
            self.add("customers", customer_id=customer_id, created_at=created, **drawn)
        self.ids = [customer_id]
        likings = [dice.choice(ACTIONS) for _ in range(3)]
        for _ in range(dice.randrange(1, 22)):
            if day > LAST_DAY:
                break
            dice.choice(likings)(self, customer_id, day)
            day += timedelta(dice.choice(GAPS))

    def _log_in_daily(self, customer_id: str) -> None:
        """Two years of daily logins, which end on 31 October 2023."""
        self.add("orders", customer_id=customer_id, ordered_at="2021-11-01T08:00:00Z", amount="10")
        for number in range(730):
            self.add(
                "logins",
                customer_id=customer_id,
                logged_in_at=f"{FIRST_DAY + timedelta(number)}T08:00:00Z",
            )

    def _fold(self, count: int) -> None:
        """Second ids: a chain, an id merged into an unknown one, equal emails, test accounts."""
        start = f"{FIRST_DAY - timedelta(60)}T08:00:00Z"
        later = f"{FIRST_DAY - timedelta(50)}T08:00:00Z"
        self.tables["customers"] = [
            row for row in self.tables["customers"] if row["customer_id"] not in FOLDED
        ]
        for customer_id, into in (("c001", "c002"), ("c002", "c003"), ("c004", "unknown")):
            self.add("customers", customer_id=customer_id, created_at=start, merged_into=into)
        for customer_id, at in (("c005", later), ("c006", start)):
            email = " Ann@Example.org" if customer_id == "c005" else "ann@example.org "
            self.add("customers", customer_id=customer_id, created_at=at, email=email)
        self.add("customers", customer_id="c007", created_at=start, is_test="true")
        self.add("customers", customer_id="c008", created_at=later, email="bo@example.org")
        self.add(
            "customers",
            customer_id="c009",
            created_at=start,
            email="BO@example.org",
            merged_into="c010",
        )
        self.add("customers", customer_id="nobody-dated")

    def _refer(self, count: int) -> None:
        dice = self.dice
        for number in range(count // 2):
            referred = f"c{dice.randrange(count):03d}" if number % 5 else ""
            referrer = f"c{dice.randrange(count // 4):03d}"
            if referrer != referred:
                at = self._at(FIRST_DAY + timedelta(dice.randrange(840)))
                self.add(
                    "referrals",
                    referrer_id=referrer,
                    referred_at=at,
                    referred_customer_id=referred,
                    kind=dice.choice(("referral", "invite", "")),
                )
        # Two ids of one person; the second referrer gets the credit that this one cannot have.
        for referrer, at in (("c005", "2021-11-01T00:00:00Z"), ("c000", "2021-11-02T00:00:00Z")):
            self.add("referrals", referrer_id=referrer, referred_at=at, referred_customer_id="c006")

    def _at(self, day: date) -> str:
        return f"{day}T{self.dice.choice(TIMES)}Z"

    def _order(self, who: str, day: date) -> None:
        dice = self.dice
        at, amount = self._at(day), dice.choice(("0", "10.00", "19.99", "100.05"))
        row = {"customer_id": who, "ordered_at": at, "amount": amount}
        row["currency"] = dice.choice(("", "USD", "EUR", "GBP"))
        row["reseller_id"] = dice.choice(("", "", "", "r1", "r2"))
        fate = dice.random()
        if fate < 0.1:
            row["status"] = "cancelled"
        elif fate < 0.4 and amount != "0":
            delay = dice.choice(REFUND_DELAYS)
            row["refund_amount"] = dice.choice((amount, amount, "", "3.33"))
            row["status"] = "paid" if row["refund_amount"] else "refunded"
            if delay is not None:
                given_back = datetime.fromisoformat(at) + timedelta(delay, seconds=delay and 1)
                row["refunded_at"] = given_back.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.add("orders", **row)
        order_id = self.tables["orders"][-1]["order_id"]
        item = {"order_id": order_id, "line_number": "1", "product_id": "p1"}
        self.add("order_items", **item, quantity="1", unit_price=amount)
        if dice.random() < 0.2:
            self._order(who, day)

    def _tried_order(self, who: str, day: date) -> None:
        kind, amount = self.dice.choice(("trial", "sample")), self.dice.choice(("0", "5.00"))
        self.add("orders", customer_id=who, ordered_at=self._at(day), amount=amount, kind=kind)

    def _login(self, who: str, day: date) -> None:
        outcome = self.dice.choice(("success", "success", "success", "", "failure"))
        row = {"customer_id": who, "logged_in_at": self._at(day), "outcome": outcome}
        self.add("logins", **row, method=self.dice.choice(("", "password", "sso")))

    def _fail(self, who: str, day: date) -> None:
        """Locked out at three failures, and not at two."""
        for number in range(self.dice.choice((2, 3, 4))):
            at = f"{day}T20:00:{number:02d}Z"
            row = {"customer_id": who, "logged_in_at": at, "outcome": "failure"}
            self.add("logins", **row, method="password")

    def _logins(self, who: str, day: date) -> None:
        """Day after day, or every other day, so that stopping makes a declining customer."""
        step = self.dice.choice((0, 1, 1, 2, 5))
        for number in range(self.dice.choice((3, 4, 5, 12, 30))):
            self._login(who, min(day + timedelta(number * step), LAST_DAY))

    def _subscribe(self, who: str, day: date) -> None:
        dice = self.dice
        if dice.random() < 0.3:  # renews on the last day of shorter months
            day = date(2023, 1, 31) if day.year < 2023 else date(2023, 8, 31)
        starts = pays_from = datetime.fromisoformat(self._at(day))
        row = {"customer_id": who, "plan": "a", "started_at": text(starts)}
        row["monthly_amount"] = dice.choice(("9.00", "9.00", "20.50", "0"))
        if dice.random() < 0.4:
            pays_from += timedelta(14)
            row["trial_ends_at"] = text(pays_from)
        lasts = dice.choice((None, timedelta(0), timedelta(1), timedelta(31), timedelta(200)))
        if lasts is not None and pays_from + lasts < datetime(2024, 2, 29, tzinfo=UTC):
            row["ended_at"] = text(pays_from + lasts)
            row["cancel_reason"] = dice.choice(CANCEL_REASONS)
            if lasts and dice.random() < 0.3:  # a change of plan is an end and a start
                change = {"customer_id": who, "started_at": row["ended_at"]}
                self.add("subscriptions", **change, monthly_amount="12.00", plan="b")
        self.add("subscriptions", **row)

    def _touch(self, who: str, day: date) -> None:
        dice = self.dice
        at = self._at(day)
        row = {"customer_id": who, "touched_at": at, "purpose": dice.choice(PURPOSES)}
        row["direction"] = dice.choice(("outbound", "inbound", ""))
        row["is_control"] = dice.choice(("", "false", "true"))
        row["cost"] = dice.choice(COSTS)
        if row["is_control"] != "true" and dice.random() < 0.4:
            row["responded_at"] = text(datetime.fromisoformat(at) + timedelta(dice.choice((0, 3))))
        if row["purpose"] == "content":
            row["dwell_seconds"] = dice.choice(("", "0", "25"))
        self.add("touches", **row)

    def _speak(self, who: str, day: date) -> None:
        at, survey = self._at(day), {"customer_id": who, "survey": "nps"}
        if self.dice.random() < 0.5:
            answered = text(datetime.fromisoformat(at) + timedelta(self.dice.choice((0, 2))))
            if answered[:10] <= str(LAST_DAY):
                survey |= {"score": "9", "responded_at": answered}
        self.add("surveys", **survey, sent_at=at)
        if self.dice.random() < 0.3:
            self.add("advocacy_acts", customer_id=who, acted_at=at, act="review")

    def _rate(self, who: str, day: date) -> None:
        """Satisfaction on several scales, some in words only; never two answers at one moment."""
        low, high, above = self.dice.choice(CSAT_SCALES)
        self.next_id["answers"] += 1
        minutes, seconds = divmod(self.next_id["answers"] % 3600, 60)
        answer = {"scale_min": low, "scale_max": high, "answer": self.dice.choice(("", "fine"))}
        if not answer["answer"] or self.dice.random() < 0.7:
            answer["score"] = str(self.dice.randrange(int(low or 1), above))
        at = f"{day}T14:{minutes:02d}:{seconds:02d}Z"
        times = {"sent_at": f"{day}T00:00:00Z", "responded_at": at}
        if self.dice.random() < 0.2:  # the answer carries no time
            times = {"sent_at": at}
        self.add("surveys", customer_id=who, survey="csat", **answer, **times)

    def _leave(self, who: str, day: date) -> None:
        """An exit survey, with two questions as often as not, or nothing said."""
        row = {"customer_id": who, "survey": "exit", "sent_at": self._at(day)}
        for question in self.dice.choice((("main_reason",), ("", "reason"), ("anything_else",))):
            said = {"answer": self.dice.choice(REASONS), "responded_at": row["sent_at"]}
            said["competitor"] = self.dice.choice(("", "acme", "bell"))
            self.add("surveys", **row, question=question, **said)

    def _work(self, who: str, day: date) -> None:
        at = self._at(day)
        self.add("events", customer_id=who, occurred_at=at, feature="search")
        row = {"customer_id": who, "opened_at": at}
        row["kind"] = self.dice.choice(("bug", "question", "complaint", "complaint", ""))
        for time in ("first_replied_at", "resolved_at"):
            later = text(datetime.fromisoformat(at) + timedelta(self.dice.choice((0, 1, 2, 40))))
            if self.dice.random() < 0.7 and later[:10] <= str(LAST_DAY):
                row[time] = later
        self.add("tickets", **row)


FOLDED = {f"c{number:03d}" for number in range(1, 11)}
ACTIONS = (
    HardCustomers._order,
    HardCustomers._order,
    HardCustomers._login,
    HardCustomers._logins,
    HardCustomers._logins,
    HardCustomers._subscribe,
    HardCustomers._tried_order,
    HardCustomers._touch,
    HardCustomers._speak,
    HardCustomers._rate,
    HardCustomers._leave,
    HardCustomers._fail,
    HardCustomers._work,
    HardCustomers._work,
)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(tables: Tables, folder: Path) -> Path:
    """One CSV file per input."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[table].split())
            writer.writeheader()
            writer.writerows(rows)
    return folder


def cut(tables: Tables, last_day: date) -> Tables:
    """The inputs as they were at the end of a past day. Who is who (merges) is not history."""
    orders = {row["order_id"] for row in tables["orders"] if happened(row["ordered_at"], last_day)}
    kept: Tables = {}
    for table, rows in tables.items():
        if table == "order_items":
            kept[table] = [row for row in rows if row["order_id"] in orders]
            continue
        kept[table] = [dict(row) for row in rows if happened(row[EVENT_TIMES[table]], last_day)]
        for later, filled in LATER_VALUES.get(table, {}).items():
            for row in kept[table]:
                if row[later] and not happened(row[later], last_day):
                    row.update(dict.fromkeys((later, *filled), ""))
    return kept


def happened(at: str, last_day: date) -> bool:
    return at[:10] <= str(last_day)
