"""Take the pictures of the pages again, from the running demo: ``make pictures``."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bot.demo.launcher import launch_demo, prepare_sample_data
from bot.demo.processes import EmulatorProcess

FOLDER = Path(__file__).parent.parent / "pictures"
TIMEOUT_MILLISECONDS = 120_000


def take(browser: Browser, emulator: EmulatorProcess) -> None:
    """Take every picture."""
    FOLDER.mkdir(exist_ok=True)
    page = _open(browser, f"{emulator.url}/?as=U0BEN&channel=C0STOCK")
    cards = page.locator("article", has_text="is running low")
    cards.filter(has_not_text="since the last one").last.screenshot(path=FOLDER / "card.png")
    page.locator("[data-room=home]").click()
    page.locator(".home [data-action='home.kind']").wait_for()
    page.screenshot(path=FOLDER / "home.png")


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1000, "height": 640}, locale="en-GB")
    page.set_default_timeout(TIMEOUT_MILLISECONDS)
    page.goto(url)
    page.wait_for_selector("article")
    return page


def main() -> int:
    """Start demo and browser, and return the code with which the program ends."""
    binary = shutil.which("chromium")
    if binary is None:
        print("install chromium first", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sample = prepare_sample_data(root)
        with (
            launch_demo(root / "demo", sample) as (emulator, _),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
            take(browser, emulator)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
