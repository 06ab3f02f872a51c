"""Take the pictures of the pages from running programs: ``make pictures``.

Building the site takes them too, where what draws them has changed since, and Chromium is there.
"""

import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from bot.demo.launcher import launch_demo, prepare_sample_data
from bot.demo.processes import EmulatorProcess

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "docs" / "pictures"
TUTORIAL = PROJECT / "docs" / "tutorial.md"
#: The checksum of what draws the pictures, as it was when they were taken.
SEAL = "drawn-from.txt"
TIMEOUT_MILLISECONDS = 120_000
MAX_ATTEMPTS = 20
_DRAWN_FROM = (
    "handlers/cards/*.py",
    "bot/emulator/page/*",
    "bot/demo/*.py",
    "bot/cli/propos*.py",
    "knowledge/packs/*/playbooks/*.yml",
)
_PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PAGE_ADDRESS = re.compile(r"https?://[\w.:]+")
_COUNTERSIGN = (sys.executable, "-m", "bot")
_ANSWERS = {
    "--database": "company.sqlite",
    "--currency": "EUR",
    "--channel": "C0ORDERS",
    "--channel-title": "orders",
    "--approvers": "U0MIA",
}


def is_current(folder: Path) -> bool:
    """Tell whether pictures show what would be drawn today."""
    seal = folder / SEAL
    return seal.exists() and seal.read_text(encoding="utf-8").strip() == _checksum()


def can_take() -> bool:
    """Tell whether there is a browser that takes them."""
    return _browser_binary() is not None


def take(folder: Path) -> None:
    """Take every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        root = Path(name)
        browser = playwright.chromium.launch(
            executable_path=_browser_binary(), args=["--no-sandbox"]
        )
        _take_first_card(browser, root / "tutorial", folder)
        sample = prepare_sample_data(root)
        with launch_demo(root / "demo", sample) as (emulator, _):
            _take_demo(browser, emulator, folder)
        browser.close()
    (folder / SEAL).write_text(f"{_checksum()}\n", encoding="utf-8")


def _take_demo(browser: Browser, emulator: EmulatorProcess, folder: Path) -> None:
    page = _open(browser, f"{emulator.url}/?as=U0BEN&channel=C0STOCK")
    cards = page.locator("article", has_text="is running low")
    _photograph(cards.filter(has_not_text="since the last one").last, folder / "card.png")
    page.locator("[data-room=home]").click()
    page.locator(".home [data-action='home.kind']").wait_for()
    page.screenshot(path=folder / "home.png")


def _take_first_card(browser: Browser, company: Path, folder: Path) -> None:
    """Do the steps of the tutorial as far as the card."""
    company.mkdir()
    _run(company, [sys.executable, "-c", _company()])
    options = [word for pair in _ANSWERS.items() for word in pair]
    _run(company, [*_COUNTERSIGN, "init", "mine", "--yes", *options])
    (playbook,) = (company / "mine" / "playbooks").glob("*_overdue.yml")
    # Without a browser of its own: this program opens the page.
    command = ["env", "BROWSER=true", "COLUMNS=200", *_COUNTERSIGN, "try", str(playbook), "--open"]
    with subprocess.Popen(command, cwd=company, stdout=subprocess.PIPE, text=True) as program:
        addresses = (_PAGE_ADDRESS.search(line) for line in program.stdout or ())
        address = next(match[0] for match in addresses if match)
        page = _open(browser, f"{address}/?as=U0YOU&channel=C0TRIAL")
        _photograph(page.locator("article").last, folder / "first-card.png")
        program.send_signal(signal.SIGINT)


def _company() -> str:
    """Return the program that makes the company of the tutorial."""
    (block,) = _PYTHON_BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    return str(block)


def _run(folder: Path, command: list[str]) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _photograph(card: Locator, file: Path) -> None:
    """Take a picture of a card, looking again if it is redrawn."""
    for attempt in range(MAX_ATTEMPTS):
        try:
            card.screenshot(path=file)
        except Error:
            if attempt + 1 == MAX_ATTEMPTS:
                raise
        else:
            return


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1000, "height": 640}, locale="en-GB")
    page.set_default_timeout(TIMEOUT_MILLISECONDS)
    page.goto(url)
    page.wait_for_selector("article")
    return page


def _browser_binary() -> str | None:
    return shutil.which("chromium")


def _checksum() -> str:
    digest = hashlib.sha256(_company().encode())
    for pattern in _DRAWN_FROM:
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(path.relative_to(PROJECT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Take the pictures, and return the exit code."""
    if not can_take():
        print("install chromium first", file=sys.stderr)
        return 1
    take(FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
