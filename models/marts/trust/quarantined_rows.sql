with verdicts as (
    {% for input in input_names() %}
    select
        '{{ input }}' as input,
        file,
        file_line as line_number,
        reasons,
        details,
        row_text
    from {{ ref('base_' ~ input) }}
    where row_status = 'quarantined'
    union all
    {% endfor %}
    select
        input,
        file,
        line_number,
        'in_the_future' as reasons,
        details,
        row_text
    from {{ ref('stg_future_rows') }}
    union all
    select
        input,
        file,
        line_number,
        reason as reasons,
        detail as details,
        -- Which part of such a line is whose nobody knows.
        case
            when input in ({{ quoted(personal_inputs()) }}) then '{{ not_shown() }}'
            else row_text
        end as row_text
    from {{ source('ledger', 'malformed_lines') }}
),

-- The refresh during which a file was loaded; none when it was loaded by hand.
landed_by as (
    select
        files.input,
        files.file,
        max(refreshes.refresh_id) as refresh_id
    from {{ source('ledger', 'files') }} as files
    inner join {{ source('ledger', 'refreshes') }} as refreshes
        on files.loaded_at >= refreshes.started_at
        and (refreshes.ended_at is null or files.loaded_at <= refreshes.ended_at)
    group by files.input, files.file
)

select
    verdicts.input,
    coalesce(verdicts.file, '(no file recorded)') as file,
    verdicts.line_number,
    verdicts.reasons,
    {{ without_addresses('verdicts.details') }} as details,
    {{ without_addresses('verdicts.row_text') }} as row_text,
    landed_by.refresh_id as quarantined_at_refresh,
    calendar.as_of_date
from verdicts
cross join {{ ref('stg_calendar') }} as calendar
left join landed_by on verdicts.input = landed_by.input and verdicts.file = landed_by.file
