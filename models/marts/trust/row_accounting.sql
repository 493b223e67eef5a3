with verdicts as (
    {% for input in input_names() %}
    select
        input, file, amount, event_date, notes, source_customer_id, row_status
    from ({{ verdicts(input) }}) as {{ input }}_verdicts
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    select
        verdicts.input,
        verdicts.file,
        count(*) as row_count,
        count(case when verdicts.row_status = 'accepted' then 1 end) as accepted_count,
        count(case when verdicts.row_status = 'duplicate' then 1 end) as duplicate_count,
        count(case when verdicts.row_status = 'quarantined' then 1 end) as quarantined_count,
        sum(verdicts.amount) as landed_amount,
        sum(case when verdicts.row_status = 'accepted' then verdicts.amount end) as accepted_amount,
        sum(case
            when verdicts.row_status = 'duplicate' then verdicts.amount
        end) as duplicate_amount,
        sum(case
            when verdicts.row_status = 'quarantined' then verdicts.amount
        end) as quarantined_amount,
        count(case
            when
                verdicts.row_status = 'accepted'
                and verdicts.event_date > calendar.as_of_date
                then 1
        end) as after_as_of_count,
        count(case
            when verdicts.row_status = 'accepted' and ids.is_test then 1
        end) as test_customer_count,
        {% for note in [
            'superseded', 'rounded_amount', 'impossible_order_of_times', 'invisible_characters',
            'unusual_email',
            'undated',
        ] -%}
        count(case
            when verdicts.row_status <> 'quarantined' and verdicts.notes like '%{{ note }}%' then 1
        end) as {{ note }}_count{{ ',' if not loop.last }}
        {% endfor %}
    from verdicts
    cross join {{ ref('stg_calendar') }} as calendar
    left join {{ ref('int_customer_ids') }} as ids
        on verdicts.source_customer_id = ids.source_customer_id
    group by verdicts.input, verdicts.file
),

malformed as (
    select
        input,
        file,
        count(*) as malformed_count
    from {{ source('ledger', 'malformed_lines') }}
    group by input, file
),

erased as (
    select
        input,
        file,
        sum(row_count) as erased_count,
        sum(amount) as erased_amount
    from {{ source('ledger', 'erased_rows') }}
    group by input, file
),

ledger as (
    select
        input,
        file,
        withdrawn_count
    from {{ source('ledger', 'files') }}
),

landed_files as (
    select input, file from counted
    union
    select input, file from malformed
    union
    select input, file from erased
    union
    select input, file from ledger
)

select
    landed_files.input,
    landed_files.file,
    cast(
        coalesce(counted.row_count, 0)
        + coalesce(malformed.malformed_count, 0)
        + coalesce(erased.erased_count, 0)
        as bigint
    ) as landed_count,
    coalesce(counted.accepted_count, 0) as accepted_count,
    coalesce(counted.duplicate_count, 0) as duplicate_count,
    coalesce(counted.quarantined_count, 0)
    + coalesce(malformed.malformed_count, 0) as quarantined_count,
    cast(coalesce(erased.erased_count, 0) as bigint) as erased_count,
    cast(
        coalesce(counted.landed_amount, 0) + coalesce(erased.erased_amount, 0) as decimal(18, 2)
    ) as landed_amount,
    {% for amount in ['accepted', 'duplicate', 'quarantined'] -%}
    cast(coalesce(counted.{{ amount }}_amount, 0) as decimal(18, 2)) as {{ amount }}_amount,
    {% endfor -%}
    cast(coalesce(erased.erased_amount, 0) as decimal(18, 2)) as erased_amount,
    coalesce(counted.after_as_of_count, 0) as after_as_of_count,
    coalesce(counted.test_customer_count, 0) as test_customer_count,
    coalesce(counted.superseded_count, 0) as superseded_count,
    coalesce(counted.rounded_amount_count, 0) as rounded_amount_count,
    coalesce(counted.impossible_order_of_times_count, 0) as impossible_order_of_times_count,
    coalesce(counted.invisible_characters_count, 0) as invisible_characters_count,
    coalesce(counted.unusual_email_count, 0) as unusual_email_count,
    coalesce(counted.undated_count, 0) as undated_count,
    coalesce(ledger.withdrawn_count, 0) as withdrawn_count,
    calendar.as_of_date
from landed_files
cross join {{ ref('stg_calendar') }} as calendar
left join counted on landed_files.input = counted.input and landed_files.file = counted.file
left join malformed on landed_files.input = malformed.input and landed_files.file = malformed.file
left join erased on landed_files.input = erased.input and landed_files.file = erased.file
left join ledger on landed_files.input = ledger.input and landed_files.file = ledger.file
