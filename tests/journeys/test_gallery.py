"""Every state of a card, and the digest, as Slack would show them: wide and narrow, light and dark. Pictures go to artifacts/."""

import pytest
from slack_sdk import WebClient

from bot.ports.card_store import CardContext
from handlers.cards.case_card import case_card, notification_text
from handlers.cards.digest_card import digest_card, digest_text
from tests.handlers.cards.examples import CASE_EXAMPLES, digest, permalink
from tests.journeys.test_page import SHOTS, SIZES, window

pytestmark = [pytest.mark.journey, pytest.mark.browser]
PAUSED, UNDOABLE = (
    CardContext(pause_reason="low stock is paused by Ben: the supplier is closed"),
    CardContext(is_undoable=True),
)


def pictures():
    """What to show, by the name of its picture."""
    shown = {name: (make(), CardContext()) for name, make in CASE_EXAMPLES.items()}
    shown |= {
        "paused": (CASE_EXAMPLES["proposed medium"](), PAUSED),
        "can be taken back": (CASE_EXAMPLES["resolved"](), UNDOABLE),
    }
    told = {
        name: (notification_text(case), case_card(case, look))
        for name, (case, look) in shown.items()
    }
    return {**told, "digest": (digest_text(digest()), digest_card(digest(), permalink))}


def test_every_state_of_a_card_fits_wide_and_narrow_light_and_dark(browser, emulator):
    slack = WebClient("xoxb-emulator", base_url=f"{emulator.url}/api/")
    posted = {
        name: slack.chat_postMessage(channel="C0OPS", text=text, blocks=blocks)["ts"]
        for name, (text, blocks) in pictures().items()
    }
    (SHOTS / "states").mkdir(parents=True, exist_ok=True)
    for size, width, _, dark in SIZES:
        page = window(browser, emulator, "U0BEN", "C0OPS", width=width, height=2_200, dark=dark)
        # Drawn once on opening and once when it is told of changes: from then on nothing moves.
        page.wait_for_timeout(700)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name, ts in posted.items():
            article = page.locator(f"article[data-ts='{ts}']")
            assert article.locator(".block-unknown").count() == 0, (
                f"{name} has a block that the page does not know"
            )
            box = article.bounding_box()
            assert box["x"] + box["width"] <= width + 1, f"{name} is wider than the {size}"
            article.screenshot(path=str(SHOTS / "states" / f"{name.replace(' ', '-')}-{size}.png"))
        assert page.errors == []
        page.close()
