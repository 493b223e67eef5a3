"""What is planted in the demo data, and how to find it in the raw tables.

Each query returns one row: the effect and what it is compared with. `expected` is what the default
parameters lead to with many customers; small data sets scatter around it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Truth:
    """A planted fact: `query` gives (effect, base); `expected` says what to find, in words."""

    name: str
    description: str
    expected: str
    query: str


_PAID = "coalesce(kind, 'standard') = 'standard' and status not in ('cancelled', 'refunded')"

PLANTED: tuple[Truth, ...] = (
    Truth(
        "outage",
        "From 2024-07-08 to 2024-07-21 every login by password fails; 40 % of the customers who "
        "met it never log in again.",
        "password failure rate in the window 1; share never back 0.4 to 0.65, others below half",
        """
        with met as (
            select
                customer_id, method,
                max(logged_in_at::timestamptz) filter (outcome = 'success')
                    >= timestamptz '2024-07-22T00:00:00Z' as came_back
            from logins group by customer_id, method
            having count(*) filter (logged_in_at::timestamptz >= timestamptz '2024-07-08T00:00:00Z'
                and logged_in_at::timestamptz < timestamptz '2024-07-22T00:00:00Z') > 0
        )
        select
            avg((not coalesce(came_back, false))::int) filter (method = 'password'),
            avg((not coalesce(came_back, false))::int) filter (method <> 'password')
        from met
        """,
    ),
    Truth(
        "lapsing_segment",
        "Archetype bargain brought by the campaign flash-sale hardly buys after its second month "
        "(6 % of the usual rate).",
        "share of buyers with an order 60 days or more after the first: under a third of the other "
        "bargain customers' share",
        f"""
        with paid as (
            select customer_id, ordered_at::timestamptz as bought_at,
                min(ordered_at::timestamptz) over (partition by customer_id) as first_at
            from orders where {_PAID}
        ),
        buyer as (
            select customer_id, max(bought_at) > min(first_at) + interval 60 day as later
            from paid group by customer_id
            having min(first_at) < timestamptz '2024-10-01T00:00:00Z'
        )
        select
            avg(later::int) filter (entry_campaign = 'flash-sale'),
            avg(later::int) filter (entry_campaign is distinct from 'flash-sale')
        from buyer join customers using (customer_id) where archetype = 'bargain'
        """,
    ),
    Truth(
        "camera_pulls_case",
        "60 % of the customers who buy P-CAMERA take P-CASE along in their next order.",
        "share of next orders with P-CASE 0.6; in all other orders under 0.1",
        """
        with paid as (
            select order_id, customer_id,
                row_number() over (partition by customer_id order by ordered_at::timestamptz) as n
            from orders where coalesce(kind, 'standard') = 'standard'
        ),
        first_camera as (
            select customer_id, min(n) as n from paid join order_items using (order_id)
            where product_id = 'P-CAMERA' group by customer_id
        ),
        holds as (
            select paid.customer_id, paid.n,
                coalesce(bool_or(product_id = 'P-CASE'), false) as has_case
            from paid left join order_items using (order_id) group by all
        )
        select
            avg(has_case::int) filter (holds.n = first_camera.n + 1),
            avg(has_case::int) filter (holds.n is distinct from first_camera.n + 1)
        from holds left join first_camera using (customer_id)
        """,
    ),
    Truth(
        "habit_retains",
        "Customers who use the feature reports in their first 30 days leave five times more "
        "seldom after a purchase, and cancel four times later.",
        "share of buyers with a login 180 days or more after they were created: well above others",
        """
        with person as (
            select customer_id, created_at::timestamptz as created from customers
            where created_at::timestamptz < timestamptz '2024-04-01T00:00:00Z'
                and customer_id in (select customer_id from orders where kind = 'standard')
        ),
        habit as (
            select distinct customer_id from events join person using (customer_id)
            where feature = 'reports' and occurred_at::timestamptz < created + interval 30 day
        ),
        kept as (
            select customer_id, coalesce(
                max(logged_in_at::timestamptz) > min(created) + interval 180 day, false) as stayed
            from person left join logins using (customer_id) group by customer_id
        )
        select
            avg(stayed::int) filter (customer_id in (from habit)),
            avg(stayed::int) filter (customer_id not in (from habit))
        from kept
        """,
    ),
    Truth(
        "disloyal_advocates",
        "4 % of the buyers do two deeds or more for the brand and never buy again.",
        "share of buyers with two deeds or more and exactly one order: 0.02 to 0.05 "
        "(base: all with two deeds or more)",
        """
        with buyer as (
            select customer_id, count(*) as orders from orders where kind = 'standard' group by all
        ),
        deeds as (select customer_id, count(*) as deeds from advocacy_acts group by all)
        select
            avg((coalesce(deeds, 0) >= 2 and orders = 1)::int),
            avg((coalesce(deeds, 0) >= 2)::int)
        from buyer left join deeds using (customer_id)
        """,
    ),
    Truth(
        "fading_logins",
        "Subscribers log in less and less in the 60 days before they cancel.",
        "logins in the last 30 days over those 60 to 90 days before the end: 0.2 to 0.45 "
        "(base: the same at 2024-12-31 for subscribers who stay, about 1)",
        """
        with spell as (
            select customer_id, coalesce(max(ended_at)::timestamptz,
                timestamptz '2025-01-01T00:00:00Z') as until, max(ended_at) is not null as ended
            from subscriptions
            where cancel_reason is null
                or cancel_reason not in ('upgraded', 'trial_not_converted', 'could_not_log_in')
            group by customer_id
            having until - min(started_at)::timestamptz > interval 120 day
        ),
        counted as (
            select ended,
                count(*) filter (until - logged_in_at::timestamptz between interval 0 day
                    and interval 30 day) as late,
                count(*) filter (until - logged_in_at::timestamptz between interval 60 day
                    and interval 90 day) as early
            from spell join logins using (customer_id)
            where outcome = 'success' group by ended
        )
        select
            max(late / early) filter (ended), max(late / early) filter (not ended)
        from counted
        """,
    ),
)
"""The planted truths, in the order of the documentation."""
