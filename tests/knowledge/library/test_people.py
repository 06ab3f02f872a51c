"""``people.yml``: which accounts are one person's."""

import pytest

from bot.cases.identity import UNLINKED, Identities
from knowledge.library import load
from knowledge.library.library import PACKAGED
from tests.knowledge.library.editing import change, refuse

MISTAKES = [
    ("people: []", "people: [{name: Ana}]", "people.yml:7: people.0.accounts: Field required"),
    ("people: []", "people:\n  - {name: Ana, accounts: []}", "people.yml:8: people.0.accounts"),
    (
        "people: []",
        'people:\n  - {name: Ana, accounts: ["staff:17"]}',
        "people.yml:8: people.0: .*one of the accounts must be in Slack, as team/user",
    ),
    (
        "people: []",
        "people:\n  - {name: Ana, accounts: [T1/UANA, 17]}",
        "people.yml:8: people.0.accounts.1: .*string",
    ),
    (
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, " x"]}',
        "people.yml:8: people.0.accounts.1: .*pattern",
    ),
    (
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, "*"]}',
        "people.yml:8: people.0.accounts.1: .*pattern",
    ),
    (
        "people: []",
        "people:\n  - {name: Ana, accounts: [T1/UANA, a@x.example]}\n"
        "  - {name: Ben, accounts: [T1/UBEN, A@X.example]}",
        "people.yml: a@x.example belongs to Ana and to Ben; an account is one person's",
    ),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "people.yml", before, after, complaint=complaint)


@pytest.mark.threat("B6")
def test_people_are_declared_with_all_their_accounts_and_the_file_may_be_missing(folder):
    change(
        folder / "people.yml",
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, T2/UTWO, "staff:17"]}',
    )
    people = load(folder).identities()
    assert {people.person_of(account) for account in ("T1/UANA", "T2/UTWO", "STAFF:17")} == {
        "T1/UANA"
    }
    assert people.person_of("staff:18") is None
    (folder / "people.yml").unlink()
    assert load(folder).identities() == UNLINKED == load().identities()


def test_accounts_before_count_until_they_are_taken_away_again():
    library = load(PACKAGED)
    earlier = Identities.of([["T1/UANA", "T1/UANA2"]])
    assert not library.identities().is_same_person("T1/UANA", "T1/UANA2")
    library.join_identities(earlier)
    assert library.identities().is_same_person("T1/UANA", "T1/UANA2")
    assert library.declared_identities() == UNLINKED
    library.join_identities(None)
    assert library.identities() == UNLINKED
