"""The marts of advocacy, worked out from the landed files without SQL.

Each function returns {key: {column: value}} with every column of the mart of its name. Acts,
folding and states come from the brute-force reference; what became of complaints is handed in.
"""

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

import reference_marts
from reference import LONG, SHORT, Act, Person, Reference, moment, month_end, seed
from scipy import stats

Rows = dict[tuple, dict]
LIMITS = {row["threshold"]: float(row["value"]) for row in seed("thresholds")}
WEIGHTS = {row["deed"]: float(row["weight"]) for row in seed("advocacy_weights")}
ASKS = [row["ask"] for row in sorted(seed("advocacy_asks"), key=lambda row: int(row["ask_rank"]))]
CLAIMS = {row["claim"]: float(row["low"]) for row in seed("benchmarks")}
SCALES = {row["survey"]: (row["scale_min"], row["scale_max"]) for row in seed("survey_scales")}
WINDOW = LIMITS["advocacy_window_days"]
MONEY = ("order_paid", "order_refunded", "subscription_month")


class Cents(Decimal):
    """Money to the cent out of a division: at a tie either cent."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decimal) and abs(Decimal(self) - other) <= Decimal("0.00501")

    __hash__ = Decimal.__hash__


@dataclass(frozen=True)
class Referral:
    """One row of the input, between folded customers; `referred` is None where nobody is named."""

    referral_id: str
    referrer: str
    referred: str | None
    kind: str
    at: datetime

    @property
    def is_self(self) -> bool:
        return self.referrer == self.referred


@dataclass(frozen=True)
class Complaints:
    """Of one customer: how many are recovered, and whether one is open (None: nobody knows)."""

    recovered: int
    is_open: bool | None


class Advocacy:
    """What the marts have in common."""

    def __init__(self, reference: Reference, complaints: dict[str, Complaints]) -> None:
        self.reference, self.complaints = reference, complaints
        self.as_of, self.people = reference.as_of, reference.people

    # ---- referrals -------------------------------------------------------------------------

    @cached_property
    def referrals(self) -> list[Referral]:
        home, found = self.reference.home, []
        for row in self.reference.rows("referrals"):
            at, referrer = moment(row["referred_at"]), home[row["referrer_id"]]
            referred = home.get(row["referred_customer_id"])
            if at.date() <= self.as_of and referrer in self.people:
                named = referred if referred in self.people else None
                kind = row["kind"] or "referral"
                found.append(Referral(row["referral_id"], referrer, named, kind, at))
        return found

    @cached_property
    def credited(self) -> dict[str, Referral]:
        """Whom a referral names -> the referral that has the credit."""
        first: dict[str, Referral] = {}
        for referral in sorted(self.referrals, key=lambda each: (each.at, each.referral_id)):
            if referral.referred and not referral.is_self:
                first.setdefault(referral.referred, referral)
        return first

    def line(self, customer_id: str) -> tuple[list[str], bool]:
        """Everybody upstream, the nearest first, and whether the line meets itself."""
        upstream, at = [], customer_id
        while at in self.credited:
            at = self.credited[at].referrer
            if at in upstream:
                return upstream, True
            upstream.append(at)
        return upstream, False

    def converted(self, day: date) -> dict[str, tuple[Referral, date]]:
        """Referred customer -> credited referral and day of conversion, as known that day."""
        found = {}
        for referred, referral in self.credited.items():
            paid = [act.day for act in self.people[referred].known(day) if act.is_payment]
            if paid and referral.at.date() <= min(paid):
                found[referred] = (referral, min(paid))
        return found

    @cached_property
    def won(self) -> dict[str, tuple[Referral, date]]:
        return self.converted(self.as_of)

    def revenue_of(self, customer_id: str) -> Decimal:
        """All that they paid, by today's knowledge."""
        return money(self.people[customer_id].known(self.as_of))

    # ---- deeds, opinions and tiers ---------------------------------------------------------

    def deeds(self, day: date) -> dict[str, list[tuple[str, date]]]:
        """Customer -> deeds and their days, as known on the day."""
        found = defaultdict(list)
        for person in self.people.values():
            for act in person.acts:
                if act.name == "advocacy_act" and act.day <= day:
                    found[person.customer_id].append((act.detail or "unknown", act.day))
        for referral, converted_date in self.converted(day).values():
            found[referral.referrer].append(("converted_referral", converted_date))
        return found

    def opinions(self, customer_id: str, day: date) -> dict[str, float]:
        """Survey -> latest score of 0 to 100 given by the end of the day."""
        latest = {}
        for at, row in self.reference.answers[customer_id]:
            score = scaled(row)
            if at.date() <= day and score is not None and not row["competitor"]:
                latest[row["survey"]] = score
                if row["survey"] == "loyalty":
                    latest[row["question"]] = score
        return latest

    def tier(self, deeds: list, opinions: dict[str, float], day: date) -> str:
        if any((day - deed_date).days <= WINDOW for _, deed_date in deeds):
            return "lover"
        is_promoter = opinions.get("nps", 0) >= LIMITS["promoter_score"]
        is_satisfied = opinions.get("csat", 0) >= LIMITS["satisfied_score"]
        return "liker" if is_promoter or is_satisfied else "lurker"


# ---- marts -------------------------------------------------------------------------------------


def customer_advocacy(data: Advocacy) -> Rows:
    every_deed = data.deeds(data.as_of)
    paid = {
        key: data.revenue_of(key)
        for key, person in data.people.items()
        if any(act.is_payment for act in person.known(data.as_of))
    }
    rows = {}
    for key, person in data.people.items():
        deeds, opinions = every_deed[key], data.opinions(key, data.as_of)
        tier, parts = data.tier(deeds, opinions, data.as_of), loyalty_parts(data, person)
        known = [part for part in parts.values() if part is not None]
        loyalty = statistics.fmean(known) if parts["regularity_score"] is not None else None
        sent = [each for each in data.referrals if each.referrer == key and not each.is_self]
        brought = [who for who, (referral, _) in data.won.items() if referral.referrer == key]
        nps = opinions.get("nps")
        row = {
            "advocacy_tier": tier,
            "quadrant": quadrant(loyalty, tier),
            "nps_class": nps_class(nps),
            "advocacy_score": advocacy_score(deeds, data.as_of),
            "loyalty_score": loyalty,
            **parts,
            "value_percentile": percentile(paid, key),
            "referral_count": len(sent),
            "converted_referral_count": len(brought),
            "referred_revenue": sum(map(data.revenue_of, brought), Decimal(0)),
            "advocacy_act_count": sum(deed != "converted_referral" for deed, _ in deeds),
            "latest_nps_score": nps / 10 if nps is not None else None,
            "recovered_complaint_count": None,
            "has_open_complaint": False,
            "last_deed_date": max((day for _, day in deeds), default=None),
            "as_of_date": data.as_of,
        }
        if key in data.complaints:
            row["recovered_complaint_count"] = data.complaints[key].recovered
            row["has_open_complaint"] = data.complaints[key].is_open
        done = {deed for deed, _ in deeds} | ({"referral"} if sent else set())
        blocked_by = gate(data, person, row)
        left = [ask for ask in ASKS if ask not in done]
        row["next_ask"] = left[0] if left and not blocked_by else None
        row["next_ask_blocked_by"] = blocked_by or (None if left else "all_done")
        rows[(key,)] = row
    return rows


def advocacy_tiers(data: Advocacy) -> Rows:
    seen = [person for person in data.people.values() if person.first_seen]
    first = min(person.first_seen for person in seen)
    rows = {}
    for month in reference_marts.months_between(first, data.as_of):
        day = min(month_end(month), data.as_of)
        deeds, revenue = data.deeds(day), referral_revenue(data, day)
        tiers = {
            person.customer_id: data.tier(
                deeds[person.customer_id], data.opinions(person.customer_id, day), day
            )
            for person in seen
            if person.first_seen <= day
        }
        count, brought = Counter(tiers.values()), Counter()
        for referrer, amount in revenue.items():
            brought[tiers[referrer]] += amount
        each = {
            tier: float(brought[tier]) / count[tier] if count[tier] else None
            for tier in ("liker", "lover")
        }
        is_comparable = None not in each.values()
        gained = each["lover"] - each["liker"] if is_comparable else None
        movable = min(len(tiers) / 100, count["liker"])
        of_likers = count["liker"] / 100
        lovers = count["lover"] or math.nan
        rows[(month,)] = {
            "customer_count": len(tiers),
            **{f"{tier}_count": count[tier] for tier in ("lurker", "liker", "lover")},
            **{f"{tier}_share": count[tier] / len(tiers) for tier in ("lurker", "liker", "lover")},
            **{
                f"benchmark_{tier}_share": CLAIMS[f"{tier}_share"]
                for tier in ("lurker", "liker", "lover")
            },
            "one_percent_customers": len(tiers) / 100,
            "one_percent_of_likers": of_likers,
            "lover_growth_of_one_percent_customers": known(movable / lovers),
            "lover_growth_of_one_percent_of_likers": known(of_likers / lovers),
            "referral_revenue_per_lover": cents(each["lover"]),
            "referral_revenue_per_liker": cents(each["liker"]),
            "effect_of_one_percent_customers": cents(gained, movable),
            "effect_of_one_percent_of_likers": cents(gained, of_likers),
            "is_sufficient": count["lover"] >= LIMITS["minimum_sample_count"],
            "is_complete": month_end(month) <= data.as_of,
            "as_of_date": data.as_of,
        }
    return rows


def referrals(data: Advocacy) -> Rows:
    rows = {}
    for referral in data.referrals:
        referred = referral.referred
        upstream, is_endless = data.line(referral.referrer)
        is_cycle = referred in upstream and not referral.is_self
        is_first = data.credited.get(referred) == referral
        converted_date = data.won[referred][1] if is_first and referred in data.won else None
        has_no_depth = referral.is_self or is_cycle or is_endless
        rows[(referral.referral_id,)] = {
            "referrer_id": referral.referrer,
            "referred_customer_id": referred,
            "kind": referral.kind,
            "referred_stage": stage(data, referred) if referred else None,
            "depth": None if has_no_depth else len(upstream) + 1,
            "days_to_convert": (
                (converted_date - referral.at.date()).days if converted_date else None
            ),
            "revenue": data.revenue_of(referred) if converted_date else Decimal(0),
            "is_self_referral": referral.is_self,
            "is_cycle": is_cycle,
            "is_first": is_first,
            "is_converted": converted_date is not None,
            "referred_date": referral.at.date(),
            "converted_date": converted_date,
            "as_of_date": data.as_of,
            "referred_at": reference_marts.naive(referral.at),
        }
    return rows


def referral_sources(data: Advocacy) -> Rows:
    payers = sum(
        any(act.is_payment for act in person.known(data.as_of)) for person in data.people.values()
    )
    by_source = defaultdict(list)
    for (referral_id,), row in referrals(data).items():
        by_source[row["referrer_id"]].append(row | {"referral_id": referral_id})
    rows = {}
    for source, made in by_source.items():
        sent = [row for row in made if not row["is_self_referral"]]
        won = [row for row in made if row["is_converted"]]
        further = [
            row
            for first in won
            for row in by_source.get(first["referred_customer_id"], ())
            if row["is_converted"] and row["referred_customer_id"] != source
        ]
        days = [row["days_to_convert"] for row in won]
        rows[(source,)] = {
            "sent_count": len(sent),
            "joined_count": len({row["referred_customer_id"] for row in sent} - {None}),
            "converted_count": len(won),
            "second_generation_count": len(further),
            "self_referral_count": len(made) - len(sent),
            "cycle_count": sum(row["is_cycle"] for row in made),
            "conversion_rate": len(won) / len(sent) if sent else None,
            "revenue": sum((row["revenue"] for row in won), Decimal(0)),
            "viral_coefficient": float(len(won)),
            "overall_viral_coefficient": len(data.won) / payers,
            "median_days_to_convert": float(statistics.median(days)) if days else None,
            "first_referral_date": min(row["referred_date"] for row in made),
            "last_referral_date": max(row["referred_date"] for row in made),
            "as_of_date": data.as_of,
        }
    return rows


def advocacy_correlations(data: Advocacy) -> Rows:
    """By scipy, from the rows of customer_advocacy."""
    axes = {
        "loyalty": "loyalty_score",
        "value": "value_percentile",
        "advocacy": "advocacy_score",
    }
    payers = [row for row in customer_advocacy(data).values() if row["loyalty_score"] is not None]
    rows = {}
    for axis, other in (("loyalty", "value"), ("loyalty", "advocacy"), ("value", "advocacy")):
        found = stats.spearmanr(
            [row[axes[axis]] for row in payers], [row[axes[other]] for row in payers]
        ).statistic
        margin = 1.959963984540054 * math.sqrt((1 + found**2 / 2) / (len(payers) - 3))
        rows[(axis, other)] = {
            "customer_count": len(payers),
            "spearman": float(found),
            "spearman_low": math.tanh(math.atanh(found) - margin),
            "spearman_high": math.tanh(math.atanh(found) + margin),
            "is_sufficient": len(payers) >= LIMITS["minimum_sample_count"],
            "as_of_date": data.as_of,
        }
    return rows


# ---- definitions -------------------------------------------------------------------------------


def loyalty_parts(data: Advocacy, person: Person) -> dict[str, float | None]:
    known_acts = person.known(data.as_of)
    days = sorted({act.day for act in known_acts if act.is_payment})
    names = ("regularity_score", "tenure_score", "usage_score", "repurchase_score")
    if not days:
        return dict.fromkeys(names)
    gaps = [(after - before).days for before, after in pairwise(days)]
    since = (data.as_of - days[-1]).days
    regularity = 0.0
    if gaps:
        typical = statistics.median(gaps)
        regularity = 100.0 if since <= typical else 100 * typical / since
    ages = {(data.as_of - act.day).days for act in known_acts if act.name == "login_success"}
    usage = None
    if ages:
        fast = sum(SHORT**age for age in ages) * (1 - SHORT)
        usage = min(1.0, fast / (sum(LONG**age for age in ages) * (1 - LONG))) * 100
    tenure = min(1.0, (days[-1] - days[0]).days / LIMITS["full_tenure_days"]) * 100
    repurchase = data.opinions(person.customer_id, data.as_of).get("repurchase")
    return dict(zip(names, (regularity, tenure, usage, repurchase), strict=True))


def advocacy_score(deeds: list[tuple[str, date]], day: date) -> float:
    left = sum(
        WEIGHTS.get(deed, min(WEIGHTS.values()))
        * 0.5 ** ((day - deed_date).days / LIMITS["advocacy_half_life_days"])
        for deed, deed_date in deeds
    )
    return 100 * -math.expm1(-left / LIMITS["advocacy_scale"])


def quadrant(loyalty: float | None, tier: str) -> str:
    # The mean of parts may fall short of the limit by the last bit of a double.
    is_loyal = loyalty is not None and loyalty >= LIMITS["loyal_score"] - 1e-12
    if is_loyal:
        return "loyal_advocate" if tier == "lover" else "loyal_silent"
    return "disloyal_advocate" if tier == "lover" else "neither"


def nps_class(score: float | None) -> str | None:
    if score is None:
        return None
    if score >= LIMITS["promoter_score"]:
        return "promoter"
    return "detractor" if score <= LIMITS["detractor_score"] else "passive"


def gate(data: Advocacy, person: Person, row: dict) -> str | None:
    """The first reason not to ask."""
    if row["nps_class"] == "detractor":
        return "not_promoter"
    if row["advocacy_tier"] != "lover" and row["nps_class"] != "promoter":
        return "not_promoter" if row["nps_class"] else "opinion_unknown"
    if data.reference.state(person.known(data.as_of), data.as_of) == "lost":
        return "lost"
    if "false" in consents(data, person.customer_id):
        return "consent_refused"
    return None if row["has_open_complaint"] is False else "open_complaint"


def consents(data: Advocacy, customer_id: str) -> set[str]:
    """What the accounts of all their ids say."""
    return {
        account["has_consent"]
        for account in data.reference.accounts.values()
        if data.reference.home[account["customer_id"]] == customer_id
        and not (account["created_at"] and moment(account["created_at"]).date() > data.as_of)
    }


def percentile(paid: dict[str, Decimal], key: str) -> float | None:
    if key not in paid:
        return None
    less = sum(amount < paid[key] for amount in paid.values())
    return less / (len(paid) - 1) if len(paid) > 1 else 0.0


def stage(data: Advocacy, customer_id: str) -> str:
    person = data.people[customer_id]
    return reference_marts.furthest(reference_marts.stages(data.reference, person, data.as_of))


def referral_revenue(data: Advocacy, day: date) -> dict[str, Decimal]:
    """Referrer -> what those whom they won paid in the 365 days that end with the day."""
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    for referred, (referral, converted_date) in data.converted(day).items():
        acts = data.people[referred].known(day)
        since = max(converted_date, day - timedelta(364))
        revenue[referral.referrer] += money([act for act in acts if act.day >= since])
    return revenue


def money(acts: list[Act]) -> Decimal:
    return sum((act.amount for act in acts if act.name in MONEY), Decimal(0))


def scaled(row: dict[str, str]) -> float | None:
    """A score of any scale on one from 0 to 100."""
    low, high = SCALES.get(row["survey"], ("", ""))
    low, high = row["scale_min"] or low, row["scale_max"] or high
    if not (row["score"] and low and high) or Decimal(low) == Decimal(high):
        return None
    part = Decimal(row["score"]) - Decimal(low)
    return 100.0 * float(part) / float(Decimal(high) - Decimal(low))


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


def cents(amount: float | None, times: float = 1) -> Cents | None:
    return None if amount is None else Cents(amount * times)
