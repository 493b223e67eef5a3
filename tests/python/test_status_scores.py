"""What `evergreen status` says of scores that were held against past days."""

from datetime import date, timedelta

import duckdb
import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.paths import Warehouse
from evergreen.status import read_status

COLUMNS = (
    "score text, method text, cutoff_date date, decile integer, auc double, brier double, "
    "rmse double, spearman double"
)
EVENT, AMOUNT = "order_probability_90d", "predicted_value_365d"
NEXT, POPULARITY = "next_product_probability", "popularity"
RANK = "readiness_score"
MODEL, RECENCY, REPEAT = "model", "recency_rule", "last_period_repeated"
DAY = date(2024, 10, 2)


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    """A published file of a version that had no backtests."""
    place = Warehouse(tmp_path / "w")
    place.published_file.parent.mkdir(parents=True)
    with duckdb.connect(str(place.published_file)) as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.refreshes as select 'r1' as refresh_id, true as is_published, "
            "timestamp '2024-12-31 10:00' as ended_at, date '2024-12-31' as as_of_date, "
            "1 as landed_count, 0 as quarantined_count, 1 as dbt_check_count, "
            "1 as expectation_count, 0 as failed_check_count"
        )
        con.execute(
            "create table marts.row_accounting (input text, landed_count bigint, "
            "accepted_count bigint, duplicate_count bigint, quarantined_count bigint)"
        )
        con.execute(
            "create table marts.quarantined_rows (input text, file text, line_number bigint, "
            "reasons text)"
        )
    return place


def publish(warehouse: Warehouse, rows: list[tuple]) -> None:
    """Rows of score_backtests: score, method, number of the cut-off, error, ranking."""
    with duckdb.connect(str(warehouse.published_file)) as con:
        con.execute(f"create table marts.score_backtests ({COLUMNS})")
        for score, method, number, error, ranking in rows:
            is_event = score in (EVENT, RANK)
            day = DAY - timedelta(30 * number)
            figures = (ranking, error, None, None) if is_event else (None, None, error, ranking)
            con.execute(
                "insert into marts.score_backtests values (?, ?, ?, null, ?, ?, ?, ?)",
                [score, method, day, *figures],
            )
            con.execute(
                "insert into marts.score_backtests values (?, ?, ?, 1, null, null, null, null)",
                [score, method, day],
            )


def said(warehouse: Warehouse) -> str:
    result = CliRunner().invoke(app, ["status", "--warehouse", str(warehouse.folder)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_version_without_backtests_says_nothing_of_them(warehouse):
    assert "Scores" not in said(warehouse)
    assert read_status(warehouse).scores is None


def test_without_a_fit_there_are_none(warehouse):
    publish(warehouse, [])
    assert "Scores on past days: none, for no model was fitted on a past day." in said(warehouse)


def test_a_score_that_beats_the_rules_stands_in_the_table(warehouse):
    publish(
        warehouse,
        [
            *((EVENT, MODEL, n, 0.125, 0.75 + n / 8) for n in (0, 1)),
            *((EVENT, RECENCY, n, 0.25, 0.5) for n in (0, 1)),
            *((EVENT, REPEAT, n, 0.1875, 0.625) for n in (0, 1)),
            (AMOUNT, MODEL, 10, 12345.6, 0.5),
            (AMOUNT, RECENCY, 10, 99999, 0.25),
        ],
    )
    text = said(warehouse)
    lines = [line.split() for line in text.splitlines()]
    assert [EVENT, "2", "0.125", "0.1875", "0.8125", "0.625"] in lines
    assert [AMOUNT, "1", "12,346", "99,999", "0.5", "0.25"] in lines
    assert "no more accurate" not in text and "ranks no better" not in text


def test_a_score_that_one_rule_beats_is_told(warehouse):
    """On the mean over its cut-off dates, even where it is better on one of them."""
    publish(
        warehouse,
        [
            (EVENT, MODEL, 0, 0.125, 0.75),
            (EVENT, MODEL, 1, 0.25, 0.75),
            *((EVENT, RECENCY, n, 0.1875 - n / 16, 0.625) for n in (0, 1)),
            *((EVENT, REPEAT, n, 0.5, 0.75 + n / 4) for n in (0, 1)),
        ],
    )
    text = said(warehouse)
    assert (
        "order_probability_90d is no more accurate than the rule of recency: Brier score 0.1875 "
        "against 0.1562 over 2 cut-off dates." in text
    )
    assert (
        "order_probability_90d ranks no better than a repeat of the last period: AUC 0.75 against "
        "0.875 over 2 cut-off dates." in text
    )


def test_a_tie_is_told(warehouse):
    publish(
        warehouse,
        [(AMOUNT, MODEL, 10, 1500 * (1 - 1e-15), 0.5), (AMOUNT, REPEAT, 10, 1500, 0.5)],
    )
    assert read_status(warehouse).doubts == [
        "predicted_value_365d is no more accurate than a repeat of the last period: root mean "
        "square error 1,500 against 1,500 over 1 cut-off date.",
        "predicted_value_365d ranks no better than a repeat of the last period: Spearman "
        "correlation 0.5 against 0.5 over 1 cut-off date.",
    ]


def test_a_rule_is_compared_over_the_days_that_it_has(warehouse):
    """The rule misses the day on which the model is bad, and must not win by that."""
    publish(
        warehouse,
        [
            (EVENT, MODEL, 0, 0.125, 0.75),
            (EVENT, MODEL, 1, 0.75, 0.5),
            (EVENT, RECENCY, 0, 0.25, 0.625),
            (EVENT, REPEAT, 0, 0.5, 0.5),
            (EVENT, REPEAT, 1, 1.0, 0.375),
        ],
    )
    status = read_status(warehouse)
    assert status.doubts == []
    assert (status.scores[0]["error"], status.scores[0]["of rule"]) == (0.125, 0.25)


def test_one_value_for_all_counts_as_chance_and_a_lone_model_is_in_no_doubt(warehouse):
    publish(
        warehouse,
        [
            (AMOUNT, MODEL, 10, 1.0, None),
            (AMOUNT, RECENCY, 10, 2.0, 0.25),
            (EVENT, MODEL, 0, 0.125, None),
        ],
    )
    status = read_status(warehouse)
    assert status.doubts == [
        "predicted_value_365d ranks no better than the rule of recency: Spearman correlation 0 "
        "against 0.25 over 1 cut-off date."
    ]
    assert status.scores[0]["ranking"] is None and status.scores[0]["of rule"] is None
    assert "none" in said(warehouse)


def publish_hits(warehouse: Warehouse, rows: list[tuple]) -> None:
    """Suggestions with an AUC that says the opposite: method, cut-off, Brier score, hit rate."""
    with duckdb.connect(str(warehouse.published_file)) as con:
        con.execute(f"create table marts.score_backtests ({COLUMNS}, hit_rate_3 double)")
        for method, number, brier, hits in rows:
            auc = 0.75 if method == POPULARITY else 0.25
            con.execute(
                "insert into marts.score_backtests values (?, ?, ?, null, ?, ?, null, null, ?)",
                [NEXT, method, DAY - timedelta(30 * number), auc, brier, hits],
            )


def test_suggestions_are_ranked_by_their_hits(warehouse):
    publish_hits(
        warehouse,
        [
            *((MODEL, n, 0.25, 0.5 + n / 4) for n in (0, 1)),
            *((POPULARITY, n, 0.5, 0.5) for n in (0, 1)),
        ],
    )
    lines = [line.split() for line in said(warehouse).splitlines()]
    assert [NEXT, "2", "0.25", "0.5", "0.625", "0.5"] in lines
    assert read_status(warehouse).doubts == []


def test_suggestions_that_popularity_beats_are_told(warehouse):
    publish_hits(warehouse, [(MODEL, 0, 0.25, 0.5), (POPULARITY, 0, 0.125, 0.625)])
    assert read_status(warehouse).doubts == [
        "next_product_probability is no more accurate than what most customers buy: Brier score "
        "0.25 against 0.125 over 1 cut-off date.",
        "next_product_probability ranks no better than what most customers buy: hit rate of three "
        "suggestions 0.5 against 0.625 over 1 cut-off date.",
    ]


def test_a_score_without_an_error_is_judged_by_its_ranking(warehouse):
    """Readiness foretells no figure: only its AUC can be in doubt."""
    publish(
        warehouse,
        [
            *((RANK, MODEL, n, None, auc) for n, auc in ((0, None), (1, 0.625), (2, 0.5))),
            *((RANK, RECENCY, n, None, 0.75) for n in (1, 2)),
        ],
    )
    status = read_status(warehouse)
    assert status.doubts == [
        "readiness_score ranks no better than the rule of recency: AUC 0.5625 against 0.75 over "
        "2 cut-off dates."
    ]
    assert (status.scores[0]["error"], status.scores[0]["of rule"]) == (None, None)
    assert [RANK, "3", "none", "none", "0.5625", "0.75"] in [
        line.split() for line in said(warehouse).splitlines()
    ]


def test_help_tells_of_the_scores():
    result = CliRunner().invoke(app, ["status", "--help"])
    assert "how far to trust the scores" in " ".join(result.output.split())
