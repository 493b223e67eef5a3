"""What each kind of file that goes wrong must get: refused, set aside or accepted."""

import csv
import gzip
import multiprocessing
import os
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from load_helpers import LOGINS, ORDERS, Shop

from evergreen import load_files, load_readers
from evergreen.errors import InputRefused


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def refusal(shop: Shop) -> str:
    """Message of the refusal; the work file must be as it was."""
    with pytest.raises(InputRefused) as error:
        shop.load()
    if shop.warehouse.work_file.exists():
        tables = shop.query("select count(*) from information_schema.tables")
        assert tables == [(0,)], "a refused first load leaves nothing behind"
    return str(error.value)


# Missing and empty --------------------------------------------------------------------------------


def test_required_table_missing_names_table_folder_files_and_nearest(shop: Shop) -> None:
    (shop.landing / "logins.csv").rename(shop.landing / "login.csv")
    message = refusal(shop)
    for part in ("logins", str(shop.landing), "orders.csv", 'nearest is "login"'):
        assert part in message


def test_landing_folder_missing_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.landing = tmp_path / "nowhere"
    assert "nowhere is not there" in refusal(shop)


def test_optional_table_missing_is_empty(shop: Shop) -> None:
    shop.load()
    assert shop.query("select count(*) from raw.tickets") == [(0,)]


def test_header_only_is_empty(shop: Shop) -> None:
    assert shop.load().landed_count == 0


@pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl"])
def test_zero_bytes_are_refused(shop: Shop, name: str) -> None:
    (shop.landing / "orders.csv").unlink()
    shop.put(name, b"")
    assert f"{name}: the file holds no bytes" in refusal(shop)


def test_empty_first_line_is_refused(shop: Shop) -> None:
    shop.put("orders.csv", "\n" + ORDERS)
    assert "orders.csv, line 1" in refusal(shop)


# Columns ------------------------------------------------------------------------------------------


def test_misspelt_required_column_is_refused_with_the_nearest(shop: Shop) -> None:
    shop.put("orders.csv", "order_id,custmer_id,ordered_at,amount\n")
    message = refusal(shop)
    for part in ("orders.csv", '"customer_id"', "order_id, custmer_id", 'nearest is "custmer_id"'):
        assert part in message


def test_columns_match_by_name_in_any_order_and_case(shop: Shop) -> None:
    shop.put("orders.csv", "Amount, ORDER_ID ,ordered_at,customer_id\n1.00,o1,2024-01-01,c1\n")
    shop.load()
    assert shop.query("select order_id, customer_id, amount from raw.orders") == [
        ("o1", "c1", "1.00")
    ]


def test_unknown_column_is_kept_and_named_once(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS.strip() + ",it's\no1,c1,2024-01-01,1,a\no2,c1,2024-01-01,1,\n")
    report = shop.load()
    assert [note for note in report.notes if "it's" in note] == [
        "orders.csv: columns that the contract does not have, kept in raw: it's"
    ]
    assert shop.query("select _extra from raw.orders order by _line") == [
        ('{"it\'s":"a"}',),
        ('{"it\'s":null}',),
    ]


@pytest.mark.parametrize("twice", ["amount", " Amount "])
def test_duplicate_header_is_refused(shop: Shop, twice: str) -> None:
    shop.put("orders.csv", ORDERS.strip() + f",{twice}\n")
    assert "stands there twice" in refusal(shop)


def test_more_than_2000_columns_are_refused_and_2000_are_read(shop: Shop) -> None:
    extra = [f"x{i}" for i in range(1996)]
    shop.put("orders.csv", ",".join([ORDERS.strip(), *extra]) + "\no1,c1,t,1" + "," * 1996 + "\n")
    assert shop.load().landed_count == 1
    shop.put("orders.csv", ",".join([ORDERS.strip(), *extra, "one_more"]) + "\n")
    with pytest.raises(InputRefused, match="2001 columns"):
        shop.load()


# Text ---------------------------------------------------------------------------------------------


def test_byte_order_mark_crlf_and_blank_lines_at_the_end_are_accepted(shop: Shop) -> None:
    body = (ORDERS + "o1,c1,2024-01-01,1\no2,c1,2024-01-02,2\n\n\n").replace("\n", "\r\n")
    shop.put("orders.csv", b"\xef\xbb\xbf" + body.encode())
    assert shop.load().malformed_count == 0
    assert shop.lines() == [(2, "o1"), (3, "o2")]
    assert shop.query("select sum(amount::int) from raw.orders") == [(3,)]


def test_mixed_line_ends_are_accepted(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\r\no2,c1,t,2\no3,c1,t,3\r\n")
    shop.load()
    assert shop.lines() == [(2, "o1"), (3, "o2"), (4, "o3")]
    assert shop.query("select sum(amount::int) from raw.orders") == [(6,)]


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
def test_latin_1_is_refused_with_its_line(shop: Shop, name: str) -> None:
    (shop.landing / "orders.csv").unlink()
    body = (ORDERS + "o1,c1,t,1\n" * 200_000 + "o2,café,t,1\n").encode("latin-1")
    shop.put(name, gzip.compress(body, 1) if name.endswith("gz") else body)
    message = refusal(shop)
    assert f"{name}, line 200002" in message and "Latin-1" in message


def test_character_cut_by_a_chunk_is_no_error(shop: Shop, monkeypatch) -> None:
    monkeypatch.setattr(load_files, "CHUNK_BYTES", 3)
    shop.put("orders.csv", ORDERS + "o1,😀é漢,t,1\no2,caf😀,t,1\n")
    shop.load()
    assert shop.lines(column="customer_id") == [(2, "😀é漢"), (3, "caf😀")]


def test_latin_1_at_the_edge_of_a_chunk_names_its_line(shop: Shop, monkeypatch) -> None:
    for size in (*range(1, 12), len(ORDERS) + 1, len(ORDERS) + 2):
        monkeypatch.setattr(load_files, "CHUNK_BYTES", size)
        shop.put("orders.csv", ORDERS.encode() + b"o1,c1,t,1\no2,caf\xe9\n")
        assert "orders.csv, line 3" in refusal(shop)
        shop.put("orders.csv", ORDERS.encode() + "漢".encode() + b"\xe9\n")
        assert "orders.csv, line 2" in refusal(shop)
    shop.put("orders.csv", ORDERS.encode() + b"o1,c1,t,\xe2\x82")
    assert "orders.csv, line 2" in refusal(shop)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused(shop: Shop, encoding: str) -> None:
    shop.put("orders.csv", (ORDERS + "o1,c1,t,1\n").encode(encoding))
    assert "line 1: the text is not UTF-8, it looks like UTF-16" in refusal(shop)


def test_nul_bytes_are_refused_with_their_line(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS.encode() + b"o1,c1,t,1\no2,c\x00,t,1\n")
    assert "orders.csv, line 3: a NUL byte" in refusal(shop)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_accepted_when_sure(shop: Shop, delimiter: str) -> None:
    body = ORDERS + 'o1,c1,2024-01-01,"1,5"\n'
    shop.put("orders.csv", body.replace('"1,5"', "1.5").replace(",", delimiter))
    shop.load()
    assert shop.query("select order_id, amount from raw.orders") == [("o1", "1.5")]


def test_unsure_delimiter_is_refused_with_the_guess(shop: Shop) -> None:
    shop.put("orders.csv", "order_id;customer_id;ordered\no1;c1;t\n")
    assert "a semicolon" in refusal(shop)


def test_quoted_line_breaks_quotes_and_emoji_keep_values_and_lines(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + 'o1,"a\n""b"", 😀\r\n\n",t,1\no2,c2,t,1\n')
    shop.load()
    assert shop.lines(column="customer_id") == [(2, 'a\n"b", 😀\r\n\n'), (6, "c2")]


def test_ids_are_kept_exactly(shop: Shop) -> None:
    ids = ["1e3", "1.0", "00042", "1234567890123456789012345"]
    shop.put("orders.csv", ORDERS + "".join(f"{i},{i},t,1\n" for i in ids))
    shop.put(
        "logins.jsonl",
        "".join(
            f'{{"login_id": {i}, "customer_id": "{i}", "logged_in_at": "t"}}\n'
            for i in ids
            if i != "00042"
        ),
    )
    shop.load()
    assert [value for _, value in shop.lines()] == ids
    found = shop.query("select login_id, customer_id from raw.logins order by _line")
    assert found == [(i, i) for i in ids if i != "00042"]


@pytest.mark.parametrize("text", ["=cmd()", "'; drop table raw.orders; --", "{{ var('x') }}"])
def test_text_is_never_executed(shop: Shop, text: str) -> None:
    shop.put("orders.csv", ORDERS.strip() + f",{text}\n{text},c1,t,1,x\n")
    shop.load()
    assert [value for _, value in shop.lines()] == [text]


# Malformed lines ----------------------------------------------------------------------------------


def test_too_few_and_too_many_fields_are_set_aside(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\no2,c1\n\no3,c1,t,1,9\no4,c1,t,1\n")
    report = shop.load()
    assert shop.lines() == [(2, "o1"), (6, "o4")]
    assert shop.malformed() == [
        (3, "malformed_line", "o2,c1"),
        (5, "malformed_line", "o3,c1,t,1,9"),
    ]
    assert (report.landed_count, report.malformed_count) == (4, 2)
    assert shop.query(
        "select landed_count, malformed_count from raw.files where input='orders'"
    ) == [(4, 2)]


def test_quote_never_closed_costs_one_line_only(shop: Shop) -> None:
    rows = "".join(f"o{i},c,t,1\n" for i in range(50_000))
    shop.put("orders.csv", ORDERS + 'bad,"c,t,1\n' + rows)
    shop.load()
    assert shop.query("select count(*), min(_line), max(_line) from raw.orders") == [
        (50_000, 3, 50_002)
    ]
    assert shop.malformed() == [(2, "malformed_line", 'bad,"c,t,1')]


def test_text_after_a_closing_quote_is_set_aside(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + 'o1,"c"x,t,1\no2,c" x,t,1\n')
    shop.load()
    assert shop.lines() == [(3, "o2")]
    assert [line for line, _, _ in shop.malformed()] == [2]


def test_repeated_header_is_set_aside(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\n" + ORDERS + "o2,c1,t,1\n")
    shop.load()
    assert shop.lines() == [(2, "o1"), (4, "o2")]
    assert shop.malformed() == [(3, "repeated_header", ORDERS.strip())]


@pytest.mark.parametrize("end", ["o2,c", 'o2,"c'])
def test_half_written_last_line_is_set_aside_and_the_file_named(shop: Shop, end: str) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\n" + end)
    report = shop.load()
    assert shop.malformed() == [(3, "malformed_line", end)]
    assert any("orders.csv" in note and "incomplete" in note for note in report.notes)


def test_last_line_without_line_end_but_whole_is_accepted(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1")
    report = shop.load()
    assert shop.lines() == [(2, "o1")] and not report.notes


def test_a_field_of_1_mb_is_accepted_and_an_endless_line_set_aside(shop: Shop, monkeypatch) -> None:
    shop.put("orders.csv", ORDERS + f"o1,{'é' * 1_000_000},t,1\no2,c,t,1\n")
    shop.load()
    assert shop.query("select max(length(customer_id)) from raw.orders") == [(1_000_000,)]
    monkeypatch.setattr(load_readers, "MAX_RECORD_CHARS", 1000)
    monkeypatch.setattr(load_readers, "MAX_LINE_BYTES", 4000)
    quoted = '"' + "x\n" * 800 + '"'
    shop.put("orders.csv", ORDERS + f"o1,{'x' * 9000},t,1\no2,c,t,1\no3,{quoted},t,1\n")
    shop.load()
    assert shop.lines() == [(3, "o2")]
    assert [line for line, _, _ in shop.malformed()][:2] == [2, 4]


FIELD = st.text(st.sampled_from('ab",;\n\r\u00e9 |'), max_size=6)
RECORD = st.one_of(
    st.tuples(FIELD, FIELD, FIELD, FIELD).map(lambda f: ("row", f)),
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=6)
    .filter(lambda f: len(f) != 4)
    .map(lambda f: ("bad", tuple(f))),
    st.just(("blank", ())),
    st.just(("header", tuple(ORDERS.strip().split(",")))),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    records=st.lists(RECORD, max_size=12), crlf=st.lists(st.booleans(), min_size=12, max_size=12)
)
def test_lines_are_those_of_an_independent_count(records: list, crlf: list[bool]) -> None:
    """Values, physical lines and rejects against a plain count while the file is written."""
    text, line, rows, bad = ORDERS, 2, [], []
    for (kind, fields), is_crlf in zip(records, crlf, strict=False):
        if kind == "row":
            body = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
            rows.append((line, *(field or None for field in fields)))
        else:
            body = ",".join(fields)
        if kind in ("bad", "header"):
            bad.append((line, {"bad": "malformed_line", "header": "repeated_header"}[kind]))
        text += body + ("\r\n" if is_crlf else "\n")
        line += body.count("\n") + 1
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        shop.put("orders.csv", text)
        shop.load()
        found = shop.query(
            "select _line, order_id, customer_id, ordered_at, amount from raw.orders order by _line"
        )
        assert found == rows
        assert [(line, reason) for line, reason, _ in shop.malformed()] == bad


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(*[st.text(st.sampled_from('ab",\n é'), max_size=5)] * 4), max_size=9)
)
def test_lines_are_those_of_pythons_csv_reader(rows: list[tuple]) -> None:
    """A file by csv.writer: each record starts after the line on which the one before ends."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        path = shop.landing / "orders.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            stream.write(ORDERS)
            csv.writer(stream, lineterminator="\n").writerows(rows)
        shop.load()
        expected, before = [], 1
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.reader(stream)
            next(reader)
            for fields in reader:
                expected.append((before + 1, *(field or None for field in fields)))
                before = reader.line_num
        found = shop.query(
            "select _line, order_id, customer_id, ordered_at, amount from raw.orders order by _line"
        )
        assert found == expected and shop.malformed() == []


def test_both_ways_of_reading_give_the_same_rows(shop: Shop, monkeypatch) -> None:
    """A file read in one go, and the same file cut into records first."""
    body = "".join(f'o{i}, "c {i}" , t{i},"{i % 7},5"\n' for i in range(30_000))
    shop.put("orders.csv", ORDERS + body)
    shop.load()
    query = "select * exclude (_loaded_at) from raw.orders order by _line"
    in_one_go = shop.query(query)
    monkeypatch.setattr(load_readers, "_read_in_one_go", lambda *_: None)
    shop.put("orders.csv", ORDERS + body + "\n")
    shop.load()
    assert shop.query(query) == in_one_go
    assert len(in_one_go) == 30_000


# Packed and Parquet files -------------------------------------------------------------------------


def test_gzip_is_accepted(shop: Shop) -> None:
    (shop.landing / "orders.csv").unlink()
    shop.put("orders.csv.gz", gzip.compress((ORDERS + "o1,c1,t,1\n").encode()))
    shop.load()
    assert shop.lines() == [(2, "o1")]


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.jsonl.gz"])
def test_truncated_gzip_is_refused(shop: Shop, name: str) -> None:
    (shop.landing / "orders.csv").unlink()
    packed = gzip.compress((ORDERS + "o1,c1,t,1\n" * 5000).encode())
    for size in (9, len(packed) // 2, len(packed) - 1):
        shop.put(name, packed[:size])
        assert f"{name}: the gzip file is incomplete" in refusal(shop)


def test_plain_text_named_gz_and_gzip_named_csv_are_refused(shop: Shop) -> None:
    shop.put("orders.csv", gzip.compress(ORDERS.encode()))
    assert "packed with gzip" in refusal(shop)
    (shop.landing / "orders.csv").unlink()
    shop.put("orders.csv.gz", ORDERS)
    assert "not packed with gzip" in refusal(shop)


def parquet(shop: Shop, select: str, name: str = "orders") -> Path:
    (shop.landing / f"{name}.csv").unlink(missing_ok=True)
    path = shop.landing / f"{name}.parquet"
    duckdb.sql(f"copy ({select}) to '{path}' (format parquet, row_group_size 2048)")
    return path


def test_parquet_of_other_types_is_text_with_row_numbers(shop: Shop) -> None:
    parquet(
        shop,
        "select i as order_id, 'c' as customer_id,"
        " timestamptz '2024-01-01 00:00:00+02' as ordered_at, 1.10::decimal(9, 2) as amount,"
        " null::int as cost from range(3000) t(i)",
    )
    shop.load()
    first = "select order_id, ordered_at, amount, cost from raw.orders where _line = 1"
    assert shop.query(first) == [("0", "2023-12-31 22:00:00+00", "1.10", None)]
    assert shop.query("select count(*) from raw.orders where _line <> order_id::int + 1") == [(0,)]


@pytest.mark.parametrize("kind", ["double", "float"])
def test_parquet_id_as_floating_point_is_refused(shop: Shop, kind: str) -> None:
    parquet(shop, f"select 1::{kind} as order_id, 'c' customer_id, 't' ordered_at, 1 amount")
    message = refusal(shop)
    assert '"order_id"' in message and "floating-point" in message


@pytest.mark.parametrize("value", ["[1, 2]", "{'a': 1}", "map {'a': 1}"])
def test_nested_parquet_is_refused(shop: Shop, value: str) -> None:
    parquet(shop, f"select 'o' order_id, 'c' customer_id, 't' ordered_at, 1 amount, {value} deep")
    assert '"deep" is nested' in refusal(shop)


def test_truncated_or_damaged_parquet_is_refused(shop: Shop) -> None:
    path = parquet(
        shop,
        "select 'o' || hash(i) order_id, 'c' customer_id, 't' ordered_at, 1 amount"
        " from range(5000) t(i)",
    )
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-4], b"PAR1" + b"x" * 100, b"PAR1"):
        path.write_bytes(content)
        assert "orders.parquet: the Parquet file is incomplete or damaged" in refusal(shop)
    damaged = bytearray(whole)
    for i in range(4, 200):
        damaged[i] ^= 0xFF
    path.write_bytes(bytes(damaged))
    assert "incomplete or damaged" in refusal(shop)


# JSON lines ---------------------------------------------------------------------------------------


def test_json_lines_keep_text_lines_and_nulls(shop: Shop) -> None:
    (shop.landing / "orders.csv").unlink()
    shop.put(
        "orders.jsonl",
        '{"order_id": 1.10, "customer_id": "5 \\"6\\" 7", "ordered_at": "t", "Amount": -1e3}\r\n\n'
        "not json\n"
        '{"order_id": "o2", "Amount": null, "x/y~z": "k"}\n'
        '[1]\n{"order_id": 1, "order_id": 2}\n{"order_id": true}\n',
    )
    shop.load()
    assert shop.query("select _line, order_id, customer_id, amount from raw.orders order by 1") == [
        (1, "1.10", '5 "6" 7', "-1e3"),
        (4, "o2", None, None),
        (7, "true", None, None),
    ]
    assert shop.query("select _extra from raw.orders where _line = 4") == [('{"x/y~z":"k"}',)]
    assert [(line, reason) for line, reason, _ in shop.malformed()] == [
        (3, "malformed_line"),
        (5, "malformed_line"),
        (6, "malformed_line"),
    ]


def test_json_lines_that_the_reader_cuts_otherwise_keep_their_lines(shop: Shop) -> None:
    (shop.landing / "logins.csv").unlink()
    row = '{"login_id": "l%d", "customer_id": "c", "logged_in_at": "t"}'
    body = row % 1 + "\r\n" + row % 2 + "\n" + "\r" + row % 3 + "\r\n" + "a\x01b\n" + row % 5
    shop.put("logins.jsonl", body)
    shop.load()
    assert shop.lines("logins", "login_id") == [(1, "l1"), (2, "l2"), (3, "l3"), (5, "l5")]
    assert [line for line, _, _ in shop.malformed()] == [4]


@pytest.mark.parametrize("value", ['{"a": 1}', "[1]"])
def test_nested_json_is_refused_with_its_line(shop: Shop, value: str) -> None:
    (shop.landing / "logins.csv").unlink()
    first = '{"login_id": "l", "customer_id": "c", "logged_in_at": "t"}\n\n'
    shop.put("logins.jsonl", first + f'{{"login_id": "m", "deep": {value}}}\n')
    message = refusal(shop)
    assert "logins.jsonl, line 3" in message and '"deep"' in message


def test_json_without_a_required_key_is_refused(shop: Shop) -> None:
    (shop.landing / "logins.csv").unlink()
    shop.put("logins.ndjson", '{"login_id": "l", "customer": "c", "logged_in_at": "t"}\n')
    assert '"customer_id"' in refusal(shop)


# Files that are not ready, not readable, not inside -----------------------------------------------


@pytest.mark.parametrize("name", ["tickets.csv.tmp", "tickets.csv.part", ".tickets.csv"])
def test_unfinished_files_wait(shop: Shop, name: str) -> None:
    shop.put(name, "half a fi")
    assert shop.load().waiting == [name]


def test_file_that_changes_while_it_is_read_waits(shop: Shop, monkeypatch) -> None:
    path = shop.put("tickets.csv", "ticket_id,customer_id,opened_at\n")
    real_open = Path.open

    def grow(self: Path, *args: object, **options: object) -> object:
        if self == path and args == ("rb",):
            with real_open(path, "a") as stream:
                stream.write("t1,c1,2024-01-01\n")
        return real_open(self, *args, **options)

    monkeypatch.setattr(Path, "open", grow)
    assert shop.load().waiting == ["tickets.csv"]
    monkeypatch.undo()
    assert not shop.load().waiting
    assert shop.query("select count(*) > 0 from raw.tickets") == [(True,)]


def _refusal_as_nobody(folder: str) -> str:
    """Message of the refusal, in a process that may not read everything."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        load_files.check_readable(load_files.discover(Path(folder)).files)
    except InputRefused as error:
        return str(error)
    return "nothing was refused"


def test_unreadable_files_are_all_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name, mode in (("a.csv", 0o000), ("b.csv", 0o644), ("c.csv", 0o000)):
            path = Path(folder) / "orders" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(ORDERS)
            path.chmod(mode)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            message = pool.apply(_refusal_as_nobody, (folder,))
    assert "2 of 3 files cannot be read: orders/a.csv, orders/c.csv" in message


def test_folder_that_cannot_be_listed_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "orders").mkdir(mode=0o700)
        (Path(folder) / "orders").chmod(0o000)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            message = pool.apply(_refusal_as_nobody, (folder,))
    assert "orders cannot be listed" in message


def test_link_out_of_the_landing_folder_is_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(ORDERS)
    link = shop.landing / "orders.csv"
    link.unlink()
    link.symlink_to("../secret.csv")
    assert "outside the landing folder" in refusal(shop)
    link.unlink()
    (tmp_path / "elsewhere").mkdir()
    (shop.landing / "orders").symlink_to(tmp_path / "elsewhere")
    assert "outside the landing folder" in refusal(shop)


def test_link_inside_the_landing_folder_is_followed(shop: Shop) -> None:
    shop.put("orders.csv", ORDERS + "o1,c1,t,1\n")
    (shop.landing / "logins").mkdir()
    (shop.landing / "logins" / "today.csv").symlink_to(shop.landing / "logins.csv")
    shop.load()


@pytest.mark.parametrize(
    "name", ["it's.csv", 'a"b.csv', "a\nb.csv", "*.csv", "[a].csv", "$1;--.csv"]
)
def test_names_mean_nothing_to_sql(shop: Shop, name: str) -> None:
    shop.put(f"orders/{name}", ORDERS + "o1,c1,t,1\n")
    shop.put("orders/zz.csv", ORDERS + "o2,c1,t,1\n")
    shop.load()
    assert shop.query("select order_id, _file from raw.orders where order_id = 'o1'") == [
        ("o1", f"orders/{name}")
    ]
    assert shop.load().is_changed is False


def test_parquet_names_mean_nothing_to_sql(shop: Shop) -> None:
    path = parquet(shop, "select 'o' order_id, 'c' customer_id, 't' ordered_at, 1 amount")
    for name in ("it's.parquet", "[a].parquet", "*.parquet"):
        shop.put(f"orders/{name}", path.read_bytes())
    shop.load()
    assert shop.query("select count(*), count(distinct _file) from raw.orders") == [(4, 4)]


def test_folders_of_files_and_other_files(shop: Shop) -> None:
    (shop.landing / "logins.csv").unlink()
    shop.put("logins/2024/01.csv", LOGINS + "l1,c1,t\n")
    shop.put("logins/2024/02.jsonl", '{"login_id":"l2","customer_id":"c","logged_in_at":"t"}\n')
    shop.put("notes.txt", "hello")
    shop.put("visits.csv", "a,b\n")
    report = shop.load()
    assert shop.query("select login_id, _file from raw.logins order by 1") == [
        ("l1", "logins/2024/01.csv"),
        ("l2", "logins/2024/02.jsonl"),
    ]
    assert sorted(report.ignored) == ["notes.txt", "visits.csv"]
