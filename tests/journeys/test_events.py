"""Programs of a real bot: told of cases over HTTP, through a kill, and reading them by token."""

import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from standardwebhooks import Webhook

from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import STOCK
from bot.demo.processes import BotProcess
from bot.settings import PACKAGED_LIBRARY
from knowledge.library import copy_library
from tests.fakes.receiver import SECRET, Receiver
from tests.journeys.bots import sample_environment, send_low_stock
from tests.journeys.test_two_processes import _case_id
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
ALL = ["case.opened", "case.decided", "case.executed", "case.resolved"]


@pytest.fixture
def receivers():
    receivers = {"till": Receiver(), "ledger-sync": Receiver()}
    yield receivers
    for receiver in receivers.values():
        receiver.close()


@pytest.fixture
def bot(emulator, tmp_path, receivers):
    """A bot whose programs are told of stock."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    programs = {
        name: {
            "title": name,
            "kinds": ["low_stock"],
            "callback": {"url": receiver.url, "secret_env": ["HOOK_SECRET"], "events": ALL},
        }
        for name, receiver in receivers.items()
    }
    (library / "programs.yml").write_text(json.dumps({"programs": programs}))
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    environment = sample_environment(
        tmp_path,
        emulator.url,
        COUNTERSIGN_LIBRARY_DIR=str(library),
        COUNTERSIGN_CALLBACK_NETWORKS="127.0.0.0/8",
        COUNTERSIGN_EMBEDDINGS="words",
        COUNTERSIGN_LOG_LEVEL="CRITICAL",
        COUNTERSIGN_LEASE_FOR="2",
        COUNTERSIGN_MODE="live",
        HOOK_SECRET=SECRET,
    )
    running = BotProcess(environment, workers=1)
    running.environment = environment
    running.start()
    wait_until(lambda: emulator.get("traffic")["connections"] == 1, "the socket of the doors")
    yield running
    running.stop()


def get(bot, path, token):
    request = urllib.request.Request(
        f"{bot.url}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def make_token(bot, program):
    """Make a token as an operator does, and return it."""
    environment = {**os.environ, **bot.environment}
    made = subprocess.run(
        [sys.executable, "-m", "bot", "tokens", "make", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.search(rf"cs_{program}_\S+", made.stdout)[0]


def approve(emulator):
    card = next(message for message in emulator.messages(STOCK) if _case_id(message))
    # Who may is a matter of the amount; the other is refused.
    for person in ("U0ANA", "U0BEN"):
        emulator.post(
            "click",
            {"as": person, "channel": STOCK, "ts": card["ts"], "action_id": "case.approve"},
        )


def test_programs_hear_of_a_case_to_its_end_and_one_that_was_away_hears_it_later(
    bot, emulator, receivers
):
    till, sync = receivers["till"], receivers["ledger-sync"]
    # Each post is answered with a failure, and so is everything until the bot is killed.
    sync.status = 500
    assert send_low_stock(bot, 1) == "opened"
    wait_until(lambda: any(map(_case_id, emulator.messages(STOCK))), "the card")
    approve(emulator)
    wait_until(lambda: set(till.types()) == set(ALL), "every event at the till")
    wait_until(lambda: sync.posts, "an event at the other")
    first_ids = {post.id for post in sync.posts}
    bot.kill()
    sync.status = 200
    sync.posts.clear()
    bot.start()
    # The slower the machine, the more often it was tried before, and the longer the next pause.
    # Detectors go on opening cases meanwhile, and either may hear of one a moment before the other.
    wait_until(lambda: _heard_alike(till, sync), "every event at the other", 300)
    assert first_ids <= {post.id for post in sync.posts}
    for post in (*till.posts, *sync.posts):
        Webhook(SECRET).verify(post.body, post.headers)
        assert post.id == post.event["id"]
        # The deployment has a name of its own here.
        assert post.event["source"] == "/harbour-and-vine"
    # Both were told the same.
    by_id = {post.id: post.event for post in till.posts}
    others = {post.id: post.event for post in sync.posts}
    both = by_id.keys() & others.keys()
    assert {id: by_id[id] for id in both} == {id: others[id] for id in both}
    _read_as_program(bot, by_id)


def _heard_alike(till, sync):
    """Whether both heard of the same events, of every type."""
    at_till, at_sync = ({post.id for post in receiver.posts} for receiver in (till, sync))
    return at_till == at_sync and set(sync.types()) == set(ALL)


def _read_as_program(bot, events):
    token = make_token(bot, "till")
    (case,) = get(bot, "/v1/cases?state=ended", token)["cases"]
    last = next(event for event in events.values() if event["type"] == "case.resolved")
    assert case == last["data"]["case"]
    assert get(bot, f"/v1/cases/{case['id']}", token)["kind"] == "low_stock"
    found = get(bot, "/v1/precedents?text=the%20bin%20is%20low", token)
    assert [one["outcome"] for one in found["precedents"]] == ["worked"]
    document = get(bot, "/openapi.json", token)
    OpenAPIV31SpecValidator(document).validate()
    assert {"/v1/cases", "/v1/precedents", "/v1/signals"} <= set(document["paths"])
