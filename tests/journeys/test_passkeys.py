"""The top class, from the card to the proof: real bot, real browser, and a passkey that the browser itself holds."""

import json

import pytest

from bot.cases.lifecycle import State
from bot.demo.people import BEN
from bot.settings import PACKAGED_LIBRARY
from knowledge.library import copy_library
from tests.journeys.harbour import harbour, principal
from tests.journeys.pages import BROWSER_TIMEOUT, shot

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.proof]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def town(tmp_path, emulator):
    """Harbour & Vine, where any order is the top class."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    policy = (library / "policy.yml").read_text()
    for before, after in (
        ("medium_above: 250", "medium_above: 10"),
        ("high_above: 2500", "high_above: 20"),
        ("step_up_above: 20000", "step_up_above: 30"),
        (
            "high: {approvers: [{group: ops-leads}, {group: finance}]",
            "high: {approvers: [{group: ops-leads}]",
        ),
    ):
        assert before in policy
        policy = policy.replace(before, after)
    (library / "policy.yml").write_text(policy)
    with harbour(tmp_path, emulator, COUNTERSIGN_LIBRARY_DIR=str(library)) as running:
        running.library = library
        yield running


@pytest.mark.threat("B7")
def test_a_manager_approves_the_top_class_with_their_passkey_and_takes_it_back_with_it(
    browser,
    town,
):
    case = town.the("low_stock")
    link = json.loads(town.countersign("passkey", "invite", BEN, "--json"))["link"]
    context = browser.new_context(viewport={"width": 1180, "height": 900})
    context.set_default_timeout(BROWSER_TIMEOUT)
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    page.goto(link)
    page.get_by_role("button", name="Add a passkey").wait_for()
    shot(page, "passkey-add")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("Your passkey is added").wait_for()
    page.reload()
    page.get_by_text("this link works no longer").wait_for()
    assert "Ben Okafor" in town.countersign("passkey", "list")

    page.goto(f"{town.emulator.url}/?as={BEN}&channel={case.channel}")
    # A digest of the morning names the product too.
    card = page.locator(f"article[data-ts='{town.card(case)['ts']}']")
    card.wait_for()
    assert "each with their passkey" in card.inner_text()
    shot(page, "passkey-card")
    card.get_by_role("button", name="Approve…").click()
    page.locator("#modal textarea").fill("The Saturday party drinks nothing else.")
    page.locator("#modal").get_by_role("button", name="Approve", exact=True).click()
    onward = page.locator("#modal").get_by_role("link", name="Approve with my passkey")
    onward.wait_for()
    shot(page, "passkey-modal")
    assert town.case(case).state is State.PROPOSED

    page.goto(onward.get_attribute("href"))
    page.get_by_role("button", name="Approve with my passkey").wait_for()
    assert case.proposal.plan.actions[0].summary in page.locator("#steps").inner_text()
    assert str(case.proposal.plan.amount) in page.locator("#amount").inner_text()
    assert "The Saturday party" in page.locator("#note").inner_text()
    shot(page, "passkey-confirm")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    shot(page, "passkey-confirm-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    # A finger that is not recognised: nothing happens, and the page says so.
    known = {"authenticatorId": device["authenticatorId"]}
    devices.send("WebAuthn.setUserVerified", {**known, "isUserVerified": False})
    page.get_by_role("button", name="Approve with my passkey").click()
    page.get_by_text("Nothing was done; try again").wait_for()
    assert town.case(case).proposal.approvals == ()
    devices.send("WebAuthn.setUserVerified", {**known, "isUserVerified": True})
    page.get_by_role("button", name="Approve with my passkey").click()
    page.get_by_text("Approved. It is carried out now.").wait_for()
    shot(page, "passkey-done")

    town.until(lambda: town.case(case).state is State.RESOLVED, "the order")
    given = town.case(case).proposal.approvals[0]
    assert (given.person, given.note) == (principal(BEN), "The Saturday party drinks nothing else.")
    assert given.assertion is not None

    # Taking it back is signed too, in words of its own.
    page.set_viewport_size({"width": 1180, "height": 900})
    page.goto(f"{town.emulator.url}/?as={BEN}&channel={case.channel}")
    page.locator("#modal").get_by_role("button", name="Close", exact=True).click()
    decided_card = page.locator(f"article[data-ts='{town.card(case)['ts']}']")
    decided_card.get_by_role("button", name="Undo…").click()
    page.locator("#modal textarea").fill("They drink something else now.")
    page.locator("#modal").get_by_role("button", name="Take it back", exact=True).click()
    onward = page.locator("#modal").get_by_role("link", name="Take it back with my passkey")
    onward.wait_for()
    page.goto(onward.get_attribute("href"))
    page.get_by_role("button", name="Take it back with my passkey").wait_for()
    assert f"Take back {case.id}?" in page.locator("#title").inner_text()
    assert "Will be undone." in page.locator("#steps").inner_text()
    shot(page, "passkey-take-back")
    page.get_by_role("button", name="Take it back with my passkey").click()
    page.get_by_text("It is taken back now.").wait_for()
    town.until(lambda: town.case(case).state is State.REFERRED, "the undoing")
    assert town.case(case).execution.undo_approvals[0].assertion is not None
    assert json.loads(town.countersign("ledger", "verify", "--json"))["ok"]
    town.countersign("passkey", "remove", given.assertion.credential[:12])
    assert "There are no passkeys" in town.countersign("passkey", "list")
    context.close()
