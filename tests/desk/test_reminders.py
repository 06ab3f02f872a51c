"""Reminders: of what both may see, from whom, and not too often."""

import pytest

from bot.cases.errors import BadRequest, NotEligible, NotNow
from bot.desk.reminders import MAX_REMINDERS
from tests.desk.answers.asking import ANA, BEN, CARLA, OMAR, reminders
from tests.fakes.directory import principal


@pytest.fixture
def world(small_world):
    return small_world


def notices(world):
    world.work()
    return [text for text in world.chat.sent.values() if "reminds you" in text]


def test_a_reminder_says_from_whom_it_is_and_what_waits(world):
    case = world.proposed()
    assert reminders(world).remind(by=BEN, of=ANA) == "I reminded Ana of 1 case."
    (notice,) = notices(world)
    assert notice.startswith("Ben reminds you: 1 case waits on you.\nEX-1: Merlot is running low")
    assert world.entry_names(case).count("case.reminded") == 0


def test_one_case_can_be_meant(world):
    world.proposed()
    world.receive(world.signal("product:2"))
    world.work()
    reminders(world).remind(by=BEN, of=ANA, case_id="EX-2")
    (notice,) = notices(world)
    assert "EX-2" in notice
    assert "EX-1" not in notice


def test_nothing_is_sent_where_nothing_waits_on_them(world):
    world.proposed()
    assert "Nothing that you both may see waits on Carla" in reminders(world).remind(
        by=BEN, of=CARLA
    )
    assert notices(world) == []


def test_nobody_learns_what_they_may_not_see(world):
    world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    assert "Nothing that you both may see" in reminders(world).remind(by=BEN, of=ANA)
    world.people.channels["C0STOCK"] = {"ben"}
    assert "Nothing that you both may see" in reminders(world).remind(by=BEN, of=ANA)
    assert notices(world) == []


def test_the_same_person_is_reminded_once_in_four_hours(world):
    world.proposed()
    reminders(world).remind(by=BEN, of=ANA)
    world.clock.forward(hours=3, minutes=59)
    with pytest.raises(NotNow, match="already"):
        reminders(world).remind(by=BEN, of=ANA)
    # Somebody else may, and so may the same person later.
    reminders(world).remind(by=CARLA, of=ANA)
    world.clock.forward(minutes=1)
    reminders(world).remind(by=BEN, of=ANA)
    assert len(notices(world)) == 3


def test_a_person_sends_five_reminders_a_day(world):
    world.proposed()
    for _ in range(MAX_REMINDERS):
        reminders(world).remind(by=BEN, of=ANA)
        world.clock.forward(hours=4)
    # Twenty hours after the first.
    with pytest.raises(NotNow, match="in a day"):
        reminders(world).remind(by=BEN, of=OMAR)
    world.clock.forward(hours=4)
    assert "I reminded Omar" in reminders(world).remind(by=BEN, of=OMAR)


def test_only_colleagues_remind_and_are_reminded(world):
    world.proposed()
    with pytest.raises(BadRequest):
        reminders(world).remind(by=ANA, of=ANA)
    world.people.change("omar", guest=True)
    with pytest.raises(NotEligible):
        reminders(world).remind(by=BEN, of=OMAR)
    with pytest.raises(NotEligible):
        reminders(world).remind(by=OMAR, of=ANA)
    with pytest.raises(NotEligible):
        reminders(world).remind(by=BEN, of=principal("nobody"))


def test_two_workers_at_one_moment_do_not_pass_the_limit(world, monkeypatch):
    world.proposed()
    for _ in range(MAX_REMINDERS - 1):
        reminders(world).remind(by=BEN, of=ANA)
        world.clock.forward(hours=4)
    notices(world)
    read = world.store.live_lists.get

    def read_and_wait(key):
        """Let another worker go first between the reading and the writing."""
        live_list = read(key)
        monkeypatch.setattr(world.store.live_lists, "get", read)
        reminders(world).remind(by=BEN, of=OMAR)
        return live_list

    monkeypatch.setattr(world.store.live_lists, "get", read_and_wait)
    with pytest.raises(NotNow, match="in a day"):
        reminders(world).remind(by=BEN, of=ANA)
    assert len(notices(world)) == MAX_REMINDERS


def test_two_presses_at_one_moment_are_one_message(world):
    world.proposed()
    first = reminders(world)
    first.remind(by=BEN, of=ANA)
    # As if the second press had read the history before the first wrote it.
    world.store.live_lists.delete(f"reminders-by:{BEN}")
    first.remind(by=BEN, of=ANA)
    assert len(notices(world)) == 1
