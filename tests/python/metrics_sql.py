"""Plain SQL for each metric, written from its description and those of the mart's columns: an
answer that knows nothing of the measures and filters in models/marts/*/*_metrics.yml."""

from dataclasses import dataclass

MONTH = "metric_time__month"
QUARTER = "metric_time__quarter"
RENAMED = {
    "adoption_state": "state",
    "month_start": "month",
}
"""Dimension of MetricFlow -> column of the mart, where they differ."""


@dataclass(frozen=True)
class Answer:
    """A metric in plain SQL: the value of a group of rows of `table`, which is called `t`.

    `time` is the column with the day that places a row in a month. `by` are the names by which
    the metric is asked for a second time; those of customers are looked up in marts.customers by
    `customer`. `where`: a group of which no row is left has no value. `is_divided`: the table has
    all customers and, again, each segment of them.
    """

    table: str
    time: str
    value: str
    by: tuple[str, ...]
    customer: str = "customer_id"
    where: str = "true"
    is_divided: bool = False

    def sql(self, by: tuple[str, ...]) -> str:
        """The groups that MetricFlow calls by these names, and the value of each."""
        columns = [self._column(name) for name in by]
        named = ", ".join(f"{column} as group_{i}" for i, column in enumerate(columns))
        where = f"t.{self.time} is not null and ({self.where})"
        if self.is_divided and not any(name.endswith("__segment") for name in by):
            where += " and t.segment = 'all'"
        return f"""
            select {named}, cast({self.value} as double) as value
            from {self.table} as t
            left join marts.customers as customer on t.{self.customer} = customer.customer_id
            where {where}
            group by {", ".join(columns)}
        """

    def _column(self, name: str) -> str:
        entity, _, dimension = name.rpartition("__")
        if entity == "metric_time":
            return f"cast(date_trunc('{dimension}', t.{self.time}) as date)"
        owner = "customer" if entity == "customer" else "t"
        return f"{owner}.{RENAMED.get(dimension, dimension)}"


@dataclass(frozen=True)
class Growth:
    """A month / the one so many months before, less 1. Months without rows count as 0."""

    of: Answer
    months: int
    by: tuple[str, ...]

    def sql(self, by: tuple[str, ...]) -> str:
        groups = [f"group_{i}" for i in range(1, len(by))]
        same = "".join(f" and base.{group} is not distinct from now.{group}" for group in groups)
        return f"""
            with answers as ({self.of.sql(by)}),

            base as (
                select *, group_0 + interval {self.months} month as month
                from answers
            )

            select
                base.month as group_0,
                {"".join(f"base.{group}, " for group in groups)}
                coalesce(now.value, 0) / nullif(base.value, 0) - 1 as value
            from base
            left join answers as now on base.month = now.group_0{same}
            where base.month <= (select max(group_0) from answers)
        """


@dataclass(frozen=True)
class Mart:
    """Answers that are counted on one mart, or on a query in its place."""

    table: str
    time: str
    customer: str = "customer_id"
    where: str = "true"
    is_divided: bool = False

    def answer(self, value: str, *by: str, where: str = "true") -> Answer:
        return Answer(
            table=self.table,
            time=self.time,
            value=value,
            by=by,
            customer=self.customer,
            where=f"({self.where}) and ({where})",
            is_divided=self.is_divided,
        )


def without_customers(table: str) -> str:
    """A mart of months or files: nobody to look up."""
    return f"(select *, cast(null as text) as customer_id from {table})"


def count(condition: str) -> str:
    return f"count(*) filter ({condition})"


def share(numerator: str, denominator: str = "count(*)") -> str:
    """Numerator / denominator, null where the latter is 0."""
    return f"cast({numerator} as double) / nullif({denominator}, 0)"


def customers_with(condition: str) -> str:
    return f"count(distinct case when {condition} then t.customer_id end)"


# Advocacy -----------------------------------------------------------------------------------------

tiers = Mart(without_customers("marts.advocacy_tiers"), "month")
advocacy = Mart("marts.customer_advocacy", "as_of_date")
referrals = Mart("marts.referrals", "referred_date", customer="referred_customer_id")

TIER_MONTH = (MONTH, "advocacy_month__is_complete")
LOYAL = "t.quadrant in ('loyal_advocate', 'loyal_silent')"

ADVOCACY = {
    "lover_count": tiers.answer("sum(t.lover_count)", *TIER_MONTH),
    "liker_count": tiers.answer("sum(t.liker_count)", *TIER_MONTH),
    "lover_rate": tiers.answer(share("sum(t.lover_count)", "sum(t.customer_count)"), *TIER_MONTH),
    "liker_rate": tiers.answer(share("sum(t.liker_count)", "sum(t.customer_count)"), *TIER_MONTH),
    "loyal_advocate_count": advocacy.answer(
        count("t.quadrant = 'loyal_advocate'"), "customer__country"
    ),
    "asked_customer_count": advocacy.answer(count("t.next_ask is not null"), "advocate__next_ask"),
    "loyalty_score": advocacy.answer("avg(t.loyalty_score)", "customer__archetype"),
    "loyal_advocate_rate": advocacy.answer(
        share(count("t.quadrant = 'loyal_advocate'"), count(LOYAL)), "customer__value_tier"
    ),
    "referral_count": referrals.answer(count("not t.is_self_referral"), "referral__kind"),
    "referrer_count": referrals.answer(
        "count(distinct t.referrer_id)", "referral__kind", where="not t.is_self_referral"
    ),
    "converted_referral_count": referrals.answer(count("t.is_converted"), "customer__country"),
    "referred_revenue": referrals.answer("sum(t.revenue)", "referral__referred_stage"),
    "referral_conversion_rate": referrals.answer(
        share(count("t.is_converted"), count("not t.is_self_referral")), "referral__kind"
    ),
}

# Contact ------------------------------------------------------------------------------------------

contact_audit = Mart("marts.contact_audit", "as_of_date")
contact_plan = Mart("marts.contact_plan", "as_of_date")

PLANNED = "t.action <> 'nothing'"

CONTACT = {
    "early_pitch_rate": contact_audit.answer(
        share(count("t.is_pitched_too_early"), "count(t.is_pitched_too_early)"),
        "audited_contact__is_asked_twice",
    ),
    "silent_after_sale_rate": contact_audit.answer(
        share(count("t.is_silent_after_sale"), "count(t.is_silent_after_sale)"),
        "customer__entry_source",
    ),
    "planned_contact_count": contact_plan.answer(count(PLANNED), "planned_contact__channel"),
    "plan_revenue_at_risk": contact_plan.answer(
        "sum(t.revenue_at_risk)", "planned_contact__action", where=PLANNED
    ),
    "plan_expected_effect": contact_plan.answer(
        "sum(t.expected_effect)", "planned_contact__action"
    ),
    "planned_contact_rate": contact_plan.answer(share(count(PLANNED)), "customer__state"),
}

# Cross-sell ---------------------------------------------------------------------------------------

readiness = Mart("marts.cross_sell_readiness", "as_of_date")
features = Mart("marts.feature_adoption", "as_of_date")

CROSS_SELL = {
    "ready_customer_count": readiness.answer(count("t.is_ready"), "owner__next_product_1"),
    "readiness_score": readiness.answer("avg(t.readiness_score)", "owner__blocked_by"),
    "cross_sell_expected_value": readiness.answer(
        "sum(t.expected_value)", "owner__next_product_1", where="t.is_ready"
    ),
    "readiness_rate": readiness.answer(share(count("t.is_ready")), "owner__adoption_basis"),
    "feature_adoption_rate": features.answer(
        share(count("t.state = 'adopted'")), "feature_use__feature"
    ),
}

# Customers ----------------------------------------------------------------------------------------

customers = Mart("marts.customers", "as_of_date")
first_seen = Mart("marts.customers", "first_seen_date")
first_paid = Mart("marts.customers", "first_paid_date")

MONTHS = """(
    select distinct month, least(last_day(month), as_of_date) as last_date
    from marts.customer_months
)"""
"""The last day of a month that is not over is the as-of date."""


def customers_of_months(condition: str) -> Mart:
    """Each month beside the customers of it: `m` is the month, `c` the customer."""
    return Mart(
        f"(select m.month, c.customer_id from {MONTHS} as m "
        f"inner join marts.customers as c on {condition})",
        "month",
    )


seen_so_far = customers_of_months("c.first_seen_date <= m.last_date")
paid_in_90_days = customers_of_months(
    "c.first_paid_date <= m.last_date and c.first_paid_date > m.last_date - 90"
)

BUYER = "t.first_paid_date is not null"

CUSTOMERS = {
    "customer_count": customers.answer("count(*)", "customer__country"),
    "buyer_count": customers.answer(count(BUYER), "customer__archetype"),
    "subscriber_count": customers.answer(count("t.is_subscribed"), "customer__entry_source"),
    "lost_customer_count": customers.answer(count("t.state = 'lost'"), "customer__stage"),
    "referring_customer_count": customers.answer(count("t.stage = 'refer'"), "customer__state"),
    "monthly_recurring_revenue": customers.answer(
        "sum(t.monthly_recurring_revenue)", "customer__value_tier"
    ),
    "new_customer_count": first_seen.answer("count(*)", "customer__entry_source"),
    "new_buyer_count": first_paid.answer("count(*)", "customer__loyalty_rung"),
    "consent_rate": customers.answer(
        f"case when count(t.has_consent) > 0 then {share(count('t.has_consent'))} end",
        "customer__preferred_channel",
    ),
    "lost_rate": customers.answer(
        share(count("t.state = 'lost'"), count(BUYER)), "customer__rfm_segment"
    ),
    "referring_rate": customers.answer(
        share(count("t.stage = 'refer'"), count(BUYER)), "customer__country"
    ),
    "cumulative_customer_count": seen_so_far.answer("count(*)", MONTH, "customer__country"),
    "new_buyer_count_trailing_90d": paid_in_90_days.answer(
        "count(*)", MONTH, "customer__is_subscribed"
    ),
    "new_buyer_growth_rate": Growth(
        first_paid.answer("count(*)"), 1, (MONTH, "customer__is_subscribed")
    ),
}

# Lifecycle ----------------------------------------------------------------------------------------

months = Mart("marts.customer_months", "month")
onboarding = Mart("marts.onboarding_progress", "cohort_month")
transitions = Mart("marts.stage_transitions", "changed_date")
trials = Mart(without_customers("marts.trial_conversion"), "month")
first_signs = Mart("marts.customer_lifecycle", "know_date")
purchases = Mart("marts.customer_lifecycle", "buy_date")

ACTIVE = customers_with("t.is_active")
ORDERING = customers_with("t.order_count > 0")
NET_REVENUE = months.answer("sum(t.net_revenue)", "customer__country")


def within_90_days(start: str, end: str) -> str:
    """Rows with the second day up to 90 days after the first."""
    return count(f"t.{end} - t.{start} between 0 and 90")


def months_up_to(first: str) -> Mart:
    """Each month beside the rows of customer_months from `first` to itself."""
    return Mart(
        f"(select m.month, c.customer_id, c.net_revenue from {MONTHS} as m "
        f"inner join marts.customer_months as c on c.month <= m.month and c.month >= {first})",
        "month",
    )


LIFECYCLE = {
    "know_to_buy_rate_90d": first_signs.answer(
        share(within_90_days("know_date", "buy_date")), "customer__country"
    ),
    "second_purchase_rate_90d": purchases.answer(
        share(within_90_days("buy_date", "repeat_date")), "customer__archetype"
    ),
    "active_customer_count": months.answer(ACTIVE, "customer__country"),
    "ordering_customer_count": months.answer(ORDERING, "customer_month__state"),
    "order_count": months.answer("sum(t.order_count)", "customer_month__stage"),
    "net_revenue": NET_REVENUE,
    "login_count": months.answer("sum(t.login_count)", "customer_month__state"),
    "successful_login_count": months.answer("sum(t.successful_login_count)", "customer__archetype"),
    "touch_count": months.answer("sum(t.touch_count)", "customer__preferred_channel"),
    "month_end_customer_count": months.answer("count(*)", MONTH, "customer_month__state"),
    "average_order_value": months.answer(
        share("sum(t.net_revenue)", "sum(t.order_count)"), "customer__value_tier"
    ),
    "revenue_per_active_customer": months.answer(
        share("sum(t.net_revenue)", ACTIVE), "customer__archetype"
    ),
    "orders_per_ordering_customer": months.answer(
        share("sum(t.order_count)", ORDERING), "customer__country"
    ),
    "login_success_rate": months.answer(
        share("sum(t.successful_login_count)", "sum(t.login_count)"), "customer__risk_level"
    ),
    "dormant_rate": months.answer(
        share(count("t.state in ('dormant', 'declining')")), MONTH, "customer__country"
    ),
    "cumulative_net_revenue": months_up_to("c.month").answer(
        "sum(t.net_revenue)", MONTH, "customer__archetype"
    ),
    "net_revenue_trailing_12_months": months_up_to("m.month - interval 11 month").answer(
        "sum(t.net_revenue)", MONTH, "customer__country"
    ),
    "net_revenue_growth_rate": Growth(NET_REVENUE, 1, (MONTH, "customer__country")),
    "net_revenue_growth_rate_year": Growth(NET_REVENUE, 12, (MONTH, "customer__archetype")),
    "newcomer_count": onboarding.answer("count(*)", "newcomer__first_90_day_state"),
    "stalled_newcomer_count": onboarding.answer(
        count("t.stalled_count > 0"), "newcomer__follow_up"
    ),
    "onboarding_done_rate": onboarding.answer("avg(t.done_rate)", "newcomer__is_complete"),
    "onboarding_completion_rate": onboarding.answer(
        share(count("t.is_complete")), "customer__country"
    ),
    "follow_up_rate": onboarding.answer(share(count("t.is_followed_up")), "customer__country"),
    "value_reached_rate": onboarding.answer(
        share(count("t.has_reached_value")), "newcomer__first_90_day_state"
    ),
    "stage_advance_count": transitions.answer(
        count("t.to_rank > t.from_rank"), "stage_transition__from_stage"
    ),
    "stage_setback_count": transitions.answer(
        count("t.to_rank < t.from_rank"), "stage_transition__to_stage"
    ),
    "median_days_to_advance": transitions.answer(
        "median(t.days_in_stage)", "stage_transition__to_stage", where="t.to_rank > t.from_rank"
    ),
    "trial_count": trials.answer("sum(t.started_count)", "trial_month__trial_kind"),
    "trial_conversion_rate": trials.answer(
        share("sum(t.bought_in_window_count)", "sum(t.started_count)"),
        "trial_month__trial_kind",
        where="t.is_mature",
    ),
}

# Retention ----------------------------------------------------------------------------------------

churn_risk = Mart("marts.customer_churn_risk", "as_of_date", where="not t.is_lost")
troubled = Mart(
    "(select *, customer_id in (select customer_id from marts.early_warnings) as has_warning, "
    "customer_id in (select customer_id from marts.login_problems) as is_out from marts.customers)",
    "as_of_date",
)
periods = Mart(
    without_customers("marts.growth_accounting"),
    "period_start",
    where="t.period = 'month' and t.activity = 'any'",
)
cohorts = Mart(
    without_customers("marts.retention_cohorts"),
    "cohort_month",
    where="t.activity = 'order' and t.is_mature",
)
movements = without_customers("marts.revenue_movements")
recurring = Mart(movements, "month", where="t.stream = 'subscriptions' and t.segment = 'all'")
win_backs = Mart(without_customers("marts.win_back_results"), "month")

AT_RISK = "t.risk_level in ('high', 'critical')"
PERIOD = (MONTH, "growth_period__activity")
SEGMENT = ("revenue_movement__segment", "revenue_movement__segment_value")


def retention_rate(month: int) -> Answer:
    return cohorts.answer(
        share("sum(t.retained_count)", "sum(t.cohort_size)"),
        "cohort__age_months",
        where=f"t.age_months = {month}",
    )


def movement_rate(stream: str, numerator: str, denominator: str) -> Answer:
    """A rate of one month is that of all customers; by segment it is that of each value."""
    mart = Mart(
        movements,
        "month",
        where=f"t.stream = '{stream}' and t.is_complete",
        is_divided=True,
    )
    return mart.answer(share(numerator, denominator), MONTH, *SEGMENT)


def of_movements(stream: str) -> dict[str, Answer]:
    rates = {
        "gross_retention_rate": ("sum(t.opening - t.contraction - t.churned)", "sum(t.opening)"),
        "net_retention_rate": (
            "sum(t.opening - t.contraction - t.churned + t.expansion)",
            "sum(t.opening)",
        ),
        "customer_churn_rate": (
            "sum(t.churned_customer_count)",
            "sum(t.opening_customer_count)",
        ),
    }
    return {name: movement_rate(stream, *parts) for name, parts in rates.items()}


RETENTION = {
    "customer_at_risk_count": churn_risk.answer(
        count(AT_RISK), "churn_risk__churn_basis", where="t.churn_probability_90d is not null"
    ),
    "churn_probability_90d": churn_risk.answer(
        "avg(t.churn_probability_90d)", "churn_risk__reason_1"
    ),
    "revenue_at_risk": churn_risk.answer(
        "sum(t.revenue_at_risk)", "churn_risk__recommended_play", where=AT_RISK
    ),
    "at_risk_rate": churn_risk.answer(
        share(count(AT_RISK), "count(t.churn_probability_90d)"), "customer__value_tier"
    ),
    "warned_customer_count": troubled.answer(count("t.has_warning"), "customer__state"),
    "retained_customer_count": periods.answer("sum(t.retained_count)", *PERIOD),
    "resurrected_customer_count": periods.answer("sum(t.resurrected_count)", *PERIOD),
    "churned_customer_count": periods.answer("sum(t.churned_count)", *PERIOD),
    "customer_churn_rate": periods.answer(
        share("sum(t.churned_count)", "sum(t.churned_count + t.retained_count)"), *PERIOD
    ),
    "quick_ratio": periods.answer(
        share("sum(t.new_count + t.resurrected_count)", "sum(t.churned_count)"), *PERIOD
    ),
    "locked_out_customer_count": troubled.answer(count("t.is_out"), "customer__archetype"),
    "retention_rate_month_1": retention_rate(1),
    "retention_rate_month_3": retention_rate(3),
    "retention_rate_month_12": retention_rate(12),
    "new_mrr": recurring.answer("sum(t.new)", *SEGMENT),
    "expansion_mrr": recurring.answer("sum(t.expansion)", *SEGMENT),
    "reactivated_mrr": recurring.answer("sum(t.reactivated)", *SEGMENT),
    "contraction_mrr": recurring.answer("sum(t.contraction)", *SEGMENT),
    "churned_mrr": recurring.answer("sum(t.churned)", *SEGMENT),
    "month_end_mrr": recurring.answer("sum(t.closing)", MONTH, *SEGMENT),
    "net_new_mrr": recurring.answer(
        "sum(t.new + t.reactivated + t.expansion - t.contraction - t.churned)", *SEGMENT
    ),
    **{f"subscription_{name}": rate for name, rate in of_movements("subscriptions").items()},
    **{f"order_{name}": rate for name, rate in of_movements("orders").items()},
    "won_back_count": win_backs.answer(
        "sum(t.won_back_count)", "win_back_month__conclusion", where="t.is_mature"
    ),
    "win_back_rate": win_backs.answer(
        share("sum(t.won_back_count)", "sum(t.contacted_count)"),
        "win_back_month__conclusion",
        where="t.is_mature",
    ),
}

# Trust --------------------------------------------------------------------------------------------

files = Mart(without_customers("marts.row_accounting"), "as_of_date")
backtests = Mart(
    without_customers("marts.score_backtests"),
    "cutoff_date",
    where="t.score = 'churn_probability_90d' and t.method = 'model' and t.decile is null",
)

FILE = "landed_file__input"
METHOD = "score_backtest__method"

TRUST = {
    "landed_row_count": files.answer("sum(t.landed_count)", FILE),
    "quarantined_row_count": files.answer("sum(t.quarantined_count)", FILE),
    "quarantine_rate": files.answer(share("sum(t.quarantined_count)", "sum(t.landed_count)"), FILE),
    "duplicate_rate": files.answer(share("sum(t.duplicate_count)", "sum(t.landed_count)"), FILE),
    "churn_backtest_auc": backtests.answer("avg(t.auc)", METHOD),
    "churn_backtest_brier": backtests.answer("avg(t.brier)", METHOD),
    "churn_calibration_gap": backtests.answer(
        "avg(t.predicted_mean) - avg(t.observed_mean)", METHOD
    ),
}

# Value --------------------------------------------------------------------------------------------

lifetime = Mart("marts.customer_lifetime_value", "as_of_date")
tenths = Mart(without_customers("marts.purchase_concentration"), "as_of_date")

VALUE = {
    "historic_revenue": lifetime.answer("sum(t.historic_revenue)", "customer__country"),
    "predicted_value_365d": lifetime.answer("sum(t.predicted_value_365d)", "customer__value_tier"),
    "expected_orders_365d": lifetime.answer("sum(t.expected_orders_365d)", "customer__archetype"),
    "repeat_buyer_rate": lifetime.answer(share(count("t.frequency > 0")), "customer__country"),
    "revenue_per_buyer": lifetime.answer(
        share("sum(t.historic_revenue)", "count(*)"), "customer__rfm_segment"
    ),
    "predicted_value_per_buyer": lifetime.answer(
        share("sum(t.predicted_value_365d)", "count(t.predicted_value_365d)"),
        "customer__entry_source",
    ),
    "top_decile_revenue_share": tenths.answer(
        share("sum(t.net_revenue) filter (t.decile = 1)", "sum(t.net_revenue)"),
        "revenue_decile__decile",
    ),
}

# Voice --------------------------------------------------------------------------------------------

complaints = Mart("marts.complaints", "opened_date")
promises = Mart("marts.promises_kept", "promised_date")
surveys = Mart(without_customers("marts.survey_scores"), "period_start", is_divided=True)

SCORE = (MONTH, "survey_score__segment", "survey_score__segment_value")


def favourable(survey: str) -> Answer:
    return surveys.answer(
        share("100 * sum(t.favourable_count)", "sum(t.response_count)"),
        *SCORE,
        where=f"t.survey = '{survey}'",
    )


VOICE = {
    "complaint_count": complaints.answer("count(*)", "complaint__is_resolved"),
    "resolved_complaint_count": complaints.answer(count("t.is_resolved"), "complaint__is_answered"),
    "recovered_complaint_count": complaints.answer(count("t.is_recovered"), "customer__country"),
    "median_resolution_hours": complaints.answer(
        "median(t.resolution_hours)", "customer__archetype"
    ),
    "complaint_resolution_rate": complaints.answer(
        share(count("t.is_resolved"), "count(t.is_resolved)"), "customer__country"
    ),
    "complaint_recovery_rate": complaints.answer(
        share(count("t.is_recovered"), count("t.is_resolved")), "customer__value_tier"
    ),
    "long_wait_rate": complaints.answer(
        share(count("t.is_long_wait"), "count(t.is_long_wait)"), "complaint__is_resolved"
    ),
    "late_order_count": promises.answer(count("t.is_late"), "promised_order__status"),
    "late_order_rate": promises.answer(
        share(count("t.is_late"), "count(t.is_late)"), "promised_order__is_delivered"
    ),
    "survey_response_count": surveys.answer(
        "sum(t.response_count)", *SCORE, where="t.segment = 'all'"
    ),
    "nps": surveys.answer(
        share("100 * sum(t.promoter_count - t.detractor_count)", "sum(t.response_count)"),
        *SCORE,
        where="t.survey = 'nps'",
    ),
    "nps_response_count": surveys.answer(
        "sum(t.response_count)", *SCORE, where="t.survey = 'nps' and t.segment = 'all'"
    ),
    "csat": favourable("csat"),
    "ces": favourable("ces"),
    "survey_response_rate": surveys.answer(
        share("sum(t.answered_count)", "sum(t.sent_count)"), *SCORE
    ),
}

ANSWERS: dict[str, Answer | Growth] = {
    **ADVOCACY,
    **CONTACT,
    **CROSS_SELL,
    **CUSTOMERS,
    **LIFECYCLE,
    **RETENTION,
    **TRUST,
    **VALUE,
    **VOICE,
}
