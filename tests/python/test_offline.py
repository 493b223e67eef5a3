"""Nothing phones home. `make offline-check` runs more commands than these."""

import os
import sys

import duckdb
import pytest

from evergreen.paths import PROJECT_DIR

sys.path.insert(0, str(PROJECT_DIR / "scripts"))

from offline_check import (
    BIN,
    NAME_CANARY,
    reached,
    run_offline,
    tools_missing,
)
from version_marks import differing_tables


@pytest.fixture(scope="module")
def traced() -> None:
    """Skips where nothing can be traced, unless EVERGREEN_STRACE_REQUIRED says it must be."""
    if reason := tools_missing():
        if os.environ.get("EVERGREEN_STRACE_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.parametrize(
    "call",
    [
        'connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("151.1.2.3")}, 16)',
        'sendto(3, "q", 1, 0, {sa_family=AF_INET, sin_port=htons(53), '
        'sin_addr=inet_addr("127.0.0.53")}, 16)',
        "connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "2a04::1", &sin6_addr), sin6_scope_id=0}, 28)',
        "sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(9), "
        'sin_addr=inet_addr("10.0.0.1")}, msg_namelen=16}}], 1, 0)',
        'connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110)',
        "connect(3, {sa_family=AF_INET, sin_port=htons(443), ...}, 16)",
    ],
    ids=["address", "local resolver", "IPv6", "message", "nscd", "unread"],
)
def test_a_call_to_another_machine_or_for_a_name_is_an_attempt(call):
    line = f"17 {call} = -1 ENETUNREACH (Network is unreachable)"
    assert reached([line]) == [line]


@pytest.mark.parametrize(
    "call",
    [
        'connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16)',
        "connect(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28)',
        'connect(4, {sa_family=AF_UNIX, sun_path="/run/uuidd/request"}, 110)',
        "sendto(3, [...], 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12)",
        'sendto(3, "x", 1, MSG_NOSIGNAL, NULL, 0)',
    ],
    ids=["loopback", "IPv6 loopback", "unix", "netlink", "connected"],
)
def test_a_call_within_the_machine_is_none(call):
    assert reached([f"17 {call} = 0", "17 +++ exited with 0 +++"]) == []


def test_a_look_up_of_a_name_is_seen(traced, tmp_path):
    done = run_offline([sys.executable, "-c", NAME_CANARY], tmp_path)
    assert done.exit_code
    assert done.attempts


def test_a_plain_refresh_reaches_for_nothing_and_makes_equal_marts(traced, published, tmp_path):
    warehouse = tmp_path / "warehouse"
    done = run_offline(
        [BIN / "evergreen", "refresh", "--landing", published.landing, "--warehouse", warehouse],
        tmp_path,
    )
    assert done.exit_code == 0, done.output
    assert done.attempts == []
    file = warehouse / "published" / "evergreen.duckdb"
    assert differing_tables(file, published.warehouse.published_file) == []


def test_plain_dbt_and_mf_reach_for_nothing(traced, published, tmp_path):
    settings = {
        "EVERGREEN_WORK": published.warehouse.work_file,
        "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
    }
    dbt = run_offline([BIN / "dbt", "ls", "--selector", "trust"], tmp_path, **settings)
    assert dbt.exit_code == 0, dbt.output
    assert dbt.attempts == []
    mf = [sys.executable, "-m", "evergreen.mf", "list", "metrics"]
    for name in ("dbt_project.yml", "profiles.yml"):
        (tmp_path / name).write_text((PROJECT_DIR / name).read_text())
    done = run_offline(mf, tmp_path, tmp_path, **settings)
    assert done.exit_code == 0, done.output
    assert "net_revenue" in done.output
    assert done.attempts == []


def test_mf_of_the_environment_is_the_quiet_one():
    assert 'mf = "evergreen.mf:main"' in (PROJECT_DIR / "pyproject.toml").read_text()
    assert "evergreen.mf" in (BIN / "mf").read_text(), "run `make setup` again"


def test_tables_that_differ_are_named(tmp_path):
    def written(name: str, sql: str):
        file = tmp_path / name
        with duckdb.connect(str(file)) as con:
            con.execute("create schema marts")
            con.execute("create table marts.refreshes as select random() as refresh_id")
            con.execute(f"create table marts.customers as {sql}")
        return file

    sql = (
        "select n as customer_id, n / 7 as rate, current_timestamp as fitted_at "
        "from range(3) numbers(n)"
    )
    one = written("one.duckdb", sql)
    assert differing_tables(one, written("same.duckdb", sql)) == []
    noise = sql.replace("n / 7", "n / 7 * (1 + 1e-12)")
    assert differing_tables(one, written("noise.duckdb", noise)) == []
    for name, other in {
        "value": sql.replace("select n", "select n + 1"),
        "rate": sql.replace("n / 7", "n / 7.001"),
        "null": sql.replace("n / 7", "nullif(n / 7, 0)"),
        "twice": f"{sql} union all {sql}",
        "column": sql.replace("select n", "select 1 as extra, n"),
    }.items():
        assert differing_tables(one, written(name, other)) == ["marts.customers"], name
