"""Landed files that are binary, huge or invisible, by the name under which a case asks for them.

Each function gives the content of files by name. Those of `ARRANGED` change the folder itself.
"""

import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from load_helpers import LOGINS, ORDERS

AT = "2024-01-05T10:00:00Z"
Files = dict[str, bytes]


def _parquet(select: str) -> Files:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        duckdb.sql(f"copy ({select}) to '{path}' (format parquet)")
        return {"orders.parquet": path.read_bytes()}


def _plain_parquet(more: str = "") -> Files:
    return _parquet(
        f"select 'o' || hash(i) as order_id, 'c' as customer_id, '{AT}' as ordered_at, 1 as amount"
        f"{more} from range(3000) t(i)"
    )


def parquet_with_a_column_twice() -> Files:
    """amount and Amount are two columns to the format, and one to SQL."""
    return {"orders.parquet": _plain_parquet(", 2 as emount")["orders.parquet"].replace(
        b"emount", b"Amount"
    )}  # fmt: skip


def parquet_with_the_name_of_the_loader() -> Files:
    """A column named as the one that counts the rows of a Parquet file."""
    return _plain_parquet(", 2 as file_row_number")


def parquet_of_other_types() -> Files:
    """Ids as integers beyond 2^53, times in nanoseconds, money as decimals of another scale."""
    return _parquet(
        "select 9007199254740993::bigint as order_id, 20::int as customer_id,"
        " timestamp_ns '2024-01-05 10:00:00.123456000' at time zone 'UTC' as ordered_at,"
        " 1.1000::decimal(12, 4) as amount"
    )


def parquet_of_epochs() -> Files:
    """Times as nanoseconds since 1970."""
    return _parquet(
        "select 'o20e' as order_id, 'c20' as customer_id, 1704448800000000000 as ordered_at,"
        " 1 as amount"
    )


def parquet_of_floating_ids() -> Files:
    """Ids that lost digits before they came here."""
    return _parquet(
        f"select 1::double as order_id, 'c20' as customer_id, '{AT}' as ordered_at, 1 as amount"
    )


def truncated_parquet() -> Files:
    """The first half."""
    whole = _plain_parquet()["orders.parquet"]
    return {"orders.parquet": whole[: len(whole) // 2]}


def bits_flipped_in_parquet() -> Files:
    """Whole by its length, with bytes of its data turned over."""
    content = bytearray(_plain_parquet()["orders.parquet"])
    for place in range(4, 200):
        content[place] ^= 0xFF
    return {"orders.parquet": bytes(content)}


def byte_order_mark_crlf_and_blank_lines() -> Files:
    """As a spreadsheet writes it."""
    text = ORDERS + f"o09a,c09,{AT},1\no09b,c09,{AT},2\n\n\n"
    return {"orders.csv": b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()}


def latin_1() -> Files:
    """Line 3 holds an e with an accent."""
    return {"orders.csv": (ORDERS + f"o1,c1,{AT},1\no2,café,{AT},1\n").encode("latin-1")}


def utf_16() -> Files:
    """As some spreadsheets write Unicode text."""
    return {"orders.csv": (ORDERS + f"o1,c1,{AT},1\n").encode("utf-16")}


def nul_byte() -> Files:
    """One, on line 3."""
    return {"orders.csv": ORDERS.encode() + f"o1,c1,{AT},1\no2,c\0,{AT},1\n".encode()}


def binary() -> Files:
    """A picture under the name of a table."""
    return {"orders.csv": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))}


def truncated_gzip() -> Files:
    """All but the last ten bytes."""
    return {"orders.csv.gz": gzip.compress(ORDERS.encode() * 50, mtime=0)[:-10]}


def plain_text_named_gz() -> Files:
    """Not packed at all."""
    return {"orders.csv.gz": ORDERS.encode()}


def gzip_with_comment_and_padding() -> Files:
    """Two members, the first with a comment in its head, and zeros behind the last."""
    first, second = (ORDERS + f"o15a,c15,{AT},1\n").encode(), f"o15b,c15,{AT},1\n".encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(first) + packer.flush()
    head = b"\x1f\x8b\x08\x10" + bytes(6) + b"made by hand\0"
    tail = struct.pack("<II", zlib.crc32(first), len(first))
    return {"orders.csv.gz": head + body + tail + gzip.compress(second, mtime=0) + bytes(64)}


def separators_in_the_text() -> Files:
    """Two versions of a product that a join by the unit separator would not tell apart."""
    rows = "p25,a\x1fb,c\np25,a,b\x1fc\n"
    return {"products.csv": ("product_id,name,category\n" + rows).encode()}


def bot_burst() -> Files:
    """3,000 logins of one customer within a minute."""
    rows = (f"l50{n},c50,2024-01-05T10:00:{n // 50:02}.{n % 50:02}Z\n" for n in range(3000))
    return {"logins.csv": (LOGINS + "".join(rows)).encode()}


def a_field_of_1_mb() -> Files:
    """One million letters in a name."""
    return {"products.csv": b"product_id,name\np54," + b"x" * 1_000_000 + b"\n"}


def ten_thousand_columns() -> Files:
    """Beside the four that an order needs."""
    names = ",".join(f"x{n}" for n in range(10_000))
    return {"orders.csv": (ORDERS.strip() + f",{names}\n").encode()}


def invisible_characters() -> Files:
    """A zero-width space in one id, a right-to-left mark in another."""
    rows = f"o57a,c57,{AT},1\no57b,c\u200b57,{AT},1\no57\u202ec,c57,{AT},1\n"
    return {"orders.csv": (ORDERS + rows).encode()}


def link_out_of_the_folder(landing: Path) -> None:
    """A link to a file beside the landing folder."""
    secret = landing.parent / "secret.csv"
    secret.write_text(ORDERS)
    (landing / "orders").mkdir()
    (landing / "orders" / "out.csv").symlink_to(secret)


def link_to_itself(landing: Path) -> None:
    """A link that never ends."""
    (landing / "orders").mkdir()
    (landing / "orders" / "loop.csv").symlink_to("loop.csv")


MADE: dict[str, Callable[[], Files]] = {
    made.__name__: made
    for made in (
        a_field_of_1_mb,
        binary,
        bits_flipped_in_parquet,
        bot_burst,
        byte_order_mark_crlf_and_blank_lines,
        gzip_with_comment_and_padding,
        invisible_characters,
        latin_1,
        nul_byte,
        parquet_of_epochs,
        parquet_of_floating_ids,
        parquet_of_other_types,
        parquet_with_a_column_twice,
        parquet_with_the_name_of_the_loader,
        plain_text_named_gz,
        separators_in_the_text,
        ten_thousand_columns,
        truncated_gzip,
        truncated_parquet,
        utf_16,
    )
}
ARRANGED = {arranged.__name__: arranged for arranged in (link_out_of_the_folder, link_to_itself)}
