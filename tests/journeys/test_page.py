"""The page in a real browser: what a manager sees and presses, on a desk and on a phone. Screenshots go to artifacts/."""

import json

import httpx
import pytest

from bot.cases.lifecycle import State
from tests.journeys.pages import SIZES, opened, shot, window
from tests.waiting import wait_until

# One worker starts browser and demo for all of them.
pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.xdist_group("page"),
    # The first one may have to make the sample company.
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory, sample_data):
    """One demo for all of them, in whatever order they come: each decides cases that no other looks at."""
    with opened(tmp_path_factory.mktemp("page"), sample_data) as running:
        yield running


def card(page, text):
    """The card that says so; a digest, which names many cases, is none."""
    return page.locator("article", has_text=text).filter(has_not_text="since the last one").last


def test_a_manager_approves_with_a_confirmation_and_sees_what_came_of_it(browser, demo):
    emulator, _ = demo
    page = window(browser, emulator, "U0BEN", "C0STOCK")
    shot(page, "card-waiting")
    card(page, "is running low").get_by_role("button", name="Approve").click()
    assert "Order" in page.locator("#confirm").inner_text()
    shot(page, "card-confirm")
    page.locator("#confirm [data-confirm]").click()
    decided_card = card(page, "approved by Ben Okafor").filter(has_text="worked")
    decided_card.wait_for()
    assert decided_card.get_by_role("button", name="Approve").count() == 0
    # After nine the digest has a thread too.
    decided_card.get_by_role("button", name="replies").or_(
        decided_card.get_by_role("button", name="reply")
    ).first.click()
    page.locator("#thread").get_by_text("Ben Okafor approved").first.wait_for()
    shot(page, "card-resolved-thread")
    assert page.errors == []


def test_the_wrong_person_gets_a_private_answer(browser, demo):
    emulator, _ = demo
    page = window(browser, emulator, "U0FINN", "C0FLOOR")
    card(page, "has no ").get_by_role("button", name="Approve").click()
    page.get_by_text("only @floor-managers may approve this").wait_for()
    page.get_by_text("Only visible to you").wait_for()
    shot(page, "private-answer")


def test_rejecting_asks_for_a_reason_from_a_list(browser, demo):
    emulator, _ = demo
    page = window(browser, emulator, "U0BEN", "C0OPS")
    card(page, "matches no order").get_by_role("button", name="Reject…").click()
    page.locator("#modal select").wait_for()
    shot(page, "modal-reject")
    page.locator("#modal").get_by_role("button", name="Reject", exact=True).click()
    page.locator("#modal .error", has_text="choose a reason from the list").wait_for()
    page.locator("#modal select").select_option("already_handled")
    page.locator("#modal textarea").fill("closed by <b>Finn</b> <!channel>")
    page.locator("#modal").get_by_role("button", name="Reject", exact=True).click()
    card(page, "Rejected by Ben Okafor").wait_for()
    assert "“closed by <b>Finn</b> <!channel>”" in card(page, "Rejected by").inner_text()
    shot(page, "card-rejected")
    assert page.errors == []


def test_editing_makes_a_new_revision_on_the_same_card(browser, demo):
    emulator, _ = demo
    page = window(browser, emulator, "U0DEV", "C0SALES")
    card(page, "has not been followed up").get_by_role("button", name="Edit…").click()
    page.locator("#modal input").fill("2031-05-06")
    page.locator("#modal").get_by_role("button", name="See the change").click()
    page.locator("#modal").get_by_text("6 May 2031").first.wait_for()
    shot(page, "modal-edit")
    page.locator("#modal").get_by_role("button", name="Save").click()
    card(page, "Edited by").get_by_text("6 May 2031").first.wait_for()
    shot(page, "card-edited")


@pytest.mark.parametrize(
    ("name", "width", "height", "dark"),
    [("phone", 390, 844, False), ("phone-dark", 390, 844, True), ("desk-dark", 1180, 900, True)],
)
def test_it_reads_on_a_phone_and_in_the_dark(browser, demo, name, width, height, dark):
    emulator, _ = demo
    page = window(browser, emulator, "U0BEN", "C0OPS", width=width, height=height, dark=dark)
    card(page, "rolls over on").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, name)


def test_hostile_text_is_text(browser, demo):
    emulator, service = demo
    import urllib.request

    attacks = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "<https://evil.example|https://bank.example>",
        "*bold* <!channel> `code`",
        "\u202egnp.exe",
    ]
    for number, text in enumerate(attacks):
        body = {
            "key": f"h{number}",
            "subject": f"hostile:{number}",
            "title": text,
            "facts": {"x": text},
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{service.settings.port}/v1/signals",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": "Bearer sample-source-token"},
        )
        urllib.request.urlopen(request, timeout=60).close()
    page = window(browser, emulator, "U0BEN", "C0OPS")
    page.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
    page.wait_for_timeout(500)
    assert page.locator("#messages img, #messages script").count() == 0
    assert page.locator("#messages a[href*=evil]").count() == 0
    shot(page, "hostile")
    assert page.errors == []


@pytest.mark.parametrize(("name", "width", "dark"), SIZES)
def test_the_home_is_a_queue_one_can_press(browser, demo, name, width, dark):
    emulator, _ = demo
    page = window(browser, emulator, "U0BEN", "C0OPS", width=width, dark=dark)
    page.locator("[data-room=home]").click()
    page.locator(".home .block-header").wait_for()
    page.locator(".home [data-action='home.kind']").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('#messages').scrollTop") == 0, (
        "a home is read from its top"
    )
    shot(page, f"home-{name}")
    assert page.locator(".home img, .home script").count() == 0
    assert page.errors == []


@pytest.mark.parametrize(("name", "width", "dark"), SIZES[:1] + SIZES[3:])
def test_one_asks_in_the_agent_pane_and_the_answer_links_its_cases(
    browser, demo, name, width, dark
):
    emulator, _ = demo
    page = window(browser, emulator, "U0BEN", "C0OPS", width=width, dark=dark)
    page.locator("[data-room^=D]").click()
    page.locator("#prompts button").first.wait_for()
    page.fill("#say", f"what is open? {name}")
    page.fill("#say", "what is open?")
    page.keyboard.press("Enter")
    page.locator("#messages").get_by_role("button", name="Not what I meant").last.wait_for()
    assert page.locator("#messages a[href*='/archives/']").count() > 0
    assert page.locator(".replies").count() == 0
    shot(page, f"agent-pane-{name}")
    assert page.errors == []


def test_a_digest_is_acted_on_row_by_row(browser, sample_data, tmp_path):
    """In a demo of its own: its first row may be any case."""
    from bot.desk.digest import digest_message

    with opened(tmp_path, sample_data) as (emulator, service):
        page = window(browser, emulator, "U0ANA", "C0FLOOR", height=1200)
        card(page, "has no ").wait_for()
        # A case that comes to a decision later gets its buttons in the digest then.
        queries = service.desk.store.queries
        wait_until(
            lambda: len(queries.open_ids()) >= 7 and not queries.newest(states=[State.OPEN]),
            "every case of the morning",
        )
        now = service.desk.screens.digests.clock()
        message = digest_message("C0FLOOR", now, now)
        service.desk.store.outbox.enqueue([message])
        wait_until(lambda: service.desk.store.live_lists.get(message.key), "the digest")
        # After nine the one of this morning stands there too.
        ts = service.desk.store.live_lists.get(message.key).ts
        digest = page.locator(f"article[data-ts='{ts}']", has_text="since the last one")
        digest.wait_for()
        shot(page, "digest")
        rows = digest.locator("[data-action='case.approve']")
        many = rows.count()
        rows.first.click()
        digest.get_by_text("approved by Ana Duarte").first.wait_for()
        assert digest.locator("[data-action='case.approve']").count() == many - 1
        shot(page, "digest-acted-on")
        assert page.errors == []


def test_a_fault_button_turns_the_fault_on_and_off(browser, emulator):
    page = browser.new_page()
    page.goto(f"{emulator.url}/?as=U0ANA&channel=C0FLOOR")
    page.locator("#inspect").click()

    def turn(label, status):
        with page.expect_response("**/_ctl/faults") as answer:
            page.locator("#inspector").get_by_text(label, exact=True).click()
        assert answer.value.status == 200
        call = httpx.post(
            f"{emulator.url}/api/chat.postMessage",
            headers={"authorization": "Bearer xoxb-x"},
            json={"channel": "C0FLOOR", "text": "x"},
            timeout=60,
        )
        assert call.status_code == status

    turn("Slack down", 500)
    turn("All well", 200)


def test_a_form_asks_for_what_its_kind_needs_and_everything_works_by_keyboard(browser, demo):
    emulator, _ = demo
    page = window(browser, emulator, "U0FINN", "C0STOCK")
    page.locator("#plus").focus()
    page.keyboard.press("Enter")
    page.locator("#modal [data-input='raise.kind']").wait_for()
    page.locator("#modal [data-input='raise.kind']").select_option("low_stock")
    page.locator("#modal").get_by_text("Product id").wait_for()
    shot(page, "form-raise")
    page.keyboard.press("Escape")
    page.locator("#modal").wait_for(state="hidden")
    page.fill("#say", "/exceptions help")
    page.keyboard.press("Enter")
    page.get_by_text("stand-in: let a colleague decide for you until a date").wait_for()
    shot(page, "command-help")
    page.locator("#inspect").click()
    page.locator("#inspector").get_by_text("slash_commands").first.wait_for()
    shot(page, "inspector")
    assert page.errors == []
