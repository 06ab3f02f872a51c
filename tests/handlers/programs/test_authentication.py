"""Programs sign in by tokens, each with its own quota."""

import asyncio

import pytest

from bot.cases.program import Program
from handlers.intake.problem import Problem
from handlers.programs.authentication import Programs


@pytest.fixture
def programs(small_world):
    for name in ("one", "two"):
        small_world.library.programs[name] = Program(name=name, title=name, per_minute=2)
    return Programs(small_world.desk.program_tokens)


def sign_in(programs, token):
    return asyncio.run(programs.authenticate({"authorization": f"Bearer {token}"}))


def test_a_token_signs_in_its_own_program_alone(programs):
    tokens = {name: programs.tokens.make(name, operator="root") for name in ("one", "two")}
    assert [sign_in(programs, tokens[name]).program.name for name in tokens] == ["one", "two"]


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer cs_one_x"}]
)
def test_everything_else_is_refused_in_one_way(programs, headers):
    with pytest.raises(Problem) as problem:
        asyncio.run(programs.authenticate(headers))
    assert problem.value.status == 401


def test_a_flood_of_one_program_uses_up_its_own_quota_only(programs):
    one, two = (
        sign_in(programs, programs.tokens.make(name, operator="root")) for name in ("one", "two")
    )
    programs.consume_quota(one)
    programs.consume_quota(one)

    with pytest.raises(Problem) as problem:
        programs.consume_quota(one)
    assert problem.value.status == 429
    assert 0 < problem.value.retry_after <= 60
    programs.consume_quota(two)
