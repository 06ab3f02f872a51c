"""The tree of errors: codes for the ledger, and sentences for people."""

import pytest

import bot.cases.errors as errors_module
from bot.cases.errors import (
    BadRequest,
    ChatFailed,
    ChatUnknown,
    Conflict,
    ConnectorFailed,
    CountersignError,
    DoubtDropped,
    LedgerBroken,
    LockedOut,
    MemoryUnavailable,
    OutcomeUnknown,
    RateLimited,
    Refusal,
    StaleFence,
    Unreachable,
    WorldMoved,
)

CODES = {
    "Refusal": "refused",
    "NoSuchCase": "no_such_case",
    "MoveNotAllowed": "move_not_allowed",
    "Superseded": "superseded",
    "TooLate": "too_late",
    "NotEligible": "not_eligible",
    "DeskPaused": "paused",
    "NoLongerAlone": "no_longer_alone",
    "NotNow": "not_now",
    "BadRequest": "bad_request",
    "KeyReused": "key_reused",
    "TooMany": "too_many",
    "SettingsIncomplete": "settings_incomplete",
    "PlaybookInvalid": "playbook_invalid",
}


def every_error() -> list[type[Exception]]:
    values = vars(errors_module).values()
    return [one for one in values if isinstance(one, type) and issubclass(one, Exception)]


def test_every_error_has_the_one_root():
    assert {one.__name__ for one in every_error() if not issubclass(one, CountersignError)} == set()


def test_each_refusal_has_a_code_of_its_own_in_the_ledger():
    refusals = [one for one in every_error() if issubclass(one, Refusal)]
    assert {one.__name__: one.code for one in refusals} == CODES
    assert len(set(CODES.values())) == len(CODES)


def test_the_tree_in_the_documentation_names_every_error():
    for error in every_error():
        assert error.__name__ in errors_module.__doc__


@pytest.mark.parametrize(
    "error",
    [Conflict, StaleFence, ConnectorFailed, ChatFailed, MemoryUnavailable, LedgerBroken],
)
def test_what_is_no_expected_no_is_no_refusal(error):
    assert not issubclass(error, Refusal)


def test_a_bad_request_names_the_field_at_fault():
    failure = BadRequest("say why", field="reason")
    assert (str(failure), failure.field) == ("say why", "reason")
    assert BadRequest("nothing was changed").field == ""


@pytest.mark.parametrize("error", [ConnectorFailed, WorldMoved, OutcomeUnknown])
def test_a_connector_says_whether_trying_again_can_help(error):
    assert not error("no").retryable
    assert error("busy", retryable=True).retryable
    assert str(error("busy", retryable=True)) == "busy"


@pytest.mark.parametrize("error", [ChatFailed, ChatUnknown])
def test_a_failure_of_slack_keeps_its_code(error):
    assert error("channel_not_found").error == "channel_not_found"


@pytest.mark.parametrize(
    ("error", "text", "code", "seconds"),
    [
        (RateLimited(3.0), "Slack asked to wait", "ratelimited", 3.0),
        (Unreachable(1.5), "Slack cannot be reached", "ratelimited", 1.5),
        (LockedOut("token_revoked"), "does not let us in (token_revoked)", "token_revoked", 15.0),
        (LockedOut("invalid_auth", 60.0), "does not let us in (invalid_auth)", "invalid_auth", 60),
    ],
)
def test_whoever_must_wait_is_told_how_long(error, text, code, seconds):
    assert text in str(error)
    assert (error.error, error.seconds) == (code, seconds)
    assert isinstance(error, RateLimited)
    assert not isinstance(error, ChatUnknown)


def test_a_dropped_doubt_is_a_broken_ledger():
    assert issubclass(DoubtDropped, LedgerBroken)
