with landed as (
    select * from {{ source('raw', 'products') }}
),

typed as (
    {{ typed_rows('products') }}
),

{{ judged_rows('products', 'typed', key=['product_id'], event_at='cast(null as timestamp)') }}

select * from judged
