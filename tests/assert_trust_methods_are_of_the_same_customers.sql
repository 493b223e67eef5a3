-- A comparison is fair when all methods foretell the same customers, and the same came of them. The
-- model is always there; a rule without a figure for one customer must be left out for all. Methods
-- of suggestions foretell different products, so what came of them may differ.
with predictions as (
    select * from {{ ref('int_backtest_predictions') }}
),

customers as (
    select
        score,
        cutoff_date,
        customer_id,
        count(*) as method_count,
        count(case when method = 'model' then 1 end) as model_count,
        min(observed) as least_observed,
        max(observed) as most_observed
    from predictions
    group by score, cutoff_date, customer_id
),

methods as (
    select
        score,
        cutoff_date,
        count(distinct method) as method_count
    from predictions
    group by score, cutoff_date
)

select
    customers.score,
    customers.cutoff_date,
    customers.customer_id,
    customers.method_count,
    methods.method_count as method_count_of_all
from customers
inner join methods
    on customers.score = methods.score and customers.cutoff_date = methods.cutoff_date
where
    customers.method_count <> methods.method_count
    or customers.model_count <> 1
    or (
        customers.score <> 'next_product_probability'
        and customers.least_observed <> customers.most_observed
    )
