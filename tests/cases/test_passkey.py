"""Passkeys: links, challenges, and the answer of a device."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.passkey import (
    INVITATION_LIFETIME,
    STEP_UP_LIFETIME,
    Invitation,
    Purpose,
    b64url_decode,
    b64url_encode,
    challenge,
    find_live_link,
    invitation_challenge,
    is_in_force,
    link_hash,
    matches_challenge,
)
from tests.cases.making import ANA, BEN, NOW, assertion, passkey

INVITATION = Invitation(
    person=ANA.id, name="Ana", ticket=link_hash("secret"), until=NOW + INVITATION_LIFETIME
)
OF_A_VOTE = {
    "case_id": "EX-1",
    "revision": 1,
    "plan_hash": "d" * 64,
    "person": ANA.id,
    "ticket": "t" * 64,
}


# --- links ----------------------------------------------------------------------------------------


def test_a_link_is_found_by_the_hash_of_its_secret_until_it_expires():
    links = [replace(INVITATION, ticket=link_hash("other")), INVITATION]
    ticket = link_hash("secret")
    assert find_live_link(links, ticket, NOW) is INVITATION
    assert find_live_link(links, ticket, INVITATION.until) is None
    assert find_live_link(links, link_hash("guess"), NOW) is None
    assert find_live_link([], ticket, NOW) is None
    # The secret itself opens nothing: what the ledger shows cannot be used.
    assert find_live_link(links, "secret", NOW) is None


def test_an_approval_is_signed_within_minutes_and_a_device_added_within_a_day():
    assert STEP_UP_LIFETIME < INVITATION_LIFETIME
    assert (STEP_UP_LIFETIME.total_seconds(), INVITATION_LIFETIME.total_seconds()) == (600, 86_400)


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_of_a_link_has_a_hash(token):
    assert len(link_hash(token)) == 64
    assert set(link_hash(token)) <= set("0123456789abcdef")


# --- challenges -----------------------------------------------------------------------------------


def test_each_part_of_a_vote_makes_another_challenge():
    changes = [
        {"case_id": "EX-2"},
        {"revision": 2},
        {"plan_hash": "e" * 64},
        {"person": BEN.id},
        {"ticket": "u" * 64},
        {"purpose": Purpose.UNDO},
    ]
    challenges = {challenge(**{**OF_A_VOTE, **change}) for change in [{}, *changes]}
    assert len(challenges) == len(changes) + 1
    assert challenge(**OF_A_VOTE, purpose=Purpose.APPROVE) == challenge(**OF_A_VOTE)


def test_the_challenge_of_a_vote_is_that_of_every_release():
    assert (
        challenge(**OF_A_VOTE).hex()
        == "30d79925f73ddb97d313b671915d0f15279a11410186c76466a9d2496db73333"
    )


def test_a_device_that_is_added_signs_another_challenge_than_a_vote():
    other = replace(INVITATION, ticket=link_hash("other"))
    of_ben = replace(INVITATION, person=BEN.id)
    challenges = {invitation_challenge(one) for one in (INVITATION, other, of_ben)}
    assert len(challenges) == 3
    assert challenge(**{**OF_A_VOTE, "ticket": INVITATION.ticket}) not in challenges
    assert invitation_challenge(INVITATION) == invitation_challenge(
        replace(INVITATION, name="Another name", until=NOW)
    )


# --- answers --------------------------------------------------------------------------------------

EXPECTED = challenge(**OF_A_VOTE)


def client_data(content) -> str:
    return b64url_encode(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("data", "matches"),
    [
        (client_data({"type": "webauthn.get", "challenge": b64url_encode(EXPECTED)}), True),
        (
            client_data(
                {"type": "webauthn.get", "challenge": b64url_encode(EXPECTED), "origin": "x"}
            ),
            True,
        ),
        (client_data({"type": "webauthn.create", "challenge": b64url_encode(EXPECTED)}), False),
        (client_data({"type": "webauthn.get", "challenge": b64url_encode(b"other")}), False),
        (client_data({"type": "webauthn.get", "challenge": "%"}), False),
        (client_data({"type": "webauthn.get", "challenge": None}), False),
        (client_data({"type": "webauthn.get", "challenge": 5}), False),
        (client_data({"type": "webauthn.get"}), False),
        (client_data({"challenge": b64url_encode(EXPECTED)}), False),
        (client_data([]), False),
        (client_data("webauthn.get"), False),
        (client_data(None), False),
        (b64url_encode(b"no json"), False),
        (b64url_encode(b"\xff\xfe"), False),
        ("not base64!", False),
        ("", False),
    ],
)
def test_a_device_answered_exactly_this_challenge_or_nothing(data, matches):
    answer = replace(assertion(EXPECTED), client_data=data)
    assert matches_challenge(answer, EXPECTED) is matches


@pytest.mark.threat("C1")
@given(st.text(max_size=40))
def test_no_text_in_place_of_an_answer_makes_it_fail(text):
    assert not matches_challenge(replace(assertion(EXPECTED), client_data=text), EXPECTED)


@pytest.mark.parametrize(
    ("person", "passkeys", "is_so"),
    [
        (ANA.id, [passkey()], True),
        (ANA.id, [passkey(BEN, credential="other"), passkey()], True),
        (ANA.id, [], False),
        (ANA.id, [passkey(credential="other")], False),
        # The same device in the hands of somebody else is none of hers.
        (ANA.id, [passkey(BEN)], False),
        (BEN.id, [passkey()], False),
    ],
)
def test_a_device_is_in_force_for_its_own_person(person, passkeys, is_so):
    assert is_in_force(assertion(EXPECTED), person, passkeys) is is_so


# --- base64url ------------------------------------------------------------------------------------


@given(st.binary(max_size=60))
def test_bytes_read_back_from_base64url(raw):
    text = b64url_encode(raw)
    assert b64url_decode(text) == raw
    assert not set(text) & set("+/=")


@pytest.mark.parametrize("text", ["+", "a", "a b", "ab\n=", "%%%%", "äöü"])
def test_any_other_text_is_no_base64url(text):
    with pytest.raises(ValueError):  # noqa: PT011
        b64url_decode(text)
