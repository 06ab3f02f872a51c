"""The page of the emulator in a browser, as the journeys open it."""

import contextlib
from pathlib import Path

from tests.conftest import PATIENT

# In milliseconds.
BROWSER_TIMEOUT = 120_000
PHONE_WIDTH = 390
#: Name, width, and whether it is dark.
SIZES = [
    ("desk", 1280, False),
    ("desk-dark", 1280, True),
    ("phone", PHONE_WIDTH, False),
    ("phone-dark", PHONE_WIDTH, True),
]
SHOTS = Path(__file__).parent.parent.parent / "artifacts" / "screenshots"


@contextlib.contextmanager
def opened(root, sample_data):
    from bot.demo.launcher import launch_demo

    with launch_demo(root, sample_data) as (emulator, service):
        emulator.post("faults", PATIENT)
        yield emulator, service


def window(browser, emulator, who, channel, *, width=1180, height=900, dark=False):
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        # That of the sample company.
        locale="en-GB",
    )
    page.set_default_timeout(BROWSER_TIMEOUT)
    page.errors = []
    page.on("pageerror", lambda failure: page.errors.append(str(failure)))
    page.on(
        "dialog", lambda dialog: (page.errors.append(f"dialog: {dialog.message}"), dialog.dismiss())
    )
    page.goto(f"{emulator.url}/?as={who}&channel={channel}")
    page.wait_for_selector("article")
    return page


def shot(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{name}.png"))
