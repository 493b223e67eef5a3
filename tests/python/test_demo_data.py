"""The demo data: same arguments same bytes, the contract, its sanity, planted truths and dirt."""

import csv
import hashlib
from pathlib import Path

import duckdb
import pytest
import yaml

from evergreen import demo
from evergreen.paths import DEMO_MARKER, PROJECT_DIR

TABLES = {
    table["name"]: [column["name"] for column in table["columns"]]
    for source in yaml.safe_load((PROJECT_DIR / "models/staging/_sources.yml").read_text())[
        "sources"
    ]
    if source["name"] == "raw"
    for table in source["tables"]
}
IDS = {table: columns[0] for table, columns in TABLES.items() if table != "order_items"}


def open_tables(folder: Path, file_format: str = "csv") -> duckdb.DuckDBPyConnection:
    """The files of a folder as tables of text."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'").fetchall()
    for table in TABLES:
        path = folder / f"{table}.{file_format}"
        reader = f"read_parquet('{path}')"
        if file_format == "csv":
            reader = (
                f"read_csv('{path}', all_varchar = true, header = true, delim = ',', quote = '\"')"
            )
        con.execute(f"create table {table} as from {reader}").fetchall()
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return con.execute(query).fetchall()


def value(con: duckdb.DuckDBPyConnection, query: str):
    return rows(con, query)[0][0]


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {table: value(con, f"select count(*) from {table}") for table in TABLES}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The default demo: 2,000 customers, 24 months."""
    folder = tmp_path_factory.mktemp("clean")
    report = demo.generate(2000, 24, 1, folder)
    return report, open_tables(folder)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Enough customers for effects to stand out of the noise."""
    folder = tmp_path_factory.mktemp("large")
    report = demo.generate(10_000, 24, 3, folder, file_format="parquet", block_size=4_000)
    return report, open_tables(folder, "parquet")


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    """Dirt of every kind that is a row."""
    folder = tmp_path_factory.mktemp("dirty")
    report = demo.generate(1500, 18, 5, folder, dirt=0.03, dirt_kinds=demo.ROW_KIND_NAMES)
    return report, open_tables(folder)


# Files


def test_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        demo.generate(300, 8, seed, tmp_path / name, dirt=0.05, block_size=120)
    one, same, other = (digests(tmp_path / name) for name in "abc")
    assert one == same
    assert {name for name in one if one[name] == other[name]} <= {"products.csv"}


def test_parquet_holds_the_same_rows_as_csv_and_is_deterministic(tmp_path):
    for name, file_format in (("csv", "csv"), ("p1", "parquet"), ("p2", "parquet")):
        demo.generate(300, 8, 1, tmp_path / name, 0.05, file_format, dirt_kinds=demo.ROW_KIND_NAMES)
    text, columnar = open_tables(tmp_path / "csv"), open_tables(tmp_path / "p1", "parquet")
    for table in TABLES:
        assert rows(text, f"from {table}") == rows(columnar, f"from {table}"), table
    assert digests(tmp_path / "p1") == digests(tmp_path / "p2")


def test_one_table_does_not_shift_the_others(tmp_path):
    demo.generate(300, 12, 1, tmp_path / "a")
    more = demo.Behaviour(events_per_login=3.0)
    demo.generate(300, 12, 1, tmp_path / "b", behaviour=more)
    one, other = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert {name for name in one if one[name] != other[name]} == {"events.csv"}


def test_columns_are_those_of_the_contract(clean):
    report, _ = clean
    assert set(report.rows) == set(TABLES)
    for table, columns in TABLES.items():
        with (report.folder / f"{table}.csv").open(encoding="utf-8") as lines:
            assert next(csv.reader(lines)) == columns


def test_the_report_counts_the_rows_of_the_files(clean, large, dirty):
    for report, con in (clean, large, dirty):
        assert report.rows == {
            table: value(con, f"select count(*) from {table}") for table in TABLES
        }


def test_no_other_file_is_left_and_the_default_is_small(clean):
    report, _ = clean
    expected = {DEMO_MARKER, *(f"{table}.csv" for table in TABLES)}
    assert {path.name for path in report.folder.iterdir()} == expected
    assert sum(path.stat().st_size for path in report.folder.iterdir()) < 25e6


@pytest.mark.parametrize("customers", [0, 1, 2])
@pytest.mark.parametrize("months", [1, 12])
@pytest.mark.parametrize("dirt", [0.0, 0.5])
def test_tiny_data_sets(tmp_path, customers, months, dirt):
    kinds = demo.ROW_KIND_NAMES
    report = demo.generate(customers, months, 1, tmp_path, dirt, dirt_kinds=kinds)
    con = open_tables(tmp_path)
    assert report.rows == counts(con)
    if customers == 0:
        assert sum(report.rows.values()) == 0
    else:
        assert report.rows["customers"] >= customers


def test_progress_is_told(tmp_path):
    told = []
    demo.generate(25, 3, 1, tmp_path, progress=lambda *args: told.append(args), block_size=10)
    assert told == [(10, 25), (20, 25), (25, 25)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"customers": -1}, "customers"),
        ({"months": 0}, "months"),
        ({"seed": -1}, "seed"),
        ({"dirt": 0.9}, "dirt"),
        ({"file_format": "xlsx"}, "csv, parquet"),
        ({"dirt_kinds": ["mud"]}, "mud"),
    ],
)
def test_wrong_arguments_are_refused_by_name(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        demo.generate(**({"customers": 1, "months": 1, "seed": 1, "out": tmp_path} | wrong))


# Sanity of clean data. Each query returns the rows that break the rule.

KNOWN = {
    "orders": ("status", "placed paid fulfilled cancelled refunded"),
    "logins": ("outcome", "success failure"),
    "surveys": (
        "survey",
        "nps csat ces loyalty attribute exit value_review share_of_wallet follow_up",
    ),
    "touches": (
        "purpose",
        "welcome education newsletter community follow_up value_review promotion cross_sell "
        "renewal win_back thank_you gift ad content seminar meeting",
    ),
    "tickets": ("kind", "question complaint bug billing"),
    "referrals": ("kind", "referral invite"),
    "advocacy_acts": ("act", "review reference case_study press testimonial community_post"),
}
EVENT_TIMES = {
    "orders": "ordered_at",
    "logins": "logged_in_at",
    "surveys": "sent_at",
    "touches": "touched_at",
    "events": "occurred_at",
    "tickets": "opened_at",
    "advocacy_acts": "acted_at",
    "subscriptions": "started_at",
}
LATER = [
    ("orders", "ordered_at", "refunded_at"),
    ("orders", "ordered_at", "promised_at"),
    ("orders", "ordered_at", "delivered_at"),
    ("orders", "ordered_at", "invoiced_at"),
    ("surveys", "sent_at", "responded_at"),
    ("touches", "touched_at", "responded_at"),
    ("tickets", "opened_at", "first_replied_at"),
    ("tickets", "first_replied_at", "resolved_at"),
    ("subscriptions", "started_at", "trial_ends_at"),
    ("subscriptions", "started_at", "ended_at"),
]
REFERRED = "select referred_customer_id from referrals where referred_customer_id is not null"
SAME_EMAIL = """
    select a.customer_id from customers as a join customers as b
    on lower(a.email) = lower(b.email) and a.customer_id <> b.customer_id
"""
RULES = {
    "money has two decimals": """
        select amount from orders where not regexp_full_match(amount, '\\d+\\.\\d\\d')
        union all select cost from orders where not regexp_full_match(cost, '\\d+\\.\\d\\d')
        union all select unit_price from order_items
            where not regexp_full_match(unit_price, '\\d+\\.\\d\\d')
        union all select refund_amount from orders
            where not regexp_full_match(refund_amount, '\\d+\\.\\d\\d')
        union all select monthly_amount from subscriptions
            where not regexp_full_match(monthly_amount, '\\d+\\.\\d\\d')""",
    "refunds are within the amount": """
        from orders where refund_amount::decimal(18, 2) > amount::decimal(18, 2)""",
    "refunds have a time and times a refund": """
        from orders where (refund_amount is null) <> (refunded_at is null)""",
    "refunded means all of it": """
        from orders where (status = 'refunded') <> coalesce(refund_amount = amount, false)""",
    "lines add up to their order": """
        select order_id, amount from order_items join orders using (order_id)
        group by order_id, amount
        having sum(quantity::int * unit_price::decimal(18, 2)) <> amount::decimal(18, 2)""",
    "every line has its order": "from order_items anti join orders using (order_id)",
    "every paid order has lines": """
        from (from orders where kind = 'standard') anti join order_items using (order_id)""",
    "lines are unique": """
        select order_id, line_number from order_items group by all having count(*) > 1""",
    "no more comes back than was sold": """
        from order_items where returned_quantity::int > quantity::int or quantity::int < 1""",
    "products are known": "from order_items anti join products using (product_id)",
    "scores are in scale": """
        from surveys where score::int not between scale_min::int and scale_max::int
            or (survey = 'nps' and score::int not between 0 and 10)
            or (survey = 'csat' and score::int not between 1 and 5)
            or (survey = 'ces' and score::int not between 1 and 7)""",
    "only the answered have scores": """
        from surveys where responded_at is null and coalesce(score, answer) is not null""",
    "satisfaction is 1 to 5": "from tickets where satisfaction::int not between 1 and 5",
    "controls are not contacted": """
        from touches where is_control = 'true'
            and (responded_at is not null or dwell_seconds is not null or cost <> '0.00')""",
    "whoever is referred exists and came by referral": """
        select referral_id from referrals left join customers on customer_id = referred_customer_id
        where referred_customer_id is not null and entry_source is distinct from 'referral'""",
    "whoever came by referral was referred": f"""
        from customers where entry_source = 'referral' and merged_into is null
            and customer_id not in ({REFERRED}) and customer_id not in ({SAME_EMAIL})""",
    "referrers have bought before they refer": f"""
        select referral_id from referrals where not exists (
            from orders where customer_id = referrer_id and kind = 'standard'
                and ordered_at::timestamptz < referred_at::timestamptz)
            and referrer_id not in (select merged_into from customers where merged_into is not null)
            and referrer_id not in ({SAME_EMAIL})""",
    "referred no later than created": """
        select referral_id from referrals join customers on customer_id = referred_customer_id
        where referred_at::timestamptz > created_at::timestamptz or referrer_id = customer_id""",
    "merged into a customer that is not merged": """
        from customers as a left join customers as b on a.merged_into = b.customer_id
        where a.merged_into is not null
            and (b.customer_id is null or b.merged_into is not null)""",
    "a cancelled subscription has a reason": """
        from subscriptions where (ended_at is null) <> (cancel_reason is null)""",
    "some emails differ by case only": """
        select 1 where not exists (from customers as a join customers as b
            on lower(a.email) = lower(b.email) and a.email <> b.email)""",
    "currencies": "from orders where currency not in ('USD', 'EUR', 'GBP')",
}


@pytest.mark.parametrize("rule", RULES)
def test_clean_data_obey(clean, large, rule):
    for _, con in (clean, large):
        assert rows(con, f"{RULES[rule]} limit 3") == []


def test_clean_ids_are_there_and_unique(clean, large):
    for _, con in (clean, large):
        for table, key in IDS.items():
            query = f"select count(*) - count(distinct {key}) from {table}"
            assert value(con, query) == 0, table


def test_clean_words_are_known_and_all_used(large):
    _, con = large
    for table, (column, words) in KNOWN.items():
        found = {word for (word,) in rows(con, f"select distinct {column} from {table}")}
        assert found == set(words.split()), table


@pytest.mark.parametrize("table", EVENT_TIMES)
def test_nothing_happens_before_the_customer_exists_or_after_the_last_day(clean, large, table):
    column = EVENT_TIMES[table]
    for _, con in (clean, large):
        query = f"""
            select count(*) from {table} left join customers using (customer_id)
            where created_at is null or {column} is null
                or {column}::timestamptz < created_at::timestamptz
                or {column}::timestamptz >= timestamptz '2025-01-01T00:00:00Z'
        """
        assert value(con, query) == 0


@pytest.mark.parametrize(("table", "first", "second"), LATER)
def test_times_come_in_their_order(clean, large, table, first, second):
    for _, con in (clean, large):
        query = f"from {table} where {second}::timestamptz < {first}::timestamptz limit 3"
        assert rows(con, query) == []


def test_known_times_end_with_the_last_day(clean):
    _, con = clean
    known = [("orders", "refunded_at"), ("orders", "delivered_at"), ("orders", "invoiced_at")]
    known += [("surveys", "responded_at"), ("touches", "responded_at")]
    known += [("tickets", "resolved_at"), ("subscriptions", "ended_at")]
    known += [("customers", "created_at"), ("referrals", "referred_at")]
    for table, column in known:
        last = value(con, f"select max({column}::timestamptz)::date::text from {table}")
        assert "2023-01-01" <= last <= "2024-12-31", (table, column)


def test_the_calendar_is_fixed(clean):
    _, con = clean
    assert value(con, "select max(ordered_at::timestamptz)::date::text from orders") == "2024-12-31"
    assert value(con, "select min(created_at::timestamptz)::text from customers") > "2023-01-01"
    offsets = value(con, "select avg((ordered_at not like '%Z')::int) from orders")
    assert 0.02 < offsets < 0.1


def test_a_time_with_an_offset_is_the_same_instant(tmp_path):
    """Writing every time with an offset must not move an instant."""
    shares = {"z": 0.0, "local": 1.0}
    for name, share in shares.items():
        demo.generate(200, 6, 1, tmp_path / name, behaviour=demo.Behaviour(offset_share=share))
    query = "select order_id, epoch(ordered_at::timestamptz) from orders order by order_id"
    plain, local = (open_tables(tmp_path / name) for name in shares)
    assert rows(plain, query) == rows(local, query)
    assert value(local, "select count(*) from orders where ordered_at like '%Z'") == 0


# Rates that make the demo worth looking at


def test_about_half_are_buyers_and_active_ones_have_enough_orders(clean):
    _, con = clean
    con.execute(
        """
        create or replace temp table buyer as
        select customer_id, count(*) as orders, max(ordered_at::timestamptz) as last_at
        from orders where kind = 'standard' and status not in ('cancelled', 'refunded') group by all
        """
    ).fetchall()
    share = value(con, "select (select count(*) from buyer) / (select count(*) from customers)")
    assert 0.4 < share < 0.6
    active = value(
        con,
        """
        select median(orders) from buyer where last_at > timestamptz '2024-11-01T00:00:00Z'
            and customer_id in (select customer_id from orders
                where ordered_at::timestamptz < timestamptz '2024-10-01T00:00:00Z')
        """,
    )
    assert 5 <= active <= 8


def test_every_stage_has_customers(clean):
    _, con = clean
    query = """
        with stage as (
            select
                customer_id,
                case
                    when customer_id in (select referrer_id from referrals
                        union select customer_id from advocacy_acts) then 'refer'
                    when paid_days >= 2 then 'repeat'
                    when paid_days = 1 then 'buy'
                    when customer_id in (select customer_id from orders where kind <> 'standard'
                        union select customer_id from subscriptions) then 'try'
                    when customer_id in (select customer_id from touches
                        where direction = 'inbound'
                            and purpose in ('newsletter', 'seminar', 'meeting')) then 'trust'
                    when customer_id in (select customer_id from touches
                        where direction = 'inbound' or responded_at is not null
                        union select customer_id from logins) then 'like'
                    else 'know'
                end as stage
            from customers left join (
                select customer_id, count(distinct ordered_at::timestamptz::date) as paid_days
                from orders where kind = 'standard' and status not in ('cancelled', 'refunded')
                group by customer_id
            ) using (customer_id)
        )
        select stage, count(*) from stage group by stage
    """
    counts = dict(rows(con, query))
    assert set(counts) == {"know", "like", "trust", "try", "buy", "repeat", "refer"}
    assert min(counts.values()) >= 40


STATES = """
    with paid as (
        select customer_id, ordered_at::timestamptz::date as day from orders
        where kind = 'standard' and status not in ('cancelled', 'refunded')
    ),
    login as (
        select distinct customer_id, logged_in_at::timestamptz::date as day from logins
        where outcome = 'success'
    ),
    gaps as (
        select customer_id, day, day - lag(day) over (partition by customer_id order by day) as gap
        from (from paid union from login)
    ),
    usual as (select median(gap) as gap from gaps),
    silence as (
        select customer_id, date '2024-12-31' - max(day) as silent,
            if(count(gap) < 3, (select gap from usual), median(gap)) as gap,
            date '2024-12-31' - max(day) filter (gap >= 180) as back
        from gaps group by customer_id
    ),
    firsts as (
        select customer_id, date '2024-12-31' - min(day) as age from paid group by customer_id
    ),
    usage as (
        select customer_id, count(*) filter (date '2024-12-31' - day <= 112) as days,
            4 * sum(0.5 ** ((date '2024-12-31' - day) / 14))
                / sum(0.5 ** ((date '2024-12-31' - day) / 56)) as trend
        from login group by customer_id
    )
    select case
        when age is null then 'prospect' when silent >= 180 then 'lost'
        when back <= 90 then 'reactivated' when age <= 90 then 'new'
        when silent > 30 and silent > 2 * gap then 'dormant'
        when days >= 4 and trend < 0.5 then 'declining' else 'active' end as state, count(*)
    from customers left join silence using (customer_id) left join firsts using (customer_id)
    left join usage using (customer_id) group by state
"""


def test_every_state_has_customers_on_the_last_day(clean):
    counts = dict(rows(clean[1], STATES))
    names = {"prospect", "lost", "reactivated", "new", "dormant", "declining", "active"}
    assert set(counts) == names
    assert min(counts.values()) >= 5


# Planted truths

# Name of the truth: lowest and highest effect, lowest and highest of what it is compared with.
EFFECTS = {
    "outage": (0.4, 0.65, 0.0, 0.2),
    "lapsing_segment": (0.0, 0.21, 0.5, 0.8),
    "camera_pulls_case": (0.5, 0.7, 0.0, 0.1),
    "habit_retains": (0.8, 0.95, 0.5, 0.75),
    "disloyal_advocates": (0.02, 0.05, 0.03, 0.12),
    "fading_logins": (0.2, 0.45, 0.8, 1.2),
}


@pytest.mark.parametrize("truth", demo.PLANTED, ids=lambda truth: truth.name)
def test_planted_truths_are_found(large, truth):
    report, con = large
    assert truth in report.truths
    effect, base = rows(con, truth.query)[0]
    low, high, base_low, base_high = EFFECTS[truth.name]
    assert low <= effect <= high and base_low <= base <= base_high, (effect, base)


# Each parameter that plants a truth, switched off, and what must then be gone.
SWITCHES = {
    "outage": {"lockout_lost_share": 0.0},
    "lapsing_segment": {"lapse_keep": 1.0},
    "camera_pulls_case": {"case_share_after_camera": 0.0},
    "habit_retains": {"habit_share": 0.0},
    "disloyal_advocates": {"hollow_share": 0.0},
    "fading_logins": {"fade_days": 0.01},
}


def test_truths_go_when_they_are_not_planted(tmp_path):
    settings = {key: value for part in SWITCHES.values() for key, value in part.items()}
    demo.generate(5000, 24, 3, tmp_path, behaviour=demo.Behaviour(**settings))
    con = open_tables(tmp_path)
    for truth in demo.PLANTED:
        effect, _ = rows(con, truth.query)[0]
        low, high, *_ = EFFECTS[truth.name]
        assert effect is None or not low <= effect <= high, (truth.name, effect)


def test_passwords_always_fail_in_the_outage_and_others_do_not(large):
    query = """
        select avg((outcome = 'failure')::int) filter (method = 'password'),
            avg((outcome = 'failure')::int) filter (method <> 'password')
        from logins where logged_in_at::timestamptz >= timestamptz '2024-07-08T00:00:00Z'
            and logged_in_at::timestamptz < timestamptz '2024-07-22T00:00:00Z'
    """
    password, others = rows(large[1], query)[0]
    assert password == 1 and others < 0.1


def test_win_back_beats_its_control(large):
    query = """
        select is_control, avg(exists(from orders
            where orders.customer_id = touches.customer_id
                and ordered_at::timestamptz > touched_at::timestamptz)::int)
        from touches where purpose = 'win_back' group by is_control order by is_control
    """
    (_, treated), (_, control) = rows(large[1], query)
    assert 0.2 < treated < 0.4 and control < 0.15


# Dirt: what the report says is what a plain query finds

FOUND = {
    ("orders", "decimal_comma"): "amount = '1.234,56'",
    ("orders", "currency_sign"): "amount = '$12.00'",
    ("orders", "thousands_separator"): "amount = '1,234.56'",
    ("orders", "nan_amount"): "amount in ('NaN', 'Infinity', '1e400', 'abc')",
    ("orders", "negative_amount"): "amount like '-%'",
    ("orders", "three_decimals"): "amount like '%.___'",
    ("orders", "refund_over_amount"): "amount = '20.00' and refund_amount = '30.00'",
    ("orders", "refund_before_order"): "refunded_at like '2019%'",
    ("orders", "unknown_status"): "status = 'shipped?'",
    ("orders", "unknown_currency"): "currency = 'XQZ'",
    ("orders", "missing_id"): "customer_id is null",
    ("orders", "null_word_id"): "customer_id in ('NULL', 'None', 'nan')",
    ("orders", "padded_id"): "customer_id <> trim(customer_id)",
    ("orders", "zero_width_id"): "contains(order_id, chr(8203))",
    ("orders", "formula"): "channel like '=cmd%'",
    ("orders", "sql"): "channel like '%drop table%'",
    ("orders", "bad_time"): "try_cast(ordered_at as timestamptz) is null",
    ("orders", "implausible_time"): "left(ordered_at, 4) in ('0001', '9999', '1900')",
    ("orders", "conflicting_id"): """order_id in
        (select order_id from orders group by all having count(distinct amount) > 1)""",
    ("order_items", "orphan_item"): "order_id not in (select order_id from orders)",
    ("order_items", "quantity_zero"): "quantity = '0'",
    ("order_items", "quantity_negative"): "quantity = '-1'",
    ("surveys", "nps_11"): "survey = 'nps' and score = '11'",
    ("surveys", "csat_6"): "survey = 'csat' and score = '6'",
    ("surveys", "unknown_survey"): "survey = 'mood'",
    ("surveys", "answered_before_sent"): "responded_at like '2019%'",
    ("surveys", "script"): "answer like '<script>%'",
    ("customers", "merge_cycle"): """merged_into in (select b.customer_id from customers as b
        where b.merged_into = customers.customer_id)""",
    ("customers", "mixed_case_email"): "email = upper(email)",
    ("customers", "conflicting_id"): """customer_id in
        (select customer_id from customers where customer_id not in ('NULL', 'None', 'nan')
        group by all having count(distinct country) > 1)""",
    ("referrals", "self_referral"): "referrer_id = referred_customer_id",
    ("tickets", "satisfaction_6"): "satisfaction = '6'",
    ("tickets", "unknown_kind"): "kind = 'rant'",
    ("subscriptions", "ends_before_start"): "ended_at like '2019%'",
    ("logins", "unknown_outcome"): "outcome = 'maybe'",
    ("events", "bad_time"): "try_cast(occurred_at as timestamptz) is null",
    ("products", "script"): "name like '<script>%'",
}


@pytest.mark.parametrize(("table", "kind"), FOUND, ids=lambda text: text)
def test_dirt_is_in_the_files_as_reported(dirty, table, kind):
    report, con = dirty
    found = value(con, f"select count(*) from {table} where {FOUND[table, kind]}")
    assert found == report.dirt[table][kind] > 0


def test_exact_duplicates_are_as_reported(dirty):
    report, con = dirty
    for table in TABLES:
        query = f"select count(*) from {table}"
        distinct = f"select count(*) from (select distinct * from {table})"
        expected = report.dirt[table].get("exact_duplicate", 0)
        assert value(con, query) - value(con, distinct) == expected, table


def test_dirt_is_only_added(dirty, tmp_path):
    """The clean rows are all there, byte for byte, and the rest is what was reported."""
    report, con = dirty
    clean_report = demo.generate(1500, 18, 5, tmp_path)
    clean_con = open_tables(tmp_path)
    for table in TABLES:
        have, want = rows(con, f"from {table}"), rows(clean_con, f"from {table}")
        assert set(want) <= set(have), table
        added = sum(report.dirt[table].values())
        assert len(have) - len(want) == added == report.rows[table] - clean_report.rows[table]
        assert sum(report.answers[table].values()) == added


def test_every_kind_is_planted_and_the_share_is_kept(dirty):
    report, _ = dirty
    planted = {(table, name) for table, kinds in report.dirt.items() for name in kinds}
    rare = {"tickets", "referrals", "advocacy_acts", "subscriptions"}
    wanted = {(kind.table, kind.name) for kind in demo.KINDS if kind.table not in rare}
    assert wanted <= planted
    for table in ("orders", "logins", "touches"):
        share = sum(report.dirt[table].values()) / report.rows[table]
        assert share == pytest.approx(0.03, rel=0.1)


def test_broken_lines_are_in_the_csv_as_reported(tmp_path):
    report = demo.generate(300, 12, 1, tmp_path, dirt=0.03)
    for table in ("orders", "logins", "surveys", "touches"):
        with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
            header, *records = list(csv.reader(lines))
        width = len(header)
        assert report.rows[table] == len(records)
        assert report.dirt[table]["too_many_fields"] == sum(len(r) > width for r in records) > 0
        assert report.dirt[table]["too_few_fields"] == sum(len(r) < width for r in records) > 0
        assert report.dirt[table]["repeated_header"] == records.count(header) > 0


# The small demo that is kept in the repository


def test_seed_demo_is_what_the_code_makes(tmp_path):
    report = demo.generate(**demo.SEED_DEMO, out=tmp_path)
    assert digests(PROJECT_DIR / "seeds/demo") == digests(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 400_000
    assert report.dirt_count > 30
    assert not {"too_many_fields", "repeated_header"} & {k for d in report.dirt.values() for k in d}
