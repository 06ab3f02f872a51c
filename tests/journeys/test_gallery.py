"""Every card, as Slack would show it: wide and narrow, light and dark. Pictures go to artifacts/."""

import re

import pytest
from slack_sdk import WebClient

from bot.ports.card_store import CardContext
from handlers.cards.case_card import case_card, notification_text
from handlers.cards.digest_card import digest_card, digest_text
from tests.handlers.cards.examples import CASE_EXAMPLES, digest, permalink
from tests.handlers.cards.shipped import shipped_cards
from tests.journeys.pages import SHOTS, window
from tests.journeys.test_page import SIZES

pytestmark = [pytest.mark.journey, pytest.mark.browser]
PAUSED, UNDOABLE = (
    CardContext(pause_reason="low stock is paused by Ben: the supplier is closed"),
    CardContext(is_undoable=True),
)
# What a manager reads in five seconds, and sees of a card on a phone.
MAX_WORDS = 60
MAX_BUTTON_TOP = 500
PHONE_WIDTH = 390
CARDS_IN_WINDOW = 60
WORD = re.compile(r"\w")
# What is read of a card, without its buttons, and where the first of them ends below its top.
MEASURE = """(article) => {
  const texts = [...article.querySelectorAll(".block:not(.block-actions)")];
  const button = article.querySelector(".block-actions button");
  const top = article.getBoundingClientRect().top;
  return {
    text: texts.map((block) => block.innerText).join(" "),
    button: button ? button.getBoundingClientRect().bottom - top : -1,
  };
}"""


def pictures():
    """What to show, by the name of its picture."""
    shown = {name: (make(), CardContext()) for name, make in CASE_EXAMPLES.items()}
    shown |= {
        "paused": (CASE_EXAMPLES["proposed medium"](), PAUSED),
        "can be taken back": (CASE_EXAMPLES["resolved"](), UNDOABLE),
    }
    told = {
        name: (notification_text(case, look), case_card(case, look))
        for name, (case, look) in shown.items()
    }
    return {**told, "digest": (digest_text(digest()), digest_card(digest(), permalink))}


@pytest.fixture(scope="module")
def kinds_and_states(tmp_path_factory):
    """The cards of every shipped kind in every state."""
    cards = shipped_cards(tmp_path_factory.mktemp("shipped"))
    return {name: ("a card", card) for name, card in cards.items()}


def post(emulator, cards):
    """Post cards; returns the ts of each by its name."""
    slack = WebClient("xoxb-emulator", base_url=f"{emulator.url}/api/")
    return {
        name: slack.chat_postMessage(channel="C0OPS", text=text, blocks=blocks)["ts"]
        for name, (text, blocks) in cards.items()
    }


def test_every_state_of_a_card_fits_wide_and_narrow_light_and_dark(browser, emulator):
    posted = post(emulator, pictures())
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


def test_each_shipped_kind_is_read_and_decided_on_a_phone_without_scrolling(
    browser, emulator, kinds_and_states
):
    (SHOTS / "kinds").mkdir(parents=True, exist_ok=True)
    too_long, too_low = {}, {}
    names = list(kinds_and_states)
    # A window shows the last messages of a channel only.
    for start in range(0, len(names), CARDS_IN_WINDOW):
        cards = {name: kinds_and_states[name] for name in names[start : start + CARDS_IN_WINDOW]}
        for name, measures in measure_cards(browser, emulator, cards):
            words = [word for word in measures["text"].split() if WORD.search(word)]
            if len(words) > MAX_WORDS:
                too_long[name] = (len(words), measures["text"])
            if not 0 < measures["button"] <= MAX_BUTTON_TOP:
                too_low[name] = measures["button"]
    assert (too_long, too_low) == ({}, {})


def measure_cards(browser, emulator, cards):
    """Yield the measures of each card on a phone, with a picture of it."""
    posted = post(emulator, cards)
    page = browser.new_page(viewport={"width": PHONE_WIDTH, "height": 844}, locale="en-GB")
    page.goto(f"{emulator.url}/?as=U0BEN&channel=C0OPS")
    page.wait_for_selector(f"article[data-ts='{list(posted.values())[-1]}']")
    # Drawn again when it is told of the posts; on a busy machine that takes a while.
    page.wait_for_timeout(2_000)
    for name, ts in posted.items():
        article = page.locator(f"article[data-ts='{ts}']")
        file_name = re.sub(r"\W+", "-", name)
        article.screenshot(path=str(SHOTS / "kinds" / f"{file_name}.png"))
        yield name, article.evaluate(MEASURE)
    page.close()
