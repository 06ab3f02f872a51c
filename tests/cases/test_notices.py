"""Notices: whom a decision on the whole desk concerns, and what they are told."""

from datetime import timedelta

import pytest

from bot.cases.actor import Actor, CaseId, Surface
from bot.cases.delegation import Delegation
from bot.cases.entries import (
    Delegated,
    DelegationEnded,
    Entry,
    PasskeyAdded,
    PasskeyInvited,
    PasskeyRemoved,
    Paused,
)
from bot.cases.notices import MOMENT, NOT_YOU, moment, notices_after
from tests.cases.making import ANA, BEN, NOW, passkey

UNTIL = NOW + timedelta(hours=8)
DELEGATION = Delegation(
    giver=ANA.id,
    taker=BEN.id,
    giver_name="Ana",
    taker_name="Ben",
    kind="low_stock",
    begins_at=NOW,
    ends_at=UNTIL,
)


def notices(body, actor="operator:root"):
    entry = Entry(
        case_id=CaseId("desk"),
        version=7,
        revision=0,
        at=NOW,
        actor=Actor.parse(actor),
        surface=Surface.SLACK,
        body=body,
    )
    return notices_after([entry])


@pytest.mark.parametrize(
    ("body", "to", "words"),
    [
        (
            Delegated(DELEGATION),
            BEN.id,
            f"Ana lets you decide for them on low stock from {moment(NOW)} to {moment(UNTIL)}.",
        ),
        (
            DelegationEnded(giver=ANA.id, taker=BEN.id, kind="", by_name="Ana"),
            BEN.id,
            "Ana ended the delegation to you.",
        ),
        (
            PasskeyInvited(to=BEN.id, to_name="Ben", ticket="t", until=UNTIL),
            BEN.id,
            f"You may add a passkey, with which you sign large approvals, until {moment(UNTIL)}.",
        ),
        (
            PasskeyRemoved(credential="device-1", owner=BEN.id),
            BEN.id,
            "Your passkey was removed; it signs nothing any more.",
        ),
    ],
    ids=range(4),
)
def test_whoever_is_concerned_is_told_once_and_whoever_did_it_is_not(body, to, words):
    (notice,) = notices(body)
    assert (notice.to, notice.version) == (to, 7)
    assert notice.text.startswith(words)
    assert notices(body, actor=to) == ()


def test_whoever_adds_a_passkey_is_told_themself():
    """Somebody else may have had the link."""
    added = PasskeyAdded(passkey(), ticket="t")
    (notice,) = notices(added, actor=passkey().person)
    assert notice.to == passkey().person
    assert notice.text.endswith(NOT_YOU)


def test_what_concerns_nobody_alone_is_told_to_nobody():
    assert notices(Paused("", "audit", "Ana")) == ()


def test_a_moment_is_read_as_it_was_written():
    (seconds,) = MOMENT.findall(f"until {moment(UNTIL)}.")
    assert int(seconds) == UNTIL.timestamp()
