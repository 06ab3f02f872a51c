"""Managers at their lists: on a phone, at nine, in a storm, at a colleague's words, and away.

The bot and the browser are real; only Slack is the emulator.
"""

import json
import re
from datetime import timedelta

import httpx
import pytest

from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, DEV, ELSIE, FINN, OMAR
from bot.desk.alert_storms import shared_card_key
from handlers.cards import ids
from tests.journeys.harbour import harbour, principal
from tests.journeys.pages import PHONE_WIDTH, opened, shot, window
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.xdist_group("page"),
    # The first one may have to make the sample company.
    pytest.mark.timeout(1800),
    pytest.mark.proof,
]
PHONE_HEIGHT = 844
STORM_CASES = 24


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator, COUNTERSIGN_STORM_AFTER="8") as running:
        yield running


def on_phone(browser, emulator, who, channel, ts):
    """Open the message of a notification, as a touch on it does."""
    page = browser.new_page(
        viewport={"width": PHONE_WIDTH, "height": PHONE_HEIGHT}, locale="en-GB", has_touch=True
    )
    page.set_default_timeout(120_000)
    page.goto(f"{emulator.url}/?as={who}&channel={channel}&ts={ts}")
    page.wait_for_selector(f"article[data-ts='{ts}']")
    return page


def settled_box(locator):
    """Return where an element stands; the page may be drawing it again at this moment."""
    boxes = []

    def stands():
        boxes.append(locator.bounding_box())
        return boxes[-1] is not None

    wait_until(stands, "an element in its place")
    return boxes[-1]


def article(page, message):
    return page.locator(f"article[data-ts='{message['ts']}']")


def test_the_phone_manager_decides_from_the_notification(browser, town):
    # From then on nothing moves below the thumb.
    town.settled()
    case = town.the("low_stock")
    message = town.card(case)
    # What the lock screen shows: the question with its price.
    assert re.match(r"Order \d+ × .+ for £[\d,.]+\? ", message["text"])
    page = on_phone(browser, town.emulator, BEN, case.channel, message["ts"])
    card = article(page, message)
    approve = card.get_by_role("button", name="Approve")
    reject = card.get_by_role("button", name="Reject…")
    for button in (approve, reject):
        box = settled_box(button)
        assert 0 <= box["y"] < box["y"] + box["height"] <= PHONE_HEIGHT, "seen without scrolling"
    question = card.inner_text()
    shot(page, "phone-notification")
    approve.click()
    confirmation = page.locator("#confirm")
    if town.case(case).proposal.verdict.tier.name != "LOW":
        confirmation.locator("[data-confirm]").click()
    card.get_by_text("pproved by Ben Okafor").wait_for()
    town.until(lambda: town.case(case).state is State.RESOLVED, "the order")
    assert card.get_by_role("button", name="Approve").count() == 0
    assert len(card.inner_text()) < len(question)
    shot(page, "phone-decided")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    page.close()


def test_the_lead_at_nine_opens_and_decides_a_case_that_needs_a_person(
    browser, sample_data, tmp_path
):
    with opened(tmp_path, sample_data) as (emulator, service):
        response = httpx.post(
            f"http://127.0.0.1:{service.settings.port}/v1/signals",
            headers={"Authorization": "Bearer sample-source-token"},
            json={
                "key": "parrot",
                "subject": "lobby",
                "title": "A parrot sits in the lobby",
                "facts": {"seen_by": "the night porter"},
            },
            timeout=60,
        )
        case_id = response.json()["case"]
        cases = service.desk.store.cases
        wait_until(lambda: cases.case(case_id).state is State.REFERRED, "a case for a person")
        page = window(browser, emulator, BEN, "C0OPS", height=1000)
        page.locator("#clock").select_option(label="Tomorrow 9:00")
        digest = page.locator("article", has_text="since the last one").last
        digest.get_by_text("Needs a person", exact=True).wait_for()
        # The clock moves many cases: from then on nothing moves under the pointer.
        page.wait_for_timeout(3_000)
        shot(page, "digest-at-nine")
        row = digest.locator(".block-actions", has=page.get_by_role("button", name="Something new"))
        row.get_by_role("link", name="Open").last.click()
        card = page.locator("article.linked")
        card.get_by_text("What is it?").wait_for()
        text = card.inner_text()
        assert "A parrot sits in the lobby" in text
        assert "the night porter" in text
        card.get_by_role("button", name="Handled by hand…").click()
        page.locator("#modal textarea").first.fill("The owner came for it.")
        page.locator("#modal button.primary").click()
        wait_until(lambda: cases.case(case_id).state is State.RESOLVED, "the decision")
        page.locator("article", has_text="since the last one").last.get_by_text(
            "handled by hand"
        ).first.wait_for()
        shot(page, "digest-decided")
        assert page.errors == []


def raise_storm(town):
    """Let one source report two dozen notes at once; returns the cases."""
    known = town.the("service_note_open")
    for number in range(STORM_CASES):
        town.signal(
            key=f"storm-{number}",
            kind="service_note_open",
            subject=f"storm:{number}",
            title=f"Note {number} was never closed",
            facts=dict(known.signal.facts),
        )

    def cases():
        return [case for case in town.cases("service_note_open") if case.signal.source == "api"]

    town.until(
        lambda: (
            len(cases()) == STORM_CASES and all(case.state is State.PROPOSED for case in cases())
        ),
        "a plan for each of them",
    )
    return cases()


def storm_card_of(town, channel):
    for message in town.emulator.messages(channel):
        if (message.get("metadata") or {}).get("event_type") == "exception_storm":
            return message
    return None


def test_a_storm_is_cleared_from_its_card_with_one_reason(browser, town):
    cases = raise_storm(town)
    town.until(lambda: storm_card_of(town, "C0FLOOR"), "the shared card")
    live_lists = town.desk.store.live_lists

    def is_shared(case):
        return bool(shared_card_key(case.id, live_lists.keys_with(case.id)))

    town.until(
        lambda: all(town.card(case) or is_shared(case) for case in cases),
        "a place for each case",
    )
    shared = [case for case in cases if is_shared(case)]
    count = len(shared)
    heading = f"{count} open at once"
    page = window(browser, town.emulator, ANA, "C0FLOOR", width=PHONE_WIDTH, height=PHONE_HEIGHT)
    storm = page.locator("article", has_text="open at once").last
    storm.get_by_text(heading).wait_for()
    assert storm.get_by_role("button", name="Open").count() == 10
    shot(page, "storm-phone")
    storm.get_by_role("button", name="Show all").click()
    window_of_all = page.locator("#modal")
    window_of_all.get_by_text("Page 1 of 2").wait_for()
    shot(page, "storm-show-all-phone")
    window_of_all.get_by_role("button", name="Next").click()
    window_of_all.get_by_text("Page 2 of 2").wait_for()
    window_of_all.get_by_role("button", name="Close").click()

    storm.get_by_role("button", name="Reject all…").click()
    form = page.locator("#modal")
    form.get_by_text(f"Reject {count} cases").first.wait_for()
    form.locator("select").select_option("already_handled")
    form.locator("textarea").fill("One leak in the roof, which is mended.")
    shot(page, "storm-reject-all-phone")
    form.get_by_role("button", name=f"Reject all {count}").click()
    form.get_by_text(f"{count} of {count} rejected").wait_for()
    shot(page, "storm-rejected-phone")
    form.get_by_role("button", name="Close").click()
    storm_over = page.locator("article", has_text="The storm is over").last
    storm_over.wait_for()
    for case in shared:
        decided = town.case(case)
        assert decided.state is State.REJECTED
        assert decided.activity.status_reason.note == "One leak in the roof, which is mended."
        (rejection,) = [
            entry
            for entry in town.desk.store.cases.entries(case.id)
            if entry.body.name == "plan.rejected"
        ]
        assert str(rejection.actor).endswith(ANA)
    assert page.errors == []


def test_a_message_becomes_a_case_that_quotes_it(browser, town):
    said = town.say(
        OMAR,
        "C0STOCK",
        "The white van has been in front of the cellar door since six, and the driver is nowhere"
        " to be found. We cannot take the delivery.",
    )
    page = window(browser, town.emulator, FINN, "C0STOCK", width=PHONE_WIDTH, height=PHONE_HEIGHT)
    message = article(page, said)
    message.hover()
    message.locator("[data-shortcut='exception_from_message']").click()
    form = page.locator("#modal")
    form.get_by_text("The white van").first.wait_for()
    form.locator("[data-input='field.title']").fill("A van blocks the cellar door")
    form.locator("[data-input='field.note']").fill("The dray comes at nine.")
    shot(page, "raise-message-phone")
    form.get_by_role("button", name="Raise it").click()

    def raised():
        return [case for case in town.cases() if case.signal.source == "slack"]

    town.until(lambda: raised() and town.card(raised()[0]), "the card of the report")
    (case,) = raised()
    page.goto(f"{town.emulator.url}/?as={BEN}&channel={case.channel}")
    card = article(page, town.card(case))
    card.get_by_text("“The white van has been in front of the cellar door").wait_for()
    assert "Raised by Finn Walsh" in card.inner_text()
    shot(page, "raised-message-phone")
    card.get_by_role("button", name="Details").click()
    details = page.locator("#modal")
    details.get_by_text("We cannot take the delivery.").wait_for()
    assert "The dray comes at nine." in details.inner_text()
    shot(page, "raised-message-details-phone")
    details.get_by_role("button", name="Close").click()
    card.get_by_role("link", name="this message").click()
    page.locator("article.linked").get_by_text("The white van").wait_for()
    assert page.errors == []


def test_a_delegation_is_ended_from_the_home(browser, town):
    now = town.clock()
    town.desk.controls.delegate(
        by=principal(ANA),
        to=principal(DEV),
        kind="",
        begins_at=now,
        ends_at=now + timedelta(days=2),
        surface="slack",
    )
    page = window(browser, town.emulator, DEV, "C0STOCK", width=PHONE_WIDTH, height=PHONE_HEIGHT)
    page.locator("[data-room=home]").click()
    home = page.locator(".home")
    home.get_by_text("Dev Patel stands in for Ana Duarte").wait_for()
    shot(page, "delegation-phone")
    home.get_by_role("button", name="End now…").click()
    page.locator("#confirm [data-confirm]").click()
    home.get_by_text("Dev Patel stands in for Ana Duarte").wait_for(state="detached")
    assert town.desk.store.desk_controls.load().delegations == ()
    # Of another's delegation nobody is offered the end.
    page.goto(f"{town.emulator.url}/?as={ELSIE}&channel=C0STOCK")
    page.locator("[data-room=home]").click()
    home.locator(".block-header").wait_for()
    assert ids.HOME_END_DELEGATION not in json.dumps(town.home(ELSIE))
    assert page.errors == []
