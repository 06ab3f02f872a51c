"""What each action may do, and what is missing for more."""

import json

import pytest

from bot.cases.actor import Surface
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.policy import PlaybookTerms, Stage
from bot.desk.action_stages import ActionStages
from tests.desk.test_promotions import ORDER, earn, next_case, prepare, promote, stage
from tests.fakes.directory import principal
from tests.world import World, playbook


@pytest.fixture
def world(world) -> World:
    prepare(world)
    return world


def line(world: World):
    stages = ActionStages(
        desk_controls=world.store.desk_controls,
        records=world.store.decision_records,
        library=world.library,
        clock=world.clock,
    )
    (one,) = [one for one in stages.list() if one.action == ORDER]
    return one


def test_an_action_starts_where_its_playbook_says_and_says_what_is_missing(world):
    one = line(world)
    assert (one.stage, one.since, one.by_name) == (Stage.SUPERVISED, None, "")
    assert one.gate.reasons == ("12 more comparable decisions of people, 12 in all",)


def test_an_action_that_runs_alone_says_since_when_and_by_whom(world):
    promote(world)
    one = line(world)
    assert (one.stage, one.by_name, one.gate) == (Stage.AUTONOMOUS, "Elsie", None)
    assert one.since == world.store.desk_controls.load().stages[0].at


def test_a_kind_in_shadow_earns_to_be_supervised_first(world):
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.SHADOW))
    one = line(world)
    assert (one.stage, one.gate.is_open) == (Stage.SHADOW, False)


def test_answers_tell_the_recorded_stage(world):
    from bot.views.query import About, Ask, Query

    def whole(about) -> str:
        answer = world.desk.conversation.questions.answer_query(
            Query(ask=Ask.CAPABILITY, about=about), by=principal("elsie"), channel="C0STOCK"
        )
        return " ".join([answer.text, *answer.facts])

    earn(world)
    assert "people agreed 11 of 12 times; missing: nothing" in whole(About.AUTONOMY)
    promote_now(world)
    assert "One kind may run without a person" in whole(About.AUTONOMY)
    assert "decided by Elsie" in whole(About.AUTONOMY)
    assert "I may act alone, within the limits: “Running low”." in whole(About.KINDS)


def promote_now(world: World) -> None:
    from tests.desk.test_promotions import ask

    world.approve(ask(world), "elsie")
    world.work()


def supervise(world: World, *, by: str = "ana", reason: str = "stocktaking") -> None:
    world.desk.controls.supervise(
        "low stock", by=principal(by), reason=reason, surface=Surface.SLACK
    )


def test_whoever_decides_may_end_what_runs_alone_at_once(world):
    promote(world)
    supervise(world)
    assert stage(world) is Stage.SUPERVISED
    assert next_case(world).was_auto_approved is False
    with pytest.raises(TooLate):
        supervise(world)


def test_others_may_not_and_a_reason_is_needed(world):
    promote(world)
    with pytest.raises(NotEligible):
        supervise(world, by="finn")
    with pytest.raises(BadRequest):
        supervise(world, reason=" ")
    with pytest.raises(BadRequest):
        world.desk.controls.supervise(
            "everything", by=principal("ana"), reason="no", surface=Surface.SLACK
        )
    assert stage(world) is Stage.AUTONOMOUS


def test_the_record_can_be_printed(world):
    from bot.cli.autonomy import _plain, _row

    earn(world)
    plain = _plain(line(world))
    assert json.dumps(plain)
    assert (plain["decisions"], plain["agreements"], plain["missing"]) == (12, 11, [])
    assert "11 of 12" in _row(line(world))
