"""One block of customers, from acquisition to the twelve tables, as whole numbers."""

import numpy as np

from evergreen.demo import vocabulary as v
from evergreen.demo.base import NA, Block, Ints, Rows, full, stack
from evergreen.demo.contacts import touches
from evergreen.demo.people import People, acquire, purchases, still_here, subscribe, win_back
from evergreen.demo.sales import fulfil, order_lines, price, returned, trials, with_trials
from evergreen.demo.usage import end_locked_subscriptions, events, logins
from evergreen.demo.voice import Experience, advocacy_acts, referrals, surveys, tickets

# Table, its id column, its main time and whether its rows may carry an alias of the customer.
_MAIN = {
    "orders": ("order_id", "ordered_at", True),
    "logins": ("login_id", "logged_in_at", True),
    "events": ("event_id", "occurred_at", True),
    "surveys": ("response_id", "sent_at", False),
    "touches": ("touch_id", "touched_at", False),
    "tickets": ("ticket_id", "opened_at", False),
    "referrals": ("referral_id", "referred_at", False),
    "advocacy_acts": ("act_id", "acted_at", False),
    "subscriptions": ("subscription_id", "started_at", False),
}


def simulate(block: Block, next_id: dict[str, int]) -> dict[str, tuple[Rows, Ints]]:
    """All tables of a block: rows and the offset (hours) in which each row's local time is written.

    `next_id` holds the first free number of each table's ids and is moved on.
    """
    people = acquire(block)
    bought = purchases(block, people)
    subs = subscribe(block, people)
    calls, bought = win_back(block, people, bought)
    attempts = logins(block, people)
    subs = end_locked_subscriptions(people, subs)
    paid = _paid_orders(people, bought)
    lines = order_lines(block, people, paid)
    unit = price(block, people, paid, lines)
    fulfil(block, people, paid, lines)
    lines |= {"unit_price": unit, "returned_quantity": returned(paid, lines)}
    orders = with_trials(people, paid, trials(block, people))
    asked = tickets(block, people, paid, attempts)
    mood = Experience(paid, asked)
    tables = {
        "orders": orders,
        "logins": attempts,
        "events": events(block, people, attempts),
        "referrals": _referrals(block, people),
        "surveys": surveys(block, people, orders, asked, subs, mood),
        "touches": touches(block, people, paid, subs, calls),
        "tickets": asked,
        "advocacy_acts": advocacy_acts(block, people),
        "subscriptions": _priced(people, subs),
    }
    done = {name: _finish(block, people, name, rows, next_id) for name, rows in tables.items()}
    done["order_items"] = _items(done["orders"][0], lines)
    done["customers"] = _customers(block, people)
    if block.index == 0:
        size = len(v.PRODUCTS) if block.population else 0
        products = {name: np.arange(size) for name in ("product_id", "name", "category")}
        done["products"] = (products, full(size, 0))
    return done


def _paid_orders(people: People, bought: Rows) -> Rows:
    """Paid orders by customer and time; brings first and last order of the people up to date."""
    rows = still_here(people, bought)
    order = np.lexsort((rows["when"], rows["who"]))
    rows = {name: column[order] for name, column in rows.items()}
    size = len(people.number)
    people.first_order, people.last_order = full(size, NA), full(size, NA)
    people.last_order[rows["who"]] = rows["when"]
    people.first_order[rows["who"][::-1]] = rows["when"][::-1]
    return rows


def _referrals(block: Block, people: People) -> Rows:
    rows = referrals(block, people)
    named = rows.pop("referred")
    rows["referrer_id"] = people.number[rows["who"]]
    rows["referred_customer_id"] = np.where(named == NA, NA, people.number[np.maximum(named, 0)])
    return rows


def _priced(people: People, subs: Rows) -> Rows:
    subs["monthly_amount"] = np.asarray(v.PLAN_CENTS)[subs["plan"]]
    subs["currency"] = np.asarray(v.CURRENCY_OF_COUNTRY)[people.country[subs["who"]]]
    return subs


def _finish(
    block: Block, people: People, table: str, rows: Rows, next_id: dict[str, int]
) -> tuple[Rows, Ints]:
    """Sort by time, number the rows, name the customers (or their alias)."""
    id_column, time_column, may_alias = _MAIN[table]
    rng = block.rng(f"finish {table}")
    order = np.lexsort((rows["who"], rows["when"]))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows = {name: column[order] for name, column in rows.items()}
    rows[id_column] = next_id[table] + np.arange(len(order))
    next_id[table] += len(order)
    rows[time_column] = rows["when"]
    alias = people.alias[rows["who"]]
    swap = (alias != NA) & (rng.random(len(order)) < 0.3) & may_alias
    rows["customer_id"] = np.where(swap, alias, people.number[rows["who"]])
    rows["_rank"] = rank
    local = rng.random(len(order)) < block.behaviour.offset_share
    country = people.country[rows["who"]]
    return rows, np.where(local, np.asarray(v.OFFSET_OF_COUNTRY)[country], 0)


def _items(orders: Rows, lines: Rows) -> tuple[Rows, Ints]:
    """Lines with the id of their order and a number within it, in the order of the ids."""
    place = orders["_rank"][lines["order"]]
    order = np.lexsort((lines["product"], place))
    place = place[order]
    start = np.searchsorted(place, place)
    rows = {
        "order_id": orders["order_id"][place],
        "line_number": np.arange(len(place)) - start + 1,
        "product_id": lines["product"][order],
        "quantity": lines["quantity"][order],
        "unit_price": lines["unit_price"][order],
        "returned_quantity": lines["returned_quantity"][order],
    }
    return rows, full(len(place), 0)


def _customers(block: Block, people: People) -> tuple[Rows, Ints]:
    """One row per customer id: the people, then their aliases (merged, or with the same email)."""
    rng = block.rng("customer rows")
    reads = np.where(rng.random(block.size) < 0.97, people.number * 2, NA)
    base = {
        "customer_id": people.number,
        "created_at": people.created,
        "email": reads,
        "archetype": people.archetype,
        "country": people.country,
        "entry_source": people.source,
        "entry_campaign": people.campaign,
        "preferred_channel": np.where(rng.random(block.size) < 0.8, people.preferred, NA),
        "reseller_id": people.reseller,
        "has_consent": people.has_consent,
        "merged_into": full(block.size, NA),
        "is_test": people.is_test,
    }
    owner = np.flatnonzero(people.alias != NA)
    same = people.alias_shares_email[owner] == 1
    base["email"][owner] = people.number[owner] * 2
    other = {name: column[owner] for name, column in base.items()} | {
        "customer_id": people.alias[owner],
        "email": np.where(same, people.number[owner] * 2 + 1, people.alias[owner] * 2),
        "merged_into": np.where(same, NA, people.number[owner]),
    }
    rows = stack(base, other)
    local = rng.random(len(rows["email"])) < block.behaviour.offset_share
    country = np.r_[people.country, people.country[owner]]
    return rows, np.where(local, np.asarray(v.OFFSET_OF_COUNTRY)[country], 0)
