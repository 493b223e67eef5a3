"""Dirty rows as real feeds have them, each kind with the answer that it must get.

Dirt is only ever added: a clean row is never changed, and a row that must be quarantined has an id
of its own, so the clean rows are accepted whatever else is in the file.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from evergreen.demo import vocabulary as v
from evergreen.demo.write import run

Value = str | None | tuple[str, ...] | Callable[[pd.DataFrame], pd.Series]
Changes = dict[str, Value]

ACCEPTED, DUPLICATE = "accepted", "duplicate"

BAD_TIMES = ("2024-02-31T10:00:00Z", "2024-05-05T25:00:00Z", "yesterday", "1719830000")
IMPLAUSIBLE_TIMES = ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1900-01-01T00:00:00Z")
NULL_WORDS = ("NULL", "None", "nan")
EARLIER = "2019-05-05T00:00:00Z"
FORMULA = "=cmd()|' /C calc'!A0"
SCRIPT = "<script>alert(1)</script>"
SQL = "'; drop table orders; --"

ID_COLUMN = {table: columns[0][0] for table, columns in v.TABLES.items()}
LINE_KINDS = ("too_many_fields", "too_few_fields", "repeated_header")
LINE_TABLES = ("orders", "logins", "surveys", "touches")


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of dirt in one table: what is set, and what must become of the row.

    `changes` is applied to a copy of a clean row under a new id. `second`, if given, is applied to
    the changed copy to make another row. `answer` is accepted, duplicate or a reason code.
    """

    table: str
    name: str
    answer: str
    changes: Changes | None = None
    second: Changes | None = None

    @property
    def rows(self) -> int:
        """Rows per planting."""
        return 1 if self.second is None else 2


def _padded(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: "  " + rows[column] + " "


def _suffixed(column: str, suffix: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows[column] + suffix


def _common(table: str, owner: str, time: str, conflict: Changes) -> list[Kind]:
    """Kinds that every table of dated rows has."""
    return [
        Kind(table, "exact_duplicate", DUPLICATE),
        Kind(table, "missing_id", "missing_id", {owner: None}),
        Kind(table, "bad_time", "bad_time", {time: BAD_TIMES}),
        Kind(table, "conflicting_id", "conflicting_id", {}, conflict),
        Kind(table, "null_word_id", "missing_id", {owner: NULL_WORDS}),
        Kind(table, "implausible_time", "implausible_time", {time: IMPLAUSIBLE_TIMES}),
        Kind(table, "padded_id", ACCEPTED, {owner: _padded(owner)}),
    ]


_PLAIN: Changes = {
    "status": "fulfilled",
    "kind": "standard",
    "refund_amount": None,
    "refunded_at": None,
    "cost": None,
}
_NPS: Changes = {
    "survey": "nps",
    "question": None,
    "score": "9",
    "scale_min": "0",
    "scale_max": "10",
    "competitor": None,
}
_CSAT: Changes = _NPS | {"survey": "csat", "score": "5", "scale_min": "1", "scale_max": "5"}
_PERSON: Changes = {"email": None, "merged_into": None, "is_test": "false"}


def _orders() -> list[Kind]:
    def kind(name: str, answer: str, **changes: Value) -> Kind:
        return Kind("orders", name, answer, _PLAIN | changes)

    return [
        *_common("orders", "customer_id", "ordered_at", {"amount": "77.77", "cost": None}),
        kind("nan_amount", "bad_number", amount=("NaN", "Infinity", "1e400", "abc")),
        kind("decimal_comma", "bad_number", amount="1.234,56"),
        kind("currency_sign", "bad_number", amount="$12.00"),
        kind("thousands_separator", "bad_number", amount="1,234.56"),
        kind("negative_amount", "negative_amount", amount="-12.50"),
        kind("refund_over_amount", "refund_exceeds_amount", amount="20.00", refund_amount="30.00"),
        kind("unknown_status", "unknown_value", status="shipped?"),
        kind("unknown_currency", "unknown_currency", currency="XQZ"),
        kind(
            "refund_before_order",
            ACCEPTED,
            amount="20.00",
            refund_amount="1.00",
            refunded_at=EARLIER,
        ),
        kind("three_decimals", ACCEPTED, amount="12.345"),
        kind("zero_width_id", ACCEPTED, order_id=_suffixed("order_id", "\u200b")),
        kind("formula", ACCEPTED, channel=FORMULA),
        kind("sql", ACCEPTED, channel=SQL),
    ]


def _surveys() -> list[Kind]:
    common = _common("surveys", "customer_id", "responded_at", {"answer": "changed my mind"})
    return [
        *[kind for kind in common if kind.name != "implausible_time"],
        Kind("surveys", "nps_11", "score_out_of_scale", _NPS | {"score": "11"}),
        Kind("surveys", "csat_6", "score_out_of_scale", _CSAT | {"score": "6"}),
        Kind("surveys", "unknown_survey", "unknown_value", _NPS | {"survey": "mood"}),
        Kind("surveys", "answered_before_sent", ACCEPTED, _NPS | {"responded_at": EARLIER}),
        Kind("surveys", "script", ACCEPTED, _NPS | {"answer": SCRIPT}),
        Kind("surveys", "formula", ACCEPTED, _NPS | {"answer": FORMULA}),
    ]


def _items() -> list[Kind]:
    line: Changes = {"line_number": lambda rows: "9" + rows["line_number"]}
    return [
        Kind("order_items", "exact_duplicate", DUPLICATE),
        Kind(
            "order_items",
            "orphan_item",
            "orphan_item",
            {"order_id": lambda rows: "NO-" + rows["order_id"]},
        ),
        Kind("order_items", "quantity_zero", "bad_quantity", line | {"quantity": "0"}),
        Kind("order_items", "quantity_negative", "bad_quantity", line | {"quantity": "-1"}),
        Kind("order_items", "missing_id", "missing_id", line | {"product_id": None}),
        Kind("order_items", "decimal_comma", "bad_number", line | {"unit_price": "1.234,56"}),
    ]


def _customers() -> list[Kind]:
    def kind(name: str, answer: str, **changes: Value) -> Kind:
        return Kind("customers", name, answer, _PERSON | changes)

    return [
        Kind("customers", "exact_duplicate", DUPLICATE),
        kind("missing_id", "missing_id", customer_id=None),
        kind("mixed_case_email", ACCEPTED, email=lambda rows: rows["email"].str.upper()),
        Kind(
            "customers",
            "merge_cycle",
            "merge_cycle",
            _PERSON | {"merged_into": _suffixed("customer_id", "Y")},
            {
                "customer_id": _suffixed("customer_id", "Y"),
                "merged_into": lambda rows: rows["customer_id"],
            },
        ),
        kind("script", ACCEPTED, entry_campaign=SCRIPT),
        Kind("customers", "conflicting_id", "conflicting_id", _PERSON, {"country": "NZ"}),
        kind("null_word_id", "missing_id", customer_id=NULL_WORDS),
        kind("bad_time", "bad_time", created_at=BAD_TIMES),
        kind("sql", ACCEPTED, entry_campaign=SQL),
        kind("zero_width_id", ACCEPTED, customer_id=_suffixed("customer_id", "\u200b")),
    ]


def _others() -> list[Kind]:
    login = _common("logins", "customer_id", "logged_in_at", {"method": "magic_link"})
    login.append(Kind("logins", "unknown_outcome", "unknown_value", {"outcome": "maybe"}))
    touch = _common("touches", "customer_id", "touched_at", {"cost": "0.77"})
    touch += [
        Kind("touches", "decimal_comma", "bad_number", {"cost": "1.234,56"}),
        Kind("touches", "script", ACCEPTED, {"campaign": SCRIPT}),
        Kind("touches", "answered_before_sent", ACCEPTED, {"responded_at": EARLIER}),
    ]
    event = _common("events", "customer_id", "occurred_at", {"quantity": "77"})
    ticket = _common("tickets", "customer_id", "opened_at", {"wait_seconds": "777777"})
    ticket += [
        Kind("tickets", "unknown_kind", "unknown_value", {"kind": "rant"}),
        Kind("tickets", "satisfaction_6", "score_out_of_scale", {"satisfaction": "6"}),
        Kind("tickets", "replied_before_opened", ACCEPTED, {"first_replied_at": EARLIER}),
    ]
    referral = [
        kind
        for kind in _common("referrals", "referrer_id", "referred_at", {})
        if kind.name != "conflicting_id"
    ]
    referral.insert(
        1,
        Kind(
            "referrals",
            "self_referral",
            "self_referral",
            {"referred_customer_id": lambda rows: rows["referrer_id"]},
        ),
    )
    act = _common("advocacy_acts", "customer_id", "acted_at", {"act": "press"})
    act = [kind for kind in act if kind.name != "conflicting_id"]
    sub = _common("subscriptions", "customer_id", "started_at", {"plan": "custom"})
    sub = [kind for kind in sub if not kind.name.endswith("_time")] + [
        Kind("subscriptions", "bad_time", "bad_time", {"started_at": BAD_TIMES}),
        Kind(
            "subscriptions",
            "ends_before_start",
            "ends_before_start",
            {"ended_at": EARLIER, "trial_ends_at": None},
        ),
        Kind("subscriptions", "unknown_currency", "unknown_currency", {"currency": "XQZ"}),
    ]
    return login + touch + event + ticket + referral + act + sub


def _products() -> list[Kind]:
    return [
        Kind("products", name, ACCEPTED, {"name": text})
        for name, text in (("formula", FORMULA), ("script", SCRIPT), ("sql", SQL))
    ]


KINDS: tuple[Kind, ...] = (
    *_orders(),
    *_items(),
    *_products(),
    *_surveys(),
    *_customers(),
    *_others(),
)
"""Every kind of dirty row. Broken lines (CSV only) are `LINE_KINDS`."""

ROW_KIND_NAMES = frozenset(kind.name for kind in KINDS)


@dataclass
class Dirt:
    """Plants a share of dirty rows block by block, kind after kind in turn, and keeps count."""

    share: float
    names: Collection[str] | None = None
    planted: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _seen: Counter[str] = field(default_factory=Counter)
    _turn: Counter[str] = field(default_factory=Counter)

    def plant(self, con: duckdb.DuckDBPyConnection, table: str, rng: np.random.Generator) -> None:
        """Add dirty rows to the temporary table `block`, which holds clean rows of `table`."""
        clean = run(con, "select count(*) from block")[0][0]
        self._seen[table] += clean
        kinds = self._next_kinds(table, clean)
        if not kinds:
            return
        source = np.sort(rng.choice(clean, len(kinds), replace=False))
        con.register("wanted", pd.DataFrame({"_row": source.astype(float)}))
        rows = con.execute("from block join wanted using (_row) order by _row").df().astype(object)
        con.unregister("wanted")
        order = rng.permutation(len(kinds))
        place = rng.choice(clean, len(kinds)) + 0.5
        for kind in dict.fromkeys(kinds):
            mine = np.asarray([kinds[n] == kind for n in order])
            self._add(con, kind, rows[mine].assign(_row=place[mine]).reset_index(drop=True))

    def lines(self, table: str, rows: int) -> list[str]:
        """Broken lines to spread among the rows of a CSV of that table."""
        if not self.share or not rows or table not in LINE_TABLES:
            return []
        names = [name for name, *_ in v.TABLES[table]]
        texts = {
            "too_many_fields": ",".join(["X-1"] + ["surplus"] * (len(names) + 1)),
            "too_few_fields": "X-2,C0000001",
            "repeated_header": ",".join(names),
        }
        wanted = [name for name in LINE_KINDS if self.names is None or name in self.names]
        each = max(1, round(self.share * rows / 40))
        for name in wanted:
            self.planted[table][name] += each
            answer = name if name == "repeated_header" else "malformed_line"
            self.answers[table][answer] += each
        return [texts[name] for name in wanted] * each

    def _next_kinds(self, table: str, clean: int) -> list[Kind]:
        """Whose turn it is, for as many rows as bring the table to its share."""
        choices = [
            kind
            for kind in KINDS
            if kind.table == table and (self.names is None or kind.name in self.names)
        ]
        if not choices or not self.share or not clean:
            return []
        least = len(choices) if table == "products" else 1
        due = max(least, round(self.share * self._seen[table]))
        due -= sum(self.planted[table].values())
        kinds: list[Kind] = []
        while due > 0 and len(kinds) < clean:
            kind = choices[self._turn[table] % len(choices)]
            self._turn[table] += 1
            kinds.append(kind)
            due -= kind.rows
        return kinds

    def _add(self, con: duckdb.DuckDBPyConnection, kind: Kind, rows: pd.DataFrame) -> None:
        """Insert the rows of one kind and count them."""
        parts = [rows]
        if kind.changes is not None:
            parts = [_changed(_renamed(rows, kind.table), kind.changes)]
        if kind.second is not None:
            parts.append(_changed(parts[0], kind.second))
        for part in parts:
            con.register("dirty", part)
            run(con, "insert into block by name select * from dirty")
            con.unregister("dirty")
        self.planted[kind.table][kind.name] += len(rows) * kind.rows
        self.answers[kind.table][kind.answer] += len(rows) * kind.rows


def _renamed(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """Copies under an id of their own (lines of orders keep theirs: their number changes)."""
    if table == "order_items":
        return rows
    return _changed(rows, {ID_COLUMN[table]: _suffixed(ID_COLUMN[table], "-X")})


def _changed(rows: pd.DataFrame, changes: Changes) -> pd.DataFrame:
    """Rows with columns set to a text, to texts in turn, to null, or to a function of the rows."""
    done = rows.copy()
    for column, value in changes.items():
        if callable(value):
            done[column] = value(rows)
        elif isinstance(value, tuple):
            done[column] = [value[n % len(value)] for n in range(len(rows))]
        else:
            done[column] = pd.Series([value] * len(rows), index=rows.index, dtype=object)
    return done
