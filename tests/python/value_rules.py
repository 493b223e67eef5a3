"""A small landing folder with one row for each value rule of all twelve inputs.

Each case is (rule, columns of the row, verdict); the verdict is `accepted`, `duplicate` or the
reason code of a quarantined row. Columns left out are blank.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

ACCEPTED, DUPLICATE = "accepted", "duplicate"
Row = dict[str, str]

DEFAULTS: dict[str, Row] = {
    "orders": {"customer_id": "anna", "ordered_at": "2024-01-05T10:00:00", "amount": "10.00"},
    "order_items": {
        "order_id": "good",
        "product_id": "cup",
        "quantity": "1",
        "unit_price": "2.00",
    },
    "products": {"name": "Cup"},
    "logins": {"customer_id": "anna", "logged_in_at": "2024-01-05T10:00:00"},
    "surveys": {"customer_id": "anna", "survey": "nps", "sent_at": "2024-01-05T10:00:00"},
    "customers": {},
    "touches": {"customer_id": "anna", "touched_at": "2024-01-05T10:00:00"},
    "events": {
        "customer_id": "anna",
        "occurred_at": "2024-01-05T10:00:00",
        "feature": "report",
    },
    "tickets": {"customer_id": "anna", "opened_at": "2024-01-05T10:00:00"},
    "referrals": {"referrer_id": "anna", "referred_at": "2024-01-05T10:00:00"},
    "advocacy_acts": {"customer_id": "anna", "acted_at": "2024-01-05T10:00:00"},
    "subscriptions": {
        "customer_id": "sam",
        "started_at": "2024-01-05T10:00:00",
        "monthly_amount": "9.90",
    },
}
KEYS = {
    "orders": "order_id",
    "order_items": "line_number",
    "products": "product_id",
    "logins": "login_id",
    "surveys": "response_id",
    "customers": "customer_id",
    "touches": "touch_id",
    "events": "event_id",
    "tickets": "ticket_id",
    "referrals": "referral_id",
    "advocacy_acts": "act_id",
    "subscriptions": "subscription_id",
}

CASES: dict[str, list[tuple[str, Row, str]]] = {
    "orders": [
        ("a good row", {"order_id": "good"}, ACCEPTED),
        ("line break in a field", {"channel": 'one\ntwo "quoted", three'}, ACCEPTED),
        ("blank id", {"order_id": "  "}, "missing_id"),
        ("NULL as an id", {"order_id": "NULL"}, "missing_id"),
        ("None as the customer", {"customer_id": "None"}, "missing_id"),
        ("id 1e3", {"order_id": "1e3"}, ACCEPTED),
        ("id 1000", {"order_id": "1000"}, ACCEPTED),
        ("31 February", {"ordered_at": "2024-02-31"}, "bad_time"),
        ("epoch seconds", {"ordered_at": "1704445200"}, "bad_time"),
        ("year 9999", {"ordered_at": "9999-12-31"}, "implausible_time"),
        ("amount NaN", {"amount": "NaN"}, "bad_number"),
        ("decimal comma", {"amount": "1.234,56"}, "bad_number"),
        ("currency sign", {"amount": "$12.00"}, "bad_number"),
        ("17 digits", {"amount": "12345678901234567"}, "out_of_range"),
        ("negative amount", {"amount": "-5.00"}, "negative_amount"),
        ("zero amount", {"amount": "0"}, ACCEPTED),
        ("third decimal", {"amount": "1.005"}, ACCEPTED),
        ("refund above the amount", {"refund_amount": "10.01"}, "refund_exceeds_amount"),
        ("delivered before ordered", {"delivered_at": "2024-01-04"}, ACCEPTED),
        ("unknown currency", {"currency": "XXX"}, "unknown_currency"),
        ("euros", {"currency": "EUR"}, ACCEPTED),
        ("day without a rate", {"currency": "EUR", "ordered_at": "1999-01-05"}, "unknown_currency"),
        ("unknown status", {"status": "shipped"}, "unknown_value"),
        ("copy", {"order_id": "copied"}, ACCEPTED),
        ("copy of it", {"order_id": "copied"}, DUPLICATE),
        ("older version", {"order_id": "versions"}, DUPLICATE),
        ("newer version", {"order_id": "versions", "delivered_at": "2024-01-07"}, ACCEPTED),
        ("conflict", {"order_id": "conflict"}, "conflicting_id"),
        ("conflicting", {"order_id": "conflict", "amount": "11.00"}, "conflicting_id"),
        ("zero-width space in an id", {"order_id": "or\u200bder"}, ACCEPTED),
        ("formula", {"channel": "=cmd()|' /C calc'!A0"}, ACCEPTED),
        ("template", {"channel": "{{ target.password }}"}, ACCEPTED),
        (
            "markup set aside",
            {"channel": "<script>alert(1)</script>", "kind": "x"},
            "unknown_value",
        ),
        ("SQL as an id", {"order_id": "'); drop table raw.orders; --"}, ACCEPTED),
        ("customer never seen", {"customer_id": "never in customers"}, ACCEPTED),
        ("order of the merged id", {"customer_id": "maria-old"}, ACCEPTED),
        ("order of the next id", {"customer_id": "maria-mid"}, ACCEPTED),
        ("order of a test customer", {"customer_id": "tester"}, ACCEPTED),
        ("order of the plain address", {"customer_id": "ben-1"}, ACCEPTED),
        ("order of the spaced address", {"customer_id": "ben-2"}, ACCEPTED),
        ("order of the plus address", {"customer_id": "ben-plus"}, ACCEPTED),
    ],
    "order_items": [
        ("a good row", {}, ACCEPTED),
        ("half of one", {"quantity": "0.5"}, ACCEPTED),
        ("quantity 0", {"quantity": "0"}, "bad_quantity"),
        ("quantity -1", {"quantity": "-1"}, "bad_quantity"),
        ("quantity as text", {"quantity": "two"}, "bad_number"),
        ("unknown order", {"order_id": "nowhere"}, "orphan_item"),
        ("order set aside", {"order_id": "conflict"}, "orphan_item"),
    ],
    "products": [
        ("a good row", {"product_id": "cup"}, ACCEPTED),
        ("a copy of it", {"product_id": "cup"}, DUPLICATE),
        ("conflict", {"product_id": "mug"}, "conflicting_id"),
        ("conflicting", {"product_id": "mug", "name": "Mug"}, "conflicting_id"),
    ],
    "logins": [
        ("a good row", {}, ACCEPTED),
        ("nan as an id", {"login_id": "nan"}, "missing_id"),
        ("hour 25", {"logged_in_at": "2024-01-05T25:00:00"}, "bad_time"),
        ("epoch milliseconds", {"logged_in_at": "1704445200000"}, "bad_time"),
        ("before 1970", {"logged_in_at": "1969-12-31"}, "implausible_time"),
        ("unknown outcome", {"outcome": "maybe"}, "unknown_value"),
        ("year 2099", {"logged_in_at": "2099-01-05T10:00:00Z"}, "in_the_future"),
        ("login of a test customer", {"customer_id": "tester"}, ACCEPTED),
        ("last day", {"logged_in_at": "2024-03-01"}, ACCEPTED),
    ],
    "surveys": [
        ("NPS 10", {"score": "10"}, ACCEPTED),
        ("NPS 11", {"score": "11"}, "score_out_of_scale"),
        ("NPS -1", {"score": "-1"}, "score_out_of_scale"),
        ("CSAT 6 of 5", {"survey": "csat", "score": "6"}, "score_out_of_scale"),
        ("CSAT 6 of 7", {"survey": "csat", "score": "6", "scale_max": "7"}, ACCEPTED),
        ("CES 8", {"survey": "ces", "score": "8"}, "score_out_of_scale"),
        ("score as text", {"score": "ten"}, "score_out_of_scale"),
        ("unknown survey", {"survey": "promoter"}, "unknown_value"),
        ("answered before sent", {"score": "9", "responded_at": "2024-01-04"}, ACCEPTED),
    ],
    "customers": [
        ("a good row", {"customer_id": "anna", "email": "anna@shop.example"}, ACCEPTED),
        ("merged", {"customer_id": "maria-old", "merged_into": "maria-mid"}, ACCEPTED),
        ("merged again", {"customer_id": "maria-mid", "merged_into": "maria"}, ACCEPTED),
        ("merged into an unknown id", {"customer_id": "moved", "merged_into": "target"}, ACCEPTED),
        ("merged into itself", {"customer_id": "self", "merged_into": "self"}, "merge_cycle"),
        ("cycle", {"customer_id": "loop-1", "merged_into": "loop-2"}, "merge_cycle"),
        ("cycle back", {"customer_id": "loop-2", "merged_into": "loop-1"}, "merge_cycle"),
        ("into the cycle", {"customer_id": "to-loop", "merged_into": "loop-1"}, ACCEPTED),
        ("test account", {"customer_id": "tester", "is_test": "true"}, ACCEPTED),
        ("internal address", {"customer_id": "intern", "email": "I@corp.example"}, ACCEPTED),
        ("plain address", {"customer_id": "ben-1", "email": "ben@shop.example"}, ACCEPTED),
        ("spaced address", {"customer_id": "ben-2", "email": " BEN@Shop.example "}, ACCEPTED),
        ("plus address", {"customer_id": "ben-plus", "email": "ben+x@shop.example"}, ACCEPTED),
        ("dotted address", {"customer_id": "ben-dot", "email": "b.en@shop.example"}, ACCEPTED),
        ("consent as text", {"customer_id": "x", "has_consent": "perhaps"}, "unknown_value"),
        ("blank id", {"customer_id": ""}, "missing_id"),
    ],
    "touches": [
        ("a good row", {"cost": "0.25"}, ACCEPTED),
        ("unknown direction", {"direction": "sideways"}, "unknown_value"),
        ("unknown purpose", {"purpose": "spam", "cost": "3.00"}, "unknown_value"),
        ("cost Infinity", {"cost": "Infinity"}, "bad_number"),
        ("answered before", {"responded_at": "2024-01-04"}, ACCEPTED),
        ("after the as-of date", {"touched_at": "2024-03-02"}, ACCEPTED),
        ("year 2098", {"touched_at": "2098-01-05T01:00:00+02:00"}, "in_the_future"),
    ],
    "events": [
        ("a good row", {}, ACCEPTED),
        ("negative quantity", {"quantity": "-2"}, "bad_quantity"),
        ("text for time", {"occurred_at": "yesterday"}, "bad_time"),
    ],
    "tickets": [
        ("a good row", {}, ACCEPTED),
        ("unknown kind", {"kind": "praise"}, "unknown_value"),
        ("satisfaction 6", {"satisfaction": "6"}, "score_out_of_scale"),
        ("replied before", {"first_replied_at": "2024-01-04"}, ACCEPTED),
    ],
    "referrals": [
        ("a good row", {"referred_customer_id": "ben-1"}, ACCEPTED),
        ("oneself", {"referred_customer_id": "anna"}, "self_referral"),
        ("unknown kind", {"kind": "hint"}, "unknown_value"),
    ],
    "advocacy_acts": [
        ("a good row", {"act": "review"}, ACCEPTED),
        ("unknown act", {"act": "rant"}, "unknown_value"),
    ],
    "subscriptions": [
        ("a good row", {}, ACCEPTED),
        ("ends before it starts", {"ended_at": "2024-01-04"}, "ends_before_start"),
        ("ends on its day", {"ended_at": "2024-01-05"}, ACCEPTED),
        ("price with underscore", {"monthly_amount": "1_000"}, "bad_number"),
    ],
}


@dataclass(frozen=True)
class Case:
    """One landed row, where it stands, and what must become of it."""

    input: str
    rule: str
    verdict: str
    line: int
    row: Row

    @property
    def file(self) -> str:
        return f"{self.input}.csv"

    def __str__(self) -> str:
        return f"{self.input}, {self.rule}"


def _cases(name: str) -> list[Case]:
    """The rows of one input with the line on which each starts."""
    cases, line = [], 2
    for number, (rule, columns, verdict) in enumerate(CASES[name], 1):
        row = {KEYS[name]: f"{name}-{number}"} | DEFAULTS[name] | columns
        cases.append(Case(name, rule, verdict, line, row))
        line += 1 + sum(value.count("\n") for value in row.values())
    return cases


ALL_CASES = [case for name in CASES for case in _cases(name)]
# Two lines of tickets.csv that are no rows, behind its last row.
REPEATED_HEADER_LINE = len(CASES["tickets"]) + 2
MALFORMED_LINE = REPEATED_HEADER_LINE + 1
MALFORMED = "t-broken,anna,2024-01-05,bug,one,field,too,many,and,more,and,more"


def write_landing(folder: Path) -> None:
    """Write the files of all cases."""
    folder.mkdir(parents=True)
    for name in CASES:
        cases = [case for case in ALL_CASES if case.input == name]
        header = list(dict.fromkeys(column for case in cases for column in case.row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(case.row for case in cases)
        if name == "tickets":
            text.write(",".join(header) + "\n" + MALFORMED + "\n")
        (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
