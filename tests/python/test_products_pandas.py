"""Affinity of products, suggestions and their hits against a recount from the landed files.

The recount looks at every customer, every pair of products and every window one by one, without the
numbered periods and the shortened lists of the SQL.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from built_marts import Rows, assert_mart_equals, built, query, table, write_landing
from reference import Person, Reference
from reference_snapshots import is_subscribed
from scipy.stats import binomtest, norm

from evergreen.demo import generate
from evergreen.paths import Warehouse

PRIOR, MINIMUM, HORIZON, STEP = 100, 30, 90, 30
ORIGINS = (0, *range(3, 9))
MARTS = ("product_affinity", "product_count_retention", "score_backtests")
PAST_DAY = date(2024, 9, 18)


def shrunk(hits: int, tries: int, base: float | None) -> tuple:
    """Share after PRIOR tries at the base rate, and its bounds by Wilson's formula."""
    if base is None:
        return None, None, None
    n = tries + PRIOR
    p, z = (hits + PRIOR * base) / n, float(norm.ppf(0.975))
    middle, half = p + z * z / 2 / n, z * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5
    return p, (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


@dataclass
class Recount:
    """What customers owned on a day, and what follows from it."""

    reference: Reference
    _owned: dict[date, dict[str, set[str]]] = field(default_factory=dict)

    def day(self, number: int) -> date:
        return self.reference.as_of - timedelta(days=STEP * number)

    def owned(self, day: date) -> dict[str, set[str]]:
        """Products of each customer who owns any, as known on the day."""
        if day not in self._owned:
            owned = {
                person.customer_id: {
                    act.detail for act in person.known(day) if act.name == "item_bought"
                }
                for person in self.reference.people.values()
            }
            self._owned[day] = {who: products for who, products in owned.items() if products}
        return self._owned[day]

    def bought(self, start: date) -> dict[str, set[str]]:
        """What those who owned something on the day own 90 days later beyond that."""
        after = self.owned(start + timedelta(days=HORIZON))
        return {who: after.get(who, set()) - had for who, had in self.owned(start).items()}

    def windows(self, origin: int) -> list[tuple[set[str], set[str]]]:
        """Owned and then bought, of each customer and window that was over by the origin."""
        starts = [self.day(origin) - timedelta(days=HORIZON * place) for place in range(1, 5)]
        return [
            (had, self.bought(start)[who])
            for start in starts
            for who, had in self.owned(start).items()
        ]

    def products(self, origin: int) -> list[str]:
        seen = [*self.owned(self.day(origin)).values()]
        seen += [had | bought for had, bought in self.windows(origin)]
        return sorted(set().union(*seen))

    def base_rates(self, origin: int) -> dict[str, float]:
        windows, rates = self.windows(origin), {}
        for product in self.products(origin):
            trials = [bought for had, bought in windows if product not in had]
            if trials:
                rates[product] = sum(product in bought for bought in trials) / len(trials)
        return rates

    def trials(self, origin: int) -> tuple[Counter, Counter]:
        """Of each pair of products: windows of owners of the first only, and who bought."""
        trials, successes, every = Counter(), Counter(), set(self.products(origin))
        for had, bought in self.windows(origin):
            for product in had:
                trials.update((product, other) for other in every - had)
                successes.update((product, other) for other in bought)
        return trials, successes

    def offers(self, origin: int) -> dict[tuple, dict]:
        """Suggestions by customer, cut-off number, method and rank."""
        rates = self.base_rates(origin)
        trials, successes = self.trials(origin)

        def chance(product: str, other: str) -> float:
            pair = (product, other)
            return (successes[pair] + PRIOR * rates[other]) / (trials[pair] + PRIOR)

        found = {}
        for who, had in self.owned(self.day(origin)).items():
            others = rates.keys() - had
            modelled = {other: max(chance(product, other) for product in had) for other in others}
            popular = {other: rates[other] for other in others}
            for method, chances in (("model", modelled), ("popularity", popular)):
                best = sorted(others, key=lambda other: (-chances[other], -rates[other], other))
                for rank, other in enumerate(best[:3], 1):
                    found[who, origin, method, rank] = {
                        "product_id": other,
                        "probability": chances[other],
                        "lift": chances[other] / rates[other] if rates[other] else None,
                    }
        return found

    @cached_property
    def all_offers(self) -> dict[tuple, dict]:
        return {key: row for origin in ORIGINS for key, row in self.offers(origin).items()}

    # ---- marts -----------------------------------------------------------------------------

    def product_affinity(self) -> Rows:
        as_of = self.reference.as_of
        items = pd.DataFrame(
            [
                (person.customer_id, act.detail, pd.Timestamp(act.day))
                for person in self.reference.people.values()
                for act in person.known(as_of)
                if act.name == "item_bought"
            ],
            columns=["who", "product_id", "day"],
        )
        first = items.groupby(["who", "product_id"])["day"].min().unstack()
        rates, (trials, successes) = self.base_rates(0), self.trials(0)
        found = {}
        for a in first:
            for b in first.columns.drop(a):
                owners = first[first[a].notna()]
                pairs, later = int(owners[b].notna().sum()), int((owners[b] >= owners[a]).sum())
                if not pairs:
                    continue
                base = float(first[b].notna().sum() / len(first))
                confidence, low, high = shrunk(pairs, len(owners), base)
                rate = rates.get(b)
                soon = shrunk(successes[a, b], trials[a, b], rate)
                found[a, b] = {
                    "pair_count": pairs,
                    "later_count": later,
                    "owner_count": len(owners),
                    "support": pairs / len(first),
                    "base_rate": base,
                    "confidence": confidence,
                    "confidence_low": low,
                    "confidence_high": high,
                    "lift": confidence / base,
                    "lift_low": low / base,
                    "lift_high": high / base,
                    "probability_90d": soon[0],
                    "lift_90d": soon[0] / rate if rate else None,
                    "lift_90d_low": soon[1] / rate if rate else None,
                    "lift_90d_high": soon[2] / rate if rate else None,
                    "base_rate_90d": rate,
                    "trial_count_90d": trials[a, b],
                    "success_count_90d": successes[a, b],
                    "is_sufficient": len(owners) >= MINIMUM and pairs >= 5,
                    "as_of_date": as_of,
                }
        return found

    def product_count_retention(self) -> Rows:
        start, as_of = self.day(3), self.reference.as_of
        counts, stayed = Counter(), Counter()
        for who, had in self.owned(start).items():
            person = self.reference.people[who]
            if self.reference.state(person.known(start), start) != "lost":
                count = min(len(had), 5)
                counts[count] += 1
                stayed[count] += self.is_retained(person, start, as_of)
        found = {}
        for count, customers in counts.items():
            low, high = binomtest(stayed[count], customers).proportion_ci(method="wilson")
            found[(count,)] = {
                "customer_count": customers,
                "retained_count": stayed[count],
                "retention_rate": stayed[count] / customers,
                "retention_rate_low": float(low),
                "retention_rate_high": float(high),
                "is_or_more": count == 5,
                "is_sufficient": customers >= MINIMUM,
                "as_of_date": as_of,
            }
        return found

    def is_retained(self, person: Person, start: date, end: date) -> bool:
        """Who subscribes at the start stays as long as they pay, whatever they do."""
        if is_subscribed(person.known(start)):
            return is_subscribed(person.known(end))
        return any(act.is_silence_breaker and act.day > start for act in person.known(end))

    def backtests(self) -> Rows:
        """Rows of suggestions for all customers of a cut-off date."""
        found = {}
        for number in ORIGINS[1:]:
            bought = self.bought(self.day(number))
            for method in ("model", "popularity"):
                offers: dict[str, list[dict]] = {}
                for (who, origin, by, _), row in self.all_offers.items():
                    if (origin, by) == (number, method):
                        offers.setdefault(who, []).append(row)
                if offers:
                    found[method, self.day(number)] = figures(offers, bought)
        return found


def figures(offers: dict[str, list[dict]], bought: dict[str, set[str]]) -> dict:
    first = np.array([rows[0]["probability"] for rows in offers.values()])
    hits = np.array([rows[0]["product_id"] in bought[who] for who, rows in offers.items()])
    buyers = {who: [row["product_id"] in bought[who] for row in offers[who]] for who in offers}
    buyers = {who: flags for who, flags in buyers.items() if bought[who]}
    n = len(buyers)
    return {
        "customer_count": len(offers),
        "predicted_mean": float(first.mean()),
        "observed_mean": float(hits.mean()),
        "brier": float(((first - hits) ** 2).mean()),
        "new_buyer_count": n or None,
        "hit_rate_1": sum(flags[0] for flags in buyers.values()) / n if n else None,
        "hit_rate_3": sum(any(flags) for flags in buyers.values()) / n if n else None,
    }


# ---- cases ---------------------------------------------------------------------------------------


def random_landing(folder: Path) -> None:
    """Many products that few buy, taken back and bought again, often on the days of the windows."""
    rng = random.Random(7)
    days = [date(2024, 12, 31) - timedelta(days=age) for age in range(500)]
    edges = [days[STEP * number + shift] for number in range(1, 15) for shift in (-1, 0, 1)]
    orders, items = [], []
    for number in range(420):
        day = rng.choice(edges if number % 3 == 0 else days)
        order, who = f"o{number}", f"c{int(rng.triangular(0, 90, 5))}"
        refund = ""
        if number % 6 == 0:
            back = day + timedelta(days=rng.choice([0, 1, 29, 30, 31, 90]))
            refund = f"10,{back}T12:00:00Z" if back <= days[0] else ""
        orders.append(f"{order},{who},{day}T08:00:00Z,10,paid,{refund or ','}")
        for line in range(rng.randint(1, 4)):
            product = f"p{int(60 * rng.random() ** 2):02}"
            items.append(f"{order},{line + 1},{product},1,2.5")
            if product < "p08":  # a twin, which is always as probable
                items.append(f"{order},{line + 11},{product}-twin,1,2.5")
    columns = "order_id, customer_id, ordered_at, amount, status, refund_amount, refunded_at"
    write_landing(
        folder,
        orders=table(columns, orders),
        order_items=table("order_id, line_number, product_id, quantity, unit_price", items),
        logins=table("login_id, customer_id, logged_in_at", ["l1,c0,2024-12-31T09:00:00Z"]),
    )


@dataclass(frozen=True)
class Case:
    warehouse: Warehouse
    recount: Recount


@pytest.fixture(scope="module", params=["demo", "demo_in_the_past", "random"])
def case(request, tmp_path_factory) -> Case:
    folder = tmp_path_factory.mktemp(request.param)
    landing, as_of = folder / "landing", date(2024, 12, 31)
    if request.param == "random":
        random_landing(landing)
    else:
        generate(customers=300, months=14, seed=8, out=landing)
    if request.param == "demo_in_the_past":
        as_of = PAST_DAY
    warehouse = built(folder / "warehouse", landing, MARTS, as_of)
    return Case(warehouse, Recount(Reference(landing, as_of)))


def test_affinity_equals_the_recount(case):
    key = ["product_id", "next_product_id"]
    assert_mart_equals(case.warehouse, "product_affinity", key, case.recount.product_affinity())


def test_retention_by_products_equals_the_recount(case):
    expected = case.recount.product_count_retention()
    assert_mart_equals(case.warehouse, "product_count_retention", ["product_count"], expected)


def test_suggestions_equal_the_recount(case):
    """Of every customer and day; with 60 products the lists of the SQL are shorter than that."""
    rows = query(
        case.warehouse,
        "select customer_id, cutoff_number, method, rank, product_id, probability, lift"
        " from intermediate.int_next_products",
    )
    found = {row[:4]: row[4:] for row in rows}
    expected = case.recount.all_offers
    assert len(found) == len(rows) and found.keys() == expected.keys()
    for key, (product, probability, lift) in found.items():
        row = expected[key]
        assert product == row["product_id"], key
        assert probability == pytest.approx(row["probability"], rel=1e-12), key
        assert lift == (row["lift"] and pytest.approx(row["lift"], rel=1e-12)), key


def test_backtests_equal_the_recount(case):
    expected = case.recount.backtests()
    names = list(next(iter(expected.values())))
    rows = query(
        case.warehouse,
        f"select method, cutoff_date, {', '.join(names)} from marts.score_backtests"
        " where score = 'next_product_probability' and decile is null",
    )
    found = {row[:2]: dict(zip(names, row[2:], strict=True)) for row in rows}
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key] == pytest.approx(row, rel=1e-9), key


def test_the_random_case_is_hard_enough(tmp_path):
    """Shortened lists, ties, products given back and bought again, products without a rate."""
    random_landing(tmp_path)
    recount = Recount(Reference(tmp_path, date(2024, 12, 31)))
    largest = max(len(had) for had in recount.owned(recount.day(0)).values())
    assert largest >= 8 and len(recount.products(0)) > largest + 20
    acts = [
        act
        for person in recount.reference.people.values()
        for act in person.acts
        if act.name == "item_bought"
    ]
    assert sum(act.void <= recount.reference.as_of for act in acts) > 60
    offers = recount.offers(0)
    ties = [
        key
        for key, row in offers.items()
        if key[3] == 1 and row["probability"] == offers.get((*key[:3], 2), {}).get("probability")
    ]
    assert len(ties) > 3


def test_the_camera_pulls_the_case(tmp_path):
    """The planted truth has the highest lift of all pairs with enough customers."""
    landing = tmp_path / "landing"
    generate(customers=1500, months=24, seed=3, out=landing)
    warehouse = built(tmp_path / "warehouse", landing, ["product_affinity"])
    rows = query(
        warehouse,
        "select product_id, next_product_id, lift_low from marts.product_affinity"
        " where is_sufficient order by lift desc limit 1",
    )
    assert rows[0][:2] == ("P-CAMERA", "P-CASE") and rows[0][2] > 1
