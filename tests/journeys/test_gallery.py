"""Every card, as Slack would show it: wide and narrow, light and dark. Pictures go to artifacts/."""

import contextlib
import re
from functools import partial

import pytest
from playwright.sync_api import Error
from slack_sdk import WebClient

from bot.ports.card_store import CardContext
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.case_card import case_card, notification_text
from handlers.cards.digest_card import digest_card, digest_text, rest_blocks
from handlers.cards.storm_card import storm_card, storm_headline
from tests.handlers.cards.answer_examples import ANSWER_EXAMPLES
from tests.handlers.cards.examples import CASE_EXAMPLES, digest, permalink, storm
from tests.handlers.cards.shipped import shipped_cards
from tests.journeys.pages import PHONE_WIDTH, SHOTS, SIZES, window
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.proof]
PAUSED, UNDOABLE = (
    CardContext(pause_reason="low stock is paused by Ben: the supplier is closed"),
    CardContext(is_undoable=True),
)
# What a manager reads in five seconds, and sees of a card on a phone.
MAX_WORDS = 60
MAX_BUTTON_BOTTOM = 500
# Of a long channel the page shows the end.
CARDS_IN_WINDOW = 60
WORD = re.compile(r"\w")
STATE_READ_TWICE = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes("/_ctl/state") && entry.responseEnd).length > 1"""
# What is read of a card, without the labels of its buttons, and where the last button that decides
# ends below the card's top. The menu and the details decide nothing.
MEASURE = """(article) => {
  const texts = [...article.querySelectorAll(".block:not(.block-actions)")];
  const buttons = [...article.querySelectorAll(".block-actions [data-action]")];
  const decisions = buttons.filter(
    (button) => !["case.details", "case.more"].includes(button.dataset.action));
  const top = article.getBoundingClientRect().top;
  const bottoms = decisions.map((button) => button.getBoundingClientRect().bottom - top);
  return {
    text: texts.map((block) => block.innerText).join(" "),
    bottom: bottoms.length ? Math.max(...bottoms) : 0,
    overflow: article.scrollWidth - article.clientWidth,
    unknown: article.querySelectorAll(".block-unknown").length,
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
    lists = {
        "digest": (digest_text(digest()), digest_card(digest(), permalink)),
        "digest, the rest": ("The rest", rest_blocks(digest(), permalink)),
        "storm": (storm_headline(storm()), storm_card(storm(), permalink)),
    }
    return {**told, **lists, **answers()}


def answers():
    """Every sort of answer to a question."""
    drawn = {}
    for name, build in ANSWER_EXAMPLES.items():
        answer = build()
        drawn[f"answer {name}"] = (answer_text(answer), answer_blocks(answer, permalink, "C:1"))
    return drawn


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


def galleries(browser, emulator, cards, *, width, dark):
    """Yield pages that show some of the cards, with the ts of each by its name."""
    names = list(cards)
    for first in range(0, len(names), CARDS_IN_WINDOW):
        batch = {name: cards[name] for name in names[first : first + CARDS_IN_WINDOW]}
        posted = post(emulator, batch)
        page = window(browser, emulator, "U0BEN", "C0OPS", width=width, height=2_200, dark=dark)
        page.wait_for_selector(f"article[data-ts='{list(posted.values())[-1]}']")
        # Drawn again when it listens to changes, which may take its cards from under a picture.
        page.wait_for_function(STATE_READ_TWICE)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        yield page, posted
        assert page.errors == []
        page.close()


def take_pictures(page, posted, folder, size):
    """Take the picture of each card, and see that it is drawn whole."""
    (SHOTS / folder).mkdir(parents=True, exist_ok=True)
    for name, ts in posted.items():
        article = page.locator(f"article[data-ts='{ts}']")
        measures = article.evaluate(MEASURE)
        assert measures["unknown"] == 0, f"{name} has a block that the page does not know"
        assert measures["overflow"] <= 1, f"{name} is wider than the {size}"
        file_name = re.sub(r"\W+", "-", name)
        path = SHOTS / folder / f"{file_name}-{size}.png"
        wait_until(partial(is_pictured, article, path), f"a picture of {name}")


def is_pictured(article, path):
    """Take a picture of a card, unless the page draws it anew at this moment."""
    with contextlib.suppress(Error):
        article.screenshot(path=str(path))
        return True
    return False


def test_every_state_of_a_card_fits_wide_and_narrow_light_and_dark(browser, emulator):
    for size, width, dark in SIZES:
        for page, posted in galleries(browser, emulator, pictures(), width=width, dark=dark):
            take_pictures(page, posted, "states", size)


def test_each_shipped_kind_is_read_and_decided_on_a_phone_without_scrolling(
    browser, emulator, kinds_and_states
):
    too_long, too_low = {}, {}
    for page, posted in galleries(
        browser, emulator, kinds_and_states, width=PHONE_WIDTH, dark=False
    ):
        for name, ts in posted.items():
            measures = page.locator(f"article[data-ts='{ts}']").evaluate(MEASURE)
            words = [word for word in measures["text"].split() if WORD.search(word)]
            if len(words) > MAX_WORDS:
                too_long[name] = (len(words), measures["text"])
            if measures["bottom"] > MAX_BUTTON_BOTTOM:
                too_low[name] = measures["bottom"]
    assert (too_long, too_low) == ({}, {})


@pytest.mark.gallery
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("size", "width", "dark"), SIZES)
def test_the_gallery_of_every_kind_in_every_state(
    browser, emulator, kinds_and_states, size, width, dark
):
    for page, posted in galleries(browser, emulator, kinds_and_states, width=width, dark=dark):
        take_pictures(page, posted, "kinds", size)
