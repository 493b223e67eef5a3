{#- What was suggested on past dates beside what was bought in the horizon that followed. -#}
{%- set numbers = cutoff_calendar().backtests[product_calendar().horizon_days] -%}
with bought as (
    select * from {{ ref('int_new_products') }}
),

buyers as (
    select distinct
        customer_id,
        cutoff_number
    from bought
)

select
    suggestions.customer_id,
    'next_product_probability' as score,
    suggestions.method,
    suggestions.rank,
    {{ product_calendar().horizon_days }} as horizon_days,
    suggestions.probability as predicted,
    cast(case when bought.customer_id is not null then 1 else 0 end as double precision)
        as observed,
    buyers.customer_id is not null as is_new_buyer,
    cutoffs.cutoff_date
from {{ ref('int_next_products') }} as suggestions
inner join {{ ref('int_cutoffs') }} as cutoffs
    on suggestions.cutoff_number = cutoffs.cutoff_number
left join bought
    on
        suggestions.customer_id = bought.customer_id
        and suggestions.cutoff_number = bought.cutoff_number
        and suggestions.product_id = bought.product_id
left join buyers
    on
        suggestions.customer_id = buyers.customer_id
        and suggestions.cutoff_number = buyers.cutoff_number
where suggestions.cutoff_number between {{ numbers[0] }} and {{ numbers[1] }}
