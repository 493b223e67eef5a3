"""Customers on the boundaries of advocacy, added to a landing folder.

A story is written in days before the as-of date, each at noon: `act 365 review` is a review of 365
days ago. `brought 20 bob` is a referral of the story `bob`, without a name one of nobody. `also
name` gives the customer a second id. Ids are `tale-` and the name.
"""

import csv
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

STORIES = {
    # A deed on both sides of the window; older ones still count in the score.
    "deed-364": "order 700, act 364 review",
    "deed-365": "order 700, act 365 review",
    "deed-366": "order 700, act 366 review",
    "deed-today": "act 0 press",
    "deed-unnamed": "act 9 -",
    "seen-before-any-deed": "order 1200",
    "deeds-of-years": "act 1095 reference, act 730 community_post, act 365 testimonial",
    # NPS and CSAT on both sides of a promoter and of satisfied; the last word counts.
    "nps-9": "order 20, says 9 nps 9",
    "nps-8": "order 20, says 9 nps 8",
    "nps-6": "order 20, says 9 nps 6",
    "nps-7-after-10": "says 30 nps 10, says 9 nps 7",
    "nps-10-after-7": "says 30 nps 7, says 9 nps 10",
    "nps-of-a-rival": "says 30 nps 10, says 9 nps 0 - rival",
    "nps-in-words": "says 30 nps 10, says 9 nps -",
    "csat-4": "order 20, says 9 csat 4",
    "csat-3": "order 20, says 9 csat 3",
    "detractor-but-satisfied": "says 9 nps 3, says 8 csat 5",
    "asked-and-silent": "order 20, sent 9 nps",
    # Loyalty: one payment is none; an own rhythm is kept or broken.
    "once-long-ago": "order 900",
    "once-and-logs-in": "order 90, in 60, in 40, in 20, in 10, in 0",
    "twice-a-day": "order 100, order 100",
    "in-rhythm": "order 120, order 90, order 60, order 30",
    "out-of-rhythm": "order 300, order 270, order 240",
    "two-years": "order 730, order 0",
    "loyal-at-the-limit": "order 365, order 365, order 0, intends 3 0",
    "intends": "order 200, order 100, intends 9 5, intends 3 1",
    "intends-of-a-rival": "order 200, order 100, intends 9 5, intends 3 1 rival",
    "second-refunded": "order 200, order 100 refunded 50",
    "subscriber": "plan 400",
    "subscriber-gone": "plan 400 200",
    # Who has the credit.
    "first-referrer": "order 300, brought 100 wanted",
    "second-referrer": "order 300, brought 90 wanted",
    "wanted": "order 80, order 70",
    "eager": "order 300, brought 100 twice, brought 95 twice, brought 90, brought 80",
    "twice": "order 100",
    "late-referrer": "order 300, brought 50 known-before",
    "known-before": "order 51, order 20",
    "refund-referrer": "order 300, brought 100 refunder, brought 100 rebuyer",
    "refunder": "order 90 refunded 40",
    "rebuyer": "order 90 refunded 40, order 20",
    "partly-referrer": "order 300, brought 100 partly",
    "partly": "order 90 refunded 40 25.00, order 20",
    "plan-referrer": "plan 500, brought 410 planner",
    "planner": "plan 400 20",
    "year-referrer": "order 800, brought 790 year",
    "year": "order 780, order 366, order 365, order 364",
    # Two ids of one person.
    "self-referrer": "order 300, also second-id, brought 100 self-referrer-second-id",
    "honest-after-self": "order 300, brought 50 self-referrer",
    # Chains and rings.
    "chain-1": "order 600, brought 500 chain-2",
    "chain-2": "order 490, brought 400 chain-3, brought 390 chain-4",
    "chain-3": "order 390, brought 300",
    "chain-4": "order 380, brought 200 chain-5",
    "chain-5": "brought 150 chain-1-friend, brought 140 chain-2",
    "chain-1-friend": "order 100",
    "ring-of-2-a": "order 95, brought 100 ring-of-2-b",
    "ring-of-2-b": "order 80, brought 97 ring-of-2-a, brought 20 below-ring",
    "below-ring": "brought 10",
    "ring-of-3-a": "brought 100 ring-of-3-b, order 5",
    "ring-of-3-b": "brought 90 ring-of-3-c",
    "ring-of-3-c": "order 60, brought 80 ring-of-3-a",
    # What to ask, and of whom not.
    "ask-review": "order 20, says 9 nps 10",
    "ask-testimonial": "order 20, says 9 nps 10, act 8 review",
    "ask-referral": "order 20, act 9 review, act 8 testimonial, act 8 press",
    "ask-reference": "order 20, act 9 review, act 8 testimonial, brought 7",
    "ask-case-study": "order 20, act 9 review, act 8 testimonial, brought 7, act 6 reference",
    "all-done": "order 20, act 9 review, act 8 testimonial, brought 7, act 6 reference,"
    " act 5 case_study",
    "ask-lost": "order 400, says 9 nps 10",
    "ask-refused": "order 20, says 9 nps 10, refuses",
    "ask-complains": "order 20, says 9 nps 10, complains 5",
    "ask-complained": "order 20, says 9 nps 10, complains 30 20, order 10",
    "ask-prospect": "says 9 nps 10, in 5",
}

COLUMNS = {
    "orders": "order_id customer_id ordered_at amount refund_amount refunded_at",
    "logins": "login_id customer_id logged_in_at",
    "surveys": "response_id customer_id survey question score scale_min scale_max answer"
    " competitor sent_at responded_at",
    "customers": "customer_id created_at merged_into has_consent",
    "tickets": "ticket_id customer_id opened_at kind resolved_at",
    "referrals": "referral_id referrer_id referred_at referred_customer_id kind",
    "advocacy_acts": "act_id customer_id acted_at act",
    "subscriptions": "subscription_id customer_id started_at monthly_amount ended_at",
}
TABLES = {
    "order": ("orders", "ordered_at"),
    "in": ("logins", "logged_in_at"),
    "says": ("surveys", "responded_at"),
    "sent": ("surveys", "sent_at"),
    "intends": ("surveys", "responded_at"),
    "act": ("advocacy_acts", "acted_at"),
    "brought": ("referrals", "referred_at"),
    "plan": ("subscriptions", "started_at"),
    "complains": ("tickets", "opened_at"),
}
"""Verb -> input and its time."""


def tell(landing: Path, as_of: date) -> None:
    """Adds the rows of the stories to the files of the folder."""
    rows = defaultdict(list)
    for name, story in STORIES.items():
        who = f"tale-{name}"
        for number, phrase in enumerate(story.split(", ")):
            verb, *words = phrase.split()
            if verb in ("also", "refuses"):
                rows["customers"] += accounts(who, verb, words, as_of)
                continue
            table, time = TABLES[verb]
            row = dict.fromkeys(COLUMNS[table].split(), "")
            key = COLUMNS[table].split()[0]
            row |= {key: f"{who}-{number}", time: noon(as_of, words[0])}
            row |= {"referrer_id" if verb == "brought" else "customer_id": who}
            rows[table].append(row | details(as_of, verb, words[1:]))
    for table, added in rows.items():
        append(landing / f"{table}.csv", COLUMNS[table].split(), added)


def accounts(who: str, verb: str, words: list[str], as_of: date) -> list[dict]:
    account = {"customer_id": who, "created_at": noon(as_of, "950")}
    if verb == "refuses":
        return [account | {"has_consent": "false"}]
    second = {"customer_id": f"{who}-{words[0]}", "created_at": noon(as_of, "940")}
    return [account, second | {"merged_into": who}]


def details(as_of: date, verb: str, words: list[str]) -> dict[str, str]:
    """The other columns of a row, from the words after the day; `-` is empty."""
    words = [word if word != "-" else "" for word in words]
    match verb:
        case "order":
            refund = {}
            if words:
                refund = {"refunded_at": noon(as_of, words[1]), "refund_amount": "100.00"}
                refund |= dict(zip(["refund_amount"], words[2:], strict=False))
            return {"amount": "100.00"} | refund
        case "says":
            said = dict(zip(("survey", "score", "answer", "competitor"), words, strict=False))
            return said | ({} if said["score"] else {"answer": "all well"})
        case "sent":
            return {"survey": words[0]}
        case "intends":
            scale = {"survey": "loyalty", "question": "repurchase"}
            scale |= {"scale_min": "0", "scale_max": "5"}
            return scale | dict(zip(("score", "competitor"), words, strict=False))
        case "act":
            return {"act": words[0]}
        case "brought":
            return {"kind": "invite", "referred_customer_id": f"tale-{words[0]}" if words else ""}
        case "plan":
            return {"monthly_amount": "10.00", "ended_at": noon(as_of, *words) if words else ""}
        case "complains":
            return {"kind": "complaint", "resolved_at": noon(as_of, *words) if words else ""}
    return {}


def append(file: Path, columns: list[str], added: list[dict]) -> None:
    """The rows at the end of the file, with the columns of both."""
    rows: list[dict] = []
    if file.exists():
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
    header = list(dict.fromkeys([*(rows[0] if rows else ()), *columns]))
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, *added])


def noon(as_of: date, days_ago: str) -> str:
    return f"{as_of - timedelta(int(days_ago))}T12:00:00Z"
