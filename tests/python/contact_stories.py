"""Random contacts, drawn from the gaps at which their rules change, and a few bare customers."""

import csv
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

AS_OF = date(2024, 6, 30)
GAPS = (1, 6, 7, 8, 14, 30, 31, 60, 89, 90, 91, 92, 180, 181)
DELAYS = (timedelta(0), timedelta(0, 1), timedelta(1), timedelta(30), timedelta(90), timedelta(91))
TIMES = ("00:00:00", "12:00:00", "12:00:00", "23:59:59")
PURPOSES = (
    *("promotion", "promotion", "promotion", "cross_sell", "education", "thank_you", "gift"),
    *("value_review", "follow_up", "newsletter", ""),
)
FEATURES = ("dashboard", "search", "reports", "export")
IMPOSSIBLE = "2021-01-01T00:00:00Z"
"""Before anything happened: whether what ended then has ended is not known."""
BARE, BARE_SEGMENT = ("only_an_order", "only_an_account"), "bare"
COLUMNS = {
    "customers": "customer_id created_at archetype preferred_channel has_consent",
    "orders": "order_id customer_id ordered_at amount refund_amount refunded_at",
    "logins": "login_id customer_id logged_in_at outcome",
    "surveys": "response_id customer_id survey question score answer competitor sent_at"
    " responded_at",
    "touches": "touch_id customer_id touched_at direction channel purpose is_control responded_at"
    " dwell_seconds cost",
    "events": "event_id customer_id occurred_at feature",
    "tickets": "ticket_id customer_id opened_at kind first_replied_at resolved_at",
    "subscriptions": "subscription_id customer_id started_at monthly_amount ended_at",
}


class ContactStories:
    """Rows of all inputs. Some lie after the as-of date, and must not be known on it."""

    def __init__(self, count: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.tables: dict[str, list[dict]] = {table: [] for table in COLUMNS}
        self.next_id: dict[str, int] = defaultdict(int)
        for number in range(count):
            self.who = f"c{number:04d}"
            self._join(self.dice.choice(("a", "b", "")))
            self.dice.choice(
                (
                    *(self._live, self._live, self._leave, self._leave),
                    *(self._fade, self._stay, self._begin, self._subscribe),
                )
            )()
        for self.who in BARE:
            self._join(BARE_SEGMENT, preferred_channel="", has_consent="")
        self.add("orders", customer_id=BARE[0], ordered_at="2024-05-20T10:00:00Z", amount="10")
        self.add("logins", customer_id="c0000", logged_in_at=f"{AS_OF + timedelta(60)}T10:00:00Z")

    def add(self, table: str, **values: str) -> None:
        self.next_id[table] += 1
        key = COLUMNS[table].split()[0]
        row = values if key == "customer_id" else {key: f"{table}{self.next_id[table]}"} | values
        self.tables[table].append(row)

    def mine(self, table: str, **values: str) -> None:
        self.add(table, customer_id=self.who, **values)

    def write(self, folder: Path, without: tuple[str, ...] = ()) -> Path:
        """One CSV file per input; `without` names columns that nobody keeps."""
        folder.mkdir(parents=True)
        for table, rows in self.tables.items():
            names = [name for name in COLUMNS[table].split() if name not in without]
            with (folder / f"{table}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, names, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
        return folder

    def _at(self, day: date) -> datetime:
        return datetime.fromisoformat(f"{day}T{self.dice.choice(TIMES)}").replace(tzinfo=UTC)

    def _join(self, archetype: str, **stated: str) -> None:
        drawn = {
            "preferred_channel": self.dice.choice(("", "email", "phone")),
            "has_consent": self.dice.choice(("", "true", "true", "true", "false")),
        }
        created = "2022-01-01T00:00:00Z"
        self.mine("customers", created_at=created, archetype=archetype, **drawn | stated)

    def _complain(self) -> None:
        """Of some nobody knows whether they were resolved."""
        if self.dice.random() < 0.2:
            opened = text(self._at(AS_OF - timedelta(20)))
            self.mine("tickets", opened_at=opened, kind="complaint", resolved_at=IMPOSSIBLE)

    def _order(self, at: datetime) -> None:
        refund = self.dice.choice(("", "", "", "5.00", "40.00"))
        given_back = text(at + timedelta(self.dice.choice((1, 30, 200)))) if refund else ""
        row = {"amount": "40.00", "refund_amount": refund, "refunded_at": given_back}
        self.mine("orders", ordered_at=text(at), **row)

    def _touch(self, at: datetime, purpose: str, is_withheld: bool) -> None:
        dice = self.dice
        answered = not is_withheld and dice.random() < 0.5
        self.mine(
            "touches",
            touched_at=text(at),
            purpose=purpose,
            direction="" if is_withheld else dice.choice(("", "outbound", "outbound", "inbound")),
            is_control="true" if is_withheld else dice.choice(("", "false")),
            channel=dice.choice(("", "email", "phone", "post", "web")),
            responded_at=text(at + dice.choice(DELAYS)) if answered else "",
            dwell_seconds=dice.choice(("", "10", "11", "20", "21")),
            cost=dice.choice(("", "0.05", "2.60")),
        )

    def _live(self) -> None:
        """Who is contacted again and again, buys now and then, and is asked twice."""
        dice = self.dice
        first = AS_OF - timedelta(dice.randrange(20, 600))
        if dice.random() < 0.8:
            self._order(self._at(first))
        else:
            ended = text(self._at(AS_OF - timedelta(5))) if dice.random() < 0.3 else ""
            row = {"started_at": text(self._at(first)), "monthly_amount": "9.00"}
            self.mine("subscriptions", **row, ended_at=ended)
        self._use(first)
        day = first - timedelta(dice.choice((0, 5)))
        favourites = [dice.choice(PURPOSES) for _ in range(2)]
        while day <= AS_OF + timedelta(40):
            at, is_withheld = self._at(day), dice.random() < 0.3
            self._touch(at, dice.choice(favourites), is_withheld)
            if dice.random() < (0.2 if is_withheld else 0.6):
                self._order(at + dice.choice(DELAYS))
            day += timedelta(dice.choice(GAPS))
        self._ask(first)
        if dice.random() < 0.25:
            opened = self._at(AS_OF - timedelta(dice.randrange(60)))
            end = dice.choice(("", "", text(opened + timedelta(3)), IMPOSSIBLE))
            self.mine("tickets", opened_at=text(opened), kind="complaint", resolved_at=end)

    def _use(self, first: date) -> None:
        """Logins and features, of a part of the customers; some cannot log in at the end."""
        dice = self.dice
        kind = dice.choice(("nothing", "logins", "features"))
        day = first + timedelta(dice.choice((0, 40)))
        # Most of them hardly use it any more at the end.
        fades = AS_OF - timedelta(dice.choice((0, 20, 40)))
        while kind != "nothing" and day <= AS_OF:
            if day <= fades or dice.random() < 0.2:
                self.mine("logins", logged_in_at=text(self._at(day)), outcome="success")
            if kind == "features" and dice.random() < 0.3:
                feature = dice.choice(FEATURES)
                self.mine("events", occurred_at=text(self._at(day)), feature=feature)
            day += timedelta(dice.choice((2, 5, 9)))
        if dice.random() < 0.1:
            for second in range(3):
                at = f"{AS_OF}T23:59:{50 + second}Z"
                self.mine("logins", logged_in_at=at, outcome="failure")

    def _ask(self, first: date) -> None:
        dice = self.dice
        survey, day = dice.choice(("nps", "csat", "follow_up")), first
        while day <= AS_OF + timedelta(20):
            sent = self._at(day)
            row = {"survey": survey, "question": dice.choice(("", "", "why"))}
            if dice.random() < 0.6:
                row["score"] = {"nps": "9", "csat": dice.choice("25")}.get(survey, "")
                row["answer"] = "" if row["score"] else "well"
                row["responded_at"] = text(sent + dice.choice(DELAYS[:3]))
            self.mine("surveys", sent_at=text(sent), **row)
            day += timedelta(dice.choice((30, 88, 89, 90, 91, 92)))

    def _leave(self) -> None:
        """Who bought long ago, was won back or not, and is lost. Asking works."""
        asked = AS_OF - timedelta(self.dice.randrange(300, 500))
        self._order(self._at(asked - timedelta(250)))
        is_withheld = self.dice.random() < 0.4
        at = self._at(asked)
        self._touch(at, "win_back", is_withheld)
        if self.dice.random() < (0.1 if is_withheld else 0.8):
            self._order(at + timedelta(20))
        if self.dice.random() < 0.3:
            again = AS_OF - timedelta(self.dice.choice((89, 90, 91)))
            self._touch(self._at(again), "win_back", self.dice.random() < 0.4)
        self._complain()
        if self.dice.random() < 0.2:
            answered = text(self._at(asked + timedelta(100)))
            told = {"survey": "exit", "answer": self.dice.choice(("price", "no longer needed"))}
            self.mine("surveys", sent_at=answered, responded_at=answered, **told)

    def _fade(self) -> None:
        """Who uses it less and less, and was sent a lesson or an offer since."""
        dice = self.dice
        self._order(self._at(AS_OF - timedelta(400)))
        for age in (*range(60, 400, 2), 46, 32, 18, 4):
            at = text(self._at(AS_OF - timedelta(age)))
            self.mine("logins", logged_in_at=at, outcome="success")
        for _ in range(dice.choice((0, 1, 2))):
            at = self._at(AS_OF - timedelta(dice.choice((13, 14, 15))))
            self._touch(at, dice.choice(("education", "promotion")), dice.random() < 0.2)
        self._complain()

    def _stay(self) -> None:
        """Who is worth much, comes back each week, and was contacted about 90 days ago."""
        for _ in range(self.dice.choice((1, 2, 4, 8))):
            self._order(self._at(AS_OF - timedelta(400)))
        for age in range(0, 400, 7):
            at = text(self._at(AS_OF - timedelta(age)))
            self.mine("logins", logged_in_at=at, outcome="success")
        last = AS_OF - timedelta(self.dice.choice((89, 90, 91)))
        self._touch(self._at(last), "value_review", is_withheld=False)

    def _begin(self) -> None:
        """Who bought first about 30 days ago, and may have heard from us about 30 days later."""
        self._order(self._at(AS_OF - timedelta(self.dice.choice((29, 30, 31)))))
        if self.dice.random() < 0.3:
            at = self._at(AS_OF - timedelta(self.dice.choice((0, 1))))
            self._touch(at, "follow_up", is_withheld=False)

    def _subscribe(self) -> None:
        """Who pays and was sent an offer; whether they use it, nobody knows."""
        begun = self._at(AS_OF - timedelta(100))
        self.mine("subscriptions", started_at=text(begun), monthly_amount="9.00")
        self._touch(begun + timedelta(20), "promotion", is_withheld=False)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
