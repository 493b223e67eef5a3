-- Olist products -> products, with the English name of the category where there is one.
-- Money: none. Ids: as given. Time zone: none needed.
with translations as (
    select
        product_category_name,
        min(product_category_name_english) as product_category_name_english
    from landing.product_category_name_translation
    group by product_category_name
)

select
    products.product_id,
    coalesce(
        translations.product_category_name_english, products.product_category_name
    ) as category,
    products._file,
    products._line
from landing.olist_products_dataset as products
left join translations on translations.product_category_name = products.product_category_name
