-- The common odds ratio and its interval are those that R prints for its data set UCBAdmissions
-- (mantelhaen.test: 0.9046968, 0.7719074 to 1.0603298; Bickel, Hammel and O'Connell, Science 187,
-- 1975). A stratum of nobody changes nothing.
with admissions as (
    {% for a, b, c, d in [
        (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391),
        (138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317), (0, 0, 0, 0),
    ] -%}
    select {{ a }} as a, {{ b }} as b, {{ c }} as c, {{ d }} as d
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

sums as (
    select {{ mantel_haenszel_sums('a', 'b', 'c', 'd') }}
    from admissions
),

computed as (
    select
        {{ mantel_haenszel_ratio() }} as odds_ratio,
        {{ mantel_haenszel_bound('-') }} as odds_ratio_low,
        {{ mantel_haenszel_bound('+') }} as odds_ratio_high
    from sums
)

select * from computed
where
    odds_ratio is null
    or odds_ratio_low is null
    or odds_ratio_high is null
    or abs(odds_ratio - 0.9046968) > 0.00000005
    or abs(odds_ratio_low - 0.7719074) > 0.00000005
    or abs(odds_ratio_high - 1.0603298) > 0.00000005
