-- The bounds of a share of 0 and of 1 are 0 and 1 to the last digit, for 1 to 999 customers: rates
-- are tested to lie between them.
with digits as (
    {% for digit in range(10) -%}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

numbers as (
    select 100 * hundreds.digit + 10 * tens.digit + ones.digit as customer_count
    from digits as hundreds
    cross join digits as tens
    cross join digits as ones
)

select customer_count
from numbers
where
    customer_count > 0
    and (
        {{ wilson_bound('customer_count', 'customer_count', '+') }} <> 1
        or {{ wilson_bound('0', 'customer_count', '-') }} <> 0
        or {{ wilson_bound('customer_count', 'customer_count', '-') }} not between 0 and 1
        or {{ wilson_bound('0', 'customer_count', '+') }} not between 0 and 1
    )
