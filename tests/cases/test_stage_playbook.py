"""The built-in kinds that decide stages: no file declares them, and the right people decide."""

from bot.cases.desk_kinds import CHANGE_STAGE, concerned_kind, is_stage_kind, stage_kind
from bot.cases.judgement import judge
from bot.cases.plan import Idempotency
from bot.cases.policy import RiskTier, Stage
from bot.cases.stage_playbook import stage_playbook, with_desk_actions
from bot.cases.usage import Usage
from bot.cases.verdict import Ruling
from knowledge.library import load
from tests.cases.making import action, plan
from tests.world import playbook, policy


def test_the_name_of_the_kind_leads_back():
    kind = stage_kind("low_stock")
    assert (is_stage_kind(kind), concerned_kind(kind)) == (True, "low_stock")
    assert not is_stage_kind("low_stock")


def test_the_governance_owners_of_the_kind_decide_in_its_channel():
    book = stage_playbook(playbook())
    assert (book.channel, book.owners.business) == ("C0STOCK", "owners")
    change = action(
        name=CHANGE_STAGE, system="desk", amount=None, idempotency=Idempotency.NATIVE_KEY
    )
    rules = with_desk_actions(policy())
    verdict = judge(plan(actions=(change,)), book.terms, rules, Usage())
    assert (verdict.ruling, verdict.tier) == (Ruling.ASK, RiskTier.LOW)
    assert [(one.group, one.count) for one in verdict.factors] == [("owners", 1)]


def test_a_change_of_stage_never_runs_alone():
    assert with_desk_actions(policy()).actions[CHANGE_STAGE].alone is False
    assert stage_playbook(playbook()).terms.stage is Stage.SUPERVISED


def test_every_library_has_them_and_nobody_raises_them_by_hand():
    library = load()
    for kind in library.playbooks:
        assert library.playbook(stage_kind(kind)).kind == stage_kind(kind)
    assert not any(is_stage_kind(kind) for kind, _ in library.titles())
    labels = library.labels()
    assert labels.action(CHANGE_STAGE) == "Change what the bot may do alone"
    assert labels.kind(stage_kind("low_stock")).startswith("More autonomy: ")


def test_policy_has_the_checksum_of_its_file():
    rules = policy()
    assert with_desk_actions(rules).checksum == rules.checksum
