"""A practice case in Slack: it looks like any other, and after the press it says what it was."""

import json
import sqlite3
from datetime import timedelta

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.probe import ProbeAnswer
from bot.demo.people import TEAM
from tests.journeys.harbour import harbour
from tests.world import request

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
SETTINGS = {"COUNTERSIGN_APPROVER_HEALTH": "on", "COUNTERSIGN_PROBES_PER_WEEK": "5"}
DAY = timedelta(days=1)


@pytest.fixture
def town(tmp_path, emulator):
    """The sample company, whose approver groups have three people and more."""
    with harbour(tmp_path, emulator, **SETTINGS) as running:
        running.settled()
        yield running


def approver_of(town, case) -> str:
    """Return somebody who may approve this case, as Slack knows them."""
    (factor,) = case.proposal.verdict.factors
    members = town.desk.decisions.directory.groups([factor.group])[factor.group]
    return sorted(members)[0].removeprefix(f"{TEAM}/")


def eligible(town):
    """Return the cases of today whose plan one person of a large group approves."""
    for case in town.cases():
        verdict = case.proposal.verdict
        if case.state is not State.PROPOSED or verdict is None or len(verdict.factors) != 1:
            continue
        groups = town.desk.decisions.directory.groups([verdict.factors[0].group])
        if len(groups[verdict.factors[0].group]) >= 3 and not case.authors:
            yield case


def put(town):
    """Wait until chance picks an hour of work, and return the practice case."""
    for _ in range(24 * 21):
        town.desk.upkeep.probes.put_due()
        probes = town.desk.store.probe_records.since(town.clock() - 90 * DAY)
        if probes:
            return probes[0]
        town.clock.forward(hours=1)
    raise AssertionError("no hour was picked")


def company_rows(town) -> list[str]:
    with sqlite3.connect(town.folder / "company.db") as connection:
        return list(connection.iterdump())


def test_it_looks_like_any_card_and_says_afterwards_what_it_was(town):
    past = next(eligible(town))
    who = approver_of(town, past)
    asked = request(past.id, f"{TEAM}/{who}", CardSnapshot.of(town.case(past)))
    town.desk.decisions.reject(asked, RejectReason.WRONG_PLAN, "it was counted again since")
    town.clock.forward(days=20)
    practice = put(town)
    town.until(lambda: town.card(practice), "a card")
    before = company_rows(town)
    assert "ractice" not in json.dumps(town.card(practice))
    town.approve(who, practice)
    town.until(lambda: "practice case" in json.dumps(town.card(practice)), "the answer")
    card = json.dumps(town.card(practice), ensure_ascii=False)
    assert "The right answer" in card
    assert "The plan is wrong: it was counted again since" in card
    assert who not in card
    after = town.case(practice)
    assert (after.state, after.probe.answer) == (State.WITHDRAWN, ProbeAnswer.APPROVED)
    # What the bot had to do meanwhile is done again after a stop at any moment.
    town.close()
    town.open()
    town.clock.forward(days=1)
    assert company_rows(town) == before
    assert "Now and then a card is a practice case" in json.dumps(town.home(who))
    town.command(who, after.channel, "help")
    town.until(lambda: any("practice case" in text for text in town.whispers(who)), "the help")
    town.close()
    # A finding would end it with an error.
    town.countersign("ledger", "verify")
