"""The recognition of a month is posted once, by name, and only where somebody wrote rules for it."""

from datetime import UTC, datetime

import pytest

from bot.cases.errors import BadRequest
from bot.cases.merit_rules import Merit, MeritRule, MeritRules
from bot.cases.merits import Award, AwardState
from bot.desk.recognition import FOOTER, read_month, summarise
from bot.ports.outbox import Topic
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.world import request

CHANNEL = "C0OPS"
RULES = MeritRules(
    channel=CHANNEL,
    merits={Merit.HAND_OVER: MeritRule(points=2), Merit.RESOLUTION: MeritRule()},
)
MONTH = "2026-11"
#: The month is over, and its last day has stood.
DUE = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def recognising(world):
    """A desk that recognises hand-overs and resolutions, after one of each."""
    world.library.merit_rules = RULES
    world.start("")
    case = world.proposed()
    hand_over(world, case)
    world.approve(world.case(case), "omar")
    world.work()
    return world


def hand_over(world, case):
    world.desk.decisions.hand_over(
        request(case.id, principal("ana"), world.seen(case)),
        to=principal("omar"),
        progress="counted the bottles",
        remains="order them",
    )


def post(world):
    count = world.desk.upkeep.recognition.enqueue_due()
    world.work()
    return count


def test_the_month_is_summed_up_by_name_with_its_cases(recognising):
    recognising.clock.at = DUE
    assert recognising.desk.upkeep.recognition.summary(MONTH) == "\n".join(
        [
            "Recognition for November 2026",
            "Ana: 1 hand-over that held (EX-1).",
            "Omar: 1 case brought to its end (EX-1).",
            FOOTER,
        ]
    )


def test_it_is_posted_once_when_the_month_is_over_and_has_stood(recognising):
    assert post(recognising) == 0
    recognising.clock.at = DUE
    assert (post(recognising), post(recognising)) == (1, 0)
    texts = [text for key, text in recognising.chat.sent.items() if key.startswith("recognition")]
    assert len(texts) == 1
    assert "Ana" in texts[0]


def test_a_message_that_may_have_been_posted_is_looked_for(recognising):
    recognising.clock.at = DUE
    recognising.chat.sent[f"recognition:{MONTH}"] = "posted by an attempt that lost its reply"
    post(recognising)
    assert recognising.chat.sent[f"recognition:{MONTH}"].startswith("posted by")
    assert not recognising.store.outbox.has_due([Topic.RECOGNITION], DUE)


def test_a_month_without_recognition_is_not_posted(recognising):
    recognising.clock.at = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
    assert post(recognising) == 1
    assert not any(key.startswith("recognition") for key in recognising.chat.sent)


def test_what_came_back_is_recognised_no_longer(recognising):
    recognising.receive(recognising.signal())
    recognising.clock.at = DUE
    awards = recognising.desk.upkeep.recognition.awards.find(MONTH, DUE)
    assert {award.state for award in awards} == {AwardState.REVOKED}
    assert recognising.desk.upkeep.recognition.summary(MONTH) == ""


def test_an_award_belongs_to_the_month_of_its_proof(recognising):
    assert recognising.desk.upkeep.recognition.awards.find("2026-10", DUE) == []


def test_nothing_is_recognised_without_rules(world):
    case = world.proposed()
    hand_over(world, case)
    world.approve(world.case(case), "omar")
    world.work()
    world.clock.at = DUE
    assert (post(world), world.desk.upkeep.recognition.summary(MONTH)) == (0, "")


def test_a_channel_is_not_needed_for_the_export(world):
    world.library.merit_rules = MeritRules(merits=RULES.merits)
    world.start("")
    world.clock.at = DUE
    assert post(world) == 0


def award(person, number):
    return Award(
        merit=Merit.CHECK,
        person=person,
        points=1,
        case_id=f"EX-{number}",
        kind="low_stock",
        deed=2,
        proof=3,
        at=NOON,
    )


def test_many_points_come_no_earlier_than_few():
    awards = [award("T1/UZOE", number) for number in range(9)] + [award("T1/UANA", 99)]
    text = summarise(MONTH, awards, {"T1/UZOE": "Zoe", "T1/UANA": "ana"})
    assert text.splitlines()[1:3] == [
        "ana: 1 check in time (EX-99).",
        "Zoe: 9 checks in time (EX-0, EX-1, EX-2, EX-3, EX-4 and 4 more).",
    ]
    assert "point" not in text


def test_a_summary_that_is_too_long_says_how_many_are_left_out():
    people = {f"T1/U{number:03}": f"Somebody {number:03}" for number in range(300)}
    text = summarise(MONTH, [award(person, 1) for person in people], people)
    assert len(text) < 3_000
    assert "more people: see the export." in text


def test_a_month_is_a_month():
    assert read_month(MONTH).month == 11
    for text in ("2026-13", "November", "2026-11-01"):
        with pytest.raises(BadRequest, match="is no month like"):
            read_month(text)
