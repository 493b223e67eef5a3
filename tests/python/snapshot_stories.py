"""Customers on the boundaries of cut-off dates, each story told in days from one of them.

`order -10 full 45` is an order of ten days before the cut-off that is refunded in full 45 days
after it. Each story is told once for each cut-off number, by customers of their own. An act is at
noon, with `.5` after the day at 18:00, with `.2` at 06:00; a slash gives an id.
"""

import csv
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

NUMBERS = (0, 1, 3, 4, 13)
"""Of the cut-offs: today, a window not over, one that ends today, one over, a year that is over."""
STORIES = {
    # Orders and what was given back of them.
    "full-between-cutoffs": "order -10 full 45",
    "full-between-after-another": "order -50, order -10 full 45, order 100",
    "full-on-the-cutoff": "order -30, order -10 full 0",
    "full-a-day-later": "order -30, order -10 full 1",
    "full-on-its-day": "order -20 full -20.5",
    "full-on-its-day-beside-a-login": "order -20 full -20.5, in -40",
    "full-on-the-cutoff-day-itself": "order 0 full 0.5, in -9",
    "full-at-its-moment": "order -20 full -20, in -40",
    "part-after-the-cutoff": "order -30, order -10 part 5",
    "part-on-the-cutoff": "order -30, order -10 part 0",
    "part-at-the-end-of-90": "in -1, order 30 part 90, order 31 part 91",
    "part-at-the-end-of-365": "in -1, order 30 part 365, order 31 part 366",
    "full-at-the-end-of-90": "in -1, order 30 full 90, order 40 full 91",
    "full-at-the-end-of-365": "in -1, order 30 full 365, order 40 full 366",
    "full-known-at-365-only": "order -100, order 30 full 120",
    "bought-and-gave-back-in-the-window": "in -1, order 30 full 60",
    "first-order-given-back": "order -200 full -100, order -150, order -90 part -80",
    "all-given-back-then-bought": "order -200 full -100, order -60 full -50, order 20",
    "part-of-a-repeat": "order -100, order -60 part -30, order -20 part 20",
    "cancelled": "in -100, order -20 cancelled, order 20 cancelled",
    "sample": "in -100, order -20 sample, order 20 sample",
    "two-on-one-day": "order -10.2, order -10, order -10.5, order 3.2, order 3.5",
    "one-of-two-given-back": "order -10.2 full 5, order -10, order 3 full 80, order 3.5",
    # Windows.
    "order-on-the-cutoff": "order 0",
    "order-a-day-later": "in -10, order 1",
    "order-on-90": "order -300, order 90",
    "order-on-91": "order -300, order 91",
    "order-on-365": "order -300, order 365",
    "order-on-366": "order -300, order 366",
    "login-on-90": "order -300, in 90",
    "login-on-91": "order -300, in 91",
    "orders-89": "order -500, order -365, order -364, order -90, order -89",
    "logins-89": "in -90, in -89.2, in -89.5, in 0, use -90, use -89, use -3, use 1",
    "uses-only": "use -5, ticket -4 bug, answer -3 nps 9",
    # Silence.
    "silent-179": "order -179",
    "silent-180": "order -180",
    "login-180": "in -180",
    "silent-and-back": "order -400, order -200, order 0",
    "own-rhythm": "order -100, order -90, order -80, order -50",
    "fading": "in -60, in -59, in -58, in -57, in -56, in -55, in -20",
    # Failures.
    "only-a-failure": "fail -3",
    "failure-at-the-success": "in -5, fail -5, fail -4, fail -3",
    "failure-on-the-day-before-the-success": "fail -5.2, in -5, fail -5.5",
    "failures-then-success-later": "order -9, fail -5, fail -4, in 1, fail 2",
    "success-on-the-cutoff": "fail -5, fail -4, in 0, fail 0.5",
    "failures-of-who-never-got-in": "order -9, fail -300, fail -4, fail 1",
    # Tickets.
    "resolved-on-the-cutoff": "in -9, ticket -5 complaint 0",
    "resolved-a-day-later": "in -9, ticket -5 complaint 1",
    "never-resolved": "in -9, ticket -5 complaint, ticket -4 question, ticket -3",
    "tickets-180": "in -300, ticket -180 complaint, ticket -179 complaint, ticket 0 complaint",
    "ticket-a-day-later": "in -9, ticket 1 complaint",
    "resolved-the-same-day": "in -9, ticket 0 bug 0.5, ticket -1 complaint -1",
    # Answers.
    "tied-answers": "in -9, answer 0/b nps 0, answer 0/c csat 5, answer 0/a ces 1",
    "tied-answers-ids-as-text": "in -9, answer 0/9 nps 0, answer 0/10 nps 10",
    "answer-a-day-later": "in -9, answer -3 nps 3, answer 1 nps 9",
    "words-after-a-score": "in -9, answer -3 csat 2, answer -2 csat -",
    "words-only": "in -9, answer -2 nps -",
    "other-surveys": "in -9, answer -3 nps 7, answer -2 exit -, answer -2 loyalty 1",
    "lowest-score": "in -9, answer -5 nps 0",
    "ces": "in -9, answer -5 ces 4",
    # Products.
    "bought-and-returned": "order -30 full -5 p1, order -20 paid 0 p2",
    "returned-later": "order -30 full 5 p1, order -20 paid 0 p2 p3 p2",
    "same-product-twice": "order -30 paid 0 p1, order -20 paid 0 p1 p2",
    "bought-later": "order -30 paid 0 p1, order 1 paid 0 p2",
    # Subscriptions.
    "only-a-subscription": "plan -200",
    "plan-from-the-cutoff": "plan 0",
    "plan-a-day-later": "in -20, plan 1",
    "plan-ends-on-the-cutoff": "plan -200 0",
    "plan-ends-a-day-later": "plan -200 1",
    "plan-ends-on-90": "plan -200 90",
    "plan-ends-on-91": "plan -200 91",
    "plan-ends-and-restarts": "plan -200 20, plan 60",
    "plan-ends-and-restarts-on-90": "plan -200 20, plan 90",
    "plan-ends-and-restarts-on-91": "plan -200 20, plan 91",
    "plan-ends-before-and-restarts": "plan -200 -20, plan 60",
    "plan-starts-on-90": "in -100, plan 90",
    "plan-starts-on-91": "in -100, plan 91",
    "plan-changes": "plan -200 -20, plan -20 30, plan 30",
    "plan-changes-on-the-cutoff": "plan -200 0, plan 0",
    "plan-starts-and-ends-within": "in -100, plan 10 50",
    "two-plans": "plan -200 10, plan -100",
    "trial-that-pays-on-the-cutoff": "plan -14 - 0",
    "trial-that-pays-later": "plan -13 - 1, in -30",
    "trial-that-never-paid": "plan -14 -5 0, in -30",
    "ended-then-active": "plan -200 -20, in -5",
    "ended-at-the-login": "plan -200 -20, in -20",
    "ended-after-the-login": "plan -200 -20.5, in -20",
    "plan-of-a-silent-one": "plan -400, order -390",
    "plan-active-after-the-end": "plan -200 20, order 50",
    "free-plan": "in -20, plan -200 - - 0",
}
HEADERS = {
    "orders": "order_id customer_id ordered_at amount status kind refund_amount refunded_at",
    "order_items": "order_id line_number product_id quantity unit_price returned_quantity",
    "logins": "login_id customer_id logged_in_at outcome",
    "surveys": "response_id customer_id survey score answer sent_at responded_at",
    "customers": "customer_id created_at email merged_into is_test",
    "events": "event_id customer_id occurred_at feature",
    "tickets": "ticket_id customer_id opened_at kind resolved_at",
    "subscriptions": "subscription_id customer_id started_at monthly_amount trial_ends_at ended_at",
}
HOURS = {"": "12", "5": "18", "2": "06"}


class Teller:
    """Rows of the stories, by input."""

    def __init__(self, as_of: date) -> None:
        self.as_of = as_of
        self.rows: dict[str, list[dict[str, str]]] = defaultdict(list)
        for number in NUMBERS:
            cutoff = as_of - timedelta(30 * number)
            for name, story in STORIES.items():
                self.tell(f"{number}-{name}", story, cutoff)
            self.fold(number, cutoff)

    def fold(self, number: int, cutoff: date) -> None:
        """Two ids of one person, one of them with the only order; a test account."""
        kept, folded, test = (f"{number}-{name}" for name in ("kept", "folded", "test"))
        for customer_id, merged_into, is_test in (
            (kept, "", "false"),
            (folded, kept, "false"),
            (test, "", "true"),
        ):
            self.add("customers", customer_id, created_at=at(cutoff, "-400"), email="")
            self.rows["customers"][-1] |= {"merged_into": merged_into, "is_test": is_test}
        self.tell(kept, "in -30, fail -2, in 40", cutoff)
        self.tell(folded, "order -20 paid 0 p1, in -3, order 50, ticket -1 complaint", cutoff)
        self.tell(test, "order -20, in -3, plan -100", cutoff)

    def tell(self, who: str, story: str, cutoff: date) -> None:
        for verb, when, *rest in (sentence.split() for sentence in story.split(", ")):
            day, _, suffix = when.partition("/")
            VERBS[verb](self, who, at(cutoff, day), rest, cutoff, suffix)

    def add(self, table: str, who: str, key: str = "", **values: str) -> str:
        columns = HEADERS[table].split()
        key = f"{who}-{key or len(self.rows[table])}"
        self.rows[table].append({columns[0]: key} | {"customer_id": who} | values)
        return key

    def order(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        fate, day, *products = rest + ["paid", "0"][len(rest) :]
        row = {"ordered_at": when, "amount": "40.10", "kind": "standard", "status": "paid"}
        if fate in ("full", "part"):
            row["refund_amount"] = "40.10" if fate == "full" else "15.05"
            row["refunded_at"] = at(cutoff, day)
        if fate == "cancelled":
            row["status"] = fate
        if fate == "sample":
            row["kind"] = fate
        order_id = self.add("orders", who, key, **row)
        for number, product in enumerate(products):
            item = {"order_id": order_id, "line_number": str(number), "product_id": product}
            item |= {"quantity": "3", "unit_price": "9.00", "returned_quantity": str(number)}
            self.rows["order_items"].append(item)

    def succeed(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        self.add("logins", who, key, logged_in_at=when, outcome="success")

    def fail(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        self.add("logins", who, key, logged_in_at=when, outcome="failure")

    def use(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        self.add("events", who, key, occurred_at=when, feature="search")

    def ticket(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        kind, *resolved = rest or [""]
        times = {"opened_at": when, "resolved_at": at(cutoff, *resolved) if resolved else ""}
        self.add("tickets", who, key, kind=kind, **times)

    def answer(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        survey, score = rest
        said = {"answer": "words"} if score == "-" else {"score": score}
        self.add("surveys", who, key, survey=survey, sent_at=when, responded_at=when, **said)

    def plan(self, who: str, when: str, rest: list[str], cutoff: date, key: str) -> None:
        """`plan`: first day, last day, end of the trial, amount; a dash leaves one out."""
        ended, trial, amount = rest + ["-", "-", "9.00"][len(rest) :]
        row = {"started_at": when, "monthly_amount": amount}
        for column, day in (("ended_at", ended), ("trial_ends_at", trial)):
            row[column] = "" if day == "-" else at(cutoff, day)
        self.add("subscriptions", who, key, **row)


VERBS = {
    "order": Teller.order,
    "in": Teller.succeed,
    "fail": Teller.fail,
    "use": Teller.use,
    "ticket": Teller.ticket,
    "answer": Teller.answer,
    "plan": Teller.plan,
}


def at(cutoff: date, day: str) -> str:
    """The moment of a day that is counted from the cut-off."""
    whole, _, part = day.partition(".")
    return f"{cutoff + timedelta(int(whole))}T{HOURS[part]}:00:00Z"


def write(as_of: date, folder: Path) -> Path:
    """One CSV file per input, with the rows that lie after the as-of date."""
    folder.mkdir(parents=True)
    rows = Teller(as_of).rows
    for table, header in HEADERS.items():
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, header.split(), restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows[table])
    return folder
