-- Olist reviews -> surveys (customer satisfaction, 1 to 5).
-- Money: none. Ids: one review_id stands on several orders and one order has several reviews, so
-- both together make the response_id; the customer is customer_unique_id.
-- Time zone: written without offset; set the var source_timezone to America/Sao_Paulo.
with orders as (
    select
        orders.order_id,
        min(customers.customer_unique_id) as customer_unique_id
    from landing.olist_orders_dataset as orders
    left join landing.olist_customers_dataset as customers
        on customers.customer_id = orders.customer_id
    group by orders.order_id
)

select
    reviews.review_id || '-' || reviews.order_id as response_id,
    orders.customer_unique_id as customer_id,
    'csat' as survey,
    reviews.review_score as score,
    '1' as scale_min,
    '5' as scale_max,
    nullif(
        concat_ws(': ', reviews.review_comment_title, reviews.review_comment_message), ''
    ) as answer,
    reviews.review_creation_date as sent_at,
    reviews.review_answer_timestamp as responded_at,
    reviews._file,
    reviews._line
from landing.olist_order_reviews_dataset as reviews
left join orders on orders.order_id = reviews.order_id
