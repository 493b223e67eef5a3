"""Mappings: the rules of mapping mode, and each mapping shipped, on small files and real sets."""

import json
import os
from pathlib import Path

import duckdb
import pytest
from load_helpers import Shop

from evergreen.errors import InputRefused
from evergreen.load import load
from evergreen.paths import PROJECT_DIR, Warehouse

MAPPINGS = PROJECT_DIR / "mappings"
SHARED = Path(os.environ.get("EVERGREEN_SHARED_DATA", "nowhere"))
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="EVERGREEN_SHARED_DATA does not name a folder with the real sets"
)
EMPTY = {
    "logins": "select null as login_id, null as customer_id, null as logged_in_at, null as _file,"
    " null as _line where false",
    "surveys": "select null as response_id, null as customer_id, null as survey, null as _file,"
    " null as _line where false",
}
SALES = (
    "select id as order_id, who as customer_id, day as ordered_at, paid as amount, note as Note,"
    " _file, _line from landing.my_sales where paid <> '0'"
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    for name in ("orders", "logins", "surveys"):
        (shop.landing / f"{name}.csv").unlink()
    shop.put("My-Sales.csv", " ID;Who;Day;Paid;Note\n1;c1;2024-01-01;5;a,b\n2;c2;2024-01-02;0;\n")
    return shop


def mapping(shop: Shop, **queries: str) -> Path:
    folder = shop.landing.parent / "mapping"
    folder.mkdir(exist_ok=True)
    for name, query in {**EMPTY, **queries}.items():
        (folder / f"{name}.sql").write_text(query)
    return folder


def refusal(shop: Shop, **queries: str) -> str:
    with pytest.raises(InputRefused) as error:
        shop.load(mapping(shop, **queries))
    return str(error.value)


def test_rows_are_text_with_file_line_and_extra_columns(shop: Shop) -> None:
    report = shop.load(mapping(shop, orders=SALES))
    found = shop.query("select order_id, amount, _extra, _file, _line from raw.orders")
    assert found == [("1", "5", '{"Note":"a,b"}', "My-Sales.csv", 2)]
    assert "1 of 2 rows of My-Sales.csv reached no input" in report.notes
    assert shop.query("select input, file, landed_count from raw.files") == [
        ("orders", "My-Sales.csv", 1)
    ]


def test_the_same_again_changes_nothing_and_a_changed_mapping_rebuilds(shop: Shop) -> None:
    folder = mapping(shop, orders=SALES)
    assert shop.load(folder).mapped == ["orders", "logins", "surveys"]
    before = shop.query("from raw.orders"), shop.query("from raw.files")
    again = shop.load(folder)
    assert (again.mapped, again.is_changed) == ([], False)
    assert (shop.query("from raw.orders"), shop.query("from raw.files")) == before
    assert shop.load(mapping(shop, orders=SALES.replace("<> '0'", "<> 'x'"))).mapped == ["orders"]
    assert [value for _, value in shop.lines()] == ["1", "2"]


def test_changed_source_rebuilds_and_counts_the_withdrawn(shop: Shop) -> None:
    folder = mapping(shop, orders=SALES)
    shop.load(folder)
    shop.put("My-Sales.csv", "id;who;day;paid;note\n3;c1;2024-01-01;5;\n")
    assert shop.load(folder).mapped == ["orders"]
    assert shop.query("select order_id from raw.orders") == [("3",)]
    assert shop.query("select withdrawn_count from raw.files") == [(1,)]


def test_duplicate_delivery_is_not_added_up_twice(shop: Shop) -> None:
    query = (
        "select who as order_id, who as customer_id, min(day) as ordered_at,"
        " sum(paid::int) as amount, min(_file) as _file, min(_line) as _line"
        " from landing.parts group by who"
    )
    shop.put("parts/a.csv", "who,day,paid\nc1,2024-01-01,5\nc1,2024-01-02,6\n")
    shop.put("parts/b.csv", (shop.landing / "parts/a.csv").read_bytes())
    report = shop.load(mapping(shop, orders=query))
    assert shop.query("select order_id, amount from raw.orders") == [("c1", "11")]
    assert any("same content as parts/a.csv" in line for line in report.lines())
    ledger = "select file, duplicate_of from raw.files order by file"
    assert shop.query(ledger) == [("parts/a.csv", None), ("parts/b.csv", "parts/a.csv")]


def test_malformed_lines_count_once_with_the_first_input_that_reads_them(shop: Shop) -> None:
    shop.put("My-Sales.csv", "id;who;day;paid;note\n1;c1;2024-01-01;5;a\nbad;line\n")
    customers = "select who as customer_id, _file, _line from landing.my_sales"
    for _ in range(2):
        shop.load(mapping(shop, orders=SALES, customers=customers))
        assert shop.query(
            "select input, landed_count, malformed_count from raw.files order by 1"
        ) == [("customers", 1, 0), ("orders", 2, 1)]
        assert shop.query("select input, line_number, row_text from raw.malformed_lines") == [
            ("orders", 3, "bad;line")
        ]
    shop.put("My-Sales.csv", "id;who;day;paid;note\n1;c1;2024-01-01;5;a\n")
    shop.load(mapping(shop, orders=SALES, customers=customers))
    assert shop.malformed() == []
    assert shop.query("select sum(landed_count), sum(malformed_count) from raw.files") == [(2, 0)]


def test_source_that_is_gone_is_missing_and_its_rows_stay(shop: Shop) -> None:
    folder = mapping(shop, orders=SALES)
    shop.load(folder)
    (shop.landing / "My-Sales.csv").unlink()
    shop.load(folder)
    assert shop.query("select status from raw.files") == [("missing",)]
    assert [value for _, value in shop.lines()] == ["1"]


def test_contract_files_without_a_mapping_load_directly(shop: Shop) -> None:
    shop.put("tickets.csv", "ticket_id,customer_id,opened_at\nt1,c1,t\n")
    shop.load(mapping(shop, orders=SALES))
    assert shop.lines("tickets", "ticket_id") == [(2, "t1")]
    assert shop.query("select input from raw.files order by 1") == [("orders",), ("tickets",)]


def test_contract_file_with_a_mapping_is_its_source(shop: Shop) -> None:
    shop.put("orders.csv", "No,Customer,At,Sum\no1,c1,t,1\n")
    query = (
        'select "no" as order_id, customer as customer_id, "at" as ordered_at, "sum" as amount,'
        " _file, _line from landing.orders"
    )
    shop.load(mapping(shop, orders=query))
    assert shop.lines() == [(2, "o1")]


def test_file_that_no_mapping_reads_is_named(shop: Shop) -> None:
    shop.put("extra.csv", "a,b\n1,2\n")
    report = shop.load(mapping(shop, orders=SALES))
    assert "extra.csv: no mapping reads it; its 1 rows reached no input" in report.notes


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("select 1 as _file, 1 as _line", ["orders.sql", '"order_id"', "missing"]),
        (SALES.replace("who as customer_id", "who as custmer_id"), ['nearest is "custmer_id"']),
        (SALES.replace(", _file, _line", ""), ["orders.sql", "_file", "landing table"]),
        (SALES.replace("_file", "'x' as _file"), ["orders.sql", "1 rows", "'x'"]),
        (SALES.replace("paid as", "[paid] as"), ['"amount" is nested']),
        (SALES.replace("id as order", "id::double as order"), ['"order_id"', "floating-point"]),
        (SALES.replace("my_sales", "sales"), ["orders.sql", "sales", "does not exist"]),
        ("selct 1", ["orders.sql", "syntax error"]),
        ("drop table raw.orders", ["orders.sql", "a single SELECT; found DROP"]),
        ("select 1; select 2", ["a single SELECT; found SELECT, SELECT"]),
        ("copy (select 1) to '/nowhere'", ["a single SELECT; found COPY"]),
        ("-- nothing", ["a single SELECT; found nothing"]),
    ],
)
def test_bad_mappings_are_refused(shop: Shop, query: str, parts: list[str]) -> None:
    message = refusal(shop, orders=query)
    for part in parts:
        assert part in message
    if shop.warehouse.work_file.exists():
        assert shop.query("select count(*) from information_schema.tables") == [(0,)]


def test_mapping_for_no_input_is_refused_with_the_nearest(shop: Shop) -> None:
    assert 'nearest is "orders"' in refusal(shop, order="select 1")


def test_semicolon_and_comment_at_the_end_are_accepted(shop: Shop) -> None:
    shop.load(mapping(shop, orders=SALES + " -- done\n;\n-- the end\n"))
    assert len(shop.lines()) == 1


def test_delimiter_of_a_source_that_is_not_sure_is_refused(shop: Shop) -> None:
    shop.put("My-Sales.csv", "a,b;c\nx\ny\n")
    assert "My-Sales.csv, line 1" in refusal(shop, orders=SALES)


@pytest.mark.parametrize("name", sorted(path.name for path in MAPPINGS.iterdir()))
def test_shipped_mappings_say_what_they_do(name: str) -> None:
    for path in (MAPPINGS / name).glob("*.sql"):
        text = path.read_text()
        comment = text[: text.index("select")].lower()
        words = ["on purpose"] if "where false" in text else ["money", "ids", "time zone"]
        assert text.startswith("-- ") and all(word in comment for word in words), path
    assert {"orders", "logins", "surveys"} <= {p.stem for p in (MAPPINGS / name).glob("*.sql")}


# Shipped mappings on small files ------------------------------------------------------------------


def test_cdnow_mappings(shop: Shop) -> None:
    (shop.landing / "My-Sales.csv").unlink()
    shop.put(
        "master.csv",
        "customer_id,date,number_of_cds,dollar_value\n00001,19970101,1,11.77\n"
        "00002,19970112,1,12.00\n00002,19970112,5,77.00\n00002,19970112,5,77.00\n",
    )
    shop.put("sample.csv", "masterid,sampleid,date,cds,sales\n00004,0001,19970101,2,29.33\n")
    shop.load(MAPPINGS / "cdnow")
    assert shop.query("select order_id, ordered_at, amount from raw.orders order by _line") == [
        ("00001-19970101-1", "1997-01-01", "11.77"),
        ("00002-19970112-1", "1997-01-12", "12.00"),
        ("00002-19970112-2", "1997-01-12", "77.00"),
        ("00002-19970112-3", "1997-01-12", "77.00"),
    ]
    shop.load(MAPPINGS / "cdnow_sample")
    assert shop.query("select customer_id, ordered_at, amount, _file from raw.orders") == [
        ("00004", "1997-01-01", "29.33", "sample.csv")
    ]


def test_olist_mapping(shop: Shop) -> None:
    (shop.landing / "My-Sales.csv").unlink()
    shop.put(
        "olist_orders_dataset.csv",
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,k1,delivered,2018-01-01 10:00:00,,,2018-01-05 10:00:00,2018-01-09 00:00:00\n"
        "o2,k2,unavailable,2018-02-01 10:00:00,,,,2018-02-09 00:00:00\n",
    )
    shop.put(
        "olist_customers_dataset.csv",
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "k1,u1,1,x,SP\nk2,u1,1,x,SP\n",
    )
    shop.put(
        "olist_order_payments_dataset.csv",
        "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
        "o1,1,credit_card,1,10.10\no1,2,voucher,1,0.20\n",
    )
    shop.put(
        "olist_order_items_dataset.csv",
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        "o1,1,p1,s,2018-01-02,9.30,1.00\n",
    )
    shop.put("olist_products_dataset.csv", "product_id,product_category_name\np1,bebes\np2,raro\n")
    shop.put(
        "product_category_name_translation.csv",
        "product_category_name,product_category_name_english\nbebes,baby\n",
    )
    shop.put(
        "olist_order_reviews_dataset.csv",
        "review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date,review_answer_timestamp\n"
        'r1,o1,5,,"bom\ndemais",2018-01-06 00:00:00,2018-01-07 01:00:00\n'
        "r1,o2,1,ruim,,2018-02-06 00:00:00,2018-02-07 01:00:00\n",
    )
    shop.load(MAPPINGS / "olist")
    assert shop.query(
        "select order_id, customer_id, amount, status, delivered_at from raw.orders order by 1"
    ) == [
        ("o1", "u1", "10.30", "fulfilled", "2018-01-05 10:00:00"),
        ("o2", "u1", None, "cancelled", None),
    ]
    assert shop.query("select response_id, customer_id, answer, _line from raw.surveys") == [
        ("r1-o1", "u1", "bom\ndemais", 2),
        ("r1-o2", "u1", "ruim", 4),
    ]
    assert shop.query("select customer_id from raw.customers") == [("u1",)]
    assert shop.query("select category from raw.products order by 1") == [("baby",), ("raro",)]
    assert shop.query("select quantity, unit_price from raw.order_items") == [("1", "9.30")]


def test_ravenstack_mapping(shop: Shop) -> None:
    (shop.landing / "My-Sales.csv").unlink()
    shop.put(
        "ravenstack_accounts.csv",
        "account_id,account_name,industry,country,signup_date,referral_source,plan_tier\n"
        "A1,x,EdTech,US,2024-01-01,partner,Pro\n",
    )
    shop.put(
        "ravenstack_subscriptions.csv",
        "subscription_id,account_id,start_date,end_date,plan_tier,mrr_amount,is_trial\n"
        "S1,A1,2024-01-01,2024-01-20,Pro,0,TRUE\nS2,A1,2024-02-01,,Pro,0,TRUE\n"
        "S3,A1,2024-03-01,,Pro,99,FALSE\n",
    )
    shop.put(
        "ravenstack_feature_usage.csv",
        "usage_id,subscription_id,usage_date,feature_name,usage_count\n"
        "U1,S3,2024-03-05,feature_1,3\nU2,S9,2024-12-31,feature_2,1\n",
    )
    shop.put(
        "ravenstack_support_tickets.csv",
        "ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,"
        "first_response_time_minutes,satisfaction_score\nT1,A1,2024-01-01,2024-01-02,27,74,\n",
    )
    shop.put(
        "ravenstack_churn_events.csv",
        "churn_event_id,account_id,churn_date,reason_code,feedback_text\n"
        "C1,A1,2024-06-01,pricing,too expensive\nC2,A1,2024-07-01,support,\n",
    )
    shop.load(MAPPINGS / "ravenstack")
    assert shop.query(
        "select subscription_id, monthly_amount, trial_ends_at, ended_at from raw.subscriptions"
        " order by 1"
    ) == [
        ("S1", "0", "2024-01-20", "2024-01-20"),
        ("S2", "0", "2024-12-31", None),
        ("S3", "99", None, None),
    ]
    assert shop.query("select login_id, customer_id, logged_in_at from raw.logins order by 1") == [
        ("U1", "A1", "2024-03-05"),
        ("U2", None, "2024-12-31"),
    ]
    assert shop.query("select event_id, feature, quantity from raw.events order by 1") == [
        ("U1", "feature_1", "3"),
        ("U2", "feature_2", "1"),
    ]
    assert shop.query("select response_id, question, answer from raw.surveys order by 1") == [
        ("C1", "reason", "pricing"),
        ("C1-feedback", "feedback", "too expensive"),
        ("C2", "reason", "support"),
    ]
    assert shop.query("select first_replied_at, resolved_at from raw.tickets") == [
        ("2024-01-01T01:14:00", "2024-01-02T03:00:00")
    ]
    assert shop.query("select customer_id, archetype, entry_source from raw.customers") == [
        ("A1", "EdTech", "partner")
    ]


def test_shopify_mapping(shop: Shop) -> None:
    (shop.landing / "My-Sales.csv").unlink()
    fixture = Path(__file__).parent / "data" / "shopify_orders_export.csv"
    shop.put("orders_export.csv", fixture.read_bytes())
    shop.load(MAPPINGS / "shopify")
    assert shop.query(
        "select order_id, customer_id, ordered_at, amount, status, refund_amount"
        " from raw.orders order by _line"
    ) == [
        ("#1001", "ana@example.com", "2024-01-05T10:00:00-05:00", "55.00", "fulfilled", "0.00"),
        ("#1002", "guest@example.com", "2024-01-06T23:30:00-05:00", "20.00", "refunded", "20.00"),
        ("#1003", "phone:+15550100", "2024-02-01T09:15:00-05:00", "30.00", "cancelled", "0.00"),
        ("#1004", "ana@example.com", "2024-07-01T08:00:00-04:00", "95.00", "paid", "9.50"),
    ]
    assert shop.query("select distinct currency, channel from raw.orders order by 2") == [
        ("USD", "pos"),
        ("USD", "web"),
    ]
    assert shop.query(
        "select order_id, line_number, product_id, quantity, unit_price from raw.order_items"
        " order by _line"
    ) == [
        ("#1001", "1", "MUG-1", "2", "15.00"),
        ("#1001", "2", "TEA-9", "1", "25.00"),
        ("#1002", "1", "MUG-1", "1", "15.00"),
        ("#1003", "1", 'Gift card, "large"', "1", "30.00"),
        ("#1004", "1", "TEA-9", "4", "25.00"),
    ]
    assert shop.query("select product_id, name from raw.products order by 1") == [
        ('Gift card, "large"', 'Gift card, "large"'),
        ("MUG-1", "Mug"),
        ("TEA-9", "Green tea (new pack)"),
    ]
    assert shop.query("select customer_id, email, has_consent from raw.customers order by 1") == [
        ("ana@example.com", "ANA@example.com", "no"),
        ("guest@example.com", "Guest@Example.com ", "no"),
        ("phone:+15550100", None, "no"),
    ]


# Real sets ----------------------------------------------------------------------------------------


def load_real(tmp_path: Path, source: str, name: str) -> duckdb.DuckDBPyConnection:
    warehouse = Warehouse(tmp_path)
    load(warehouse, SHARED / source, MAPPINGS / name)
    return duckdb.connect(str(warehouse.work_file), read_only=True)


@needs_shared
@pytest.mark.parametrize(("name", "money"), [("master", "dollar_value"), ("sample", "sales")])
def test_cdnow_counts_and_sums_are_the_published_ones(
    tmp_path: Path, name: str, money: str
) -> None:
    golden = json.loads((SHARED / "golden.json").read_text())[f"cdnow_{name}"]
    mapping_name = "cdnow" if name == "master" else "cdnow_sample"
    with load_real(tmp_path, "cdnow", mapping_name) as con:
        found = con.execute(
            "select count(*), count(distinct order_id), count(distinct customer_id),"
            " sum(amount::decimal(18, 2))::double from raw.orders"
        ).fetchone()
    total = golden["sum_dollar_value" if name == "master" else "sum_sales"]
    assert found == (golden["rows"], golden["rows"], golden["customers"], total)


@needs_shared
def test_olist_counts_and_sums_are_those_of_the_files(tmp_path: Path) -> None:
    source = SHARED / "olist"
    with duckdb.connect() as con:
        orders, money = con.execute(
            f"select (select count(*) from '{source}/olist_orders_dataset.parquet'),"
            f" (select sum(payment_value::decimal(18, 2)) from"
            f" '{source}/olist_order_payments_dataset.parquet')"
        ).fetchone()
        pairs = con.execute(
            "select count(distinct (review_id, order_id)) from"
            f" '{source}/olist_order_reviews_dataset.parquet'"
        ).fetchone()[0]
    with load_real(tmp_path, "olist", "olist") as con:
        assert con.execute(
            "select count(*), count(distinct order_id), count(customer_id),"
            " sum(amount::decimal(18, 2)) from raw.orders"
        ).fetchone() == (orders, orders, orders, money)
        assert con.execute(
            "select count(*), count(distinct response_id), count(customer_id) from raw.surveys"
        ).fetchone() == (pairs, pairs, pairs)


@needs_shared
def test_ravenstack_counts_and_sums_are_the_published_ones(tmp_path: Path) -> None:
    golden = json.loads((SHARED / "golden.json").read_text())["ravenstack"]
    with load_real(tmp_path, "ravenstack", "ravenstack") as con:
        assert con.execute(
            "select count(*), sum(monthly_amount::int), count(*) filter (ended_at is null)"
            " from raw.subscriptions"
        ).fetchone() == (golden["subscriptions"], golden["sum_mrr"], golden["open"])
        for table, key in (("events", "event_id"), ("logins", "login_id")):
            assert con.execute(
                f"select count(*), count(distinct {key}), count(customer_id) from raw.{table}"
            ).fetchone() == (
                golden["usage_rows"],
                golden["usage_distinct_ids"],
                golden["usage_rows"],
            )
        assert con.execute(
            "select count(*) - count(satisfaction), avg(satisfaction::double) from raw.tickets"
        ).fetchone() == (
            golden["ticket_csat_null"],
            pytest.approx(golden["ticket_csat_mean_nonnull"]),
        )
        assert con.execute(
            "select count(*) from raw.surveys where question = 'reason'"
        ).fetchone() == (golden["churn_events"],)
