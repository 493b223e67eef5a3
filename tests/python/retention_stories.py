"""Customers on the boundaries of winning back, warnings and lockouts, added to a landing folder.

A story is written in days before the as-of date, each at noon: `order 300` is an order of 300 days
ago. A customer with one order of 300 days ago was lost 120 days ago.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

STORIES = {
    # Failures in a row: one at the moment of a success is before it.
    "failures-2": "order 40, in 5, fail 5, fail 4, fail 3",
    "failures-3": "order 40, in 5, fail 5, fail 4 sso, fail 3 google, fail 2",
    "failures-then-success": "order 40, fail 6, fail 5, fail 4, in 3",
    "failures-without-success": "fail 6, fail 5, fail 4",
    "failures-of-the-lost": "order 300, in 290, fail 280, fail 279, fail 278",
    "failures-of-a-subscriber": "plan 60, in 50, fail 9, fail 8, fail 7",
    # Complaints: not on their first day, nor once answered or resolved.
    "complaint-today": "order 20, ticket 0 complaint",
    "complaint-yesterday": "order 20, ticket 1 complaint",
    "complaint-answered": "order 20, ticket 9 complaint 8",
    "complaint-resolved": "order 20, ticket 9 complaint - 8",
    "complaint-answered-since": "order 20, ticket 9 complaint -1",
    "complaints-2": "order 20, ticket 7 complaint, ticket 9 complaint, ticket 11 complaint 10",
    "question": "order 20, ticket 9 question",
    "complaint-of-a-prospect": "in 30, ticket 9 complaint",
    # Silence against the own rhythm: over 30 days and over two gaps.
    "silent-30-of-10": "order 60, order 50, order 40, order 30",
    "silent-31-of-10": "order 61, order 51, order 41, order 31",
    "silent-40-of-20": "order 100, order 80, order 60, order 40",
    "silent-41-of-20": "order 101, order 81, order 61, order 41",
    # Won back: after the contact and by its 90th day, by a payment that stands.
    "back-on-day-90": "order 400, asked 150, order 60",
    "back-on-day-91": "order 400, asked 151, order 60",
    "back-at-the-moment": "order 400, asked 150, order 150",
    "back-but-refunded": "order 400, asked 150, order 140 refunded 130",
    "back-by-subscription": "order 400, asked 150, plan 120",
    "back-by-login-only": "order 400, asked 150, in 149",
    "subscribed-all-along": "plan 300, asked 150",
    "back-of-control": "order 400, held 150, order 100",
    "asked-and-held-at-once": "order 400, asked 150, held 150",
    "held-then-asked": "order 400, held 150, asked 140, order 100",
    "asked-again-after-90": "order 400, asked 200, asked 110, order 60",
    "asked-again-after-91": "order 400, asked 200, asked 109, order 60",
    "asked-each-60-days": "order 400, asked 200, asked 140, asked 80",
    "asked-while-active": "order 150, order 140, asked 130, order 120",
    # Asked lately, or on the day of the loss, or before it.
    "asked-89-days-ago": "order 300, asked 89",
    "asked-90-days-ago": "order 300, asked 90",
    "asked-91-days-ago": "order 300, asked 91",
    "asked-on-lost-date": "order 300, asked 120",
    "asked-before-lost-date": "order 300, asked 121",
    "held-lately": "order 300, held 10",
    "written-to-lately": "order 300, letter 10",
    # Why they left: statements of the spell or later, the last one first.
    "exit-tie": "order 300, exit 119 z9 Else? price, exit 119 c3 My*Reason price,"
    " exit 119 b2 - Missing*Feature",
    "exit-last-wins": "order 300, exit 119 p1 - price, exit 100 p2 Else? competitor",
    "exit-before-the-spell": "order 500, exit 315 o1 - price, order 300",
    "exit-on-its-first-day": "order 500, order 300, exit 300 f1 - price",
    "exit-of-no-group": "order 300, exit 110 n1 - The*Weather",
    "exit-with-rival": "order 300, exit 119 r1 - price Acme, exit 118 r2 - price Bolt,"
    " exit 110 r3 - price",
    "exit-over-cancellation": "plan 200 50 price, exit 55 c1 - no*longer*needed",
    "cancelled": "plan 200 50 no_longer_needed",
    "cancelled-with-upgrade-later": "plan 200 60 poor_support, plan 60 50 upgraded",
    "cancelled-by-upgrade-only": "plan 200 50 upgraded",
    "cancelled-of-no-group": "plan 200 50 moved_away",
    "cancelled-before-the-spell": "plan 400 350 price, order 300",
    "cancelled-over-lockout": "plan 200 50 price, fail 60, fail 59, fail 58",
    "lost-on-the-day-it-paid": "plan 50.5 50 price",
}
COLUMNS = {
    "order": ("orders", "order_id", "ordered_at"),
    "in": ("logins", "login_id", "logged_in_at"),
    "fail": ("logins", "login_id", "logged_in_at"),
    "ticket": ("tickets", "ticket_id", "opened_at"),
    "asked": ("touches", "touch_id", "touched_at"),
    "held": ("touches", "touch_id", "touched_at"),
    "letter": ("touches", "touch_id", "touched_at"),
    "exit": ("surveys", "response_id", "responded_at"),
    "plan": ("subscriptions", "subscription_id", "started_at"),
}
"""Word -> input, its id and its time."""


def tell(landing: Path, as_of: date) -> None:
    """Append the stories to the CSV files of the folder."""
    added = defaultdict(list)
    for name, story in STORIES.items():
        for number, sentence in enumerate(story.split(", ")):
            verb, day, *rest = (word.replace("*", " ") for word in sentence.split())
            table, id_column, time_column = COLUMNS[verb]
            row = {"customer_id": f"story-{name}", id_column: f"{name}-{number}"}
            row[time_column] = noon(as_of, day)
            added[table].append(row | dict(details(as_of, verb, rest)))
    for table, rows in added.items():
        with (landing / f"{table}.csv").open(newline="") as file:
            header = next(csv.reader(file))
        with (landing / f"{table}.csv").open("a", newline="") as file:
            csv.DictWriter(file, header, restval="", lineterminator="\n").writerows(rows)


def details(as_of: date, verb: str, rest: list[str]) -> Iterator[tuple[str, str]]:
    """The other columns of a row, from the words after the day."""
    words = iter(word if word != "-" else "" for word in rest)
    match verb:
        case "order":
            yield "amount", "100.00"
            if "refunded" in rest:
                yield from (("refund_amount", "100.00"), ("refunded_at", noon(as_of, rest[1])))
        case "in" | "fail":
            yield "outcome", "success" if verb == "in" else "failure"
            yield "method", next(words, "password")
        case "ticket":
            columns = ("first_replied_at", "resolved_at")
            yield "kind", next(words)
            yield from ((name, noon(as_of, day)) for name, day in zip(columns, words, strict=False))
        case "asked" | "held" | "letter":
            yield "direction", "outbound"
            yield "purpose", "newsletter" if verb == "letter" else "win_back"
            yield "is_control", "true" if verb == "held" else "false"
        case "exit":
            yield "survey", "exit"
            columns = ("response_id", "question", "answer", "competitor")
            yield from zip(columns, words, strict=False)
        case "plan":
            yield "monthly_amount", "10.00"
            columns = ("ended_at", "cancel_reason")
            values = ([noon(as_of, rest[0]), *rest[1:]]) if rest else []
            yield from zip(columns, values, strict=False)


def noon(as_of: date, days_ago: str) -> str:
    """Noon of that day; half a day earlier is midnight of it."""
    if not days_ago:
        return ""
    days = float(days_ago)
    hour = "12:00:00" if days == int(days) else "00:00:00"
    return f"{as_of - timedelta(int(days))}T{hour}Z"
