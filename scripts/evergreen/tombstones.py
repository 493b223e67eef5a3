"""Who was erased, as salted hashes: their rows are dropped before they reach the work file.

A hash is of the key of the warehouse, a word for the kind, and the id or address. The key lies in
the folder of the warehouse, the hashes in `raw.tombstones` and in the receipts, so that a work file
that is made anew knows them too.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from evergreen.contract import Table, read_contract
from evergreen.errors import InputRefused
from evergreen.files import quoted, write_whole
from evergreen.paths import Warehouse

ID, ADDRESS, ORDER = "id", "address", "order"
SALT_VARIABLE = "EVERGREEN_EMAIL_SALT"
MARK = "[erased]"
"""Stands in a text of somebody else that named an erased person."""
BLANKS = "".join(map(chr, [32, 9, 10, 13, 160, 8239, 12288, *range(8192, 8203)]))
"""What the macro blank_characters trims from a landed value."""
MENTIONS = ("merged_into", "referred_customer_id")
"""Columns of a row that name another customer than its own."""
JSON_PERSONS = ("customer_id", "referrer_id", "email", *MENTIONS)
"""Keys of a row as JSON that hold a person."""
AMOUNTS = {
    "orders": ("amount",),
    "order_items": ("quantity", "unit_price"),
    "touches": ("cost",),
    "subscriptions": ("monthly_amount",),
}
"""Columns whose product is the money of a row in row_accounting."""
WORD = r"[^\s,;|\"'<>()\[\]{}:=]+"


def owner_column(table: Table) -> str | None:
    """The column that says whose row it is; None for products, and for lines of orders."""
    names = [c for c in ("customer_id", "referrer_id") if c in table.column_names]
    return names[0] if names else None


def is_telling(text: str) -> bool:
    """Whether an id is found in other text for no other reason than that it is meant.

    An address, or 6 characters with a letter and a digit, or 8 with a digit: 12 or anna is not.
    """
    has_digit = any(sign.isdigit() for sign in text)
    has_letter = any(sign.isalpha() for sign in text)
    return "@" in text or (has_digit and len(text) >= (6 if has_letter else 8))


def words(text: str) -> list[str]:
    """What may be an id or an address in a text: runs without blanks, quotes and separators."""
    return re.findall(WORD, text)


def read_key(warehouse: Warehouse) -> str:
    """The key of the warehouse, made at first: 64 hexadecimal digits that only its owner can read.

    Without it nobody can tell whom a hash stands for, nor find out by trying all addresses.
    """
    if not warehouse.key_file.exists():
        write_whole(warehouse.key_file, secrets.token_hex(32) + "\n")
    return warehouse.key_file.read_text(encoding="ascii").strip()


def token(key: str, kind: str, value: str) -> str:
    """The hash of one id, address or order id."""
    text = value.strip(BLANKS)
    text = text.lower() if kind == ADDRESS else text
    return hashlib.sha256(f"{key}{kind}:{text}".encode()).hexdigest()


@dataclass(frozen=True)
class Filtered:
    """SQL for the rows of one file: their values, and which rows are of an erased person."""

    values: dict[str, str]
    is_erased: str
    amount: str


class Tombstones:
    """The hashes, as a filter for one connection that loads."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        key: str,
        tokens: Iterable[str],
        learnt: Iterable[Sequence[str]],
    ) -> None:
        """`learnt`: sources of mappings and the columns of theirs that name persons."""
        self._key, self._tokens = key, set(tokens)
        self._learnt = {tuple(pair) for pair in learnt}
        if self._tokens:
            define_tests(con, key, self._tokens)

    def learn(self, source: str, column: str) -> None:
        """Ids count in this column of a source, whatever they look like."""
        self._learnt.add((source, column))

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def named_in(self, text: str) -> bool:
        """Whether a line that is no row names an erased person."""
        return any(
            token(self._key, kind, word.rstrip(".!?") if kind == ADDRESS else word) in self._tokens
            for word in words(text)
            for kind in (ID, ADDRESS)
        )

    def filter(self, name: str, is_source: bool, values: dict[str, str]) -> Filtered:
        """For the rows of one file of an input, or of a source with columns of its own."""
        if is_source:
            return self._filter_source(name, values)
        return self._filter_input(read_contract().table(name), values)

    def _filter_input(self, table: Table, values: dict[str, str]) -> Filtered:
        """`values`: expressions of the columns that a file of an input has, `_extra` among them."""
        owner, tests = owner_column(table), []
        if table.name == "order_items":
            tests += [f"erased_order({values['order_id']})"] if "order_id" in values else []
        if owner in values:
            tests.append(f"erased_person({values[owner]})")
        texts = [c.name for c in table.columns if c.kind == "text"] + ["_extra"]
        kept = dict(values)
        for name in values.keys() & {"email"}:
            tests.append(f"erased_person({values[name]})")
        for name in values.keys() & set(MENTIONS):
            kept[name] = f"case when not erased_person({values[name]}) then {values[name]} end"
        for name in values.keys() & set(texts):
            value = values[name]
            kept[name] = f"case when erased_text({value}) then {quoted(MARK)} else {value} end"
        money = AMOUNTS.get(table.name, ())
        factors = [
            f"try_cast({values[name]} as decimal(18, 6))" for name in money if name in values
        ]
        is_known = bool(factors) and len(factors) == len(money)
        amount = " * ".join(factors) if is_known else "null"
        return Filtered(
            kept, " or ".join(tests) or "false", f"try_cast({amount} as decimal(18, 2))"
        )

    def _filter_source(self, source: str, values: dict[str, str]) -> Filtered:
        """A source with columns of its own: an id counts in any of them if it can mean nothing
        else, and whatever it looks like in a column where an erased person was found."""
        tests = [
            f"erased_person({value})" if (source, name) in self._learnt else f"erased_text({value})"
            for name, value in values.items()
        ]
        return Filtered(dict(values), " or ".join(tests) or "false", "cast(null as decimal(18, 2))")


def read_tombstones(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> Tombstones:
    """Those of a connection to the work file."""
    tokens = con.execute("select token from raw.tombstones").fetchall()
    learnt = con.execute("select distinct source, column_name from raw.person_columns").fetchall()
    return Tombstones(con, read_key(warehouse), [row[0] for row in tokens], learnt)


def define_tests(con: duckdb.DuckDBPyConnection, key: str, tokens: Iterable[str]) -> None:
    """Temporary macros erased_person, erased_order, erased_text and erased_json."""
    con.execute("create or replace temp table erased_tokens (token varchar primary key)")
    con.execute("insert into erased_tokens select distinct unnest($1::varchar[])", [list(tokens)])
    con.execute(f"set variable erasure_key = {quoted(key)}")
    con.execute(f"set variable erasure_blanks = {quoted(BLANKS)}")
    hashed = "sha256(getvariable('erasure_key') || '{}:' || {})"
    clean = "trim(v, getvariable('erasure_blanks'))"
    of_id, of_address = hashed.format(ID, clean), hashed.format(ADDRESS, f"lower({clean})")
    of_order = hashed.format(ORDER, clean)
    is_in = "coalesce({} in (select token from erased_tokens), false)"
    con.execute(
        "create or replace temp macro erased_person(v) as "
        f"({is_in.format(of_id)} or {is_in.format(of_address)})"
    )
    con.execute(f"create or replace temp macro erased_order(v) as ({is_in.format(of_order)})")
    value = "json_extract_string(case when json_valid(v) then v end, '$.{}')"
    parts = [f"erased_person({value.format(name)})" for name in JSON_PERSONS]
    parts.append(f"erased_order({value.format('order_id')})")
    con.execute(f"create or replace temp macro erased_json(v) as ({' or '.join(parts)})")
    con.execute("set variable erasure_tokens = (select list(token) from erased_tokens)")
    word = "regexp_extract_all(v, " + quoted(WORD) + ")"
    is_telling_sql = (
        "contains(w, '@') or (regexp_matches(w, '[0-9]')"
        " and length(w) >= case when regexp_matches(w, '[A-Za-z]') then 6 else 8 end)"
    )
    of_word = hashed.format(ID, "w")
    of_mail = hashed.format(ADDRESS, "rtrim(lower(w), '.!?')")
    con.execute(
        "create or replace temp macro erased_text(v) as (coalesce(list_has_any("
        f"flatten(list_transform(list_filter({word}, lambda w: {is_telling_sql}),"
        f" lambda w: [{of_word}, {of_mail}])), getvariable('erasure_tokens')), false))"
    )


def restore_tombstones(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> list[str]:
    """Hashes of the receipts into `raw.tombstones`; notes on erasures that were not finished.

    Raises InputRefused where there are receipts, but no key to read them with.
    """
    receipts = read_receipts(warehouse)
    if receipts and not warehouse.key_file.exists():
        raise InputRefused(
            f"{warehouse.key_file} is missing: without it nobody can tell which rows are of the "
            f"{len(receipts)} persons erased. Restore it from a backup, then load again."
        )
    for receipt in receipts:
        con.execute(
            "insert into raw.tombstones select $1, token, $2::timestamp"
            " from (select unnest($3::varchar[]) as token)"
            " where token not in (select token from raw.tombstones)",
            [receipt["erasure_id"], receipt["erased_at"], receipt["tombstones"]],
        )
        con.execute(
            "insert into raw.person_columns from (select column0[1], column0[2]"
            " from (select unnest($1::varchar[][]) as column0)) as found (source, column_name)"
            " where (source, column_name) not in (select (source, column_name)"
            " from raw.person_columns)",
            [receipt["person_columns"]],
        )
    return [
        f"the erasure {receipt['erasure_id']} was begun and not finished: run `evergreen erase` "
        "for that customer again"
        for receipt in receipts
        if receipt["status"] != "done"
    ]


def read_receipts(warehouse: Warehouse) -> list[dict]:
    """All receipts, oldest first. Raises InputRefused where one cannot be read."""
    receipts = []
    for path in sorted(warehouse.receipts.glob("*.json")):
        try:
            receipts.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise InputRefused(f"{path} is no receipt ({error}). Restore it.") from None
    return receipts


def write_email_salt(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> None:
    """The salt of e-mail hashes, for staging to read: that of the environment, else of the key.

    It lies in the work file, beside the addresses themselves, because dbt writes what it renders
    into SQL to its target folder.
    """
    salt = os.environ.get(SALT_VARIABLE) or hashlib.sha256(f"{read_key(warehouse)}salt".encode())
    salt = salt if isinstance(salt, str) else salt.hexdigest()
    if con.execute("select salt from raw.email_salt").fetchall() != [(salt,)]:
        con.execute("delete from raw.email_salt")
        con.execute("insert into raw.email_salt values ($1)", [salt])
