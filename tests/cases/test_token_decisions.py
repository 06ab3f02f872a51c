"""Tokens of programs: one id each, revoked once."""

from dataclasses import replace

import pytest

from bot.cases.caller import Caller
from bot.cases.control_commands import MakeToken, RevokeToken
from bot.cases.control_decisions import decide_controls
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DeskControls
from bot.cases.errors import BadRequest
from bot.cases.program_token import ProgramToken, find_token, hash_token
from bot.cases.token_decisions import MAX_TOKENS
from tests.cases.making import NOW

OPERATOR = Caller.operator("root")
TOKEN = ProgramToken(
    id="abc1",
    program="agent",
    token_hash=hash_token("cs_agent_secret"),
    made_at=NOW,
    by_name="root",
)


def do(controls, command):
    return decide_controls(controls, command, NOW)


def test_a_token_is_made_and_revoked_in_the_ledger():
    made = do(DeskControls(), MakeToken(OPERATOR, TOKEN))
    assert made.controls.tokens == (TOKEN,)
    revoked = do(made.controls, RevokeToken(OPERATOR, "abc"))
    assert revoked.controls.tokens == ()
    assert fold_controls([*made.entries, *revoked.entries]) == revoked.controls
    assert [str(entry.actor) for entry in revoked.entries] == ["operator:root"]


def test_what_is_not_one_token_is_refused():
    controls = DeskControls(tokens=(TOKEN, replace(TOKEN, id="abc2")))
    for prefix, count in (("abc", 2), ("x", 0), ("", 0)):
        with pytest.raises(BadRequest, match=f"{count} tokens begin"):
            do(controls, RevokeToken(OPERATOR, prefix))
    with pytest.raises(BadRequest, match="another token has this id"):
        do(controls, MakeToken(OPERATOR, TOKEN))
    full = DeskControls(tokens=tuple(replace(TOKEN, id=str(n)) for n in range(MAX_TOKENS)))
    with pytest.raises(BadRequest, match="revoke those that nobody uses"):
        do(full, MakeToken(OPERATOR, TOKEN))


def test_a_token_is_found_by_its_secret_alone():
    assert find_token([TOKEN], "cs_agent_secret", NOW) == TOKEN
    for text in ("cs_agent_secre", TOKEN.token_hash, TOKEN.id, ""):
        assert find_token([TOKEN], text, NOW) is None
    over = replace(TOKEN, expires_at=NOW)
    assert find_token([over], "cs_agent_secret", NOW) is None
