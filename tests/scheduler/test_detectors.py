"""Detectors and the loop of time: a row is one case, a row that goes clears it, and no tick runs twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.lifecycle import State
from bot.cases.signal import Signal, SignalStatus
from bot.desk.intake import judge
from bot.ports.case_store import ReceiptOutcome
from scheduler.detectors import Detector
from scheduler.loop import Job, Loop
from tests.fakes.directory import principal
from tests.world import request

ROW = {
    "subject": "product:1",
    "title": "Merlot is running low",
    "product_id": 1,
    "product": "Merlot",
    "on_hand": 4,
    "quantity": 24,
    "at_risk": 312.5,
}


@pytest.fixture
def detector(world):
    world.house.rows = [ROW]
    book = world.library.book
    return Detector(
        playbook=book,
        detection=book.detection,
        systems={"house": world.house},
        queries=world.store.queries,
        intake=world.desk.intake,
        clock=world.clock,
    )


def test_a_row_is_one_case_however_often_it_is_seen(detector, world):
    assert [detector.look() for _ in range(3)] == [1, 0, 0]
    case = world.store.cases.case("EX-1")
    assert (case.signal.source, case.signal.facts["product_id"], case.count) == ("house", 1, 1)


def test_a_row_that_changed_counts_on_the_same_case(detector, world):
    detector.look()
    world.house.rows = [{**ROW, "on_hand": 2}]
    assert detector.look() == 0
    assert world.store.cases.case("EX-1").count == 2


def test_a_row_that_is_gone_clears_its_case_and_one_that_comes_back_reopens_it_every_time(
    detector, world
):
    for times in range(1, 4):
        detector.look()
        world.work()
        assert world.store.cases.case("EX-1").state is State.PROPOSED
        world.house.rows = []
        detector.look()
        assert world.store.cases.case("EX-1").state is State.CLEARED
        detector.look()
        assert (
            world.store.queries.count_clearings([world.store.cases.case("EX-1").fingerprint])
            == times
        )
        world.house.rows = [ROW]
        world.clock.forward(minutes=5)
    assert set(world.store.queries.counts()) == {"CLEARED"}


def test_a_system_that_cannot_be_read_is_no_all_clear(detector, world):
    detector.look()
    world.house.failing_lookups.add("SELECT")
    assert detector.look() == 0
    assert world.store.cases.case("EX-1").state is State.OPEN


def test_what_is_being_carried_out_is_not_cleared_under_its_feet(detector, world):
    detector.look()
    world.work()
    world.desk.decisions.approve(request("EX-1", principal("ana"), world.seen("EX-1")))
    world.house.rows = []
    detector.look()
    assert world.store.cases.case("EX-1").state is State.APPROVED


def test_a_tick_runs_in_one_of_several_processes(world):
    ran = []
    job = Job("digest", timedelta(minutes=1), lambda: ran.append(1))
    loops = [Loop(world.store.ticks, world.clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as many:
        assert sorted(many.map(lambda loop: loop.tick(job), loops)) == [False, False, False, True]
    world.clock.forward(minutes=1)
    assert loops[0].tick(job)
    assert not loops[0].tick(job)
    assert len(ran) == 2


def test_a_job_that_fails_runs_again_at_its_next_slot(world, caplog):
    def failing():
        raise ValueError("a bug")

    loop, job = Loop(world.store.ticks, world.clock), Job("x", timedelta(minutes=1), failing)
    assert loop.tick(job)
    assert "it runs again at its next slot" in caplog.text
    world.clock.forward(minutes=1)
    assert loop.tick(job)


def test_the_loop_looks_once_at_start_and_then_on_its_interval(small_world):
    from bot.clock import utc_now

    ran = []
    loop = Loop(small_world.store.ticks, utc_now)
    loop.start([Job("quick", timedelta(seconds=1), lambda: ran.append(time.monotonic()))])
    time.sleep(2.4)
    loop.stop()
    assert 2 <= len(ran) <= 4


# --- what ought to be heard of and is not ------------------------------------------------------------------------------------


def till(world, hours=26, origin="api"):
    from bot.cases.playbook import Absence
    from scheduler.detectors import AbsenceDetector

    absence = Absence(
        subjects=("till:quay", "till:vine"),
        title="No takings from {subject}",
        within=timedelta(hours=hours),
        every=timedelta(minutes=15),
        origin=origin,
    )
    return AbsenceDetector(
        world.library.playbook("takings"),
        absence,
        world.store.queries,
        world.desk.intake,
        world.clock,
        world.clock(),
    )


def word_from(world, subject, number, source="api", domain=""):
    signal = Signal(
        source=source,
        key=f"w{number}",
        kind="takings",
        subject=subject,
        title="takings",
        occurred_at=None,
        facts={},
        status=SignalStatus.CLEAR,
        domain=domain,
    )
    return world.desk.intake.receive(signal, b"")


def test_a_silence_opens_one_case_and_the_first_word_closes_it(world):
    missing = till(world)
    word_from(world, "till:vine", 1)
    assert missing.look() == 0
    world.clock.forward(hours=20)
    word_from(world, "till:vine", 2)
    world.clock.forward(hours=7)
    assert [missing.look(), missing.look()] == [1, 0]
    (case,) = world.store.queries.newest()
    assert (case.signal.title, case.signal.subject) == ("No takings from till:quay", "till:quay")
    world.work()
    word_from(world, "till:quay", 3)
    assert world.case(case).state is State.CLEARED
    assert missing.look() == 0
    world.clock.forward(hours=27)
    assert missing.look() == 2


def test_a_new_absence_playbook_does_not_cry_at_once(world):
    missing = till(world)
    world.clock.forward(hours=25)
    assert missing.look() == 0


@pytest.mark.threat("A6")
def test_only_the_source_that_ought_to_be_heard_of_ends_a_silence(world):
    missing = till(world)
    world.clock.forward(hours=27)
    word_from(world, "till:quay", 1, source="stranger")
    assert missing.look() == 2
    world.work()
    word_from(world, "till:quay", 2, source="stranger")
    assert world.store.queries.counts() == {"REFERRED": 2}
    word_from(world, "till:quay", 3)
    assert world.store.queries.counts() == {"REFERRED": 1, "CLEARED": 1}


@pytest.mark.threat("A6")
def test_a_silence_of_a_domain_is_ended_by_any_of_its_sources(world):
    missing = till(world, origin="tills")
    world.clock.forward(hours=27)
    assert missing.look() == 2
    world.work()
    word_from(world, "till:quay", 1, source="old-tills", domain="tills")
    word_from(world, "till:vine", 2, source="new-tills", domain="tills")
    assert world.store.queries.counts() == {"CLEARED": 2}


@pytest.mark.threat("A6")
def test_a_silence_opened_before_its_source_was_declared_ends_with_the_first_word_too(world):
    former = Signal(
        source="absence",
        key="till:quay@then",
        kind="takings",
        subject="till:quay",
        title="No takings",
        occurred_at=None,
        facts={},
    )
    world.receive(former)
    world.work()
    missing = till(world)
    world.clock.forward(hours=27)
    missing.look()
    (case,) = [case for case in world.store.queries.newest() if case.signal.subject == "till:quay"]
    assert case.state is State.REFERRED
    word_from(world, "till:quay", 1)
    assert missing.look() == 0
    assert world.case(case).state is State.CLEARED


# --- whose trouble it is -------------------------------------------------------------------------------------------------------


@pytest.mark.threat("A6")
def test_a_stranger_neither_clears_nor_counts_on_what_a_detector_opened(detector, world):
    detector.look()
    world.work()
    stranger = world.signal("product:1", source="api")
    assert world.clear(stranger).outcome is ReceiptOutcome.IGNORED
    assert world.store.cases.case("EX-1").state is State.PROPOSED
    assert world.receive(stranger).case_id == "EX-2"
    assert (world.store.cases.case("EX-1").count, world.store.cases.case("EX-1").version) == (1, 3)


@pytest.mark.threat("A6")
def test_a_source_of_the_same_domain_clears_what_a_detector_opened(detector, world):
    shared = replace(detector, detection=replace(detector.detection, domain="stock"))
    shared.look()
    world.work()
    assert (
        world.clear(world.signal("product:1", source="scanner", domain="stock")).case_id == "EX-1"
    )
    assert world.store.cases.case("EX-1").state is State.CLEARED
    world.clock.forward(minutes=5)
    shared.look()
    assert world.store.cases.case("EX-1").count == 2


@pytest.mark.threat("A6")
def test_a_detector_that_joins_a_domain_goes_on_with_its_open_cases(detector, world):
    detector.look()
    world.work()
    shared = replace(detector, detection=replace(detector.detection, domain="stock"))
    assert shared.look() == 0
    world.house.rows = []
    shared.look()
    assert world.store.cases.case("EX-1").state is State.CLEARED
    world.house.rows = [ROW]
    assert shared.look() == 0
    assert (world.store.cases.case("EX-1").state, world.store.cases.case("EX-1").count) == (
        State.OPEN,
        2,
    )


@pytest.mark.threat("A6")
def test_the_rule_does_not_hang_on_a_hash_alone(world):
    case, playbook = world.proposed(), world.library.book
    stranger = world.signal("product:1", source="stranger")
    opening = judge(case, "EX-2", stranger, playbook, world.clock())
    assert (opening.before, opening.entries[0].case_id) == (None, "EX-2")
    clear = replace(stranger, status=SignalStatus.CLEAR)
    assert judge(case, "EX-2", clear, playbook, world.clock()).entries == ()


@pytest.mark.threat("C1")
def test_a_row_with_a_subject_beyond_all_measure_holds_up_no_other_row(detector, world):
    long = [{**ROW, "subject": "x" * 9000 + end} for end in "ab"]
    world.house.rows = [*long, {**ROW, "subject": "product:\x002"}, ROW]
    assert [detector.look(), detector.look()] == [4, 0]
    world.work()
    world.house.rows = [ROW]
    detector.look()
    assert world.store.queries.counts() == {"CLEARED": 3, "PROPOSED": 1}
