"""Make the screenshots of the README: a demo, refreshed, its dashboard in Chromium.

    make screenshots

writes dashboard/screenshots/*.png. Needs Chromium: scripts/install_chromium.sh.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from evergreen.dashboard import build_dashboard
from evergreen.demo import generate
from evergreen.paths import PROJECT_DIR, Warehouse
from evergreen.refresh import refresh

OUT = PROJECT_DIR / "dashboard" / "screenshots"
SHOTS = (
    ("overview", "index.html", (1280, 900), "light"),
    ("retention", "retention.html", (1280, 900), "dark"),
    ("churn", "churn.html", (1280, 900), "light"),
)


def main() -> None:
    """Refresh 4,000 customers of 24 months and photograph three pages."""
    path = os.environ.get("EVERGREEN_CHROMIUM") or shutil.which("chromium")
    if not path:
        sys.exit("no Chromium here: scripts/install_chromium.sh installs one on Debian")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        warehouse = Warehouse(Path(name) / "warehouse")
        generate(4000, 24, 1, Path(name) / "landing", dirt=0.01)
        refresh(warehouse, Path(name) / "landing")
        site = build_dashboard(warehouse).index.parent
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu"]
            )
            for shot, page_file, (width, height), scheme in SHOTS:
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page.goto((site / page_file).as_uri())
                page.wait_for_selector("body[data-ready=true]")
                page.screenshot(path=OUT / f"{shot}.png")
                print(OUT / f"{shot}.png")
            browser.close()


if __name__ == "__main__":
    main()
