"""What counts as another rule, and what is only said otherwise."""

import pytest

from knowledge.library import copy_library
from knowledge.library.library import PACKAGED, load

ACTION = "house.reopen_task"


@pytest.fixture
def folder(tmp_path):
    copy_library(PACKAGED, tmp_path)
    return tmp_path


def rewrite(folder, name: str, old: str, new: str):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return load(folder).rule_record()


def test_the_same_files_have_the_same_checksum(folder):
    assert load(folder).rule_record().checksum == load(folder).rule_record().checksum


def test_a_comment_is_no_change(folder):
    before = load(folder).rule_record()
    after = rewrite(folder, "policy.yml", "currency: GBP", "# in pounds\ncurrency: GBP")
    assert after.checksum == before.checksum


def test_a_limit_an_owner_and_an_account_are_changes(folder):
    before = load(folder).rule_record()
    limit = rewrite(folder, "policy.yml", "high_above: 2500", "high_above: 2400")
    assert limit.checksum != before.checksum
    people = rewrite(
        folder, "people.yml", "people: []", 'people: [{name: A, accounts: [T1/U1, "staff:1"]}]'
    )
    assert people.people_checksum != before.people_checksum
    owner = rewrite(
        folder, "playbooks/task_no_evidence.yml", "governance: owners", "governance: ops-leads"
    )
    assert owner.governors != before.governors


def test_another_statement_is_another_definition_and_another_title_is_none(folder):
    before = load(folder).rule_record()
    title = load(folder).systems["house"].actions["reopen_task"].title
    titled = rewrite(folder, "systems.yml", title, "Another title")
    assert before.changed_actions(titled) == frozenset()
    other = rewrite(folder, "systems.yml", "UPDATE tasks SET", "UPDATE tasks SET done_at = NULL,")
    assert ACTION in before.changed_actions(other)


def test_another_address_changes_every_action_of_the_system(folder):
    before = load(folder).rule_record()
    other = rewrite(folder, "systems.yml", "HARBOUR_CARRIER_URL", "OTHER_CARRIER_URL")
    changed = before.changed_actions(other)
    assert changed == {name for name in before.actions if name.startswith("carrier.")}


def test_a_policy_that_was_adopted_reads_back_as_it_was(folder):
    library = load(folder)
    text = library.rule_record().policy_text
    assert library.policy_from(text) == library.policy()
