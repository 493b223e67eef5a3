-- An advocacy act that the contract accepts has a weight, and what is asked for is a deed that
-- somebody can do.
with acts as (
    {% for column in contract_columns('advocacy_acts') if column.name == 'act' -%}
    {% for act in column.choices -%}
    select '{{ act }}' as deed
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {%- endfor %}
),

deeds as (
    select deed from acts
    union all
    select 'converted_referral' as deed
)

select
    coalesce(deeds.deed, weights.deed) as rule,
    case when weights.deed is null then 'no weight' else 'no such deed' end as problem
from deeds
full outer join {{ ref('advocacy_weights') }} as weights on deeds.deed = weights.deed
where deeds.deed is null or weights.deed is null
union all
select
    asks.ask as rule,
    'no act and no referral' as problem
from {{ ref('advocacy_asks') }} as asks
left join acts on asks.ask = acts.deed
where acts.deed is null and asks.ask <> 'referral'
