"""Orders with their lines, money, promises and refunds."""

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import (
    DAY,
    END,
    HOUR,
    NA,
    Block,
    Ints,
    Rows,
    between,
    full,
    known_by_end,
    lognormal,
    pick,
    rank_within,
    stack,
    take,
)
from evergreen.demo.people import TRY, People

LIST_PRICE = np.asarray([product[3] for product in v.PRODUCTS])
POPULARITY = np.asarray([product[4] for product in v.PRODUCTS])


def trials(block: Block, people: People) -> Rows:
    """Trial and sample orders, free or nearly so, before the first purchase."""
    rng, n = block.rng("trials"), block.size
    who = np.flatnonzero((people.depth == TRY) & (rng.random(n) < 0.75))
    until = np.where(people.first_order == NA, people.created + 20 * DAY, people.first_order)
    share = rng.uniform(0.2, 0.9, len(who))
    when = people.created[who] + ((until - people.created)[who] * share).astype(np.int64)
    kind = rng.integers(1, 3, len(who))
    amount = np.where((kind == 2) & (rng.random(len(who)) < 0.5), 490, 0)
    rows = {"who": who, "when": when, "kind": kind, "amount": amount}
    return take(rows, (when < END) & people.is_active(who, when))


def order_lines(block: Block, people: People, orders: Rows) -> Rows:
    """Lines of paid orders: `order` is the position of the order, sorted by customer and time.

    Whoever has bought a camera takes the case along in the next order with a fixed chance.
    """
    rng, n = block.rng("order_lines"), len(orders["who"])
    lines = 1 + np.minimum(rng.poisson(0.7, n), 4)
    order = np.repeat(np.arange(n), lines)
    product = pick(rng, POPULARITY, len(order))
    has_camera = np.zeros(n, dtype=bool)
    has_camera[order[product == v.CAMERA]] = True
    after = _first_order_after(orders["who"], has_camera)
    after = after[rng.random(len(after)) < block.behaviour.case_share_after_camera]
    order, product = np.r_[order, after], np.r_[product, full(len(after), v.CASE)]
    pairs = np.unique(order * len(v.PRODUCTS) + product)
    order, product = pairs // len(v.PRODUCTS), pairs % len(v.PRODUCTS)
    quantity = 1 + (rng.random(len(order)) < 0.12).astype(np.int64)
    return {"order": order, "product": product, "quantity": quantity}


def _first_order_after(who: Ints, mark: Ints) -> Ints:
    """Position of the order that follows each customer's first marked one."""
    marked = np.flatnonzero(mark)
    _, first = np.unique(who[marked], return_index=True)
    following = marked[first] + 1
    following = following[following < len(who)]
    return following[who[following] == who[following - 1]]


def price(block: Block, people: People, orders: Rows, lines: Rows) -> Ints:
    """Unit prices in cents: the order's gamma value, shared out by list price; sets `amount`."""
    rng, p = block.rng("prices"), block.behaviour
    value = rng.gamma(p.spend_p, people.spend[orders["who"]] / p.spend_p)
    weight = LIST_PRICE[lines["product"]] * lines["quantity"]
    total = np.bincount(lines["order"], weight, minlength=len(value))
    share = weight / total[lines["order"]]
    unit = np.maximum(100, (value[lines["order"]] * share / lines["quantity"]).astype(np.int64))
    orders["amount"] = np.bincount(
        lines["order"], unit * lines["quantity"], minlength=len(value)
    ).astype(np.int64)
    return unit


def fulfil(block: Block, people: People, orders: Rows, lines: Rows) -> None:
    """Add status, refund, cost, channel, promise, delivery and invoice to paid orders."""
    rng, n = block.rng("fulfilment"), len(orders["who"])
    when, amount = orders["when"], orders["amount"]
    cancelled = rng.random(n) < 0.035
    promised = when + np.where(rng.random(n) < 0.7, 3, 6) * DAY
    early = promised - (rng.random(n) * 2 * DAY).astype(np.int64)
    delivered = np.where(rng.random(n) < 0.13, promised + between(rng, 0.5, 8, n), early)
    delivered = np.where(cancelled, NA, known_by_end(delivered))
    invoiced = known_by_end(np.where(cancelled, NA, when + lognormal(rng, 18 * HOUR, 0.7, n)))
    flash = np.zeros(n)
    flash[lines["order"][lines["product"] == v.FLASH]] = 0.12
    kind = pick(rng, (0.945, 0.025, 0.03), n)
    kind = np.where((kind == 0) & (rng.random(n) < flash), 2, kind)
    refunded_at = known_by_end(np.where((kind > 0) & ~cancelled, when + between(rng, 4, 32, n), NA))
    kind = np.where(refunded_at == NA, 0, kind)
    part = np.maximum(1, (amount * rng.uniform(0.1, 0.6, n)).astype(np.int64))
    orders["refund_amount"] = np.where(kind == 1, amount, np.where(kind == 2, part, NA))
    orders["refunded_at"] = refunded_at
    status = np.where(delivered != NA, v.FULFILLED, np.where(invoiced != NA, v.PAID, v.PLACED))
    status = np.where(kind == 1, v.REFUNDED, np.where(cancelled, v.CANCELLED, status))
    orders["status"] = status
    orders["kind"] = full(n, 0)
    orders["cost"] = (amount * (1 - np.clip(rng.normal(0.36, 0.07, n), 0.05, 0.8))).astype(np.int64)
    reseller = people.reseller[orders["who"]]
    orders["reseller_id"] = reseller
    orders["channel"] = np.where(
        reseller != NA, 3, np.asarray((0, 1, 2, 4))[pick(rng, (0.55, 0.25, 0.14, 0.06), n)]
    )
    orders["promised_at"], orders["delivered_at"], orders["invoiced_at"] = (
        promised,
        delivered,
        invoiced,
    )


def returned(orders: Rows, lines: Rows) -> Ints:
    """Units that came back: all of a refunded order, the first line of a part refund."""
    status = orders["status"][lines["order"]]
    part = (orders["refund_amount"][lines["order"]] != NA) & (rank_within(lines["order"]) == 0)
    part |= (orders["refund_amount"][lines["order"]] != NA) & (lines["product"] == v.FLASH)
    whole = status == v.REFUNDED
    return np.where(whole, lines["quantity"], np.where(part, 1, 0))


def with_trials(people: People, orders: Rows, samples: Rows) -> Rows:
    """Paid orders (kept in their places) and trial or sample orders below them."""
    n = len(samples["who"])
    extra = samples | {
        "status": full(n, v.FULFILLED),
        "channel": full(n, 0),
        "cost": np.where(samples["kind"] == 2, 600, 0),
        "refund_amount": full(n, NA),
    }
    rows = stack(orders, extra)
    rows["currency"] = np.asarray(v.CURRENCY_OF_COUNTRY)[people.country[rows["who"]]]
    return rows
