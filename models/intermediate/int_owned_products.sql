{#- Items of orders refunded in full are not owned. -#}
select
    customer_id,
    detail as product_id,
    min(activity_date) as first_bought_date
from {{ ref('int_customer_activities') }}
where activity = 'item_bought' and voided_date is null
group by customer_id, detail
