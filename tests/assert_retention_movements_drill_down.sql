-- revenue_movements is the sum of customer_movements, and both are all the money that customers
-- shows: every month of orders is net revenue, the last month of subscriptions what recurs now.
{%- set movements = ['new', 'expansion', 'reactivated', 'contraction', 'churned'] %}
with movements as (
    select * from {{ ref('revenue_movements') }} where segment = 'all'
),

customers as (
    select
        stream,
        month,
        sum(opening) as opening,
        sum(closing) as closing,
        {%- for movement in movements %}
        sum(case when movement = '{{ movement }}' then abs(change_amount) else 0 end)
            as {{ movement }},
        count(case when movement = '{{ movement }}' then 1 end) as {{ movement }}_customer_count,
        {%- endfor %}
        count(case when opening > 0 then 1 end) as opening_customer_count,
        count(case when closing > 0 then 1 end) as closing_customer_count
    from {{ ref('customer_movements') }}
    group by stream, month
),

customer_totals as (
    select
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(monthly_recurring_revenue), 0) as monthly_recurring_revenue
    from {{ ref('customers') }}
),

movement_totals as (
    select
        coalesce(sum(case when stream = 'orders' then closing end), 0) as net_revenue,
        coalesce(
            sum(case
                when
                    stream = 'subscriptions'
                    and {{ dbt.datediff('month', 'as_of_date', 'month') }} = 0
                    then closing
            end), 0
        ) as monthly_recurring_revenue
    from {{ ref('customer_movements') }}
)

select
    coalesce(movements.stream, customers.stream) as stream,
    coalesce(movements.month, customers.month) as month,
    movements.closing,
    customers.closing as closing_of_customers
from movements
full outer join customers
    on movements.stream = customers.stream and movements.month = customers.month
where
    movements.stream is null
    or movements.opening <> coalesce(customers.opening, 0)
    or movements.closing <> coalesce(customers.closing, 0)
    or movements.opening_customer_count <> coalesce(customers.opening_customer_count, 0)
    or movements.closing_customer_count <> coalesce(customers.closing_customer_count, 0)
    {%- for movement in movements %}
    or movements.{{ movement }} <> coalesce(customers.{{ movement }}, 0)
    {%- if movement not in ['expansion', 'contraction'] %}
    or movements.{{ movement }}_customer_count
    <> coalesce(customers.{{ movement }}_customer_count, 0)
    {%- endif %}
    {%- endfor %}
union all
select
    'orders' as stream,
    cast(null as date) as month,
    movement_totals.net_revenue as closing,
    customer_totals.net_revenue as closing_of_customers
from movement_totals
cross join customer_totals
where movement_totals.net_revenue <> customer_totals.net_revenue
union all
select
    'subscriptions' as stream,
    cast(null as date) as month,
    movement_totals.monthly_recurring_revenue as closing,
    customer_totals.monthly_recurring_revenue as closing_of_customers
from movement_totals
cross join customer_totals
where movement_totals.monthly_recurring_revenue <> customer_totals.monthly_recurring_revenue
