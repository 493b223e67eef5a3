"""A headless Chromium for the tests of the dashboard, or the reason why there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = (1440, 900), (390, 844)


def find_chromium() -> str:
    """Its path. Without one the tests skip, unless EVERGREEN_BROWSER_REQUIRED says they may not."""
    named = os.environ.get("EVERGREEN_CHROMIUM")
    found = next((path for name in (named, *NAMES) if name and (path := shutil.which(name))), None)
    if not found:
        reason = "no Chromium here: scripts/install_chromium.sh installs one on Debian"
        if os.environ.get("EVERGREEN_BROWSER_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def chromium() -> Iterator:
    """A running browser of Playwright."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class View:
    """One page of a site, opened: what it logged, what it asked for, and what it shows."""

    def __init__(self, browser, file: Path, size: tuple[int, int] = WIDE, scheme: str = "light"):
        self.problems: list[str] = []
        self.requests: list[str] = []
        width, height = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("body[data-ready=true]", timeout=60_000)

    def __enter__(self) -> "View":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def foreign_requests(self) -> list[str]:
        """Requests that leave the machine's files."""
        inside = ("file:", "data:", "blob:")
        return [url for url in self.requests if not url.startswith(inside)]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def texts(self, selector: str) -> list[str]:
        """Texts of all elements that match."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def rows(self, section: str) -> list[dict]:
        """The rows that the page holds for a section."""
        return self.page.evaluate(
            "id => JSON.parse(document.querySelector(`script[data-rows='${id}']`).textContent)",
            section,
        )
