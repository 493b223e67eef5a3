"""Every value rule through the public API: a landing folder in, marts out."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from value_rules import (
    ACCEPTED,
    ALL_CASES,
    CASES,
    DUPLICATE,
    MALFORMED,
    MALFORMED_LINE,
    REPEATED_HEADER_LINE,
    Case,
    write_landing,
)

from evergreen.build import build
from evergreen.errors import InputRefused
from evergreen.load import load
from evergreen.paths import PROJECT_DIR, Warehouse

SET_ASIDE = [case for case in ALL_CASES if case.verdict not in (ACCEPTED, DUPLICATE)]
KEPT = [case for case in ALL_CASES if case.verdict in (ACCEPTED, DUPLICATE)]


class Built:
    """The marts of the cases."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._con = duckdb.connect(str(warehouse.work_file), read_only=True)

    def rows(self, sql: str, *parameters) -> list[dict]:
        cursor = self._con.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, sql: str, *parameters) -> dict:
        rows = self.rows(sql, *parameters)
        assert len(rows) == 1, rows
        return rows[0]

    def set_aside(self, case: Case) -> dict:
        return self.one(
            "from marts.quarantined_rows where input = ? and file = ? and line_number = ?",
            case.input,
            case.file,
            case.line,
        )

    def accounting(self, name: str) -> dict:
        return self.one("from marts.row_accounting where input = ?", name)

    def customer(self, customer_id: str) -> dict:
        return self.one("from marts.customers where customer_id = ?", customer_id)

    def close(self) -> None:
        self._con.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("value_rules")
    write_landing(folder / "landing")
    warehouse = Warehouse(folder / "warehouse")
    load(warehouse, folder / "landing")
    build(warehouse, variables={"internal_email_domains": ["corp.example"]})
    built = Built(warehouse)
    yield built
    built.close()


def case_of(name: str, rule: str) -> Case:
    return next(case for case in ALL_CASES if (case.input, case.rule) == (name, rule))


@pytest.mark.parametrize("case", SET_ASIDE, ids=str)
def test_row_is_set_aside_with_its_place_and_reason(built: Built, case: Case) -> None:
    assert built.set_aside(case)["reasons"] == case.verdict


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_row_is_not_set_aside(built: Built, case: Case) -> None:
    found = built.rows(
        "from marts.quarantined_rows where input = ? and line_number = ?", case.input, case.line
    )
    assert found == []


@pytest.mark.parametrize("case", SET_ASIDE, ids=str)
def test_row_set_aside_keeps_its_text(built: Built, case: Case) -> None:
    """Values stand as landed; blank ones and outer spaces may be dropped."""
    kept = json.loads(built.set_aside(case)["row_text"])
    kept = {column: value for column, value in kept.items() if value is not None}
    assert kept == {column: value.strip() for column, value in case.row.items() if value.strip()}


@pytest.mark.parametrize(
    ("name", "rule", "hint"),
    [
        ("orders", "epoch seconds", "mapping"),
        ("logins", "epoch milliseconds", "mapping"),
        ("orders", "decimal comma", "comma"),
        ("orders", "currency sign", "currency"),
        ("orders", "unknown status", "shipped"),
        ("surveys", "unknown survey", "promoter"),
        ("orders", "negative amount", "refund_amount"),
    ],
)
def test_details_help(built: Built, name: str, rule: str, hint: str) -> None:
    assert hint in built.set_aside(case_of(name, rule))["details"]


def test_repeated_header_and_malformed_line_are_set_aside(built: Built) -> None:
    found = built.rows(
        "select line_number, reasons, row_text from marts.quarantined_rows"
        " where input = 'tickets' and line_number >= ? order by line_number",
        REPEATED_HEADER_LINE,
    )
    assert [(row["line_number"], row["reasons"]) for row in found] == [
        (REPEATED_HEADER_LINE, "repeated_header"),
        (MALFORMED_LINE, "malformed_line"),
    ]
    assert found[1]["row_text"].strip() == MALFORMED


@pytest.mark.parametrize("name", CASES)
def test_every_row_is_counted_once(built: Built, name: str) -> None:
    verdicts = Counter(
        case.verdict if case.verdict in (ACCEPTED, DUPLICATE) else "quarantined"
        for case in ALL_CASES
        if case.input == name
    )
    if name == "tickets":
        verdicts["quarantined"] += 2
    found = built.accounting(name)
    assert found["file"] == f"{name}.csv"
    assert found["landed_count"] == verdicts.total()
    for verdict in (ACCEPTED, DUPLICATE, "quarantined"):
        assert found[f"{verdict}_count"] == verdicts[verdict], verdict


@pytest.mark.parametrize(
    ("name", "accepted", "duplicate", "quarantined"),
    [
        # 19 at 10.00, 0 and 1.00 (1.005, half to even) accepted; unreadable amounts are no money.
        ("orders", "191.00", "20.00", "126.00"),
        ("order_items", "3.00", "0.00", "2.00"),
        ("touches", "0.25", "0.00", "3.00"),
        ("subscriptions", "19.80", "0.00", "9.90"),
        ("logins", "0.00", "0.00", "0.00"),
    ],
)
def test_money_balances(
    built: Built, name: str, accepted: str, duplicate: str, quarantined: str
) -> None:
    found = built.accounting(name)
    parts = [Decimal(accepted), Decimal(duplicate), Decimal(quarantined)]
    names = ("accepted_amount", "duplicate_amount", "quarantined_amount")
    assert [found[column] for column in names] == parts
    assert found["landed_amount"] == sum(parts)


@pytest.mark.parametrize(
    ("name", "column", "count"),
    [
        ("orders", "rounded_amount_count", 1),
        ("orders", "impossible_order_of_times_count", 1),
        ("orders", "invisible_characters_count", 1),
        ("orders", "superseded_count", 1),
        ("orders", "test_customer_count", 1),
        ("surveys", "impossible_order_of_times_count", 1),
        ("touches", "impossible_order_of_times_count", 1),
        ("tickets", "impossible_order_of_times_count", 1),
        ("touches", "after_as_of_count", 1),
        ("logins", "test_customer_count", 1),
        ("customers", "test_customer_count", 2),
    ],
)
def test_what_was_changed_or_left_out_is_counted(
    built: Built, name: str, column: str, count: int
) -> None:
    assert built.accounting(name)[column] == count


def test_as_of_date_is_not_moved_by_typing_errors(built: Built) -> None:
    dates = built.one("select as_of_date::text as as_of_date from staging.stg_calendar")
    assert dates == {"as_of_date": "2024-03-01"}


def test_text_that_looks_like_code_stays_text(built: Built) -> None:
    channels = {row["channel"] for row in built.rows("select channel from staging.stg_orders")}
    assert {"=cmd()|' /C calc'!A0", "{{ target.password }}", 'one\ntwo "quoted", three'} <= channels
    ids = {row["order_id"] for row in built.rows("select order_id from staging.stg_orders")}
    assert {"'); drop table raw.orders; --", "1e3", "1000", "or\u200bder"} <= ids


@pytest.mark.parametrize(
    ("source_id", "customer_id"),
    [
        ("maria-old", "maria"),
        ("maria-mid", "maria"),
        ("moved", "target"),
        ("anna", "anna"),
        ("ben-plus", "ben-plus"),
        ("ben-dot", "ben-dot"),
        ("never in customers", "never in customers"),
    ],
)
def test_id_belongs_to_the_customer_it_was_merged_into(
    built: Built, source_id: str, customer_id: str
) -> None:
    found = built.one(
        "select customer_id from intermediate.int_customer_ids where source_customer_id = ?",
        source_id,
    )
    assert found == {"customer_id": customer_id}


def test_orders_of_merged_ids_belong_to_the_survivor(built: Built) -> None:
    maria = built.customer("maria")
    assert (maria["order_count"], maria["source_id_count"]) == (2, 3)
    assert maria["net_revenue"] == Decimal("20.00")


def test_equal_addresses_are_one_customer(built: Built) -> None:
    """Case and outer spaces are folded; plus-tags and dots are kept."""
    found = built.rows(
        "select customer_id, order_count from marts.customers"
        " where customer_id like 'ben%' order by customer_id"
    )
    assert [(row["customer_id"], row["order_count"]) for row in found] == [
        ("ben-1", 2),
        ("ben-dot", 0),
        ("ben-plus", 1),
    ]


@pytest.mark.parametrize("customer_id", ["tester", "intern"])
def test_test_customer_is_in_no_mart(built: Built, customer_id: str) -> None:
    marts = built.rows(
        "select table_name from information_schema.columns"
        " where table_schema = 'marts' and column_name = 'customer_id'"
    )
    assert {"customers", "customer_months"} <= {row["table_name"] for row in marts}
    for mart in marts:
        query = f"from marts.{mart['table_name']} where customer_id = ?"
        assert built.rows(query, customer_id) == [], mart


def test_customer_never_seen_in_customers_exists(built: Built) -> None:
    assert built.customer("never in customers")["order_count"] == 1


def test_file_with_too_many_bad_rows_is_refused_as_a_mapping_mistake(tmp_path: Path) -> None:
    """Over 100 rows and over 5 %: not 50 of 100 rows, and not exactly 5 % of 200."""

    def lines(header: str, row: str, count: int, bad_count: int) -> str:
        times = ["05/01/2024"] * bad_count + ["2024-01-05"] * (count - bad_count)
        return header + "".join(row.format(number, at) for number, at in enumerate(times))

    landing = tmp_path / "landing"
    landing.mkdir()
    for name, text in {
        "logins": lines("login_id,customer_id,logged_in_at\n", "l{},c,{}\n", 101, 6),
        "orders": lines("order_id,customer_id,ordered_at,amount\n", "o{},c,{},1\n", 200, 10),
        "surveys": lines("response_id,customer_id,survey,sent_at\n", "r{},c,nps,{}\n", 100, 50),
    }.items():
        (landing / f"{name}.csv").write_text(text)
    warehouse = Warehouse(tmp_path / "warehouse")
    load(warehouse, landing)
    with pytest.raises(InputRefused) as refused:
        build(warehouse)
    message = str(refused.value)
    assert "assert_quarantine_rate" in message
    assert "mapping" in message
    assert message.count("row:") == 1
    for part in ("input=logins", "file=logins.csv", "landed_count=101", "quarantined_count=6"):
        assert part in message
    assert "most_common_reason=bad_time" in message


def test_unit_tests_carry_the_contract_as_it_is() -> None:
    """dbt's unit tests cannot read sources, so their files hold a copy of the contract."""
    staging = PROJECT_DIR / "models" / "staging"
    sources = yaml.safe_load((staging / "_sources.yml").read_text())["sources"][0]["tables"]
    contract = {
        table["name"]: [(column["name"], column["config"]["meta"]) for column in table["columns"]]
        for table in sources
    }
    copies = copied_contracts(staging)
    assert {name for name, _, _ in copies} == contract.keys()
    for name, file, copy in copies:
        stated = [
            {
                "name": column,
                "kind": meta["kind"],
                "required": meta["required"],
                "choices": meta.get("values", []),
                "default": meta.get("default"),
            }
            for column, meta in contract[name]
        ]
        assert copy == stated, file


def copied_contracts(staging: Path) -> list[tuple[str, str, list[dict]]]:
    """(input, file, columns) of each unit test's copy."""
    return [
        (test["model"].removeprefix("base_"), path.name, test["overrides"]["macros"][macro])
        for path in sorted((staging / "base").glob("*_unit_tests.yml"))
        for test in yaml.safe_load(path.read_text())["unit_tests"]
        for macro in ("contract_columns",)
    ]
