"""Changed playbooks from end to end: beside the old one, on a share, by vote, and back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.case import Case
from bot.cases.desk_kinds import version_kind
from bot.cases.entries import (
    RejectReason,
    VersionAdopted,
    VersionBegun,
    VersionCompared,
    VersionEnded,
)
from bot.cases.evaluation import demoted_by
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.verdict import Ruling
from bot.cases.version_record import KindVersions, VersionPhase, WaitingVersion
from bot.cases.version_rule import VersionRule
from bot.ports.case_queries import CaseFilter
from bot.ports.connector import EffectStatus
from bot.ports.outbox import Topic
from bot.store.database import Database
from bot.store.store import Store
from tests.desk.test_promotions import take_back
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

pytestmark = pytest.mark.proof

KIND = "low_stock"
ORDER = "house.order_stock"
DAY = timedelta(days=1)
RULE = VersionRule(shadow=3, share=100, trial=2, watch=10 * DAY)


@pytest.fixture
def world(world) -> World:
    """A desk whose first playbook orders what the system says."""
    world.house.rows = [{**world.house.rows[0], "at_risk": 10, "case_size": 6, "shop": "Soho"}]
    world.house.undo_for = DAY
    world.library.rules = tried()
    world.library.edit(playbook())
    world.start("")
    world.desk.upkeep.version_review.offer()
    return world


def tried(rule: VersionRule | None = RULE, **changes):
    return policy(medium_above=Decimal(1000), versions=rule, **changes)


def book(quantity: str = "stock.case_size", **changes):
    base = playbook(**changes)
    (offer,) = base.offers
    parameters = {**offer.parameters, "quantity": quantity}
    return replace(base, offers=(replace(offer, parameters=parameters),))


def edit(world: World, changed=None) -> str:
    """Save another playbook, and start again; return its version."""
    version = world.library.edit(changed or book()).version
    restart(world)
    return version


def restart(world: World) -> None:
    world.start("")
    world.desk.upkeep.version_review.offer()
    world.work()


def case_of(world: World, number: int) -> Case:
    case_id = world.receive(world.signal(f"product:{number}")).case_id
    world.work()
    world.clock.at += timedelta(minutes=5)
    return world.store.cases.case(case_id)


def decided(world: World, number: int) -> Case:
    case = case_of(world, number)
    world.approve(case)
    world.work()
    return world.case(case)


def quantity(case: Case) -> object:
    assert case.proposal.plan is not None
    return case.proposal.plan.actions[0].parameters["quantity"]


def versions(world: World) -> KindVersions:
    found = world.store.desk_controls.load().versions_of(KIND)
    assert found is not None
    return found


def waiting(world: World) -> WaitingVersion:
    found = versions(world).waiting
    assert found is not None
    return found


def desk_entries(world: World, *types):
    return [e.body for e in world.store.cases.entries("DESK") if isinstance(e.body, types)]


def comparisons(world: World, case: Case):
    bodies = [entry.body for entry in world.store.cases.entries(case.id)]
    return [body.comparison for body in bodies if isinstance(body, VersionCompared)]


def question(world: World) -> Case:
    """The one card that asks to let the version be in force."""
    filter = CaseFilter(kinds=(version_kind(KIND),))
    (case,) = [case for case in world.store.queries.find(filter, 10) if not case.is_terminal]
    return case


def to_trial(world: World) -> str:
    version = edit(world)
    for number in range(RULE.shadow):
        case_of(world, number)
    assert waiting(world).phase is VersionPhase.TRIAL
    return version


def to_question(world: World) -> tuple[str, Case]:
    version = to_trial(world)
    for number in range(RULE.trial):
        decided(world, 100 + number)
    world.desk.upkeep.version_review.advance()
    world.work()
    return version, world.case(question(world))


def test_the_playbook_of_the_first_start_is_in_force_without_a_question(world):
    (first,) = desk_entries(world, VersionAdopted)
    assert (first.kind, first.checksum) == (KIND, world.library.book.version)
    assert (first.reason, first.before, first.text) == ("the first start", "", "file 1")
    restart(world)
    assert len(desk_entries(world, VersionAdopted)) == 1
    assert versions(world).waiting is None


def test_the_version_that_judged_it_is_on_every_case(world):
    assert case_of(world, 1).assessment.playbook_version == world.library.book.version
    # Also where there is no plan.
    world.house.rows = []
    case = case_of(world, 2)
    assert case.proposal.plan is None
    assert case.assessment.playbook_version == world.library.book.version


def test_texts_are_no_version(world):
    edit(world, playbook(title="Almost gone", what="{stock.product} is almost gone"))
    assert versions(world).waiting is None
    assert case_of(world, 1).assessment.what == "Merlot is almost gone"


def test_a_changed_playbook_judges_beside_the_old_one_and_nothing_follows(world):
    version = edit(world)
    case = case_of(world, 1)
    assert quantity(case) == 24
    (comparison,) = comparisons(world, case)
    assert (comparison.version, comparison.is_on_trial) == (version, False)
    (difference,) = comparison.differences
    assert (difference.name, difference.in_force, difference.candidate) == (
        "plan",
        "quantity 24",
        "quantity 6",
    )
    assert case.proposal.plan.playbook_digest == world.library.saved_playbooks["file 1"].checksum
    # It is no party to the case: the card that people see is still the one to decide on.
    world.approve(case)
    world.work()
    assert world.case(case).state is State.RESOLVED


def test_what_both_look_up_is_asked_once(world):
    asked: list[str] = []
    look_up = world.house.look_up

    def count(query, parameters, limit):
        asked.append(query)
        return look_up(query, parameters, limit)

    world.house.look_up = count
    lookup = playbook().evidence[0]
    more = replace(lookup, name="shelf", query="look at the shelf")
    edit(world, book(evidence=(lookup, more)))
    case_of(world, 1)
    assert asked == ["look", "look at the shelf"]


def test_a_version_that_cannot_judge_touches_no_case_and_goes_no_further(world):
    broken = replace(playbook().offers[0], parameters={"product_id": "signal.nothing"}, edit=())
    edit(world, playbook(offers=(broken,)))

    def fail(query, parameters, limit):
        if query == "look":
            return world.house.rows[:limit]
        raise RuntimeError("a bug in the look-up")

    world.house.look_up = fail
    lookup = replace(playbook().evidence[0], query="look elsewhere")
    edit(world, book(evidence=(lookup,)))
    for number in range(RULE.shadow + 2):
        case = case_of(world, number)
        assert quantity(case) == 24
        (comparison,) = comparisons(world, case)
        assert comparison.failure == "a bug in the look-up"
    assert waiting(world).phase is VersionPhase.SHADOW


def test_after_enough_cases_it_judges_its_share_and_nothing_of_it_runs_alone(world):
    version = to_trial(world)
    case = case_of(world, 50)
    assert (quantity(case), case.assessment.is_on_trial) == (6, True)
    assert case.assessment.playbook_version == version
    assert case.proposal.plan.playbook_digest == world.library.book.checksum
    (comparison,) = comparisons(world, case)
    assert comparison.is_on_trial
    assert [one.candidate for one in comparison.differences] == ["quantity 6"]


def test_on_trial_nothing_runs_alone(world):
    limits = {**policy().actions, ORDER: ActionLimit(alone=True)}
    world.library.rules = tried(actions=limits)
    terms = PlaybookTerms(stage=Stage.AUTONOMOUS)
    world.library.edit(playbook(terms=terms))
    restart(world)
    edit(world, book(terms=terms))
    for number in range(RULE.shadow):
        case = case_of(world, number)
        assert case.proposal.verdict.ruling is Ruling.AUTO_APPROVE
        # What it would do alone is said, though on trial it asks.
        assert [one.name for one in comparisons(world, case)[0].differences] == ["plan"]
    case = case_of(world, 50)
    assert (quantity(case), case.proposal.verdict.ruling) == (6, Ruling.ASK)
    assert [one.name for one in comparisons(world, case)[0].differences] == ["plan"]


def test_a_share_meets_the_same_subjects_each_time(world):
    world.library.rules = tried(replace(RULE, share=50, trial=10))
    to_trial(world)
    first = {number: case_of(world, number).assessment.is_on_trial for number in range(200, 220)}
    assert 3 < sum(first.values()) < 17
    for number in first:
        world.clear(world.signal(f"product:{number}"))
    world.work()
    again = {number: case_of(world, number).assessment.is_on_trial for number in first}
    assert again == first


def test_a_trial_in_one_place_judges_by_a_fact(world):
    rule = replace(RULE, only={KIND: "stock.shop == 'Soho'"})
    world.library.rules = tried(rule)
    to_trial(world)
    assert case_of(world, 50).assessment.is_on_trial
    world.house.rows = [{**world.house.rows[0], "shop": "Camden"}]
    assert not case_of(world, 51).assessment.is_on_trial


def test_the_governance_owners_are_asked_with_the_disagreements(world):
    version, case = to_question(world)
    assert case.signal.title == "Let the new version of “Running low” be in force?"
    assert case.assessment.what == "Another version of the playbook: actions differ."
    assert case.assessment.why == (
        "Judged otherwise in 5 of 5 cases: EX-5 quantity 24 → 6 (new one approved),"
        " EX-4 quantity 24 → 6 (new one approved). The new version judged 2 cases: 2 approved."
    )
    shown = [(fact.label, fact.value) for fact in case.assessment.evidence if fact.label]
    assert shown == [
        ("What changes", "actions"),
        ("Compared beside the version in force", "5 cases: 0 alike, 5 otherwise"),
        ("Judged by the new version", "2 cases: 2 approved"),
        ("If a case turns out wrong", "the version before is back at once, for 10 days"),
        ("Judged otherwise, 1", "EX-5 quantity 24 → 6 (new one approved)"),
        ("Judged otherwise, 2", "EX-4 quantity 24 → 6 (new one approved)"),
        ("Judged otherwise, 3", "EX-3 quantity 24 → 6 (old one not decided yet)"),
        ("Judged otherwise, 4", "EX-2 quantity 24 → 6 (old one not decided yet)"),
        ("Judged otherwise, 5", "EX-1 quantity 24 → 6 (old one not decided yet)"),
    ]
    assert [factor.group for factor in case.proposal.verdict.factors] == ["owners"]
    world.approve(case, "elsie")
    world.work()
    assert world.case(case).state is State.RESOLVED
    last = desk_entries(world, VersionAdopted)[-1]
    assert (last.checksum, last.by_name, last.on_case) == (version, "Elsie", case.id)
    # In force without a restart, and nobody is asked again.
    after = case_of(world, 300)
    assert (quantity(after), after.assessment.is_on_trial) == (6, False)
    world.desk.upkeep.version_review.advance()
    assert versions(world).waiting is None
    restart(world)
    assert versions(world).waiting is None


def test_a_rejected_version_is_not_tried_again_until_the_file_is_edited(world):
    version, case = to_question(world)
    by = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.NOT_WORTH_IT, note="too few bottles")
    world.work()
    (end,) = desk_entries(world, VersionEnded)
    assert (end.checksum, end.reason, end.on_case) == (version, "too few bottles", case.id)
    restart(world)
    assert versions(world).waiting is None
    assert quantity(case_of(world, 300)) == 24
    assert edit(world, book("`12`")) == waiting(world).checksum


def test_a_bad_outcome_on_trial_ends_it_in_the_same_commit_and_tells_the_owners(world):
    version = to_trial(world)
    case = decided(world, 50)
    assert quantity(case) == 6
    take_back(world, case)
    (end,) = desk_entries(world, VersionEnded)
    assert (end.checksum, end.on_case) == (version, case.id)
    assert quantity(case_of(world, 51)) == 24
    told = [text for key, text in world.chat.sent.items() if ":version:" in key]
    assert len(told) == 1
    assert f"{case.id} was taken back" in told[0]
    assert case.id in demoted_by(world.store.cases.entries("DESK"))
    # It is not tried again by another start.
    restart(world)
    assert versions(world).waiting is None


def test_a_bad_outcome_of_the_old_version_ends_nothing(world):
    world.library.rules = tried(replace(RULE, share=0, only={KIND: "stock.shop == 'Soho'"}))
    to_trial(world)
    world.house.rows = [{**world.house.rows[0], "shop": "Camden"}]
    case = decided(world, 50)
    take_back(world, case)
    assert waiting(world).phase is VersionPhase.TRIAL


def test_a_bad_outcome_soon_after_brings_the_version_before_back(world):
    version, case = to_question(world)
    world.approve(case, "elsie")
    world.work()
    first = desk_entries(world, VersionAdopted)[0].checksum
    wrong = decided(world, 300)
    take_back(world, wrong)
    assert versions(world).in_force.checksum == first
    assert (versions(world).past_candidates, versions(world).ended_on) == ((version,), wrong.id)
    assert quantity(case_of(world, 301)) == 24
    restart(world)
    assert quantity(case_of(world, 302)) == 24
    assert versions(world).waiting is None


def test_a_bad_outcome_long_after_brings_nothing_back(world):
    version, case = to_question(world)
    world.approve(case, "elsie")
    world.work()
    world.clock.at += 11 * DAY
    take_back(world, decided(world, 300))
    assert versions(world).in_force.checksum == version


def test_what_was_let_in_can_be_taken_back(world):
    version, case = to_question(world)
    world.approve(case, "elsie")
    world.work()
    by = request(case.id, principal("elsie"), world.seen(world.case(case)))
    world.desk.decisions.undo(by, note="too soon")
    world.work()
    assert quantity(case_of(world, 300)) == 24
    assert versions(world).past_candidates == (version,)


def test_a_file_put_back_ends_the_trial(world):
    edit(world)
    world.library.edit(playbook())
    restart(world)
    assert versions(world).waiting is None
    assert comparisons(world, case_of(world, 1)) == []


def test_a_file_edited_again_counts_anew(world):
    edit(world)
    case_of(world, 1)
    case_of(world, 2)
    version = edit(world, book("`12`"))
    case_of(world, 3)
    case_of(world, 4)
    assert (waiting(world).checksum, waiting(world).phase) == (version, VersionPhase.SHADOW)
    assert len(desk_entries(world, VersionBegun)) == 2
    case_of(world, 5)
    assert waiting(world).phase is VersionPhase.TRIAL


def test_a_restart_in_the_middle_goes_on(world):
    edit(world)
    case_of(world, 1)
    restart(world)
    case_of(world, 2)
    restart(world)
    case_of(world, 3)
    assert waiting(world).phase is VersionPhase.TRIAL


def test_without_the_rule_a_changed_playbook_is_in_force_at_once_and_the_ledger_says_so(world):
    world.library.rules = tried(None)
    version = edit(world)
    last = desk_entries(world, VersionAdopted)[-1]
    assert (last.checksum, last.reason) == (version, "policy says nothing of trying versions")
    case = case_of(world, 1)
    assert (quantity(case), comparisons(world, case)) == (6, [])


def test_a_process_with_older_files_uses_what_is_in_force(world, other_store):
    old = other_process(world, other_store)
    _, case = to_question(world)
    # It has judged nothing yet, and has its own files only.
    assert quantity(case_of(old, 400)) == 6
    world.approve(case, "elsie")
    world.work()
    assert quantity(case_of(old, 401)) == 6
    # Nor does its review change anything.
    old.desk.upkeep.version_review.advance()
    assert versions(world).in_force.checksum == world.library.book.version


@pytest.fixture
def other_store(world):
    database = Database(world.store.database.url)
    yield Store.over(database)
    database.close()


def other_process(world: World, store: Store, book=None) -> World:
    """A process that still runs with the first file, or with this one."""
    other = World(store, outside=world)
    other.library.rules = world.library.rules
    other.library.saved_playbooks = world.library.saved_playbooks
    other.library.book = book or world.library.saved_playbooks["file 1"]
    other.house.rows = [{**world.house.rows[0], "case_size": 6, "shop": "Soho"}]
    other._keys = world._keys
    other.start("")
    return other


def test_nothing_is_planned_by_a_version_that_another_process_has_replaced(world, other_store):
    limits = {**policy().actions, ORDER: ActionLimit(alone=True)}
    world.library.rules = tried(None, actions=limits)
    terms = PlaybookTerms(stage=Stage.AUTONOMOUS)
    world.library.edit(playbook(terms=terms))
    restart(world)
    case_of(world, 1)
    stale = other_process(world, other_store, world.library.book)
    case_of(stale, 2)
    edit(world, book(terms=terms))
    # Within a minute of what it has read, the other process would plan by the version before.
    world.clock.at -= timedelta(minutes=5)
    case_id = stale.receive(stale.signal("product:3")).case_id
    claimed = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
    stale.lane.handle(claimed[0])
    assert world.store.cases.case(case_id).proposal.plan is None
    stale.work()
    after = world.store.cases.case(case_id)
    assert "plan.drifted" not in world.entry_names(after)
    assert quantity(after) == 6


def test_in_a_dry_run_the_files_are_in_force_and_nothing_is_recorded(world):
    world.library.edit(book())
    world.start("dry-run")
    world.desk.upkeep.version_review.offer()
    case = case_of(world, 1)
    assert quantity(case) == 6
    assert len(desk_entries(world, VersionAdopted, VersionBegun)) == 1


def test_a_signal_from_outside_lets_no_version_in(world):
    version = to_trial(world)
    signal = replace(
        world.signal("product:9"),
        kind=version_kind(KIND),
        facts={"of_kind": KIND, "version": version},
    )
    case_id = world.receive(signal).case_id
    world.work()
    case = world.store.cases.case(case_id)
    assert case.proposal.plan is None
    for number in range(RULE.trial):
        decided(world, 100 + number)
    desk = world.desk.systems["desk"]
    action = desk.prepare("adopt_version", {"kind": KIND, "version": version})
    with pytest.raises(Exception, match="no case of the desk"):
        desk.execute(action, "k" * 64)
    assert desk.verify(action, "k" * 64) is EffectStatus.ABSENT


def test_where_nothing_is_tried_no_case_reads_the_controls_for_it(world, monkeypatch):
    case_of(world, 1)
    store = type(world.store.desk_controls)
    loads: list[str] = []
    load = store.load

    def count(self):
        loads.append("load")
        return load(self)

    monkeypatch.setattr(store, "load", count)

    def count_loads(number: int) -> int:
        before = len(loads)
        world.receive(world.signal(f"product:{number}"))
        claimed = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
        world.lane.handle(claimed[0])
        return len(loads) - before

    count_loads(2)
    count_with_versions = count_loads(3)
    # As in a release without them.
    world.library.book = replace(world.library.book, version="")
    assert count_with_versions == count_loads(4)
