"""The five-minute trial: README's first command, the clock on the page, a second demo, the end."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bot.audit.replay import replay
from bot.demo.launcher import launch_demo
from bot.demo.workspace import SlackWorkspace
from tests.journeys.pages import opened, shot, window
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("page"),
    # The first one may have to make the sample company.
    pytest.mark.timeout(1800),
]
README = Path(__file__).parent.parent.parent / "README.md"
MAX_STOP_SECONDS = 2.0
MAX_STOPS = 3


@pytest.mark.browser
def test_the_clock_on_the_page_brings_the_digest_a_deadline_and_the_review(
    browser, sample_data, tmp_path
):
    with opened(tmp_path, sample_data) as (emulator, service):
        slack = SlackWorkspace(emulator)
        wait_until(lambda: len(slack.cards()) == 9, "nine cards")
        before = service.clock()
        page = window(browser, emulator, "U0BEN", "C0OPS")
        offers = page.locator("#clock option", has_text="9:00")
        wait_until(lambda: offers.count() >= 2, "the offers")
        shot(page, "clock")

        page.locator("#clock").select_option(label="Tomorrow 9:00")
        page.get_by_text("Since the last one").first.wait_for()
        shot(page, "clock-tomorrow")
        deadline = page.locator("#clock option").nth(2)
        wait_until(lambda: "EX-" in deadline.inner_text(), "a deadline")
        tomorrow = service.clock()
        assert tomorrow > before

        page.locator("#clock").select_option(label=deadline.inner_text())
        wait_until(lambda: service.clock() > tomorrow, "the deadline")
        page.locator("#clock").select_option(label="Monday 9:00")
        page.get_by_text("The week").last.wait_for()
        shot(page, "clock-monday")
        assert service.clock().strftime("%A") == "Monday"
        assert replay(service.desk.store.database).differences == ()
        assert page.errors == []


def test_the_first_command_of_the_readme_makes_a_card_that_can_be_approved(sample_data, tmp_path):
    command = _first_curl()
    with opened(tmp_path, sample_data) as (emulator, service):
        slack = SlackWorkspace(emulator)
        wait_until(lambda: len(slack.cards()) == 9, "nine cards")
        url = f"http://127.0.0.1:{service.settings.port}/v1/signals"
        answer = httpx.post(url, content=command["body"], headers=command["headers"], timeout=60)
        assert answer.json()["outcome"] == "opened"
        case = service.desk.store.cases.case(answer.json()["case"])
        wait_until(lambda: slack.card(case), "one more card")
        assert slack.shows(case, "Merlot Reserve 2018")
        assert slack.shows(case, "case.approve")
        case = service.desk.store.cases.case(case.id)
        (action,) = case.proposal.plan.actions
        assert action.parameters == {"product_id": 61, "quantity": 24}


def _first_curl():
    """Return the headers and the body of the first curl of the README."""
    text = README.read_text()
    token = re.search(r"TOKEN=(\S+)", text)[1]
    lines = text[text.index("    curl -d") :].split("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(lines)
    pairs = [words[index + 1] for index, word in enumerate(words) if word == "-H"]
    headers = dict(pair.replace("$TOKEN", token).split(": ", 1) for pair in pairs)
    return {"body": words[words.index("-d") + 1], "headers": headers}


def _answers(url):
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_a_second_demo_leaves_the_first_one_its_data(sample_data, tmp_path):
    with launch_demo(tmp_path, sample_data) as (_, first):
        company = first.settings.data_dir / "company.db"
        # Another file of this name would have another one.
        number = company.stat().st_ino
        with launch_demo(tmp_path, sample_data) as (_, second):
            assert second.settings.data_dir != first.settings.data_dir
            assert company.stat().st_ino == number
            assert sum(first.desk.store.queries.counts().values()) >= 400
    with launch_demo(tmp_path, sample_data) as (_, third):
        assert third.settings.data_dir == first.settings.data_dir


@pytest.mark.browser
def test_a_mention_is_typed_by_name_and_shown_as_a_mention(browser, sample_data, tmp_path):
    with opened(tmp_path, sample_data) as (emulator, _):
        page = window(browser, emulator, "U0BEN", "C0OPS")
        page.fill("#say", "@countersign what is open? cc @Ana Duarte and @floor-managers")
        page.keyboard.press("Enter")
        message = page.locator("article", has_text="what is open? cc").last
        message.locator(".mention").first.wait_for()
        assert message.locator(".mention").all_inner_texts() == [
            "@Countersign",
            "@Ana Duarte",
            "@floor-managers",
        ]
        message.get_by_role("button", name="repl").wait_for()
        shot(page, "mention")
        assert page.errors == []


def test_ctrl_c_ends_the_demo_within_two_seconds(sample_root, sample_data, tmp_path):
    # A machine that is busy with something else for a moment is asked again.
    assert any(stops_in_time(sample_root, tmp_path) for _ in range(MAX_STOPS))


def stops_in_time(sample_root, tmp_path) -> bool:
    """Start the demo, end it, and tell whether that took as little as it may."""
    command = [sys.executable, "-m", "bot", "demo", "--headless", "--folder", str(sample_root)]
    demo = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    page = re.search(r"Open +(http\S+)", "".join(lines))[1]
    # A page that is open must not keep anything waiting.
    with httpx.stream("GET", f"{page}/_ctl/stream", timeout=60):
        started_at = time.monotonic()
        # As a terminal does: to the whole foreground.
        os.killpg(demo.pid, signal.SIGINT)
        demo.wait(60)
        seconds = time.monotonic() - started_at
    assert demo.returncode == 0
    # A machine with more to do than it has processors for gives everyone less.
    load = max(1.0, os.getloadavg()[0] / os.cpu_count())
    wait_until(lambda: not _answers(page), "the emulator to end")
    return seconds < MAX_STOP_SECONDS * load
