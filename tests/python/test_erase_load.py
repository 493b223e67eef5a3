"""Erasing a person from what landed: who is meant, what goes, and who comes back."""

import gzip
import json
import stat
from pathlib import Path

import duckdb
import pytest
from load_helpers import LOGINS, ORDERS, Shop
from typer.testing import CliRunner

from evergreen import erase as erase_module
from evergreen.cli import app
from evergreen.erase import EraseReport, Person, erase
from evergreen.erase_files import Eraser
from evergreen.errors import EraseIncomplete, InputRefused, Locked
from evergreen.locking import lock

CUSTOMERS = "customer_id,email,merged_into\n"
REFERRALS = "referral_id,referrer_id,referred_at,referred_customer_id\n"
ITEMS = "order_id,line_number,product_id,quantity,unit_price\n"
ANA, OLD_ANA, BEN = "cust-ana-7", "cust-ana-old-3", "cust-ben-5"
ADDRESS = "ana.q@mail.example"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    deliver(shop)
    shop.load()
    return shop


def deliver(shop: Shop, note: str = "") -> None:
    """One person with two ids, and another who names them; malformed lines of both."""
    shop.put(
        "orders.csv",
        f"{ORDERS}o1,{ANA},2024-01-01,10.50\no2,{OLD_ANA},2024-01-02,4.50\n"
        f"o3,{BEN},2024-01-03,7\no4,{ANA},2024-01-04\no5,{BEN},2024-01-05\n{note}",
    )
    shop.put("order_items.csv", f"{ITEMS}o1,1,p,2,5.25\no3,1,p,1,7\n")
    shop.put(
        "customers.csv",
        f"{CUSTOMERS}{ANA},{ADDRESS.upper()},\n{OLD_ANA},,{ANA}\n{BEN},ben@mail.example,\n",
    )
    shop.put(
        "referrals.csv",
        f"{REFERRALS}f1,{BEN},2024-01-05,{ANA}\nf2,{ANA},2024-01-06,{BEN}\n",
    )
    shop.put(
        "surveys.jsonl",
        json.dumps(
            {
                "response_id": "r1",
                "customer_id": BEN,
                "survey": "exit",
                "answer": f"ask {ADDRESS}, she knows",
                "note": f"see {ANA}",
            }
        )
        + "\n",
    )
    (shop.landing / "surveys.csv").unlink(missing_ok=True)
    shop.put("logins.csv.gz", gzip.compress(f"{LOGINS}l1,{ANA},2024-01-01\n".encode()))
    (shop.landing / "logins.csv").unlink(missing_ok=True)


def run(shop: Shop, customer: str = ANA, landing: Path | None = None) -> EraseReport:
    return erase(shop.warehouse, customer, lambda person: True, landing)


def found_in(folder: Path, *needles: str) -> list[str]:
    """Files with the bytes of one of the texts, wherever in the file they stand."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle.encode() in path.read_bytes() for needle in needles)
    ]


@pytest.mark.parametrize("customer", [ANA, OLD_ANA, ADDRESS, f" {ADDRESS.title()} "])
def test_every_id_of_the_person_goes_and_nobody_else(shop: Shop, customer: str) -> None:
    report = run(shop, customer)
    assert report.rows == {
        "orders": 3,
        "order_items": 1,
        "logins": 1,
        "customers": 2,
        "referrals": 1,
    }
    assert shop.query("select order_id from raw.orders") == [("o3",)]
    assert shop.query("select order_id from raw.order_items") == [("o3",)]
    assert shop.query("select customer_id from raw.customers") == [(BEN,)]
    assert shop.query("select * from raw.logins") == []
    assert [line[0] for line in shop.malformed()] == [6]


def test_rows_of_others_stay_without_the_person(shop: Shop) -> None:
    run(shop)
    assert shop.query(
        "select referral_id, referrer_id, referred_customer_id from raw.referrals"
    ) == [("f1", BEN, None)]
    assert shop.query("select response_id, answer, _extra from raw.surveys") == [
        ("r1", "[erased]", "[erased]")
    ]


def test_bytes_are_gone_from_every_file_but_the_landed_ones(shop: Shop) -> None:
    assert found_in(shop.warehouse.folder, ANA)  # or the search could not fail
    report = run(shop, landing=shop.landing)
    needles = (ANA, OLD_ANA, ADDRESS, ADDRESS.upper())
    assert found_in(shop.warehouse.folder, *needles) == []
    assert report.landed == [
        "customers.csv:2",
        "customers.csv:3",
        "logins.csv.gz:2",
        "order_items.csv:2",
        "orders.csv:2",
        "orders.csv:3",
        "orders.csv:5",
        "referrals.csv:2",
        "referrals.csv:3",
        "surveys.jsonl:1",
    ]


def test_what_was_erased_is_counted_with_its_money_and_without_the_id(shop: Shop) -> None:
    before = shop.query("select input, file, landed_count from raw.files order by all")
    run(shop)
    assert shop.query("select input, row_count, amount from raw.erased_rows order by input") == [
        ("customers", 2, None),
        ("logins", 1, None),
        ("order_items", 1, 10.50),
        ("orders", 3, 15.00),
        ("referrals", 1, None),
    ]
    assert shop.query("select input, file, landed_count from raw.files order by all") == before


def test_same_files_again_change_nothing(shop: Shop) -> None:
    run(shop)
    report = shop.load()
    assert not report.is_changed
    assert {file.outcome for file in report.files} == {"unchanged"}


def test_a_later_delivery_does_not_bring_the_person_back(shop: Shop) -> None:
    run(shop)
    deliver(shop, note=f"o6,{BEN},2024-01-06,1\n\no7,{ANA},2024-01-07,2.25\n")
    shop.put("touches.csv", f"touch_id,customer_id,touched_at,cost\nt1,{OLD_ANA},2024-01-01,3\n")
    shop.put("customers.csv", f"{CUSTOMERS}{BEN},,{ANA}\nnew-id,{ADDRESS},\n")
    report = shop.load()
    assert "touches.csv: 1 rows of erased persons were not let in" in report.notes
    assert shop.query("select order_id from raw.orders order by 1") == [("o3",), ("o6",)]
    assert shop.query("select customer_id, merged_into from raw.customers") == [(BEN, None)]
    assert found_in(shop.warehouse.folder, ANA, OLD_ANA, ADDRESS) == []
    assert shop.query(
        "select input, row_count, amount from raw.erased_rows where input in"
        " ('orders', 'touches', 'customers') order by 1"
    ) == [("customers", 1, None), ("orders", 4, 17.25), ("touches", 1, 3.00)]
    assert shop.query(
        "select landed_count, malformed_count from raw.files where input = 'orders'"
    ) == [(7, 1)]


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_delivery_in_another_format_does_not_either(shop: Shop, form: str) -> None:
    run(shop)
    (shop.landing / "orders.csv").unlink()
    with duckdb.connect() as con:
        con.execute(
            "create table orders as select * from (values ('o1', $1, '2024-01-01', '10.50'),"
            " ('o3', $2, '2024-01-03', '7')) as rows (order_id, customer_id, ordered_at, amount)",
            [ANA, BEN],
        )
        kind = "json" if form == "jsonl" else form
        con.execute(f"copy orders to '{shop.landing}/orders.{form}' (format {kind})")
    shop.load()
    assert shop.query(f"select order_id from raw.orders where _file = 'orders.{form}'") == [("o3",)]
    assert found_in(shop.warehouse.folder, ANA) == []


def test_hashes_outlive_the_work_file(shop: Shop) -> None:
    """A damaged work file is moved away and built anew from what landed."""
    run(shop)
    shop.warehouse.work_file.unlink()
    shop.load()
    assert shop.query("select order_id from raw.orders") == [("o3",)]
    shop.warehouse.key_file.unlink()
    with pytest.raises(InputRefused, match="key is missing"):
        shop.load()


def test_a_killed_erasure_is_ended_by_the_same_command(shop: Shop, monkeypatch) -> None:
    """Killed before the work file was written anew; a load in between lets nobody in."""

    def killed(self, file):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Eraser, "rewrite_work", killed)
        with pytest.raises(KeyboardInterrupt):
            run(shop, OLD_ANA)
    shop.put("touches.csv", f"touch_id,customer_id,touched_at\nt1,{ANA},2024-01-01\n")
    report = shop.load()
    assert any("begun and not finished" in note for note in report.notes)
    assert shop.query("select * from raw.touches") == []
    done = run(shop, OLD_ANA)
    assert done.rows["orders"] == 3
    assert len(list(shop.warehouse.receipts.iterdir())) == 1
    assert found_in(shop.warehouse.folder, ANA, OLD_ANA, ADDRESS) == []


def test_killed_after_the_work_file_was_written_anew(shop: Shop, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(erase_module, "remove_traces", lambda warehouse: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(shop)
    (shop.warehouse.folder / "logs").mkdir()
    (shop.warehouse.folder / "logs" / "dbt.log").write_text(f"about {ANA}")
    done = run(shop)
    assert done.rows["orders"] == 3
    assert found_in(shop.warehouse.folder, ANA, OLD_ANA, ADDRESS) == []


def test_the_receipt_says_what_was_done_and_not_to_whom(shop: Shop) -> None:
    report = run(shop, landing=shop.landing)
    receipt = json.loads(report.receipt.read_text())
    assert receipt["status"] == "done"
    assert receipt["customer"] in receipt["tombstones"]
    assert receipt["rewritten"] == ["work.duckdb"]
    assert receipt["landing_lines"] == report.landed
    assert found_in(shop.warehouse.receipts, ANA, OLD_ANA, ADDRESS, "o1") == []
    for path in (report.receipt, shop.warehouse.key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_unknown_customer_is_refused_and_an_erased_one_is_told(shop: Shop) -> None:
    with pytest.raises(InputRefused, match="no row names 'cust-ana'"):
        run(shop, "cust-ana")
    with pytest.raises(InputRefused, match="blank"):
        run(shop, "  ")
    run(shop)
    with pytest.raises(InputRefused, match="was erased on"):
        run(shop)


HOSTILE = [
    "x' or '1'='1",
    "{{ var('x') }}",
    "../../etc",
    "%",
    "_",
    '"; drop table raw.orders; --',
    "'); delete from raw.orders; --",
    "[bold]",
    "\x00",
    "$(id)",
    "é\u202e",
    "a@b' or ''='",
]


@pytest.mark.parametrize("customer", HOSTILE)
def test_hostile_arguments_name_nobody(shop: Shop, customer: str) -> None:
    before = shop.query("select count(*) from raw.orders")
    with pytest.raises(InputRefused):
        run(shop, customer)
    assert shop.query("select count(*) from raw.orders") == before


@pytest.mark.parametrize(
    "customer", [name for name in HOSTILE if name.strip() and "\x00" not in name]
)
def test_hostile_ids_are_erased_like_others(tmp_path: Path, customer: str) -> None:
    shop = Shop(tmp_path)
    written = customer.replace('"', '""')
    shop.put("orders.csv", f'{ORDERS}o1,"{written}",2024-01-01,1\no2,other,2024-01-01,2\n')
    shop.load()
    assert run(shop, customer).rows == {"orders": 1}
    assert shop.query("select order_id from raw.orders") == [("o2",)]


def test_short_ids_do_not_take_others_along(tmp_path: Path) -> None:
    """12 is a customer, an order, a quantity and a word."""
    shop = Shop(tmp_path)
    shop.put("orders.csv", ORDERS + "12,7,2024-01-01,12\n13,12,2024-01-02,5\n14,12\n15,7\n")
    shop.put("order_items.csv", ITEMS + "12,1,12,12,1\n13,1,12,1,5\n")
    shop.put("surveys.csv", "response_id,customer_id,survey,answer\nr,7,exit,12 of them\n")
    shop.load()
    report = run(shop, "12")
    assert report.rows == {"orders": 2, "order_items": 1}
    assert report.vague_count == 1
    assert shop.query("select order_id from raw.orders") == [("12",)]
    assert shop.malformed() == [(5, "malformed_line", "15,7")]
    assert shop.query("select order_id from raw.order_items") == [("12",)]
    assert shop.query("select answer from raw.surveys") == [("12 of them",)]


def test_case_counts_in_ids_and_not_in_addresses(tmp_path: Path) -> None:
    """Two customers whose ids differ in nothing else: the other one stays, and is not found."""
    shop = Shop(tmp_path)
    shop.put("orders.csv", ORDERS + "o1,cus_Ab12,2024-01-01,1\no2,cus_aB12,2024-01-02,2\n")
    shop.put("customers.csv", f"{CUSTOMERS}cus_Ab12,{ADDRESS.title()},\ncus_aB12,,\n")
    shop.load()
    report = run(shop, "cus_Ab12", shop.landing)
    assert report.landed == ["customers.csv:2", "orders.csv:2"]
    assert shop.query("select customer_id from raw.customers") == [("cus_aB12",)]
    with pytest.raises(InputRefused, match="was erased on"):
        run(shop, ADDRESS)


def test_what_killed_runs_left_behind_goes_too(shop: Shop) -> None:
    names = [".work.duckdb.7.new", ".load-x/clean.csv", ".dashboard-x/index.html", "a.damaged.wal"]
    names += ["published/.evergreen.duckdb.7.new.wal", "versions/.v.duckdb.7.new", "runs/r/x.json"]
    for name in names:
        path = shop.warehouse.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ANA)
    run(shop)
    assert [name for name in names if (shop.warehouse.folder / name).exists()] == []


def test_what_cannot_be_made_again_is_told_and_done_when_the_cause_is_gone(shop: Shop) -> None:
    """A file of the user's in the warehouse is not removed behind their back."""
    note = shop.warehouse.folder / "notes.txt"
    note.write_text(f"call {ANA}")
    with pytest.raises(EraseIncomplete, match=r"notes\.txt still holds the person"):
        run(shop)
    assert shop.query("select order_id from raw.orders") == [("o3",)]
    note.unlink()
    report = run(shop)
    assert json.loads(report.receipt.read_text())["status"] == "done"


def test_an_address_that_others_have_too_stays(tmp_path: Path) -> None:
    """It is no address of the person alone, and rows of the others must still be let in."""
    shop = Shop(tmp_path)
    shop.put("customers.csv", CUSTOMERS + "a1,home@mail.example,\nb1,home@mail.example,\n")
    shop.load()
    with duckdb.connect(str(shop.warehouse.work_file)) as con:  # folding of equal addresses is off
        con.execute("create schema intermediate")
        con.execute(
            "create table intermediate.int_customer_ids as"
            " select unnest(['a1', 'b1']) as source_customer_id, source_customer_id as customer_id"
        )
    asked: list[Person] = []
    erase(shop.warehouse, "a1", lambda person: bool(asked.append(person)) or True)
    assert asked[0].shared == {"home@mail.example"}
    assert shop.query("select customer_id, email from raw.customers") == [
        ("b1", "home@mail.example")
    ]


def test_nothing_happens_without_consent_or_while_another_holds_the_warehouse(shop: Shop) -> None:
    assert erase(shop.warehouse, ANA, lambda person: False) is None
    assert not shop.warehouse.receipts.exists()
    with lock(shop.warehouse), pytest.raises(Locked):
        run(shop)
    assert len(shop.lines()) == 3


def test_sources_of_a_mapping_lose_the_person_too(tmp_path: Path) -> None:
    """The column that names persons is learnt, so that short ids are known in it later on."""
    shop = Shop(tmp_path)
    for name in ("orders", "logins", "surveys"):
        (shop.landing / f"{name}.csv").unlink()
    folder = tmp_path / "mapping"
    folder.mkdir()
    nothing = " where false"
    (folder / "orders.sql").write_text(
        "select id as order_id, who as customer_id, day as ordered_at, paid as amount, _file, _line"
        " from landing.sales where paid <> '0'"
    )
    (folder / "logins.sql").write_text(
        "select null as login_id, null as customer_id, null as logged_in_at, null as _file,"
        " null as _line" + nothing
    )
    (folder / "surveys.sql").write_text(
        "select null as response_id, null as customer_id, null as survey, null as _file,"
        " null as _line" + nothing
    )
    shop.put(
        "sales.csv", "id,who,day,paid\n1,42,2024-01-01,5\n2,43,2024-01-02,42\n3,42,2024-01-03,0\n"
    )
    shop.load(folder)
    assert run(shop, "42").rows == {"orders": 1}
    assert shop.query("select id from landed.sales") == [("2",)]
    assert shop.query("select order_id from raw.orders") == [("2",)]
    shop.load(folder)
    assert shop.query("select order_id from raw.orders") == [("2",)]
    shop.put(
        "sales.csv", "id,who,day,paid\n1,42,2024-01-01,5\n2,43,2024-01-02,42\n4,43,2024-01-04,1\n"
    )
    shop.load(folder)
    assert shop.query("select id from landed.sales order by 1") == [("2",), ("4",)]
    assert shop.query(
        "select sum(landed_count)::int, (select sum(row_count)::int from raw.erased_rows),"
        " (select count(*) from raw.orders) from raw.files where input = 'orders'"
    ) == [(3, 1, 2)]


def test_the_command_shows_what_goes_asks_and_says_what_was_done(shop: Shop) -> None:
    told = ["erase", ADDRESS, "--warehouse", str(shop.warehouse.folder)]
    landing = ["--landing", str(shop.landing)]
    refused = CliRunner().invoke(app, [*told, *landing], input="n\n")
    assert refused.exit_code == 130 and "Nothing was changed" in refused.output
    assert "orders" in refused.output and len(shop.lines()) == 3
    done = CliRunner().invoke(app, [*told, *landing, "--yes"])
    assert done.exit_code == 0, done.output
    assert "Erased: 8 rows" in done.output and "nothing found" in done.output
    assert "orders.csv:2" in done.output
    unknown = CliRunner().invoke(app, [*told, "--yes"])
    assert isinstance(unknown.exception, InputRefused)


def test_the_salt_of_addresses_is_of_the_environment_or_of_the_warehouse(
    shop: Shop, monkeypatch
) -> None:
    """And it is in no file but the work file, which holds the addresses themselves."""
    monkeypatch.delenv("EVERGREEN_EMAIL_SALT", raising=False)
    shop.load()
    ((kept,),) = shop.query("select salt from raw.email_salt")
    assert len(kept) == 64 and kept not in shop.warehouse.key_file.read_text()
    monkeypatch.setenv("EVERGREEN_EMAIL_SALT", "pepper-of-the-house")
    shop.load()
    assert shop.query("select salt from raw.email_salt") == [("pepper-of-the-house",)]
    assert found_in(shop.warehouse.folder, "pepper-of-the-house") == ["work.duckdb"]
