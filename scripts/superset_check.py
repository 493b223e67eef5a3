"""Does Superset draw the dashboard, and does it see a new version at once? `make superset-check`.

Starts Superset on a copy of the published file in a folder of its own, opens the dashboard in
headless Chromium and reloads it while the file is swapped underneath, as `evergreen refresh` swaps
it. Says what it counted and ends with 1 when a chart failed or a number stayed old.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import duckdb
from playwright.sync_api import Page, Response, sync_playwright

PROJECT_DIR = Path(__file__).resolve().parents[1]
CHART_COUNT = len(list((PROJECT_DIR / "dashboard" / "superset").glob("charts/*.yaml")))
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
FEWER = 123
"""Customers in the version that is swapped in."""
PATIENCE_S = 60
CHART = '[data-test="chart-grid-component"]'
MARKS = ":is(.slice_container canvas, .slice_container td, .header-line)"
"""What a chart consists of: a canvas, cells of a table, or a big number."""
CUSTOMERS = f'{CHART}[data-test-chart-name="Customers"] .header-line'


class Watch:
    """What the page asked for: chart data, failures, requests to other machines."""

    def __init__(self, page: Page, base: str) -> None:
        self.chart_count = 0
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self._base = base
        page.on("response", self._response)
        page.on("requestfailed", self._failed)

    def _response(self, response: Response) -> None:
        if not response.url.startswith((self._base, "data:", "blob:")):
            self.foreign.append(response.url)
        if "/api/v1/chart/data" in response.url:
            self.chart_count += 1
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")

    def _failed(self, request) -> None:
        # A reload aborts what is still under way: the page asked, not Superset.
        if "/api/v1/chart/data" in request.url and request.failure != "net::ERR_ABORTED":
            self.errors.append(f"{request.failure} {request.url}")


def main() -> None:
    options = _options()
    published = options.warehouse / "published" / "evergreen.duckdb"
    if not published.exists():
        sys.exit(f"nothing is published at {published}: run `evergreen refresh --landing DIR`")
    with tempfile.TemporaryDirectory(prefix="superset_check_") as folder:
        found = _check(options, published, Path(folder))
    print(json.dumps(found, indent=1))
    sys.exit(0 if found["is_good"] else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", type=Path, default=PROJECT_DIR / "warehouse")
    parser.add_argument("--superset", type=Path, default=PROJECT_DIR / ".venv-superset")
    parser.add_argument("--chromium", default=CHROMIUM)
    parser.add_argument("--swaps", type=int, default=10)
    parser.add_argument("--screenshot", type=Path)
    return parser.parse_args()


def _check(options: argparse.Namespace, published: Path, folder: Path) -> dict:
    served = folder / "warehouse" / "published" / "evergreen.duckdb"
    served.parent.mkdir(parents=True)
    versions = _versions(published, folder)
    _swap(versions[0][0], served)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password = secrets.token_urlsafe(12)
    base = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    server = subprocess.Popen(
        [
            *(options.superset / "bin" / "python", PROJECT_DIR / "scripts" / "superset_serve.py"),
            *("--warehouse", folder / "warehouse", "--port", str(port)),
        ],
        env=os.environ | {"EVERGREEN_SUPERSET_PASSWORD": password},
        start_new_session=True,
    )
    try:
        _wait_until_up(base, server)
        up_s = time.monotonic() - started
        found = _drive(options, base, password, served, versions)
        return {"seconds_to_start": round(up_s, 1)} | found
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _versions(published: Path, folder: Path) -> list[tuple[Path, str]]:
    """The file as it is, and one with other numbers; each with its count of customers."""
    here, there = folder / "here.duckdb", folder / "there.duckdb"
    shutil.copy(published, here)
    shutil.copy(published, there)
    with duckdb.connect(str(there)) as con:
        con.execute(
            "delete from marts.customers where customer_id not in "
            f"(select customer_id from marts.customers order by customer_id limit {FEWER})"
        )
        fewer = con.execute("select count(*) from marts.customers").fetchone()[0]
    with duckdb.connect(str(here), read_only=True) as con:
        count = con.execute("select count(*) from marts.customers").fetchone()[0]
    if count == fewer:
        sys.exit(f"only {count} customers are published: no other number can be shown")
    return [(here, f"{count:,}"), (there, f"{fewer:,}")]


def _swap(version: Path, served: Path) -> None:
    """As publishing does it: a copy aside takes the name in one step."""
    aside = served.with_name(".aside")
    shutil.copy(version, aside)
    aside.replace(served)


def _wait_until_up(base: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + 5 * PATIENCE_S
    while time.monotonic() < end:
        if server.poll() is not None:
            sys.exit(f"Superset ended with {server.returncode}")
        try:
            with urlopen(f"{base}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"Superset does not answer at {base}")


def _drive(
    options: argparse.Namespace,
    base: str,
    password: str,
    served: Path,
    versions: list[tuple[Path, str]],
) -> dict:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(QUIET))
        page = browser.new_page(viewport={"width": 1440, "height": 1750})
        watch = Watch(page, base)
        _log_in(page, base, password)
        begun = time.monotonic()
        page.goto(f"{base}/superset/dashboard/evergreen/")
        drawn = _wait_until_drawn(page, versions[0][1])
        first_s = time.monotonic() - begun
        if options.screenshot:
            page.wait_for_timeout(1000)  # charts move into place
            page.screenshot(path=options.screenshot, full_page=True)
        stale = []
        waits = []
        swaps = options.swaps if drawn == CHART_COUNT else 0  # else there is nothing to watch
        for number in range(1, swaps + 1):
            version, expected = versions[number % 2]
            _swap(version, served)
            begun = time.monotonic()
            page.reload()
            _wait_until_drawn(page, expected)
            waits.append(time.monotonic() - begun)
            shown = _customers(page)
            if shown != expected:
                stale.append(f"swap {number}: {shown}, not {expected}")
        crossed = _swap_while_reloading(page, served, versions, swaps)
        version = browser.version
        browser.close()
    failed = bool(watch.errors or stale or watch.foreign) or drawn != CHART_COUNT
    return {
        "chromium": version,
        "charts_drawn": drawn,
        "charts_shipped": CHART_COUNT,
        "seconds_to_first_dashboard": round(first_s, 1),
        "swaps": 2 * swaps,
        "chart_requests": watch.chart_count,
        "errors": watch.errors[:5],
        "error_count": len(watch.errors),
        "old_number_after_swap": stale,
        "seconds_from_swap_to_new_number": [round(wait, 1) for wait in waits],
        "numbers_seen_while_swapping": crossed,
        "requests_to_other_machines": watch.foreign[:5],
        "is_good": not failed,
    }


def _log_in(page: Page, base: str, password: str) -> None:
    page.goto(f"{base}/login/")
    page.fill("#username", "admin")
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def _wait_until_drawn(page: Page, expected: str) -> int:
    """Charts on the page that show something, once all do or patience ends."""
    end = time.monotonic() + PATIENCE_S
    drawn = 0
    while time.monotonic() < end:
        drawn = page.locator(f"{CHART}:has({MARKS})").count()
        if drawn == CHART_COUNT and _customers(page) == expected:
            break
        page.wait_for_timeout(100)
    return drawn


def _customers(page: Page) -> str:
    """The big number of the first chart."""
    shown = page.locator(CUSTOMERS)
    return shown.inner_text() if shown.count() else ""


def _swap_while_reloading(
    page: Page, served: Path, versions: list[tuple[Path, str]], count: int
) -> dict[str, int]:
    """Swaps that fall between the requests of a page. Every number seen is one of the two."""
    seen: dict[str, int] = {}
    for number in range(count):
        page.reload(wait_until="domcontentloaded")
        page.wait_for_timeout(300 + 150 * (number % 8))
        _swap(versions[number % 2][0], served)
        page.locator(CUSTOMERS).wait_for()
        page.wait_for_load_state("networkidle")
        shown = _customers(page)
        seen[shown] = seen.get(shown, 0) + 1
    return seen


if __name__ == "__main__":
    main()
