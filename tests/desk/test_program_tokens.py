"""Tokens: made once, stored as hashes, narrowed, revoked and over."""

from decimal import Decimal

import pytest

from bot.cases.errors import BadRequest
from bot.cases.program import Program, ProgramAction
from tests.world import HOUR

AGENT = Program(
    name="stock-agent",
    title="Stock agent",
    actions={"house.order_stock": ProgramAction(), "refund": ProgramAction(title="Refund")},
)


@pytest.fixture
def tokens(small_world):
    small_world.library.programs["stock-agent"] = AGENT
    return small_world.desk.program_tokens


def test_a_token_signs_its_program_in_and_its_secret_is_stored_nowhere(tokens, small_world):
    secret = tokens.make("stock-agent", operator="root")

    caller = tokens.find_caller(secret)
    assert caller.program is AGENT
    assert set(caller.actions) == {"house.order_stock", "refund"}
    assert secret.startswith("cs_stock-agent_")
    (entry,) = small_world.store.cases.entries("DESK")
    assert entry.body.name == "token.made"
    assert str(entry.actor) == "operator:root"
    assert secret.rpartition("_")[2] not in repr(small_world.store.desk_controls.load())
    assert secret.rpartition("_")[2] not in repr(entry)


def test_a_token_only_narrows_what_the_file_allows(tokens):
    secret = tokens.make(
        "stock-agent", actions=["house.order_stock"], limit=Decimal(200), operator="root"
    )

    caller = tokens.find_caller(secret)
    assert list(caller.actions) == ["house.order_stock"]
    assert caller.limit == 200
    with pytest.raises(BadRequest, match="ask for no house.give_notice"):
        tokens.make("stock-agent", actions=["house.give_notice"], operator="root")
    with pytest.raises(BadRequest, match="it has stock-agent"):
        tokens.make("other", operator="root")


def test_a_token_is_over_at_its_time(tokens, small_world):
    secret = tokens.make("stock-agent", expires_in=HOUR, operator="root")
    small_world.clock.forward(seconds=3599)
    assert tokens.find_caller(secret) is not None

    small_world.clock.forward(seconds=1)

    assert tokens.find_caller(secret) is None


def test_a_revoked_token_signs_nobody_in_any_more(tokens, small_world):
    secret, other = (tokens.make("stock-agent", operator="root") for _ in range(2))
    (token, _) = tokens.list()

    tokens.revoke(token.id[:6], operator="eve")

    assert tokens.find_caller(secret) is None
    assert tokens.find_caller(other) is not None
    entry = small_world.store.cases.entries("DESK")[-1]
    assert (entry.body.name, entry.body.token) == ("token.revoked", token.id)
    with pytest.raises(BadRequest, match="0 tokens begin with"):
        tokens.revoke(token.id, operator="eve")


def test_a_token_of_a_program_that_the_file_no_longer_has_signs_nobody_in(tokens, small_world):
    secret = tokens.make("stock-agent", operator="root")
    del small_world.library.programs["stock-agent"]
    assert tokens.find_caller(secret) is None


@pytest.mark.parametrize("text", ["", "cs_", "cs_stock-agent_", "cs_stock-agent_x" * 100, "\udc00"])
def test_nothing_else_is_a_token(tokens, text):
    tokens.make("stock-agent", operator="root")
    assert tokens.find_caller(text) is None
