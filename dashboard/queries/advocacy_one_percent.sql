-- One row: the last month, and what moving one per cent is worth.
select
    month,
    customer_count,
    case when is_sufficient then lover_share end as lover_share,
    one_percent_customers,
    case when is_sufficient then referral_revenue_per_lover end as referral_revenue_per_lover,
    case when is_sufficient then referral_revenue_per_liker end as referral_revenue_per_liker,
    case
        when is_sufficient then effect_of_one_percent_customers
    end as effect_of_one_percent_customers_value,
    case
        when is_sufficient then effect_of_one_percent_of_likers
    end as effect_of_one_percent_of_likers_value
from marts.advocacy_tiers
where
    month = (select max(months.month) from marts.advocacy_tiers as months)
    and customer_count > 0
