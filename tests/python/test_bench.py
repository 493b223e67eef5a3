"""The benchmarks run, and measure what they say they measure."""

import re
import subprocess
import sys

import duckdb
import pytest

from evergreen.metrics import Layer
from evergreen.paths import PROJECT_DIR

SCRIPTS = PROJECT_DIR / "scripts"
sys.path.insert(0, str(SCRIPTS))

from bench_bi import QUERIES, enlarge, time_all  # noqa: E402
from bench_steps import Steps, simulate  # noqa: E402
from measuring import Measurement, measure, median_of  # noqa: E402


def run(script: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_peak_is_that_of_the_process_and_not_of_its_parent():
    """A process inherits the peak of the one that forked it."""
    mine = bytearray(400 * 2**20)
    small = measure("-c", "pass")
    large = measure("-c", f"bytearray({200 * 2**20})")
    assert len(mine) > small.peak_mb * 2**20
    assert 200 < large.peak_mb < small.peak_mb + 250


def test_cpu_seconds_are_work_and_wall_seconds_are_waiting():
    idle = measure("-c", "import time; time.sleep(0.5)")
    busy = measure("-c", "import time\nwhile time.process_time() < 0.5: pass")
    assert idle.wall_s >= 0.5 > idle.cpu_s
    assert busy.cpu_s >= 0.5


def test_a_process_tells_by_its_last_line():
    assert measure("-c", "print('a line'); print('{\"rows\": 3}')").told == {"rows": 3}
    assert measure("-c", "print('a line')").told == {}


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="no such thing"):
        measure("-c", "raise ValueError('no such thing')")


def test_median_takes_each_figure_by_itself():
    runs = [Measurement(1, 9, 5), Measurement(2, 8, 50), Measurement(30, 7, 6, {"rows": 1})]
    assert median_of(runs) == Measurement(2, 8, 6, {"rows": 1})


def test_steps_count_their_own_seconds():
    import time

    steps = Steps()
    with steps("idle"):
        time.sleep(0.2)
    with steps("busy"):
        start = time.process_time()
        while time.process_time() < start + 0.2:
            pass
    assert steps.cpu_s["idle"] < 0.1 <= 0.2 <= steps.cpu_s["busy"]


def test_simulated_customers_buy_as_the_models_say():
    import numpy as np

    customer, day, amount = simulate(50_000, np.random.default_rng(3))
    assert (np.bincount(customer, minlength=50_000) > 0).all()
    assert day.min() == 0 and day.max() == 730
    assert len(customer) / 50_000 == pytest.approx(5, abs=1)
    # Gamma(6, nu) with nu Gamma(4, 15) has mean 6 x 15 / 3.
    assert amount.min() > 0 and amount.mean() == pytest.approx(30, rel=0.05)


def test_loading_is_measured():
    text = run("bench.py", "--rows", "2000", "--runs", "1")
    assert re.search(r"evergreen load .* rows/s .* MB peak", text)


def test_value_is_measured_and_both_find_the_same_value():
    text = run("bench_value.py", "--quick")
    assert float(re.search(r"ours / lifetimes = ([\d.]+)$", text, re.M)[1]) == pytest.approx(
        1, abs=0.002
    )
    for line in ("orders to value, ours", "orders to value, lifetimes", "scoring 10,000"):
        assert re.search(rf"^{line} +(\d[\d.,]* *){{5}}$", text, re.M), line
    for limit in ("aim 12 or more", "aim 50 or more", "aim 1.5 or less", "aim 6 s and 1.5 GB"):
        assert limit in text
    assert "nan" not in text


def test_a_published_file_is_enlarged_by_its_customers_and_answers_every_chart(published, tmp_path):
    large = tmp_path / "work.duckdb"
    (count,) = published.query("select count(*) from marts.customers")[0]
    (cohorts,) = published.query("select count(*) from marts.retention_cohorts")[0]
    assert enlarge(published.warehouse.published_file, large, 3) == 3 * count
    with duckdb.connect(str(large), read_only=True) as con:
        found = con.execute(
            "select count(distinct customer_id), (select count(*) from marts.retention_cohorts), "
            "(select count(*) = count(distinct ticket_id) from marts.complaints) "
            "from marts.customers"
        ).fetchone()
    assert found == (3 * count, cohorts, True)
    layer = Layer.read(published.warehouse.folder / "target" / "semantic_manifest.json")
    queries = {
        query.name: layer.saved_query_sql(query.name) for query in layer.manifest.saved_queries
    }
    charts = {file.stem: file.read_text() for file in QUERIES.glob("*.sql")}
    assert len(queries) == 10 and len(charts) > 40
    seconds = time_all(large, queries | charts, 1)
    assert all(cold > 0 and warm > 0 for cold, warm in seconds.values())
