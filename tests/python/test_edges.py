"""Edges that a hostile reader found: local days, knowledge of the day, hostile sizes and spaces."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from evergreen.build import build
from evergreen.load import load
from evergreen.paths import Warehouse

FILES = {
    "orders.csv": """\
order_id,customer_id,ordered_at,amount,status,refund_amount,refunded_at,currency
o1,refunded on its day,2024-02-01T10:00:00Z,100,paid,40,2024-02-01,USD
o2,same mail,2024-01-10T10:00:00Z,10,,,,
o3,huge,2024-01-10T10:00:00Z,9000000000000000,,,,GBP
o4,huge,2024-01-10T10:00:00Z,90000000000000,,,,USD
o5,returned whole,2024-01-10T10:00:00Z,10,refunded,0,2024-02-10T10:00:00Z,
o6,C1,2024-01-10T10:00:00Z,1,,,,
o7,C1\u00a0,2024-01-11T10:00:00Z,1,,,,
o8,\u3000C1,2024-01-12T10:00:00Z,1,,,,
o9,like,2024-01-12T10:00:00Z,1,,,,
""",
    "logins.csv": "login_id,customer_id,logged_in_at\n",
    "surveys.csv": """response_id,customer_id,survey,score,scale_min,scale_max,sent_at
r1,C1,attribute,9,10,0,2024-01-05
""",
    "subscriptions.csv": """subscription_id,customer_id,started_at,monthly_amount,trial_ends_at
s1,last evening,2024-03-11T01:00:00Z,50,
s2,next morning,2024-03-11T04:00:00Z,50,
s3,one day of trial,2024-01-05T10:00:00Z,20,2024-01-05
""",
    "customers.csv": """customer_id,created_at,email,country,has_consent,merged_into,is_test
same mail,2023-01-01,x@example.org,FR,true,,
made later,2025-03-01,x@example.org,JP,false,,true
like,2023-01-01,j@myxcorp.com,,,,
cyrillic,2023-01-01,\u0445@example.org,,,,
full width,2023-01-01,\uff58@example.org,,,,
Old,2023-01-01,,,,New,
New,2023-01-01,,,,,
Old,2023-06-01,,,,,
New,2023-06-01,,,,Old,
"""
    + "".join(f"guest{n},2023-01-01,noreply@example.org,,,,\n" for n in range(21)),
}


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edges")
    (folder / "landing").mkdir()
    for name, text in FILES.items():
        Path(folder / "landing" / name).write_text(text, encoding="utf-8")
    warehouse = Warehouse(folder / "warehouse")
    load(warehouse, folder / "landing")
    variables = {
        "timezone": "America/Sao_Paulo",
        "internal_email_domains": ["my_corp.com", "o'hara.org"],
        "max_quarantine_rate": 1,
    }
    report = build(warehouse, as_of=date(2024, 3, 10), variables=variables)
    assert any("placeholder" in warning for warning in report.warnings)
    with duckdb.connect(str(warehouse.work_file), read_only=True) as con:
        yield lambda sql: con.execute(sql).fetchall()


def test_refund_dated_on_the_day_of_the_order_is_no_earlier(query):
    assert query(
        "select month, net_revenue from marts.customer_months "
        "where customer_id = 'refunded on its day' and net_revenue <> 0"
    ) == [(date(2024, 2, 1), 60)]


def test_subscription_of_the_last_local_evening_counts(query):
    found = query("select customer_id, is_subscribed from marts.customers")
    assert ("last evening", True) in found
    assert "next morning" not in dict(found)


def test_trial_of_one_day_is_paid_from_its_start(query):
    assert query(
        "select min(activity_at) >= timestamp '2024-01-05 10:00' "
        "from intermediate.int_customer_activities where customer_id = 'one day of trial'"
    ) == [(True,)]


def test_account_made_after_the_as_of_date_says_nothing_yet(query):
    assert query(
        "select country, has_consent, source_id_count from marts.customers "
        "where customer_id = 'same mail'"
    ) == [("FR", True, 1)]


def test_amount_too_large_in_the_reporting_currency_is_out_of_range(query):
    assert query(
        "select line_number from marts.quarantined_rows "
        "where input = 'orders' and reasons = 'out_of_range'"
    ) == [(4,)]


def test_status_refunded_with_amount_zero_is_a_full_refund(query):
    assert query(
        "select order_count, net_revenue from marts.customers where customer_id = 'returned whole'"
    ) == [(0, 0)]


def test_wide_and_no_break_spaces_are_trimmed(query):
    assert query("select order_count from marts.customers where customer_id = 'C1'") == [(3,)]


def test_internal_domain_is_no_pattern(query):
    assert query("select order_count from marts.customers where customer_id = 'like'") == [(1,)]


def test_superseded_row_closes_no_merge_cycle(query):
    assert query(
        "select count(*) from marts.quarantined_rows where reasons like '%merge_cycle%'"
    ) == [(0,)]
    assert query(
        "select source_customer_id, customer_id from intermediate.int_customer_ids "
        "where customer_id in ('Old', 'New') order by 1"
    ) == [("New", "Old"), ("Old", "Old")]


def test_placeholder_address_folds_nobody(query):
    assert query("select count(*) from marts.customers where customer_id like 'guest%'") == [(21,)]


def test_scale_upside_down_is_named(query):
    found = query("select details from marts.quarantined_rows where input = 'surveys'")
    assert "scale_min '10' is above the end of the scale" in found[0][0]


def test_letters_that_look_alike_are_not_folded_but_counted(query):
    assert query(
        "select unusual_email_count from marts.row_accounting where input = 'customers'"
    ) == [(2,)]
    assert query(
        "select count(*) from marts.customers where customer_id in ('cyrillic', 'full width')"
    ) == [(2,)]
