"""The executor and everything that can go wrong while a plan is carried out: at most one effect, and never silence."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.audit.replay import replay
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import TryAgain
from bot.cases.entries import RejectReason, StepState
from bot.cases.errors import NotEligible, Superseded
from bot.cases.lifecycle import State
from bot.cases.plan import Idempotency
from bot.cases.playbook import ActionOffer
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.clock import boottime
from bot.desk.step_verification import MAX_ATTEMPTS
from bot.ports.outbox import Topic
from tests.fakes.connector import Died
from tests.fakes.directory import principal
from tests.world import playbook, policy, request

pytestmark = pytest.mark.both_databases


def finish(world, case, *, seconds=0, step=1):
    """Work on, ``seconds`` times: a look at what is due after every ``step`` of the clock."""
    world.work()
    for _ in range(seconds):
        world.clock.forward(seconds=step)
        world.work()
    return world.case(case)


def two_steps(world):
    then = (
        ActionOffer(
            action="house.open_claim", parameters={"product_id": "signal.product_id"}, reason="too"
        ),
    )
    offer = world.library.book.offers[0]
    world.library.book = playbook(
        offers=(
            ActionOffer(
                action=offer.action,
                parameters=offer.parameters,
                reason="because",
                edit=offer.edit,
                then=then,
            ),
        )
    )


def test_an_approved_plan_runs_once_and_the_case_is_resolved(world):
    case = world.proposed()
    world.approve(case)
    final = finish(world, case)
    assert (
        final.state,
        [step.state for step in final.execution.steps],
        len(world.house.effects),
    ) == (
        State.RESOLVED,
        [StepState.LANDED],
        1,
    )
    assert world.entry_names(case) == [
        "case.opened",
        "evidence.gathered",
        "plan.recommended",
        "approval.given",
        "plan.authorised",
        "step.started",
        "step.reported",
        "case.resolved",
    ]


def test_nothing_runs_before_it_is_approved(world):
    case = world.proposed()
    world.clock.forward(hours=1)
    world.work()
    assert world.house.effects == []
    assert world.case(case).state is State.PROPOSED


def test_a_refusal_by_the_system_ends_with_a_person(world):
    case = world.proposed()
    world.house.faults["execute"] = ["refuse"]
    world.approve(case)
    final = finish(world, case)
    assert (final.state, final.execution.steps[0].state, world.house.effects) == (
        State.REFERRED,
        StepState.FAILED,
        [],
    )


def test_an_answer_that_was_lost_after_the_effect_is_found_and_never_repeated(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost after"]
    world.approve(case)
    assert finish(world, case).execution.steps[0].state is StepState.UNKNOWN
    final = finish(world, case, seconds=3)
    assert (final.state, final.execution.steps[0].detail, len(world.house.effects)) == (
        State.RESOLVED,
        "found done",
        1,
    )


def test_a_request_that_was_lost_before_the_effect_is_done_after_it_was_verified_absent(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.approve(case)
    final = finish(world, case, seconds=10)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("A1")
def test_a_step_that_surely_did_not_happen_is_reported_so_before_it_is_asked_again(world):
    """Begun, lost on the way, looked for and not found; and meanwhile the world has moved."""
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.approve(case)
    assert finish(world, case).execution.steps[0].state is StepState.UNKNOWN
    world.house.facts["on_hand"] = 30
    again = finish(world, case, seconds=10)
    assert (again.state, again.proposal.revision, world.house.effects) == (State.PROPOSED, 2, [])
    bodies = [entry.body for entry in world.store.cases.entries(case.id)]
    drift = next(index for index, body in enumerate(bodies) if body.name == "plan.drifted")
    assert (bodies[drift - 1].state, bodies[drift - 1].detail) == (
        StepState.ABSENT,
        "on_hand was 4, is 30",
    )
    assert replay(world.store.database).differences == ()


def test_an_outcome_that_cannot_be_found_out_is_parked_for_a_person(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost after"]
    world.house.faults["verify"] = ["unknown"] * 20
    world.approve(case)
    doubtful = finish(world, case, seconds=60)
    assert (doubtful.state, len(world.house.effects)) == (State.OUTCOME_UNKNOWN, 1)
    assert "does not say whether it happened" in doubtful.activity.status_reason.reason
    world.desk.decisions.settle(
        request(case.id, principal("ana"), world.seen(case)),
        has_landed=True,
        note="seen in the order list",
    )
    final = finish(world, case)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


def test_a_person_who_says_it_did_not_happen_ends_it_without_another_try(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.house.faults["verify"] = ["unknown"] * 20
    world.approve(case)
    finish(world, case, seconds=60)
    world.desk.decisions.settle(
        request(case.id, principal("ana"), world.seen(case)), has_landed=False, note="not there"
    )
    final = finish(world, case)
    assert (final.state, world.house.effects) == (State.REFERRED, [])


def test_an_action_without_idempotency_is_never_repeated(world):
    world.house.idempotency = Idempotency.NONE
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.approve(case)
    doubtful = finish(world, case, seconds=5)
    assert (doubtful.state, world.house.effects) == (State.OUTCOME_UNKNOWN, [])
    assert "never repeated by itself" in doubtful.activity.status_reason.reason


def test_a_worker_that_dies_after_the_effect_leaves_one_effect(world):
    """The lease runs out, another worker takes over, looks, and finds it done."""
    case = world.proposed()
    world.approve(case)
    original, world.desk.store.database.write = world.desk.store.database.write, None

    class Died(BaseException):
        pass

    calls = {"writes": 0}

    def dying(job, **more):
        calls["writes"] += 1
        if calls["writes"] == 3:
            raise Died
        return original(job, **more)

    world.desk.store.database.write = dying
    (work,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    with pytest.raises(Died):
        world.desk.execution.executor.run(work)
    world.desk.store.database.write = original
    assert len(world.house.effects) == 1
    assert world.case(case).execution.steps[0].state is StepState.STARTED
    world.clock.forward(seconds=31)
    final = finish(world, case)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


def test_a_worker_that_wakes_up_late_changes_nothing(world):
    case = world.proposed()
    world.approve(case)
    (late,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.clock.forward(seconds=31)
    final = finish(world, case)
    before = world.entry_names(case)
    world.lane.handle(late)
    assert (world.entry_names(case), len(world.house.effects), final.state) == (
        before,
        1,
        State.RESOLVED,
    )


def test_evidence_that_changed_since_the_card_was_drawn_asks_again_on_a_new_card(world):
    case = world.proposed()
    world.house.facts["on_hand"] = 30
    world.approve(case)
    again = finish(world, case)
    assert (again.state, again.proposal.revision, again.generation, world.house.effects) == (
        State.PROPOSED,
        2,
        2,
        [],
    )
    assert again.activity.drift_reasons == ("on_hand was 4, is 30",)
    assert [card for card in world.chat.cards if card.startswith(case.id)] == ["EX-1/1", "EX-1/2"]
    with pytest.raises(Superseded):
        world.approve(case, "omar", seen=CardSnapshot.of(case))
    world.approve(again)
    assert finish(world, again).state is State.RESOLVED


def test_a_target_that_is_gone_asks_again_and_a_system_that_is_away_is_waited_for(world):
    case = world.proposed()
    world.house.faults["precondition"] = ["away"]
    world.approve(case)
    assert finish(world, case).state is State.APPROVED
    assert finish(world, case, seconds=3).state is State.RESOLVED
    other = world.store.cases.case(world.receive(world.signal("product:2")).case_id)
    world.work()
    world.house.faults["precondition"] = ["gone"]
    world.approve(world.case(other))
    again = finish(world, other)
    assert (again.activity.drift_reasons, again.proposal.revision, len(world.house.effects)) == (
        ("exactly one row must match",),
        2,
        1,
    )


def test_an_approver_who_left_between_vote_and_step_does_not_count(world):
    case = world.proposed()
    world.approve(case)
    world.people.change("ana", active=False)
    again = finish(world, case)
    assert (again.state, again.activity.drift_reasons, world.house.effects) == (
        State.PROPOSED,
        ("the approvals no longer count",),
        [],
    )


def test_an_approver_taken_out_of_the_group_does_not_count(world):
    case = world.proposed()
    world.approve(case)
    world.people.members["floor-managers"] = {"omar"}
    assert finish(world, case).activity.drift_reasons == ("the approvals no longer count",)


def test_policy_that_became_stricter_stops_it(world):
    case = world.proposed()
    world.approve(case)
    world.library.rules = policy(medium_above=Decimal(10))
    again = finish(world, case)
    assert again.activity.drift_reasons[0].startswith("policy is stricter now")
    assert world.house.effects == []


def test_a_daily_limit_reached_meanwhile_stops_it(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(times_per_day=1)})
    first, second = world.proposed(), None
    receipt = world.receive(world.signal("product:2"))
    world.work()
    second = world.store.cases.case(receipt.case_id)
    world.approve(first)
    finish(world, first)
    world.approve(second)
    final = finish(world, second)
    assert (final.state, len(world.house.effects)) == (State.REFERRED, 1)


def test_an_edited_plan_runs_as_edited(world):
    case = world.proposed()
    edited_case = world.desk.decisions.edit(
        request(case.id, principal("omar"), world.seen(case)), values={"quantity": 6}
    )
    assert [
        (change.field, change.before, change.after) for change in edited_case.proposal.changes
    ] == [("quantity", 24, 6)]
    world.approve(edited_case)
    final = finish(world, edited_case)
    assert (final.state, final.proposal.plan.actions[0].parameters["quantity"]) == (
        State.RESOLVED,
        6,
    )


def test_only_what_the_playbook_lists_can_be_edited(world):
    case = world.proposed()
    from bot.cases.errors import BadRequest

    with pytest.raises(BadRequest, match="product_id cannot be edited here"):
        world.desk.decisions.edit(
            request(case.id, principal("omar"), world.seen(case)), values={"product_id": 2}
        )
    assert world.entry_names(case)[-1] == "attempt.refused"


# --- several steps -------------------------------------------------------------------------------------------------------


def test_two_steps_run_in_order(world):
    two_steps(world)
    case = world.proposed()
    world.approve(case, "ben")
    final = finish(world, case)
    assert [step.state for step in final.execution.steps] == [StepState.LANDED, StepState.LANDED]
    assert len(world.house.effects) == 2


def test_when_a_later_step_fails_what_landed_is_undone(world):
    two_steps(world)
    case = world.proposed()
    world.house.faults["execute"] = ["", "refuse"]
    world.approve(case, "ben")
    final = finish(world, case)
    assert (final.state, [step.state for step in final.execution.steps]) == (
        State.REFERRED,
        [StepState.UNDONE, StepState.FAILED],
    )
    assert world.house.effects == [
        final.execution.steps[0].key,
        f"undo:{final.execution.steps[0].key}",
    ]


def test_what_cannot_be_undone_is_shown_as_standing(world):
    two_steps(world)
    world.house.reversible = False
    case = world.proposed()
    world.house.faults["execute"] = ["", "refuse"]
    world.approve(case, "ben")
    final = finish(world, case)
    assert (final.state, [step.state for step in final.execution.steps]) == (
        State.REFERRED,
        [StepState.LANDED, StepState.FAILED],
    )
    assert "stays, it cannot be undone" in final.activity.status_reason.reason


def test_a_world_that_moves_between_two_steps_backs_out_the_first(world):
    two_steps(world)
    case = world.proposed()
    world.approve(case, "ben")
    while not world.house.effects:
        (work,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
        world.lane.handle(work)
    world.house.facts["on_hand"] = 99
    final = finish(world, case)
    assert (final.state, [step.state for step in final.execution.steps]) == (
        State.REFERRED,
        [StepState.UNDONE],
    )


def test_an_undo_that_is_refused_is_parked(world):
    two_steps(world)
    case = world.proposed()
    world.house.faults["execute"] = ["", "refuse"]
    world.house.faults["undo"] = ["refuse"] * 20
    world.approve(case, "ben")
    doubtful = finish(world, case, seconds=60)
    assert doubtful.state is State.OUTCOME_UNKNOWN
    world.desk.decisions.settle(
        request(case.id, principal("ben"), world.seen(case)),
        has_landed=True,
        note="cancelled on the phone",
    )
    assert finish(world, case).state is State.REFERRED


# --- alone, afterwards, by hand ---------------------------------------------------------------------------------------------


def test_what_policy_lets_run_alone_runs_alone_and_says_so(world):
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    case = world.proposed()
    final = world.case(case)
    assert (final.state, final.proposal.approvals[0].person) == (
        State.RESOLVED,
        f"policy:{world.library.rules.checksum}",
    )
    assert len(world.house.effects) == 1


def test_a_failed_lookup_is_shown_as_failed_and_the_card_goes_out(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    assert (case.state, case.assessment.evidence[0].failure) == (
        State.REFERRED,
        "the system is away",
    )
    assert "No plan fits" in case.proposal.recommendation.blocked
    assert world.chat.cards["EX-1/1"]


def test_a_case_that_needs_a_person_can_be_looked_at_again_or_handled_by_hand(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    world.house.failing_lookups.clear()
    world.desk.decisions.decide(request(case.id, principal("ana"), world.seen(case)), TryAgain)
    world.work()
    assert world.case(case).state is State.PROPOSED
    other = world.store.cases.case(world.receive(world.signal("product:7")).case_id)
    world.house.failing_lookups.add("look")
    world.work()
    world.desk.decisions.resolve(
        request(other.id, principal("ana"), world.seen(other)), note="called the supplier"
    )
    assert world.case(other).state is State.RESOLVED


def test_clear_closes_what_waits_and_marks_what_runs(world):
    signal = world.signal()
    world.receive(signal)
    world.work()
    world.clear(signal)
    assert world.store.cases.case("EX-1").state is State.CLEARED
    other = world.signal("product:2")
    world.receive(other)
    world.work()
    case = world.store.cases.case("EX-2")
    world.approve(case)
    world.clear(other)
    final = world.case(case)
    assert (final.state, final.timers.cleared_at) == (State.APPROVED, world.clock())


def test_trouble_that_comes_back_within_a_day_is_the_same_case_and_later_a_new_one(world):
    signal = world.signal()
    world.receive(signal)
    world.work()
    world.clear(signal)
    assert world.receive().case_id == "EX-1"
    world.work()
    again = world.store.cases.case("EX-1")
    assert (again.state, again.activity.signal_count, again.generation) == (State.PROPOSED, 2, 2)
    world.clear(world.signal())
    world.clock.forward(hours=25)
    assert world.receive().case_id == "EX-2"


def test_asking_again_after_a_no_counts_on_the_rejected_case(world):
    case = world.proposed()
    world.desk.decisions.reject(
        request(case.id, principal("ana"), world.seen(case)), reason=RejectReason.WRONG_PLAN
    )
    world.receive()
    assert (world.case(case).state, world.case(case).activity.signal_count) == (State.REJECTED, 2)


def test_a_refused_press_is_written_down(world):
    case = world.proposed()
    with pytest.raises(NotEligible, match="only @floor-managers may approve this"):
        world.approve(case, "finn")
    entry = world.store.cases.entries(case.id)[-1]
    assert (entry.body.name, str(entry.actor), entry.body.code, entry.body.on_revision) == (
        "attempt.refused",
        principal("finn"),
        "not_eligible",
        1,
    )


def test_high_risk_asks_afresh_who_people_are(world):
    world.house.amount = Decimal(3000)
    case = world.proposed()
    world.approve(case, "ben", note="yes")
    world.approve(world.case(case), "carla", note="yes")
    assert finish(world, case).state is State.RESOLVED
    assert world.people.fresh_asks >= 4


# --- only the deed itself may say that it failed ----------------------------------------------------------------------------


def step_states(world, case):
    """Every state that was ever reported of a step, in order."""
    return [
        entry.body.state
        for entry in world.store.cases.entries(case.id)
        if entry.body.name == "step.reported"
    ]


@pytest.mark.threat("A2")
@pytest.mark.parametrize("look", ["absent", "unknown", "away", "bug"])
def test_a_deed_that_landed_is_never_failed_by_the_look_after_it(small_world, look):
    world = small_world
    case = world.proposed()
    world.house.faults["verify"] = [look] * 3
    world.approve(case)
    final = finish(world, case, seconds=20)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert StepState.FAILED not in step_states(world, case)
    assert world.house.calls.count("execute") == 1


@pytest.mark.threat("A2")
@pytest.mark.parametrize("look", ["absent", "away"])
def test_what_was_accepted_and_is_never_seen_goes_to_a_person_and_is_not_repeated(
    small_world, look
):
    world = small_world
    case = world.proposed()
    world.house.faults["verify"] = [look] * 50
    world.approve(case)
    doubtful = finish(world, case, seconds=70, step=10)
    assert (doubtful.state, doubtful.execution.steps[0].state) == (
        State.OUTCOME_UNKNOWN,
        StepState.ACCEPTED,
    )
    assert (world.house.calls.count("execute"), len(world.house.effects)) == (1, 1)
    looks = world.house.calls.count("verify")
    assert 5 <= looks <= 12
    world.desk.decisions.settle(
        request(case.id, principal("ana"), world.seen(case)),
        has_landed=True,
        note="seen in the order list",
    )
    assert finish(world, case).state is State.RESOLVED


@pytest.mark.threat("A2")
def test_a_bug_while_a_deed_is_done_leaves_it_in_doubt_and_it_is_found(small_world):
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["bug after"]
    world.approve(case)
    final = finish(world, case, seconds=10)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert step_states(world, case) == [StepState.UNKNOWN, StepState.LANDED]


@pytest.mark.threat("A2")
@pytest.mark.parametrize(
    "looks", [["absent"], ["unknown", "absent"], ["away", "absent", "unknown"]]
)
def test_one_look_that_finds_nothing_is_not_enough_to_repeat_a_deed(small_world, looks):
    """The answer was lost, and the system shows the write only a moment later."""
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["lost after"]
    world.house.faults["verify"] = looks
    world.approve(case)
    final = finish(world, case, seconds=60)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("A2")
def test_a_second_attempt_that_finds_the_world_moved_looks_whether_the_first_one_moved_it(
    small_world,
):
    """Its effect comes to light while it is being done again."""
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["lost after", "moved"]
    world.house.faults["verify"] = ["absent", "absent"]
    world.approve(case)
    final = finish(world, case, seconds=20)
    assert (final.state, final.activity.drift_reasons, len(world.house.effects)) == (
        State.RESOLVED,
        (),
        1,
    )


@pytest.mark.threat("A2")
def test_a_deed_is_repeated_only_after_two_looks_that_found_nothing(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.approve(case)
    final = finish(world, case, seconds=20)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)
    assert world.house.calls == ["execute", "verify", "verify", "execute", "verify"]


@pytest.mark.threat("A2")
def test_what_is_lost_again_and_again_goes_to_a_person(small_world):
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"] * 99
    world.approve(case)
    doubtful = finish(world, case, seconds=60, step=5)
    assert (doubtful.state, world.house.effects) == (State.OUTCOME_UNKNOWN, [])
    assert world.house.calls.count("execute") == MAX_ATTEMPTS


@pytest.mark.threat("A2")
def test_a_system_that_surely_did_nothing_is_tried_again_with_the_same_key(small_world):
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["busy", "busy"]
    world.approve(case)
    final = finish(world, case, seconds=20)
    assert (final.state, world.house.effects) == (State.RESOLVED, [final.execution.steps[0].key])
    assert StepState.FAILED not in step_states(world, case)


@pytest.mark.threat("A2")
def test_a_system_that_keeps_doing_nothing_is_given_up_and_goes_to_a_person(small_world):
    world = small_world
    case = world.proposed()
    world.house.faults["execute"] = ["busy"] * 99
    world.approve(case)
    final = finish(world, case, seconds=60, step=5)
    assert (final.state, final.execution.steps[0].state, world.house.effects) == (
        State.REFERRED,
        StepState.FAILED,
        [],
    )
    assert world.house.calls.count("execute") == MAX_ATTEMPTS


@pytest.mark.threat("A2")
def test_a_deed_that_found_the_world_moved_did_not_happen_and_counts_as_no_failure(world):
    case = world.proposed()
    world.house.faults["execute"] = ["moved"]
    world.approve(case)
    again = finish(world, case)
    assert (again.state, again.activity.drift_reasons, world.house.effects) == (
        State.PROPOSED,
        ("it moved",),
        [],
    )
    names = world.entry_names(case)
    assert names[names.index("step.reported") + 1] == "plan.drifted"
    assert step_states(world, case) == [StepState.ABSENT]
    assert world.store.cases.step_outcomes("house.order_stock", 5) == []


@pytest.mark.threat("A2")
def test_a_later_step_that_did_not_happen_takes_the_first_one_back(small_world):
    world = small_world
    two_steps(world)
    case = world.proposed()
    world.house.faults["execute"] = ["", "moved"]
    world.approve(case, "ben")
    final = finish(world, case)
    assert (final.state, [step.state for step in final.execution.steps]) == (
        State.REFERRED,
        [StepState.UNDONE, StepState.ABSENT],
    )
    assert world.store.cases.step_outcomes("house.open_claim", 5) == []


@pytest.mark.threat("A2")
def test_looks_that_fail_never_trip_the_circuit_breaker(small_world):
    world = small_world
    for number in range(4):
        receipt = world.receive(world.signal(f"product:{number}"))
        world.work()
        world.house.faults["verify"] = ["absent"] * 3
        world.approve(world.store.cases.case(receipt.case_id))
        finish(world, world.store.cases.case(receipt.case_id), seconds=20)
    assert set(world.store.cases.step_outcomes("house.order_stock", 9)) == {"LANDED"}
    assert world.store.desk_controls.load().pauses == ()


# --- taking back, with the same care ----------------------------------------------------------------------------------------


def being_taken_back(world, *faults, looks=()):
    """Two steps of which the second is refused, so that the first is taken back."""
    two_steps(world)
    case = world.proposed()
    world.house.faults["execute"] = ["", "refuse"]
    world.house.faults["undo"] = list(faults)
    world.house.faults["verify"] = ["", *looks]
    world.approve(case, "ben")
    return case


@pytest.mark.threat("A2")
@pytest.mark.parametrize("looks", [[], ["absent"], ["away", "absent"], ["bug"]])
@pytest.mark.parametrize("fault", ["lost after", "bug after"])
def test_an_undo_whose_answer_was_lost_is_found_and_never_repeated(small_world, fault, looks):
    world = small_world
    case = being_taken_back(world, fault, looks=looks)
    final = finish(world, case, seconds=60)
    assert (final.state, final.execution.steps[0].state) == (State.REFERRED, StepState.UNDONE)
    assert world.house.effects == [
        final.execution.steps[0].key,
        f"undo:{final.execution.steps[0].key}",
    ]


@pytest.mark.threat("A2")
@pytest.mark.parametrize("fault", ["lost before", "busy"])
def test_an_undo_that_did_not_happen_is_repeated_after_two_looks(small_world, fault):
    world = small_world
    case = being_taken_back(world, fault)
    final = finish(world, case, seconds=60)
    assert (final.state, final.execution.steps[0].state, len(world.house.effects)) == (
        State.REFERRED,
        StepState.UNDONE,
        2,
    )
    first, second = (place for place, call in enumerate(world.house.calls) if call == "undo")
    assert world.house.calls[first + 1 : second] == ["verify", "verify"]


@pytest.mark.threat("A2")
def test_an_undo_that_is_refused_goes_to_a_person_at_once(small_world):
    world = small_world
    case = being_taken_back(world, "refuse", "refuse")
    doubtful = finish(world, case)
    assert (doubtful.state, world.house.calls.count("undo")) == (State.OUTCOME_UNKNOWN, 1)
    world.desk.decisions.settle(
        request(case.id, principal("ben"), world.seen(case)), has_landed=False, note="it stays"
    )
    assert finish(world, case).state is State.OUTCOME_UNKNOWN
    world.desk.decisions.settle(
        request(case.id, principal("ben"), world.seen(case)),
        has_landed=True,
        note="cancelled on the phone",
    )
    final = finish(world, case)
    assert (final.state, final.execution.steps[0].state) == (State.REFERRED, StepState.UNDONE)


# --- when another worker takes over -----------------------------------------------------------------------------------------


def start_and_die(world, case, how):
    """The first worker begins the step and dies in it; its lease then runs out."""
    world.house.faults["execute"] = [how]
    world.approve(case)
    (work,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    with pytest.raises(Died):
        world.desk.execution.executor.run(work)
    assert world.case(case).execution.steps[0].state is StepState.STARTED
    world.clock.forward(seconds=30)


@pytest.mark.threat("A3")
def test_a_started_step_is_not_repeated_while_its_first_worker_may_still_be_at_it(small_world):
    world = small_world
    case = world.proposed()
    start_and_die(world, case, "die before")
    began = world.case(case).execution.steps[0].at
    while world.clock() <= began + timedelta(seconds=30) + world.house.timeout:
        world.work()
        assert (world.house.calls.count("execute"), world.case(case).execution.steps[0].state) == (
            1,
            StepState.STARTED,
        )
        world.clock.forward(seconds=1)
    world.work()
    assert world.case(case).execution.steps[0].state in {StepState.UNKNOWN, StepState.MISSING}
    final = finish(world, case, seconds=20)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("A3")
@pytest.mark.parametrize("looks", [["absent"], ["absent"] * 3, ["absent", "away", "absent"]])
def test_a_world_that_the_first_worker_changed_is_no_drift_before_its_step_is_looked_for(
    world, looks
):
    """The slow system shows the effect late; what it changed is already to be seen in the precondition."""
    case = world.proposed()
    start_and_die(world, case, "die after")
    world.house.facts["on_hand"] = 28
    world.house.faults["verify"] = looks
    final = finish(world, case, seconds=40)
    assert (final.state, final.activity.drift_reasons, len(world.house.effects)) == (
        State.RESOLVED,
        (),
        1,
    )


@pytest.mark.threat("A3")
def test_a_started_step_that_did_not_happen_is_absent_before_it_drifts(small_world):
    world = small_world
    case = world.proposed()
    start_and_die(world, case, "die before")
    world.house.facts["on_hand"] = 28
    again = finish(world, case, seconds=40)
    assert (again.state, again.activity.drift_reasons, world.house.effects) == (
        State.PROPOSED,
        ("on_hand was 4, is 28",),
        [],
    )
    assert step_states(world, case) == [StepState.UNKNOWN, StepState.MISSING, StepState.ABSENT]
    names = world.entry_names(case)
    assert names[names.index("plan.drifted") - 1] == "step.reported"


@pytest.mark.threat("A3")
def test_an_effect_is_not_begun_by_a_process_that_stood_still_after_it_had_written_its_intent(
    small_world,
):
    world = small_world
    case = world.proposed()
    world.approve(case)
    times = iter([0.0])
    object.__setattr__(
        world.desk.execution.executor.lease, "stopwatch", lambda: next(times, 3_600.0)
    )
    (work,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.lane.handle(work)
    object.__setattr__(world.desk.execution.executor.lease, "stopwatch", boottime)
    assert (world.case(case).execution.steps[0].state, world.house.calls) == (StepState.STARTED, [])
    final = finish(world, case, seconds=60)
    assert (final.state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("A3")
def test_a_worker_whose_lease_is_gone_cannot_begin_a_step(world):
    case = world.proposed()
    world.approve(case)
    (late,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.clock.forward(seconds=31)
    (taken_over,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.lane.handle(late)
    assert (world.case(case).state, world.house.calls) == (State.APPROVED, [])
    world.lane.handle(taken_over)
    assert finish(world, case).state is State.RESOLVED


@pytest.mark.threat("A3")
def test_an_undo_is_not_repeated_while_its_first_worker_may_still_be_at_it(small_world):
    world = small_world
    case = being_taken_back(world, "die before")
    with pytest.raises(Died):
        world.work()
    began = world.case(case).execution.steps[0].at
    world.clock.forward(seconds=30)
    while world.clock() <= began + timedelta(seconds=30) + world.house.timeout:
        world.work()
        assert (world.house.calls.count("undo"), world.case(case).execution.steps[0].state) == (
            1,
            StepState.UNDOING,
        )
        world.clock.forward(seconds=1)
    final = finish(world, case, seconds=20)
    assert (final.state, final.execution.steps[0].state, len(world.house.effects)) == (
        State.REFERRED,
        StepState.UNDONE,
        2,
    )
