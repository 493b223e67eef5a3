{#- The core features, where the seed speaks of this data at all: a product whose events name none
    of them has others, which nobody has written down yet. -#}
with known as (
    select count(*) as known_count from {{ ref('int_feature_use') }} where is_core
)

select
    core.feature,
    core.lesson
from {{ ref('core_features') }} as core
cross join known
where known.known_count > 0
