"""The page at the width of a phone and of a desk: nothing lies out of sight."""

import json
import shutil

import pytest
from playwright.sync_api import sync_playwright
from slack_sdk import WebClient

from tests.conftest import missing
from tests.emulator import block_kit, bolt_app
from tests.emulator.test_block_kit import in_block, in_element

ANA = "Ana"
PHONE, DESK = (390, 844), (1280, 900)
BROWSER_TIMEOUT = 120_000
#: A name without a place to break, as codes of products and addresses are.
LONG = "Sancerre-and-Pouilly-Fume-of-the-year-2016-" * 3
#: Values that take room; that a button may be red is tried elsewhere.
MIN_LENGTH = 60
CHANNELS = 3
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

# What scrolls by itself may be wider than its frame; all else ends where the window does.
OUT_OF_SIGHT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  const isInside = (node) => node && node !== document.body
    && ((scrolls(node) && !["messages", "thread", "channels"].includes(node.id)) || isInside(node.parentElement));
  return [...document.querySelectorAll("body *")].filter((node) => {
    const box = node.getBoundingClientRect();
    const isOut = box.width && box.height && (box.right > width + 1 || box.left < -1);
    return isOut && !isInside(node.parentElement);
  }).map((node) => `${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`);
}"""


@pytest.fixture(scope="module")
def browser():
    binary = shutil.which("chromium") or missing("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield running
        running.close()


def opened(browser, slack, size, channel="general"):
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(BROWSER_TIMEOUT)
    page.goto(f"{slack.url}/?as=U0ANA&channel={slack.channel_id(channel)}")
    page.locator("#messages article, #messages .empty").first.wait_for()
    return page


def must_be_in_sight(page):
    assert page.evaluate(OUT_OF_SIGHT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def wide_blocks():
    """Return each block and element with each property at its longest."""
    families = ((block_kit.BLOCKS, in_block), (block_kit.ELEMENTS, in_element))
    for samples, place in families:
        for kind, sample in samples.items():
            for name, values in sample.properties.items():
                if not values.right:
                    continue
                value = max(values.right, key=lambda one: len(json.dumps(one)))
                blocks, surface = place(kind, {**sample.least, name: value})
                if surface == "message" and len(json.dumps(value)) >= MIN_LENGTH:
                    yield blocks


def post_wide_blocks(slack):
    """Post them to some channels, as a channel shows only its latest messages."""
    channels = [
        {"id": f"C0WIDE{n}", "name": f"wide-{n}", "members": ["U0ANA"]} for n in range(CHANNELS)
    ]
    slack.post("seed", {"channels": channels})
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    count = 0
    for blocks in wide_blocks():
        channel = channels[count % CHANNELS]["id"]
        client.chat_postMessage(channel=channel, text="x", blocks=blocks)
        count += 1
    return [channel["name"] for channel in channels], count


@pytest.mark.proof
def test_every_block_at_its_longest_stays_within_a_phone(browser, slack_emulator):
    names, count = post_wide_blocks(slack_emulator)
    assert count > 60, count
    assert count <= CHANNELS * 60, count
    for name in names:
        page = opened(browser, slack_emulator, PHONE, name)
        must_be_in_sight(page)
        page.close()


def long_form():
    """Return a form whose words cannot be broken."""
    option = {"text": block_kit.plain(LONG[:75]), "value": "v"}
    elements = [
        {"type": "static_select", "action_id": "a", "options": [option], "initial_option": option},
        {"type": "checkboxes", "action_id": "a", "options": [option]},
        {"type": "plain_text_input", "action_id": "a", "initial_value": LONG, "multiline": True},
        {"type": "datepicker", "action_id": "a", "initial_date": "2026-11-28"},
    ]
    inputs = [
        {
            "type": "input",
            "label": block_kit.plain(LONG),
            "element": one,
            "hint": block_kit.plain(LONG),
        }
        for one in elements
    ]
    facts = [block_kit.mrkdwn(LONG), block_kit.mrkdwn(f"*{LONG}*")]
    return [{"type": "section", "fields": facts}, *inputs]


@pytest.mark.parametrize("size", [PHONE, pytest.param(DESK, marks=pytest.mark.proof)])
def test_rooms_forms_home_thread_and_pane_stay_within_the_window(browser, slack_emulator, size):
    slack = slack_emulator
    # More rooms than stand beside each other, and names that are long.
    rooms = [{"id": f"C0R{n}", "name": f"{LONG[:60]}{n}", "members": ["U0ANA"]} for n in range(9)]
    slack.post("seed", {"channels": rooms, "team": {"name": LONG}})
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    fields = long_form()
    root = client.chat_postMessage(channel="C0GENERAL", text="x", blocks=fields[:1])["ts"]
    client.chat_postMessage(channel="C0GENERAL", text=LONG, thread_ts=root)
    client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": fields})
    page = opened(browser, slack, size)
    must_be_in_sight(page)
    page.locator(".replies").click()
    page.locator("#thread article, #thread .message").first.wait_for()
    must_be_in_sight(page)
    page.locator("#thread").get_by_role("button", name="Close").click()
    page.locator("[data-room=home]").click()
    page.locator(".home .block").first.wait_for()
    must_be_in_sight(page)
    page.locator("[data-room=D0ANA]").click()
    must_be_in_sight(page)
    open_long_form(slack, client)
    page.locator("#modal .field").first.wait_for()
    must_be_in_sight(page)
    page.close()


def open_long_form(slack, client):
    """Open a form as an app does, and make it long."""
    handler = bolt_app.connect(slack.api_url, [])
    slack.wait_for_app(60)
    slack.act("shortcut", ANA, callback_id="greet")
    view_id = slack.wait_for(lambda: slack.modal(ANA), 60)["id"]
    handler.close()
    view = {"type": "modal", "title": block_kit.plain("Long"), "submit": block_kit.plain("Send")}
    client.views_update(view_id=view_id, view={**view, "blocks": long_form()})
